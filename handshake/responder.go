package handshake

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
)

// ResponderConfig is what a responder starts from. It is only read.
type ResponderConfig struct {
	// Keys has the keys of the descriptors.
	Keys KeySource
	// Gate decides about certificates.
	Gate Gate
	// EarlyData takes application data in first messages: it is delivered at most
	// once, at the price of a durable write before the answer. Without, whoever
	// sends some is refused with [EarlyRefused].
	EarlyData bool
	// Load bounds what strangers can make the responder do.
	Load Load
	// Source, if not nil, puts the address a message came from into the context
	// that the gate gets, so that a pool of verifiers can let addresses take
	// turns.
	Source func(context.Context, netip.Addr) context.Context
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

// Responder is the side that answers, for all connections of a venue. It is safe
// for concurrent use.
type Responder struct {
	config   ResponderConfig
	buckets  *buckets
	seen     *seen
	cookies  *cookies
	statics  *statics
	renewals *renewalKeys
	halfOpen atomic.Int64
	tally    tally
}

// NewResponder returns a responder. It returns an error wrapping [ErrConfig].
func NewResponder(c ResponderConfig) (*Responder, error) {
	if c.Keys == nil || c.Gate == nil {
		return nil, fmt.Errorf("handshake: %w: a responder needs Keys and a Gate", ErrConfig)
	}
	var err error
	if c.Load, err = c.Load.withDefaults(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Source == nil {
		c.Source = func(ctx context.Context, _ netip.Addr) context.Context { return ctx }
	}
	return &Responder{
		config: c, buckets: newBuckets(c.Load, c.Now), seen: newSeen(c.Load.Seen), cookies: &cookies{now: c.Now}, statics: newStatics(),
		renewals: &renewalKeys{now: c.Now},
	}, nil
}

// Respond takes message 1, whole, from an address, and decides. The answer, unless
// it is nil, is to be sent whatever the error is; without one the connection is
// closed in silence.
//
// A nil error is a yes. An error wrapping [zkkex.ErrRejected] is a no, and one
// wrapping [ErrUnavailable] says that the gate could not tell: both are in the
// answer. [ErrUnknownDescriptor] and [ErrCookie] have fixed answers. All other
// errors have none: those that match [zkkex.ErrMalformed] or
// [zkkex.ErrUnsupported], [ErrSuite], [ErrRate], [ErrHalfOpen], [ErrReplay],
// [ErrMAC], [ErrUnauthentic].
func (r *Responder) Respond(ctx context.Context, source netip.Addr, message []byte) (answer []byte, a *Accepted, err error) {
	x := &exchange{r: r, ctx: r.config.Source(ctx, source), source: source, message: message}
	defer x.end()
	err = x.run()
	if err != nil {
		x.answer, err = x.refuse(err)
	}
	r.tally.add(x.accepted, err)
	if err != nil {
		return x.answer, nil, err
	}
	return x.answer, x.accepted, nil
}

// Stats returns what became of first messages so far.
func (r *Responder) Stats() Stats { return r.tally.copy() }

// UnderLoad reports whether cookies are asked for: as many handshakes are in
// progress as [Load] says.
func (r *Responder) UnderLoad() bool {
	return r.halfOpen.Load() >= int64(r.config.Load.UnderLoad)
}

// Progress counts a connection as a handshake in progress, from when it is
// accepted until done is called, once. Respond counts for itself while it runs;
// this is for connections whose first message is not there yet. It returns an
// error wrapping [ErrHalfOpen] if there are too many.
func (r *Responder) Progress() (done func(), err error) {
	if n := r.halfOpen.Add(1); n > int64(r.config.Load.HalfOpen) {
		r.halfOpen.Add(-1)
		return nil, fmt.Errorf("handshake: %w: %d, at most %d", ErrHalfOpen, n, r.config.Load.HalfOpen)
	}
	return func() { r.halfOpen.Add(-1) }, nil
}

// keys returns the keys of a descriptor, with errors that are not about the number
// as [ErrUnavailable].
func (r *Responder) keys(number uint64) (*Keys, error) {
	k, err := r.config.Keys.Keys(number)
	switch {
	case errors.Is(err, ErrUnknownDescriptor):
		return nil, fmt.Errorf("handshake: descriptor %d: %w", number, err)
	case err != nil:
		return nil, fmt.Errorf("handshake: keys of descriptor %d: %w: %w", number, ErrUnavailable, err)
	}
	return k, nil
}
