package handshake

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// Accepted is what a responder has once it has said yes. Unless early data came,
// the peer is not authenticated before [Accepted.Confirm]. It does not print.
type Accepted struct {
	silent
	// Kind is what was asked for. An [Admit] opens no channel.
	Kind Kind
	// Suite is what is spoken.
	Suite *Suite
	// Admission is what the venue has recorded of the certificate.
	Admission *Admission
	// Counter is the open counter.
	Counter uint32
	// Early is the application's data that came with message 1: to be delivered,
	// once. Its open is spent already.
	Early []byte
	// Venue is our identity, Descriptor the number of the descriptor.
	Venue      [32]byte
	Descriptor uint64
	// Until is until when the channel may live.
	Until time.Time

	gate    Gate
	channel *channel

	mu        sync.Mutex
	confirmed bool
	released  bool
	release   func() // of the gate's count of channels, or nil
}

// Transcript returns the transcript hash, as [Established.Transcript].
func (a *Accepted) Transcript() []byte { return slices.Clone(a.channel.transcript) }

// Session hands the channel's secret over, once. It returns [ErrUsed] the second
// time and for an admission, and an error wrapping [record.ErrConfig].
func (a *Accepted) Session(o ChannelOptions) (*record.Session, error) { return a.channel.session(o) }

// Confirm is to be called once the peer's first record has opened, which shows that
// message 1 was no replay, and before anything is delivered. It counts the channel
// and spends the open, unless early data did. An error wrapping
// [zkkex.ErrRejected] is a no; [ErrUnavailable] says that the gate could not tell.
// Either way the channel must end. Once it has returned nil it does nothing more.
// It returns [ErrUsed] for an admission and after [Accepted.Release].
func (a *Accepted) Confirm(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.Kind.opens() || a.released:
		return fmt.Errorf("handshake: confirm: %w", ErrUsed)
	case a.confirmed:
		return nil
	}
	switch err := a.spend(ctx, false); {
	case err == nil:
		return nil
	case reasonOf(err) == Unavailable:
		return fmt.Errorf("handshake: confirm: %w: %w", ErrUnavailable, err)
	default:
		return fmt.Errorf("handshake: confirm: %w", err)
	}
}

// spend counts the channel, then spends the open.
func (a *Accepted) spend(ctx context.Context, durable bool) error {
	release, err := a.gate.Acquire(a.Admission)
	if err != nil {
		return err
	}
	if err := a.gate.Spend(ctx, a.Admission, a.Counter, durable); err != nil {
		release()
		return err
	}
	a.release, a.confirmed = release, true
	return nil
}

// Release ends the count of the channel and forgets its secret if it was not
// handed over. It is to be called when the channel ends, however it ends, and may
// be called again.
func (a *Accepted) Release() {
	a.channel.wipe()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.released = true
	if a.release != nil {
		a.release()
		a.release = nil
	}
}

// handOver ends a confirmed Accepted, and returns what ends the count of its
// channel, or nil if Release did. What lives as long as the channel then holds
// that alone.
func (a *Accepted) handOver() (release func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	release, a.release, a.released = a.release, nil, true
	return release
}
