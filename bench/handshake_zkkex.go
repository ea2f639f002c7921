package bench

import (
	"context"
	"errors"
	"net"

	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// ours opens channels at a venue, as a [peers.Peer].
type ours struct {
	venue  *handshake.Venue
	server handshake.ServerConfig
	kind   handshake.Kind
	// next returns the certificate for the next open.
	next func() *session.Certificate
	// ahead are handshakes whose first message is made already. They are taken
	// first.
	ahead []*handshake.Initiator
}

// newOurs returns a peer whose venue is e.
func newOurs(e *exchange, suite descriptor.Suite, kind handshake.Kind, next func() *session.Certificate) (*ours, error) {
	r, err := e.responder(generous())
	if err != nil {
		return nil, err
	}
	return &ours{
		venue: e.known(suite), kind: kind, next: next,
		server: handshake.ServerConfig{Responder: r, Keys: e, Gate: e},
	}, nil
}

func (o *ours) initiator() (*handshake.Initiator, error) {
	return handshake.NewInitiator(o.venue, o.next(), handshake.InitiatorOptions{Kind: o.kind})
}

// precompute makes n first messages ahead.
func (o *ours) precompute(n int) error {
	for range n {
		i, err := o.initiator()
		if err != nil {
			return err
		}
		if _, err := i.Message(); err != nil {
			return err
		}
		o.ahead = append(o.ahead, i)
	}
	return nil
}

// take returns the handshake to do.
func (o *ours) take() (*handshake.Initiator, error) {
	if len(o.ahead) == 0 {
		return o.initiator()
	}
	i := o.ahead[0]
	o.ahead = o.ahead[1:]
	return i, nil
}

// Open implements [peers.Peer].
func (o *ours) Open(conn net.Conn) error {
	i, err := o.take()
	if err != nil {
		return err
	}
	c, err := handshake.Client(context.Background(), conn, i, nil)
	if err != nil {
		return err
	}
	return peers.Ask(c)
}

// Serve implements [peers.Peer].
func (o *ours) Serve(conn net.Conn) error {
	c, err := handshake.Server(context.Background(), conn, &o.server)
	if err != nil {
		return err
	}
	if err := peers.Answer(c); !errors.Is(err, handshake.ErrTruncated) {
		return err
	}
	return nil // the client has hung up, like the others
}
