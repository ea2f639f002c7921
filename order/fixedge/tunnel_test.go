package fixedge

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/tunnel"
)

// through is a tunnel of real channels, whose network can be cut.
type through struct {
	entry    string
	channels net.Listener

	mu   sync.Mutex
	raws []net.Conn
}

func newThrough(t *testing.T) *through {
	t.Helper()
	v := venuetest.New(t.Name())
	inner, entry := listenLocal(t), listenLocal(t)
	w := &through{entry: entry.Addr().String(), channels: v.Listen(inner)}
	dialer := v.Dialer("tcp", inner.Addr().String())
	dialer.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			w.mu.Lock()
			w.raws = append(w.raws, raw)
			w.mu.Unlock()
		}
		return raw, err
	}
	member := v.Member("alice")
	client := &tunnel.Client{Listener: entry, Dial: func(ctx context.Context) (net.Conn, error) {
		conn, err := dialer.Open(ctx, member.Certificate(), nil)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}}
	run(t, client.Serve)
	return w
}

// cut breaks the network under all channels.
func (w *through) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.raws {
		c.Close()
	}
}

// run runs a service until the test ends.
func run(t *testing.T, serve func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = serve(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A FIX client trades through a tunnel, loses the network below it and goes on,
// whether the acceptor is a program behind the tunnel or takes channels itself.
func TestThroughTunnel(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"upstream", "channels"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			v := newVenue(t, newBook(t), journal.NewMemory(), nil)
			w := newThrough(t)
			if way == "upstream" {
				run(t, (&tunnel.Server{Listener: w.channels, Network: "tcp", Address: v.address}).Serve)
			} else {
				run(t, func(ctx context.Context) error { return v.edge.Serve(ctx, w.channels) })
			}
			maker, taker := newClient(t, unique(t, "maker")), newClient(t, unique(t, "taker"))
			maker.start(w.entry)
			taker.start(v.address)
			maker.loggedOn(1)
			taker.loggedOn(1)
			const orders = 20
			for i := range orders {
				maker.order(fmt.Sprint("m ", i), "2", "1", "100")
			}
			maker.reports(orders)
			w.cut()
			taker.order("t", "1", "20", "100", field{tagTimeInForce, "3"})
			taker.reports(1 + orders)
			maker.loggedOn(2)
			maker.reports(2 * orders)
			once(t, maker, 2*orders)
			maker.send(kindOrderCancelRequest, field{tagClOrdID, "c"}, field{tagOrigClOrdID, "m 0"}, field{tagTransactTime, now()})
			maker.reports(2*orders + 1)
			maker.logOut()
		})
	}
}
