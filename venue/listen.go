package venue

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/verifier"
)

// ListenConfig says how members' sessions are taken. Its zero value works.
type ListenConfig struct {
	// EarlyData takes application data in first messages, at the price of a
	// durable write before the answer; see [handshake.ResponderConfig].
	EarlyData bool
	// Load bounds what strangers can make the venue do.
	Load handshake.Load
	// Timeout and MaxHandshakes are those of [handshake.ServerConfig].
	Timeout       time.Duration
	MaxHandshakes int
	// Limits and Padding are those of the venue's records.
	Limits  handshake.Limits
	Padding handshake.Padding
	// Renewed, if set, is told of every renewal, after it took effect.
	Renewed func(c *handshake.Conn)
}

// Listen takes members' sessions on an address: the listener's connections are
// [*handshake.Conn], each of a member that was admitted. All listeners of a venue
// share its bounds. The venue must be kept going by [Venue.Run], and be closed
// after its listeners. Before the first descriptor is issued, nobody gets in.
//
// It returns [ErrClosed] if the venue was opened without parameters, and the
// errors of [net.Listen].
func (v *Venue) Listen(network, address string) (*handshake.Listener, error) {
	inner, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	l, err := v.NewListener(inner, ListenConfig{})
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return l, nil
}

// NewListener is Listen over a listener of the caller's, which it closes with its
// own. It returns [ErrClosed], or an error wrapping [handshake.ErrConfig]; what a
// later listener's configuration says of EarlyData and Load has no effect.
func (v *Venue) NewListener(inner net.Listener, c ListenConfig) (*handshake.Listener, error) {
	responder, err := v.Responder(c)
	if err != nil {
		return nil, err
	}
	l, err := handshake.NewListener(inner, handshake.ServerConfig{
		Responder: responder, Keys: v, Gate: v.Gate(), Source: source,
		Timeout: c.Timeout, MaxHandshakes: c.MaxHandshakes, Limits: c.Limits, Padding: c.Padding,
		Renewed: c.Renewed, Log: v.log, Now: v.now,
	})
	if err != nil {
		return nil, err
	}
	v.responds.mu.Lock()
	defer v.responds.mu.Unlock()
	v.responds.listeners = append(v.responds.listeners, l)
	return l, nil
}

// responding is the one responder of a venue, made when it is first needed: what
// it knows of strangers counts for all listeners. The listeners are kept for their
// counters, also when they are closed.
type responding struct {
	mu        sync.Mutex
	made      *handshake.Responder
	listeners []*handshake.Listener
}

// Responder returns what answers first messages, by whatever way they come, such
// as a mailbox. The errors are those of [Venue.NewListener].
func (v *Venue) Responder(c ListenConfig) (*handshake.Responder, error) {
	if v.gate.config.Store == nil {
		return nil, ErrClosed
	}
	v.responds.mu.Lock()
	defer v.responds.mu.Unlock()
	if v.responds.made != nil {
		return v.responds.made, nil
	}
	r, err := handshake.NewResponder(handshake.ResponderConfig{
		Keys: v, Gate: v.Gate(), EarlyData: c.EarlyData, Load: c.Load, Source: source, Now: v.now,
	})
	if err != nil {
		return nil, err
	}
	v.responds.made = r
	return r, nil
}

// source lets the addresses that proofs come from take turns in the pool.
func source(ctx context.Context, address netip.Addr) context.Context {
	return verifier.WithSource(ctx, handshake.Subscriber(address).String())
}
