package soaktest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/fixedge"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/order/ordergrpc"
	"github.com/zkkex/zkkex/order/orderws"
	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/session"
)

// symbol is what is traded.
const symbol = "BTC-USD"

// scene is a gateway on a durable journal, served on channels in this process.
type scene struct {
	venue   *venuetest.Venue
	gateway *gateway.Gateway
	dialer  *handshake.Dialer
	counts  *counts
	members map[string]*venuetest.Member
}

// member returns the member of a name, who goes through slots.
func (s *scene) member(name string) *venuetest.Member {
	if s.members[name] == nil {
		s.members[name] = s.venue.Member(name)
	}
	return s.members[name]
}

// counts is a gateway.Observer that counts requests and sessions. With leak set, it
// holds so many bytes for each request.
type counts struct {
	requests, sessions atomic.Int64

	mu   sync.Mutex
	leak int
	held [][]byte
}

func (c *counts) Request(string) {
	c.requests.Add(1)
	if c.leak > 0 {
		c.mu.Lock()
		c.held = append(c.held, make([]byte, c.leak))
		c.mu.Unlock()
	}
}
func (c *counts) Reject(string, string)              {}
func (c *counts) Acknowledged(string, time.Duration) {}
func (c *counts) Sessions(int)                       {}
func (c *counts) Appended(int, time.Duration, error) {}
func (c *counts) Ended(string)                       { c.sessions.Add(1) }

func newScene(t *testing.T, leak int) *scene {
	t.Helper()
	engine, err := book.New(server.DefaultInstruments(), book.Options{Remember: 1024})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "journal")
	if err := pebblejournal.Init(dir); err != nil {
		t.Fatal(err)
	}
	store, err := pebblejournal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{venue: venuetest.New(t.Name()), counts: &counts{leak: leak}, members: make(map[string]*venuetest.Member)}
	s.gateway, err = gateway.Open(t.Context(), gateway.Config{Engine: engine, Store: store, Name: "a", Observe: s.counts})
	if err != nil {
		t.Fatal(err)
	}
	edge, err := fixedge.New(fixedge.Config{Gateway: s.gateway, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	serves := &server.Server{Gateway: s.gateway, FIX: edge.ServeConn, GRPC: true, JSON: true}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := s.venue.Config()
	config.Renewed = serves.Renewed
	l, err := handshake.NewListener(inner, config)
	if err != nil {
		t.Fatal(err)
	}
	s.dialer = s.venue.Dialer("tcp", inner.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.gateway.Run(ctx) })
	serving.Go(func() { _ = serves.Serve(ctx, l) })
	t.Cleanup(func() {
		cancel()
		serving.Wait()
		if err := errors.Join(edge.Close(), s.gateway.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// trader is a member's client, and the channel that it has.
type trader struct {
	*order.Client

	scene  *scene
	member *venuetest.Member

	mu      sync.Mutex
	cert    *session.Certificate
	channel *handshake.Conn
}

// streams are the transports that clients have.
var streams = []func(context.Context, order.Channel) (order.ClientStream, error){
	nil,
	func(ctx context.Context, c order.Channel) (order.ClientStream, error) {
		return ordergrpc.New(context.WithoutCancel(ctx), c.(*handshake.Conn))
	},
	func(ctx context.Context, c order.Channel) (order.ClientStream, error) { return orderws.New(ctx, c) },
}

func (s *scene) dial(t *testing.T, name string, transport int, quotes ...string) *trader {
	t.Helper()
	tr := &trader{scene: s, member: s.member(name)}
	tr.cert = tr.member.Certificate()
	c, err := order.Dial(t.Context(), order.Config{
		Secret: order.NewSecret(), State: order.MemoryState(), Stream: streams[transport%len(streams)], Quotes: quotes,
		Grace: time.Minute, Open: tr.open,
	})
	if err != nil {
		t.Fatal(err)
	}
	tr.Client = c
	return tr
}

func (tr *trader) open(ctx context.Context, _ order.Want) (order.Channel, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c, err := tr.scene.dialer.Open(ctx, tr.cert, nil)
	if err != nil {
		return nil, err
	}
	tr.channel = c
	return c, nil
}

// lose breaks the connection; the client resumes its session by itself.
func (tr *trader) lose() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	_ = tr.channel.Close()
}

// renew renews the channel with another certificate.
func (tr *trader) renew(t *testing.T) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	next := tr.member.Certificate()
	if err := tr.channel.Renew(t.Context(), tr.scene.venue.Public(venuetest.Suite), next); err != nil {
		t.Fatal(err)
	}
	tr.cert = next
}

// drain reads all reports, and answers requests for quote, until the client ends.
func (tr *trader) drain(t *testing.T) {
	for {
		r, err := tr.Next(t.Context())
		if err != nil {
			return
		}
		if asked, ok := r.Report.(*order.QuoteRequestReport); ok {
			_, _ = tr.Quote(t.Context(), order.Quote{ // the request may be over
				Symbol: symbol, QuoteReqID: asked.QuoteReqID, TimeToLive: time.Minute,
				Offers: []order.QuoteLevel{{Price: decimal("64000"), Size: decimal("1")}},
			})
		}
	}
}

func decimal(s string) order.Decimal {
	d, err := order.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func limit(side order.Side, price string) order.NewOrderSingle {
	return order.NewOrderSingle{
		Symbol: symbol, Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: decimal("1"), Price: decimal(price), TimeToLive: order.MaxTimeToLive,
	}
}

// fixClient is a FIX client that says what it is told to.
type fixClient struct {
	t    *testing.T
	comp string
	conn net.Conn
	in   *bufio.Reader
	next int
}

func (s *scene) fix(t *testing.T, name, comp string) *fixClient {
	t.Helper()
	c, err := s.dialer.Open(t.Context(), s.member(name).Certificate(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	f := &fixClient{t: t, comp: comp, conn: c, in: bufio.NewReader(c), next: 1}
	f.send("A", "98=0", "108=30", "141=Y", "554=correct horse battery")
	f.read("A")
	return f
}

func (f *fixClient) send(kind string, fields ...string) {
	body := strings.Join(append([]string{
		"35=" + kind, "49=" + f.comp, "56=" + fixedge.DefaultCompID, fmt.Sprintf("34=%d", f.next), "52=" + fixTime(),
	}, fields...), "\x01") + "\x01"
	f.next++
	text := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(body), body)
	var sum byte
	for _, b := range []byte(text) {
		sum += b
	}
	if _, err := io.WriteString(f.conn, fmt.Sprintf("%s10=%03d\x01", text, sum)); err != nil {
		f.t.Fatal(err)
	}
}

func fixTime() string { return time.Now().UTC().Format("20060102-15:04:05.000") }

// read reads up to a message of a type.
func (f *fixClient) read(kind string) {
	f.t.Helper()
	for got := ""; got != kind; {
		field, err := f.in.ReadString('\x01')
		if err != nil {
			f.t.Fatalf("FIX: waiting for a message of type %s: %v", kind, err)
		}
		if value, is := strings.CutPrefix(field, "35="); is {
			got = strings.TrimSuffix(value, "\x01")
		}
	}
}
