package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
	"github.com/zkkex/zkkex/order/server"
)

// orderPlan is what a process that is a gateway is told in its first line.
type orderPlan struct {
	Name    string          `json:"name"`
	Secrets exchangeSecrets `json:"secrets"`
	TLS     peers.Identity  `json:"tls"`
	// Admissions is a folder for the venue's own stores.
	Admissions string `json:"admissions"`
	// Journal is the folder of a journal on disk, and PostgreSQL the connection
	// string of one there; with neither, it is in memory.
	Journal    string `json:"journal"`
	PostgreSQL string `json:"postgresql"`
	// Engine is where the matching engine answers; empty is for a book in the
	// gateway's process.
	Engine string `json:"engine"`
	// Asked and Answered are the sizes of a raw echo, in bytes.
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
}

// orderAddresses are where the gateway is reached, by what carries the orders, and
// the raw echo.
type orderAddresses struct {
	Echo    string `json:"echo"`
	TCP     string `json:"tcp"`
	TLS     string `json:"tls"`
	Channel string `json:"channel"`
}

// RunOrders is a gateway that reads what it is made of from in, writes where it
// listens to w, and answers each line from in with a line that says what it has
// used. It returns when in ends. It is for a fresh process; see [Options.Gateway].
func RunOrders(ctx context.Context, in io.Reader, w io.Writer) (err error) {
	quiet.Gnark()
	lines, out := bufio.NewReader(in), json.NewEncoder(w)
	text, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var plan orderPlan
	if err := json.Unmarshal(text, &plan); err != nil {
		return err
	}
	v, err := newOrderVenue(ctx, plan)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	addresses, err := v.serve(ctx)
	if err != nil {
		return err
	}
	if err := out.Encode(addresses); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if _, err := lines.ReadBytes('\n'); err != nil {
			return nil
		}
		if err := out.Encode(measureUsage()); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// orderVenue is one gateway, reached in several ways.
type orderVenue struct {
	plan     orderPlan
	gateway  *gateway.Gateway
	exchange *exchange
	closers  []func() error // the last one first
	serving  *errgroup.Group
}

// unbounded are limits that no benchmark reaches.
var unbounded = gateway.Limits{OrdersPerSecond: 1 << 30, Burst: 1 << 30, MaxOpenOrders: 1 << 30, MaxRequests: 1 << 40, MaxOutbox: 1 << 20}

func newOrderVenue(ctx context.Context, plan orderPlan) (_ *orderVenue, err error) {
	v := &orderVenue{plan: plan, serving: new(errgroup.Group)}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.close())
		}
	}()
	set, err := openVerifying()
	if err != nil {
		return nil, err
	}
	if v.exchange, err = newExchangeOf(plan.Secrets, set, plan.Admissions); err != nil {
		return nil, err
	}
	v.closers = append(v.closers, v.exchange.close)
	store, err := v.openJournal(ctx)
	if err != nil {
		return nil, err
	}
	v.closers = append(v.closers, store.Close)
	matching, err := v.openEngine(ctx)
	if err != nil {
		return nil, err
	}
	v.gateway, err = gateway.Open(ctx, gateway.Config{Engine: matching, Store: store, Name: plan.Name, Limits: unbounded})
	if err != nil {
		return nil, err
	}
	v.closers = append(v.closers, v.gateway.Close)
	return v, nil
}

func (v *orderVenue) openJournal(ctx context.Context) (journal.Store, error) {
	switch {
	case v.plan.PostgreSQL != "":
		return pgjournal.Open(ctx, v.plan.PostgreSQL, pgjournal.Options{})
	case v.plan.Journal != "":
		return pebblejournal.Open(v.plan.Journal)
	}
	store := journal.NewMemory()
	store.Limit = 8 << 30
	return store, nil
}

func (v *orderVenue) openEngine(ctx context.Context) (engine.Engine, error) {
	if v.plan.Engine == "" {
		return book.New(book.DefaultInstruments(), book.Options{})
	}
	client, err := enginegrpc.Dial(ctx, enginegrpc.Config{Address: v.plan.Engine})
	if err != nil {
		return nil, err
	}
	v.closers = append(v.closers, client.Close)
	return client, nil
}

// serve listens for each way that orders come, until ctx ends or close is called.
func (v *orderVenue) serve(ctx context.Context) (a orderAddresses, err error) {
	ctx, cancel := context.WithCancel(ctx)
	v.closers = append(v.closers, func() error {
		cancel()
		return v.serving.Wait()
	})
	v.serving.Go(func() error {
		if err := v.gateway.Run(ctx); ctx.Err() == nil {
			return err
		}
		return nil
	})
	theirs, err := peers.NewTLSServer(v.plan.TLS)
	if err != nil {
		return a, err
	}
	plain := func(c net.Conn) (net.Conn, error) { return c, nil }
	for _, l := range []struct {
		address *string
		serve   func(context.Context, net.Conn) error
	}{
		{&a.Echo, v.echo},
		{&a.TCP, v.orders(plain, 1)},
		{&a.TLS, v.orders(theirs.Server, 2)},
	} {
		if *l.address, err = v.listen(ctx, l.serve); err != nil {
			return a, err
		}
	}
	a.Channel, err = v.listenChannels(ctx)
	return a, err
}

// listen serves connections, each until it ends.
func (v *orderVenue) listen(ctx context.Context, serve func(context.Context, net.Conn) error) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				_ = serve(ctx, conn) // how the client hangs up does not matter
				conn.Close()
			}()
		}
	}()
	return l.Addr().String(), nil
}

// orders serves orders on connections that secure makes of raw ones, as one session.
func (v *orderVenue) orders(secure func(net.Conn) (net.Conn, error), session byte) func(context.Context, net.Conn) error {
	return func(ctx context.Context, raw net.Conn) error {
		conn, err := secure(raw)
		if err != nil {
			return err
		}
		id := order.NewSessionID(v.exchange.epoch.Number, []byte{session})
		return v.gateway.Serve(ctx, order.NewStream(conn), gateway.Peer{Session: id})
	}
}

// echo answers what is asked with as many bytes as an order's report has.
func (v *orderVenue) echo(_ context.Context, conn net.Conn) error {
	question, answer := make([]byte, v.plan.Asked), make([]byte, v.plan.Answered)
	for {
		if _, err := io.ReadFull(conn, question); err != nil {
			return err
		}
		if _, err := conn.Write(answer); err != nil {
			return err
		}
	}
}

// listenChannels serves zkkex channels as a venue in use does, with all of its
// protocols on one address.
func (v *orderVenue) listenChannels(ctx context.Context) (string, error) {
	r, err := v.exchange.responder(generous())
	if err != nil {
		return "", err
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l, err := handshake.NewListener(inner, handshake.ServerConfig{Responder: r, Keys: v.exchange, Gate: v.exchange})
	if err != nil {
		return "", errors.Join(err, inner.Close())
	}
	s := &server.Server{Gateway: v.gateway, GRPC: true, JSON: true}
	v.serving.Go(func() error { return s.Serve(ctx, l) })
	return l.Addr().String(), nil
}

func (v *orderVenue) close() error {
	var errs []error
	for i := len(v.closers) - 1; i >= 0; i-- {
		errs = append(errs, v.closers[i]())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop the gateway: %w", err)
	}
	return nil
}
