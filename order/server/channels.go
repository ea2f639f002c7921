package server

import (
	"context"
	"net"
	"sync"

	"github.com/zkkex/zkkex/order/gateway"
)

// channels is a listener that is given its connections: those of which the first
// bytes have been looked at.
type channels struct {
	address net.Addr
	given   chan *held
	closed  chan struct{}
	close   sync.Once
}

// held is a connection whose giver waits until it is closed.
type held struct {
	*peeked
	peer gateway.Peer
	done chan struct{}
	once sync.Once
}

func (h *held) Close() error {
	err := h.peeked.Close()
	h.once.Do(func() { close(h.done) })
	return err
}

func newChannels(address net.Addr) *channels {
	return &channels{address: address, given: make(chan *held), closed: make(chan struct{})}
}

// give hands a connection over, and returns when it was closed.
func (l *channels) give(ctx context.Context, conn *peeked, peer gateway.Peer) error {
	h := &held{peeked: conn, peer: peer, done: make(chan struct{})}
	select {
	case l.given <- h:
	case <-l.closed:
		return net.ErrClosed
	}
	select {
	case <-h.done:
	case <-ctx.Done():
	}
	return nil
}

// Accept implements [net.Listener].
func (l *channels) Accept() (net.Conn, error) {
	select {
	case h := <-l.given:
		return h, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *channels) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (l *channels) Addr() net.Addr { return l.address }
