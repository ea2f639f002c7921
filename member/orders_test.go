package member

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/ordergrpc"
	"github.com/zkkex/zkkex/order/orderws"
	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue"
)

// orderVenue is a venue that takes orders.
type orderVenue struct {
	*venueOf
	gateway *gateway.Gateway

	mu    sync.Mutex
	raws  []net.Conn
	count int // of connections
	again int // renewals
}

// noted is a listener that remembers its connections.
type noted struct {
	net.Listener
	v *orderVenue
}

func (n noted) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		n.v.mu.Lock()
		n.v.raws = append(n.v.raws, c)
		n.v.count++
		n.v.mu.Unlock()
	}
	return c, err
}

// cut breaks all connections.
func (v *orderVenue) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.raws {
		_ = c.Close()
	}
	v.raws = nil
}

func (s *scene) orderVenue(name string) *orderVenue {
	s.t.Helper()
	v := &orderVenue{venueOf: s.initVenue(name, nil)}
	v.start(venue.Options{Now: s.clock.now, Params: verifying})
	engine, err := book.New([]order.Instrument{{
		Symbol: "A/B", TickSize: order.Decimal{Mantissa: 1, Exponent: -2}, LotSize: order.Decimal{Mantissa: 1},
		MinQty: order.Decimal{Mantissa: 1}, MaxQty: order.Decimal{Mantissa: 1, Exponent: 6},
	}}, book.Options{})
	s.must(err)
	begin := time.Now()
	now := func() time.Time { return halfPastNine.Add(time.Since(begin)) } // it runs, on the scene's day
	v.gateway, err = gateway.Open(s.t.Context(), gateway.Config{Engine: engine, Store: journal.NewMemory(), Name: "gateway", Now: now})
	s.must(err)
	ctx, stop := context.WithCancel(s.t.Context())
	var work sync.WaitGroup
	work.Go(func() { _ = v.gateway.Run(ctx) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.place(name+":9440", l.Addr())
	takes := &server.Server{Gateway: v.gateway, GRPC: true, JSON: true}
	channels, err := v.venue.NewListener(noted{l, v}, venue.ListenConfig{Renewed: func(c *handshake.Conn) {
		takes.Renewed(c)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.again++
	}})
	s.must(err)
	work.Go(func() { _ = takes.Serve(ctx, channels) })
	s.t.Cleanup(func() {
		stop()
		work.Wait()
		s.must(v.gateway.Close())
	})
	return v
}

// connections returns how many there were.
func (v *orderVenue) connections() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count
}

func buy(price int64) order.NewOrderSingle {
	return order.NewOrderSingle{
		Symbol: "A/B", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: order.Decimal{Mantissa: 2}, Price: order.Decimal{Mantissa: price}, TimeToLive: time.Hour,
	}
}

// From a state directory to a trade, over a connection that breaks in between.
func TestOrders(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.orderVenue("venue.invalid")
	at := v.trustedBy(m)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := at.Orders(ctx, order.Config{})
	s.must(err)
	o, err := c.Submit(ctx, buy(101))
	s.must(err)
	v.cut()
	sell := buy(101)
	sell.Side = order.Sell
	other, err := at.Orders(ctx, order.Config{})
	s.must(err)
	if _, err := other.Submit(ctx, sell); err != nil {
		t.Fatal(err)
	}
	state, err := o.Closed(ctx) // the trade comes over the second connection
	if err != nil || state.Status != order.StatusFilled {
		t.Errorf("%+v, %v", state, err)
	}
	for n := uint64(1); n <= 2; n++ {
		r, err := c.Next(ctx)
		if err != nil || r.Number != n {
			t.Errorf("report %d: %+v, %v", n, r, err)
		}
	}
	if n := v.connections(); n != 3 {
		t.Errorf("%d connections, expected one of each and one that broke", n)
	}
	if c.State().Session == other.State().Session {
		t.Error("two clients have one session")
	}
	s.must(c.Finish(ctx))
	s.must(other.Finish(ctx))
}

// A session outlives its epoch, and a connection that breaks after that.
func TestOrdersAcrossEpochs(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.orderVenue("venue.invalid")
	at := v.trustedBy(m)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := at.Orders(ctx, order.Config{})
	s.must(err)
	before := c.State().Session
	o, err := c.Submit(ctx, buy(101))
	s.must(err)
	midnight := midnightAfter(s.clock.now())
	s.clock.set(midnight.Add(-30 * time.Minute))
	v.turn()
	s.must(at.Sync(ctx))
	s.clock.set(midnight.Add(150 * time.Second))
	for renewals := 0; renewals == 0 && ctx.Err() == nil; {
		s.clock.add(10 * time.Millisecond)
		time.Sleep(10 * time.Millisecond)
		v.mu.Lock()
		renewals = v.again
		v.mu.Unlock()
	}
	// Behind the answer to the renewal comes that to a question; a moment for who
	// waited for the former.
	_, err = c.Status(ctx, o.ID())
	s.must(err)
	time.Sleep(20 * time.Millisecond)
	v.cut()
	_, err = c.Submit(ctx, buy(102))
	s.must(err)
	if n := c.State(); n.Session != before || len(n.Open) != 2 || v.connections() != 2 {
		t.Errorf("%d connections; state %+v", v.connections(), n)
	}
	if _, err := o.Cancel(ctx); err != nil {
		t.Errorf("cancelling the order of before: %v", err)
	}
	s.must(c.Finish(ctx))
}

// The same over gRPC, and as JSON over a WebSocket.
func TestOrdersOverOtherStreams(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.orderVenue("venue.invalid")
	at := v.trustedBy(m)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, stream := range map[string]func(context.Context, order.Channel) (order.ClientStream, error){
		"gRPC": func(ctx context.Context, c order.Channel) (order.ClientStream, error) {
			return ordergrpc.New(ctx, c.(*Session).Conn)
		},
		"WebSocket": func(ctx context.Context, c order.Channel) (order.ClientStream, error) {
			return orderws.New(ctx, c)
		},
	} {
		c, err := at.Orders(ctx, order.Config{Stream: stream})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o, err := c.Submit(ctx, buy(101))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		v.cut()
		if _, err := o.Cancel(ctx); err != nil {
			t.Errorf("%s: over another connection: %v", name, err)
		}
		for n := uint64(1); n <= 2; n++ {
			if r, err := c.Next(ctx); err != nil || r.Number != n {
				t.Errorf("%s: report %d: %+v, %v", name, n, r, err)
			}
		}
		if err := c.Finish(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// After all but the key and the order secret is lost, orders are found and cancelled.
func TestRecoverOrders(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.orderVenue("venue.invalid")
	at := v.trustedBy(m)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := at.Orders(ctx, order.Config{KeepOrders: true})
	s.must(err)
	var orders []*order.Order
	for i := range int64(3) {
		o, err := c.Submit(ctx, buy(101+i))
		s.must(err)
		orders = append(orders, o)
	}
	_, err = orders[1].Cancel(ctx)
	s.must(err)
	used := c.State().Session
	s.must(c.Leave(ctx))
	all, err := at.Nullifiers()
	s.must(err)
	if len(all) == 0 {
		t.Fatal("no nullifiers")
	}
	known := false
	for _, n := range all {
		known = known || order.NewSessionID(used.Epoch, n[:]) == used
	}
	if !known {
		t.Error("the session's nullifier is none of those listed")
	}
	found, err := at.RecoverOrders(ctx, order.Recovery{Gap: 64, Cancel: true}, false)
	s.must(err)
	open := 0
	for _, f := range found {
		if f.Open() {
			open++
			if !f.Canceled || f.Err != nil {
				t.Errorf("%+v", f)
			}
		}
	}
	if open != 2 {
		t.Errorf("found %d open orders, expected 2", open)
	}
	if n := v.gateway.Status().OpenOrders; n != 0 {
		t.Errorf("%d orders are open still", n)
	}
}

// A certificate that is lost for good ends the client, with the reason.
func TestOrdersCannotBeResumed(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.orderVenue("venue.invalid")
	at := v.trustedBy(m)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := at.Orders(ctx, order.Config{})
	s.must(err)
	s.must(at.Close())
	v.cut()
	<-c.Done()
	if err := c.Err(); !errors.Is(err, order.ErrSessionLost) || !strings.Contains(err.Error(), "cannot be resumed") {
		t.Errorf("%v", err)
	}
	if _, err := at.Orders(ctx, order.Config{Open: func(context.Context, order.Want) (order.Channel, error) { return nil, nil }}); !errors.Is(err, order.ErrConfig) {
		t.Errorf("Open set: %v", err)
	}
}

// The order secret is drawn once, is the key's own affair in nothing, and is
// encrypted if the key is.
func TestOrderSecret(t *testing.T) {
	s := newScene(t)
	home := s.home()
	first, err := s.open(home).OrderSecret()
	s.must(err)
	again, err := s.open(home).OrderSecret()
	s.must(err)
	if !first.Equal(again) {
		t.Error("two opens have two secrets")
	}
	path := filepath.Join(home, orderSecretName)
	text, err := os.ReadFile(path)
	s.must(err)
	raw := first.Reveal()
	if want := fmt.Sprintf("zkkex/v1 unencrypted order secret\n\n%x\n", raw); string(text) != want {
		t.Errorf("the file is %q", text)
	}
	s.must(os.Chmod(path, 0o640))
	if _, err := s.open(home).OrderSecret(); !errors.Is(err, keys.ErrFileMode) {
		t.Errorf("others may read it: %v", err)
	}
}

func TestOrderSecretIsEncrypted(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if err := Create(home, secret, "swordfish", slots.Range{}, halfPastNine); err != nil {
		t.Fatal(err)
	}
	m, err := Open(home, Options{Passphrase: func() (string, error) { return "swordfish", nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	first, err := m.OrderSecret()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(home, orderSecretName))
	if err != nil {
		t.Fatal(err)
	}
	raw := first.Reveal()
	if !strings.HasPrefix(string(text), orderSecretMagic+"-----BEGIN AGE") || strings.Contains(string(text), fmt.Sprintf("%x", raw[:8])) {
		t.Errorf("the file is %q", text)
	}
	again, err := parseOrderSecret(text, func() (string, error) { return "swordfish", nil })
	if err != nil || !first.Equal(again) {
		t.Errorf("another secret, %v", err)
	}
}

func TestOrderSecretSpec(t *testing.T) {
	b, err := os.ReadFile("../docs/spec/state-directory.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sample, _ := strings.Cut(string(b), "\n"+unencryptedOrderSecretMagic)
	digits, _, _ := strings.Cut(sample, "```")
	s, err := parseOrderSecret([]byte(unencryptedOrderSecretMagic+digits), nil)
	if err != nil {
		t.Fatal(err)
	}
	if raw := s.Reveal(); fmt.Sprintf("%x\n", raw) != digits {
		t.Errorf("the sample is %q", digits)
	}
	if !strings.Contains(string(b), "\n"+orderSecretMagic[:len(orderSecretMagic)-1]) {
		t.Error("the first line of an encrypted file is not there")
	}
}

func FuzzOrderSecret(f *testing.F) {
	f.Add([]byte(unencryptedOrderSecretMagic + strings.Repeat("0a", 32) + "\n"))
	f.Add([]byte(unencryptedOrderSecretMagic + strings.Repeat("0A", 32) + "\n"))
	f.Add([]byte(unencryptedOrderSecretMagic + strings.Repeat("00", 32) + "\n"))
	f.Add([]byte(orderSecretMagic + "-----BEGIN AGE ENCRYPTED FILE-----\n"))
	f.Add([]byte("zkkex/v2 order secret\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseOrderSecret(append([]byte(nil), text...), func() (string, error) { return "", nil })
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, keys.ErrNoPassphrase) {
				t.Errorf("%v", err)
			}
			return
		}
		raw := s.Reveal()
		if string(text) != fmt.Sprintf("%s%x\n", unencryptedOrderSecretMagic, raw) {
			t.Errorf("%q is read, and written otherwise", text)
		}
	})
}
