package record

import "fmt"

// Alert is why a peer ends a channel. It travels only sealed, in a record that
// is the last of its direction. Received, it is in the chain of the error that
// [Session.Open] returns, for [errors.As].
type Alert uint8

// The alerts. Others that arrive are kept as they are.
const (
	// AlertRecord says that a record of the peer's was refused.
	AlertRecord Alert = 1
	// AlertInternal says that the sender cannot go on, by no fault of the peer's.
	AlertInternal Alert = 2
	// AlertExpired says that the certificate's epoch, and its grace, are over.
	AlertExpired Alert = 3
	// AlertGeneration says that the venue has raised its generation.
	AlertGeneration Alert = 4
	// AlertShutdown says that the sender stops, and keeps nothing.
	AlertShutdown Alert = 5
	// AlertBanned says that the venue has banned the pseudonym.
	AlertBanned Alert = 6
)

// Error returns the meaning of the alert.
func (a Alert) Error() string {
	switch a {
	case AlertRecord:
		return "the peer refused a record"
	case AlertInternal:
		return "the peer cannot go on"
	case AlertExpired:
		return "the certificate's epoch is over"
	case AlertGeneration:
		return "the venue raised its generation"
	case AlertShutdown:
		return "the peer shuts down"
	case AlertBanned:
		return "the venue has banned the pseudonym until its epoch ends"
	default:
		return fmt.Sprintf("the peer ended the channel with alert %d", uint8(a))
	}
}
