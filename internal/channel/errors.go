package channel

import (
	"errors"
	"fmt"
)

var (
	// ErrConfig reports a configuration that is incomplete.
	ErrConfig = errors.New("configuration is not acceptable")
	// ErrBacklog reports a message that was not queued, because the peer takes
	// none of those before it. Send it again later, or give the channel up.
	ErrBacklog = errors.New("too many messages wait for the peer")
	// ErrConfirm reports a peer that has the keys, and that the configuration's
	// Confirmed refused all the same. The reason is in the chain.
	ErrConfirm = errors.New("the peer was not confirmed")
)

// cutError is the end of what can be read: what it means to the session, and the
// error of the connection below, or nil. Every channel ends, and few look at why:
// it becomes text when it is asked to.
type cutError struct{ end, below error }

func (e *cutError) Error() string {
	if e.below == nil {
		return fmt.Sprintf("channel: %v", e.end)
	}
	return fmt.Sprintf("channel: reading: %v: %v", e.end, e.below)
}

func (e *cutError) Unwrap() []error {
	if e.below == nil {
		return []error{e.end}
	}
	return []error{e.end, e.below}
}
