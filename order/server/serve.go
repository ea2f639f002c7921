package server

import (
	"context"
	"errors"
	"net"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/fixedge"
	"github.com/zkkex/zkkex/order/health"
	"github.com/zkkex/zkkex/venue"
)

// Listeners are where a node is reached. Publish and Admin can be nil. They are
// closed by [Node.Serve].
type Listeners struct{ Sessions, Publish, Admin net.Listener }

// Listen listens at the configured addresses.
func (n *Node) Listen(ctx context.Context) (l Listeners, err error) {
	if l.Sessions, err = net.Listen("tcp", n.Config.Sessions); err != nil {
		return Listeners{}, err
	}
	if n.Config.Publish != "" {
		if l.Publish, err = net.Listen("tcp", n.Config.Publish); err != nil {
			l.Publish = nil
			return Listeners{}, errors.Join(err, l.Close())
		}
	}
	if n.Config.Admin != "" {
		if l.Admin, err = health.Listen(ctx, n.Config.Admin); err != nil {
			l.Admin = nil
			return Listeners{}, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// Close closes the listeners.
func (l Listeners) Close() error {
	var errs []error
	for _, one := range []net.Listener{l.Sessions, l.Publish, l.Admin} {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}

// Serve serves members, and whoever looks at the node, until ctx ends. Then it
// drains: no new sessions, those that are there are told to go elsewhere, and what
// happened is recorded; for as long as the configuration says. metrics can be nil.
func (n *Node) Serve(ctx context.Context, l Listeners, metrics http.Handler) error {
	edge, err := n.fixEdge(ctx)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s := &Server{Gateway: n.Gateway, GRPC: n.Config.GRPC, JSON: n.Config.JSON, Log: n.log}
	if edge != nil {
		defer edge.Close()
		s.FIX = edge.ServeConn
	}
	sessions, err := n.Venue.NewListener(venue.Proxied(l.Sessions, n.Config.Proxies...), venue.ListenConfig{Renewed: func(c *handshake.Conn) { s.Renewed(c) }})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	// What goes on while the gateway drains ends after it.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, serving := errgroup.WithContext(serving)
	group.Go(func() error { return unlessDone(serving, n.Gateway.Run(serving)) })
	group.Go(func() error { return unlessDone(serving, n.Venue.Run(serving)) })
	group.Go(func() error { return unlessDone(serving, s.Serve(serving, sessions)) })
	if l.Publish != nil {
		group.Go(func() error { return health.Serve(serving, l.Publish, n.Venue.Handler()) })
	}
	if l.Admin != nil {
		group.Go(func() error { return health.Serve(serving, l.Admin, n.health(metrics)) })
	}
	group.Go(func() error {
		select {
		case <-serving.Done(): // something failed
			return nil
		case <-ctx.Done():
		}
		defer stop()
		return n.drain(serving)
	})
	return group.Wait()
}

// drain ends the sessions in good order, as far as there is time.
func (n *Node) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.Config.Drain)
	defer cancel()
	if err := n.Gateway.Drain(ctx); err != nil {
		n.log.Warn("the gateway did not end in good order", "error", err)
	}
	return nil
}

func (n *Node) fixEdge(ctx context.Context) (*fixedge.Edge, error) {
	if !n.Config.FIX {
		return nil, nil
	}
	instruments, err := n.engine.Instruments(ctx)
	if err != nil {
		return nil, err
	}
	var symbols []string
	for _, i := range instruments[:min(len(instruments), order.MaxQuoteSymbols)] {
		symbols = append(symbols, i.Symbol)
	}
	return fixedge.New(fixedge.Config{
		Gateway: n.Gateway, Store: n.store, Schedule: n.Venue.Config().Schedule,
		MaxTimeToLive: n.Config.Limits.MaxTimeToLive, Symbols: symbols, Log: n.log,
		Ban: func(ctx context.Context, m order.SessionID) error { return n.Venue.Ban(ctx, m.Epoch, m.ID) },
	})
}

// health answers for whoever looks at the node.
func (n *Node) health(metrics http.Handler) http.Handler {
	return health.NewHandler(health.Config{
		Ready: []health.Check{
			{Name: "gateway", Err: func(context.Context) error { return n.Gateway.Ready() }},
			{Name: "venue", Err: func(context.Context) error { return n.Venue.Ready() }},
			{Name: "journal", Err: func(ctx context.Context) error {
				_, err := n.store.Cursor(ctx)
				return err
			}},
		},
		Metrics: metrics,
	})
}

// unlessDone is nil for the error with which something ends that ctx has ended.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
