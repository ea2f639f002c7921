package member

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/session"
)

// Orders opens a session of orders at the venue. What the configuration leaves out
// is filled in: the secret is that of [Member.OrderSecret], and a state is not kept
// beyond the process, since certificates are not: who comes back after it has
// another pseudonym, and shows an order to be theirs with [order.WithProof].
//
// A connection that is lost is made anew with the same certificate, which links the
// two for the venue, or with a fresh one, as the configuration says. While it lasts,
// the session is renewed after every epoch; two epochs after its own it ends with
// [order.ErrEnded], and another has to be begun. Finish or close the client before
// the venue.
//
// It returns the errors of [Venue.Fresh] and [order.Dial].
func (v *Venue) Orders(ctx context.Context, config order.Config) (*order.Client, error) {
	if config.Secret == nil {
		secret, err := v.member.OrderSecret()
		if err != nil {
			return nil, err
		}
		config.Secret = secret
	}
	if config.State == nil {
		config.State = order.MemoryState()
	}
	if config.Open != nil {
		return nil, fmt.Errorf("%w: Open is the venue's to set", order.ErrConfig)
	}
	o := &orderChannels{venue: v}
	o.ctx, o.stop = context.WithCancel(context.Background())
	config.Open = o.open
	client, err := order.Dial(ctx, config)
	if err != nil {
		o.stop()
		return nil, err
	}
	go func() {
		<-client.Done()
		o.stop()
	}()
	return client, nil
}

// orderChannels opens the channels of one client of orders.
type orderChannels struct {
	venue *Venue
	ctx   context.Context // of renewals
	stop  context.CancelFunc

	mu   sync.Mutex
	last *Session
}

func (o *orderChannels) open(ctx context.Context, w order.Want) (order.Channel, error) {
	s, err := o.session(ctx, w)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.last = s
	o.mu.Unlock()
	go s.KeepAlive(o.ctx, nil)
	return s, nil
}

func (o *orderChannels) session(ctx context.Context, w order.Want) (*Session, error) {
	o.mu.Lock()
	last := o.last
	o.mu.Unlock()
	if !w.Resume || last == nil {
		return o.venue.Fresh(ctx)
	}
	s, err := last.Resume(ctx)
	if err != nil && !mayPass(err) {
		return nil, &lostError{err}
	}
	return s, err
}

// mayPass reports whether a session may be resumed later, after an error now.
func mayPass(err error) bool {
	var no *zkkex.RejectError
	switch {
	case errors.Is(err, session.ErrOpensUsed), errors.Is(err, session.ErrClosed), errors.Is(err, ErrRaised):
		return false
	case errors.As(err, &no):
		// A channel that the venue has not seen the end of still counts.
		return no.Reason == handshake.ChannelsExceeded || no.Reason == zkkex.Busy || no.Reason == handshake.Unavailable
	}
	return true
}

// lostError is a session that cannot be resumed.
type lostError struct{ err error }

func (e *lostError) Error() string   { return "the session cannot be resumed: " + e.err.Error() }
func (e *lostError) Unwrap() error   { return e.err }
func (e *lostError) Permanent() bool { return true }

// Nullifiers returns all the pseudonyms that the member can have at the venue in
// the present epoch and in those before, as far as the venue's descriptors that are
// known here name them: one for each slot. They are secrets: whoever has them links
// the member's sessions. It opens the key, and asks nobody.
func (v *Venue) Nullifiers() ([]zkkex.Nullifier, error) {
	latest := v.seen.known().Latest()
	if latest == nil {
		return nil, fmt.Errorf("venue %s: %w; sync first", v.Name(), session.ErrNoTerms)
	}
	present, err := latest.Schedule.At(v.member.options.Now())
	if err != nil {
		return nil, err
	}
	secret, err := v.member.open()
	if err != nil {
		return nil, err
	}
	var all []zkkex.Nullifier
	seen := map[zkkex.Scope]uint32{}
	// The newest first: what is open is more likely there.
	for n := latest.Number; ; n-- {
		d := v.seen.known().ByNumber(n)
		if d == nil {
			return all, nil
		}
		for _, e := range d.Epochs {
			if e.Number > present.Number {
				continue
			}
			scope := d.Scope(e.Number)
			for slot := seen[scope]; slot < e.Limit; slot++ {
				all = append(all, secret.Nullifier(scope, slot))
			}
			seen[scope] = max(seen[scope], e.Limit)
		}
		if n == 0 {
			return all, nil
		}
	}
}

// RecoverOrders finds, and cancels if that is asked for, what the member entered at
// the venue in sessions that were lost, from the key and the order secret alone; see
// [order.Recover]. Without Nullifiers in r it looks in all of [Venue.Nullifiers].
//
// It opens one session for all of them, by which the venue learns that they are one
// member's; apart takes one for each, which costs a slot for each, and tells the
// venue no more than that each pair is. It returns what was found before an error.
func (v *Venue) RecoverOrders(ctx context.Context, r order.Recovery, apart bool) ([]*order.Found, error) {
	if len(r.Nullifiers) == 0 {
		all, err := v.Nullifiers()
		if err != nil {
			return nil, err
		}
		for _, n := range all {
			r.Nullifiers = append(r.Nullifiers, n)
		}
	}
	if !apart {
		return v.recover(ctx, r)
	}
	var all []*order.Found
	for _, n := range r.Nullifiers {
		one := r
		one.Nullifiers = [][32]byte{n}
		found, err := v.recover(ctx, one)
		all = append(all, found...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func (v *Venue) recover(ctx context.Context, r order.Recovery) (found []*order.Found, err error) {
	c, err := v.Orders(ctx, order.Config{})
	if err != nil {
		return nil, err
	}
	found, err = order.Recover(ctx, c, r)
	return found, errors.Join(err, c.Finish(ctx))
}
