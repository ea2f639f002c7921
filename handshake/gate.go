package handshake

import (
	"context"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
)

// Reasons for which a venue refuses a handshake, beside those of package zkkex.
// They reach the peer only under keys that both sides just agreed on.
const (
	// NotAdmitted: the session key is not that of an admitted certificate. Admit
	// it first, or open with the certificate inline.
	NotAdmitted zkkex.Reason = "not_admitted"
	// OpensExceeded: this open counter was used before, or the certificate was
	// opened as often as the venue allows.
	OpensExceeded zkkex.Reason = "opens_exceeded"
	// ChannelsExceeded: the certificate has as many channels as the venue allows.
	ChannelsExceeded zkkex.Reason = "channels_exceeded"
	// WrongGeneration: the venue has raised its generation: prove again.
	WrongGeneration zkkex.Reason = "generation"
	// Banned: the venue has banned the pseudonym until its epoch ends.
	Banned zkkex.Reason = "banned"
	// Unavailable: the venue cannot tell now, by no fault of the peer's.
	Unavailable zkkex.Reason = "unavailable"
)

// Admission is what a venue has recorded of an admitted certificate.
type Admission struct {
	// Certificate is the certificate's digest.
	Certificate session.Digest
	// Statement is what its proof showed.
	Statement zkkex.Statement
	// Epoch is the epoch that its slot counts in.
	Epoch zkkex.Epoch
	// Key is the session key that it authorises, an X25519 public key.
	Key [32]byte
	// Generation is the venue's when it was admitted.
	Generation uint32
}

// Gate makes a venue's decisions about certificates; package admission has one.
// Of its errors, one that wraps [zkkex.ErrRejected] is a no, and every other
// means that it could not tell: the peer is then told [Unavailable], never let
// in. A Gate must be safe for concurrent use.
type Gate interface {
	// Admitted returns what is recorded of a session key, or nil if nothing is.
	// It only reads, and is quick: it is asked before the sender is known to
	// hold the key.
	Admitted(ctx context.Context, key [32]byte) (*Admission, error)
	// Admit decides about a certificate whose session key the sender was shown
	// to hold: it verifies the proof, then records it, atomically. The same
	// certificate again gets the same answer; another one with the same
	// nullifier is refused as [zkkex.SlotUsed].
	Admit(ctx context.Context, p *zkkex.Presentation) (*Admission, error)
	// Spend records an open, once: a counter that was used before, or that is
	// not below the cap, is refused as [OpensExceeded]. With durable set, the
	// record survives a crash from the moment Spend returns.
	Spend(ctx context.Context, a *Admission, counter uint32, durable bool) error
	// Acquire counts one channel of the certificate until release is called, or
	// refuses it as [ChannelsExceeded].
	Acquire(a *Admission) (release func(), err error)
	// Live returns until when a channel of the certificate may live. It refuses
	// one whose epoch and grace are over ([zkkex.WrongEpoch]) or whose
	// generation is not the venue's any more ([WrongGeneration]).
	Live(a *Admission, now time.Time) (until time.Time, err error)
}
