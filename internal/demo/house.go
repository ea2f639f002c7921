package demo

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// house is the venue with its gateway, as "zkkex gateway run" has them.
type house struct {
	dir      string // of the gateway
	identity *descriptor.Identity
	publish  string // where descriptors are fetched
	sessions string // where channels are taken

	node    *server.Node
	end     context.CancelFunc
	serving *errgroup.Group
}

// Names of the venue's folders.
const (
	venueFolder   = "venue"
	gatewayFolder = "gateway"
)

// build makes the venue and its gateway, and opens them.
func (p *play) build(ctx context.Context) error {
	set, err := p.proving(circuit)
	if err != nil {
		return err
	}
	p.house = &house{dir: p.path(gatewayFolder)}
	if p.house.identity, err = venue.Init(p.path(venueFolder), venue.Config{
		Name:     venueName,
		Registry: venue.Registry{URL: p.office.url, VerifierKey: p.office.registrar.VerifierKey()},
		Schedule: p.schedule, Limit: limit, MinMembers: uint64(p.crowd),
		Circuits:  []descriptor.Circuit{{ID: circuit, Params: set.Digest()}},
		Addresses: []descriptor.Address{{Network: "tcp", Place: p.relay.address()}},
	}); err != nil {
		return err
	}
	c := server.DefaultConfig("../" + venueFolder)
	c.Sessions, c.Publish, c.Admin = "127.0.0.1:0", "127.0.0.1:0", ""
	if err := server.Init(ctx, p.house.dir, c); err != nil {
		return err
	}
	return p.house.start(ctx, p.relay)
}

// start opens the folders, as after a crash or for the first time, and serves.
func (h *house) start(ctx context.Context, r *relay) error {
	n, err := server.Open(ctx, h.dir, server.Options{
		Venue: venue.Options{Params: openVerifying},
		// Whoever stops it has no time to drain: see [house.stop].
		Changed: func(c *server.Config) { c.Drain = 0 },
	})
	if err != nil {
		return err
	}
	if err := n.Venue.Maintain(ctx); err != nil {
		return errors.Join(err, n.Close())
	}
	var l server.Listeners
	if l.Sessions, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return errors.Join(err, n.Close())
	}
	at := h.publish
	if at == "" {
		at = "127.0.0.1:0"
	}
	if l.Publish, err = net.Listen("tcp", at); err != nil {
		return errors.Join(err, l.Sessions.Close(), n.Close())
	}
	h.node, h.publish = n, l.Publish.Addr().String()
	h.sessions = l.Sessions.Addr().String()
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	h.end, h.serving = end, new(errgroup.Group)
	h.serving.Go(func() error { return n.Serve(serving, l, nil) })
	r.aim(h.sessions)
	return nil
}

// stop closes the gateway without draining: sessions are not ended in good order,
// and what is not in the journal is lost with the memory that held it.
func (h *house) stop() error {
	if h.node == nil {
		return nil
	}
	h.end()
	err := errors.Join(h.serving.Wait(), h.node.Close())
	h.node = nil
	return err
}

func (h *house) url() string { return "http://" + h.publish }

// crash cuts the venue off and stops it, runs something while it is down, and
// starts it again. It returns for how long it was away.
func (h *house) crash(ctx context.Context, r *relay, meanwhile func() error) (time.Duration, error) {
	began := time.Now()
	r.aim("")
	if err := h.stop(); err != nil {
		return 0, err
	}
	if err := meanwhile(); err != nil {
		return 0, err
	}
	err := h.start(ctx, r)
	return time.Since(began), err
}
