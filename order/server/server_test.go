package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/fixedge"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/ordergrpc"
	"github.com/zkkex/zkkex/order/orderws"
	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/session"
)

// scene is a venue with a gateway that is served.
type scene struct {
	venue  *venuetest.Venue
	store  journal.Store
	dialer *handshake.Dialer
}

// newScene serves a gateway until the test ends; change, if it is not nil, changes
// the server first.
func newScene(t *testing.T, change func(*server.Server)) *scene {
	t.Helper()
	engine, err := book.New(server.DefaultInstruments(), book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := journal.NewMemory()
	g, err := gateway.Open(t.Context(), gateway.Config{Engine: engine, Store: store, Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	edge, err := fixedge.New(fixedge.Config{Gateway: g, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	s := &server.Server{Gateway: g, FIX: edge.ServeConn, GRPC: true, JSON: true}
	if change != nil {
		change(s)
	}
	v := venuetest.New(t.Name())
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := v.Config()
	config.Renewed = s.Renewed
	l, err := handshake.NewListener(inner, config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Run(ctx) })
	serving.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
		if err := errors.Join(edge.Close(), g.Close()); err != nil {
			t.Error(err)
		}
	})
	return &scene{v, store, v.Dialer("tcp", inner.Addr().String())}
}

// open opens a channel with a fresh certificate.
func (s *scene) open(t *testing.T, member string) *handshake.Conn {
	t.Helper()
	c, err := s.dialer.Open(t.Context(), s.venue.Member(member).Certificate(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *scene) dial(t *testing.T, member string, stream func(context.Context, order.Channel) (order.ClientStream, error)) *order.Client {
	t.Helper()
	c, err := order.Dial(t.Context(), order.Config{
		Secret: order.NewSecret(), State: order.MemoryState(), Stream: stream, Reconnect: order.Never,
		Open: func(context.Context, order.Want) (order.Channel, error) { return s.open(t, member), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func overGRPC(ctx context.Context, c order.Channel) (order.ClientStream, error) {
	return ordergrpc.New(context.WithoutCancel(ctx), c.(*handshake.Conn))
}

func overWebSocket(ctx context.Context, c order.Channel) (order.ClientStream, error) {
	return orderws.New(ctx, c)
}

func limit(t *testing.T, side order.Side, quantity, price string) order.NewOrderSingle {
	t.Helper()
	q, err := order.ParseDecimal(quantity)
	if err != nil {
		t.Fatal(err)
	}
	p, err := order.ParseDecimal(price)
	if err != nil {
		t.Fatal(err)
	}
	return order.NewOrderSingle{
		Symbol: "BTC-USD", Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: q, Price: p, TimeToLive: time.Minute,
	}
}

// Members who speak different protocols on one address trade with each other.
func TestOneAddress(t *testing.T) {
	s := newScene(t, nil)
	maker := s.dial(t, "maker", nil)
	resting, err := maker.Submit(t.Context(), limit(t, order.Sell, "3", "64000"))
	if err != nil {
		t.Fatal(err)
	}
	for name, stream := range map[string]func(context.Context, order.Channel) (order.ClientStream, error){
		"framed": nil, "gRPC": overGRPC, "JSON": overWebSocket,
	} {
		taker := s.dial(t, name, stream)
		taken, err := taker.Submit(t.Context(), limit(t, order.Buy, "1", "64000"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := taken.Closed(t.Context()); err != nil || got.Status != order.StatusFilled {
			t.Errorf("%s: %+v, %v; expected it filled", name, got, err)
		}
	}
	if got, err := resting.Closed(t.Context()); err != nil || got.Status != order.StatusFilled {
		t.Errorf("the maker's order: %+v, %v; expected it filled", got, err)
	}
}

// logon is a FIX Logon.
func logon() string {
	body := "35=A\x0149=client\x0156=VENUE\x0134=1\x0152=" + time.Now().UTC().Format("20060102-15:04:05.000") +
		"\x0198=0\x01108=30\x01141=Y\x01554=correct horse battery\x01"
	text := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(body), body)
	var sum int
	for _, b := range []byte(text) {
		sum += int(b)
	}
	return fmt.Sprintf("%s10=%03d\x01", text, sum%256)
}

func TestFIXOnTheSameAddress(t *testing.T) {
	s := newScene(t, nil)
	c := s.open(t, "fix")
	if _, err := c.Write([]byte(logon())); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	answer, err := bufio.NewReader(c).ReadString('\x01')
	if err != nil || answer != "8=FIX.4.4\x01" {
		t.Fatalf("the answer begins %q, %v; expected FIX", answer, err)
	}
}

// What is not served is refused by the end of the channel, and so is who is silent.
func TestNotServed(t *testing.T) {
	s := newScene(t, func(s *server.Server) { s.FIX, s.GRPC, s.JSON = nil, false, false })
	for i, first := range []string{logon(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /v1/orders HTTP/1.1\r\n\r\n"} {
		c := s.open(t, fmt.Sprintf("member %d", i))
		if _, err := c.Write([]byte(first)); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%.8q: read %d bytes, %v; expected the end of the channel", first, n, err)
		}
	}
}

// What begins as nothing known is told so in the framed protocol's words.
func TestUnknownProtocolIsToldWhy(t *testing.T) {
	s := newScene(t, nil)
	c := s.open(t, "member")
	if _, err := c.Write([]byte("POST / HTTP/1.1\r\nHost: venue\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	frames, err := order.NewClientStream(c).ReadReports(nil)
	if err != nil || len(frames) == 0 {
		t.Fatalf("read %v, %v", frames, err)
	}
	reject, ok := frames[0].Session.(*order.EstablishmentReject)
	if !ok || reject.Code != order.RejectMalformed {
		t.Errorf("got %+v, expected an EstablishmentReject of malformed bytes", frames[0].Session)
	}
}

// Who sends HTTP drop by drop holds a channel no longer than who is silent.
func TestSlowRequestIsCut(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	c := s.open(t, "member")
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: venue\r\nContent-Length: 100000\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c)
		ended <- err
	}()
	drop := time.NewTicker(100 * time.Millisecond)
	defer drop.Stop()
	for range 600 {
		select {
		case <-ended:
			return
		case <-drop.C:
			_, _ = c.Write([]byte("x"))
		}
	}
	t.Fatal("a request of which one byte comes at a time is still read after a minute")
}

// A member that renewed comes back under its new pseudonym, and finds its orders.
func TestRenewedSessionIsFoundByItsNewPseudonym(t *testing.T) {
	s := newScene(t, nil)
	member := s.venue.Member("member")
	var (
		mu   sync.Mutex
		cert = member.Certificate()
		conn *handshake.Conn
	)
	present := func() *session.Certificate {
		mu.Lock()
		defer mu.Unlock()
		return cert
	}
	c, err := order.Dial(t.Context(), order.Config{
		Secret: order.NewSecret(), State: order.MemoryState(), Grace: time.Minute,
		Open: func(ctx context.Context, _ order.Want) (order.Channel, error) {
			opened, err := s.dialer.Open(ctx, present(), nil)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			conn = opened
			return conn, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	entered, err := c.Submit(t.Context(), limit(t, order.Sell, "1", "64000"))
	if err != nil {
		t.Fatal(err)
	}
	began := c.State().Session

	next := member.Certificate()
	mu.Lock()
	old := conn
	mu.Unlock()
	if err := old.Renew(t.Context(), s.venue.Public(venuetest.Suite), next); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	cert = next
	mu.Unlock()
	// The alias is recorded after the renewal took effect: wait until it is there.
	renewed := order.NewSessionID(old.ConnectionState().Epoch.Number, next.Presentation().Statement.Nullifier[:])
	waitFor(t, func() bool {
		id, err := s.store.Resolve(t.Context(), renewed)
		return err == nil && id == began
	})
	_ = old.Close() // and the client comes back with the new certificate
	r, err := c.Status(t.Context(), entered.ID())
	if err != nil {
		t.Fatalf("after the renewal: %v", err)
	}
	if got := c.State().Session; r.OrdStatus != order.StatusNew || got != began {
		t.Errorf("order %c in session %v, expected it open in %v", r.OrdStatus, got, began)
	}
}

func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited for a minute in vain")
		}
	}
}
