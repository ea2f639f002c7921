package anonymity

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/fixedge"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/health"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/order/telemetry"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue"
)

// Places where a venue writes something down, or hands it to somebody.
const (
	inLog        = "log"
	inMetrics    = "metrics"
	inTraces     = "traces"
	inAdmin      = "admin"      // health, readiness, status
	inJournal    = "journal"    // the folder of reports, orders and FIX messages
	inAdmissions = "admissions" // the folder of certificates that were admitted
	inEngine     = "engine"     // what the matching engine is asked
	inReports    = "reports"    // what other members are told
)

// mayHold is which values are where, by design, and must be: what is found nowhere
// would say that the search does not work. Everything else must be nowhere.
// docs/security.md has the same table.
var mayHold = map[string][]string{
	"session":      {inJournal, inEngine},
	"ClOrdID":      {inJournal, inEngine},
	"owner key":    {inJournal, inEngine},
	"FIX ClOrdID":  {inJournal},
	"FIX CompID":   {inJournal},
	"nullifier":    {inAdmissions},
	"session key":  {inAdmissions},
	"FIX password": nil, "order secret": nil, "owner's private key": nil, "private session key": nil,
	"address": nil, "identity": nil, "FIX session": {inJournal, inEngine},
}

// value is something of a member.
type value struct {
	kind  string
	bytes []byte
}

// spellings are how a value may be written. What is text is itself only.
func (v value) spellings() [][]byte {
	out := [][]byte{v.bytes}
	if v.kind == "address" || strings.HasPrefix(v.kind, "FIX ") && v.kind != "FIX session" {
		return out
	}
	return append(out,
		[]byte(hex.EncodeToString(v.bytes)), []byte(fmt.Sprintf("%X", v.bytes)), []byte(strings.Trim(fmt.Sprint(v.bytes), "[]")),
		[]byte(base64.RawStdEncoding.EncodeToString(v.bytes)), []byte(base64.RawURLEncoding.EncodeToString(v.bytes)))
}

func (v value) in(b []byte) bool {
	return slices.ContainsFunc(v.spellings(), func(s []byte) bool { return bytes.Contains(b, s) })
}

// places are all that a venue wrote and handed out, by where.
type places map[string][]byte

// found returns which kinds are where, as "kind in place".
func (p places) found(values []value, members []*identity) map[string]bool {
	out := make(map[string]bool)
	for place, b := range p {
		for _, v := range values {
			if v.in(b) {
				out[v.kind+" in "+place] = true
			}
		}
		for _, id := range members {
			if id.found(b) != "" {
				out["identity in "+place] = true
			}
		}
	}
	return out
}

// allowed is mayHold in the form of found.
func allowed() map[string]bool {
	out := make(map[string]bool)
	for kind, places := range mayHold {
		for _, place := range places {
			out[kind+" in "+place] = true
		}
	}
	return out
}

// heard is an engine that keeps what it is asked.
type heard struct {
	*book.Book

	mu sync.Mutex
	b  bytes.Buffer
}

func (h *heard) Do(ctx context.Context, commands []engine.Command) error {
	h.mu.Lock()
	for _, c := range commands {
		s := c.Session.Bytes()
		request, err := order.AppendRequest(nil, c.Request)
		if err != nil { // an operator's cancel has no name of its own
			request = fmt.Appendf(nil, "%+v", c.Request)
		}
		fmt.Fprintf(&h.b, "%s%s%s%s%v%v%v\n", c.ID[:], s[:], c.Target[:], request, c.Now, c.Expires, c.Reason)
	}
	h.mu.Unlock()
	return h.Book.Do(ctx, commands)
}

func (h *heard) bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Clone(h.b.Bytes())
}

// spans is a collector of traces.
type spans struct {
	collector.UnimplementedTraceServiceServer

	mu sync.Mutex
	b  []byte
}

func (s *spans) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	b, err := proto.Marshal(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b = append(append(s.b, b...), fmt.Sprint(r)...)
	return &collector.ExportTraceServiceResponse{}, err
}

// house is a gateway of the office's venue, with all that watches it.
type house struct {
	*office
	gateway *gateway.Gateway
	store   *pebblejournal.Journal
	engine  *heard
	metrics *telemetry.Metrics
	traces  *telemetry.Traces
	spans   *spans
	folder  string
	address string

	mu      sync.Mutex
	values  []value
	reports []byte // what others than the one looked at are told
	last    *net.TCPConn
}

func newHouse(t *testing.T) *house {
	h := &house{office: newOffice(t), metrics: telemetry.NewMetrics(), spans: new(spans), folder: filepath.Join(t.TempDir(), "journal")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	sink := grpc.NewServer()
	collector.RegisterTraceServiceServer(sink, h.spans)
	go func() { _ = sink.Serve(l) }()
	t.Cleanup(sink.Stop)
	h.traces, err = telemetry.NewTraces(t.Context(), telemetry.TracesConfig{Collector: l.Addr().String(), OneIn: 1, Gateway: "a"})
	h.must(err)
	b, err := book.New(server.DefaultInstruments(), book.Options{})
	h.must(err)
	h.engine = &heard{Book: b}
	h.must(pebblejournal.Init(h.folder))
	h.store, err = pebblejournal.Open(h.folder)
	h.must(err)
	h.gateway, err = gateway.Open(t.Context(), gateway.Config{
		Engine: h.engine, Store: h.store, Name: "a", Log: h.log, Observe: telemetry.Observers(h.metrics, h.traces), Now: h.now,
	})
	h.must(err)
	h.must(h.metrics.Register(telemetry.NewVenue(h.venue.Status)))
	h.serve()
	return h
}

// serve takes members' channels until the test ends.
func (h *house) serve() {
	edge, err := fixedge.New(fixedge.Config{
		Gateway: h.gateway, Store: h.store, Log: h.log, Schedule: h.venue.Config().Schedule, Now: h.now,
		Ban: func(ctx context.Context, m order.SessionID) error { return h.venue.Ban(ctx, m.Epoch, m.ID) },
	})
	h.must(err)
	s := &server.Server{Gateway: h.gateway, FIX: edge.ServeConn, GRPC: true, JSON: true, Log: h.log}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	h.address = inner.Addr().String()
	channels, err := h.venue.NewListener(inner, venue.ListenConfig{Load: h.load, Renewed: s.Renewed})
	h.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = h.gateway.Run(ctx) })
	serving.Go(func() { _ = s.Serve(ctx, channels) })
	h.t.Cleanup(func() {
		cancel()
		serving.Wait()
		h.must(errors.Join(edge.Close(), h.gateway.Close(), h.store.Close()))
	})
}

func (h *house) note(kind string, b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.values = append(h.values, value{kind, bytes.Clone(b)})
}

// certificate makes one, and notes what it is made of.
func (h *house) certificate(m *someone) *session.Certificate {
	c := m.certificate(nil)
	s := c.Presentation().Statement
	h.note("nullifier", s.Nullifier[:])
	h.note("session key", c.Key().PublicKey().Bytes())
	h.note("private session key", c.Key().Bytes())
	return c
}

// open opens a channel, and notes from where.
func (h *house) open(ctx context.Context, m *someone, c *session.Certificate) (*handshake.Conn, error) {
	d := m.dialer(m.suites[0])
	d.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.address)
		if err == nil {
			h.note("address", []byte(conn.LocalAddr().String()))
			h.mu.Lock()
			h.last = conn.(*net.TCPConn)
			h.mu.Unlock()
		}
		return conn, err
	}
	return d.Open(ctx, c, nil)
}

// trades is a client of a member; what it is told is kept if it is another than the
// one looked at.
func (h *house) trades(m *someone, other bool, quotes ...string) (*order.Client, *handshake.Conn) {
	cert := h.certificate(m)
	secret := order.NewSecret()
	raw := secret.Reveal()
	h.note("order secret", raw[:])
	var channel *handshake.Conn
	c, err := order.Dial(h.t.Context(), order.Config{
		Secret: secret, State: order.MemoryState(), Quotes: quotes, Reconnect: order.Never,
		Open: func(ctx context.Context, _ order.Want) (_ order.Channel, err error) {
			channel, err = h.open(ctx, m, cert)
			return channel, err
		},
		Stream: func(_ context.Context, c order.Channel) (order.ClientStream, error) {
			return &keeps{order.NewClientStream(c), h, other, secret}, nil
		},
	})
	h.must(err)
	h.t.Cleanup(func() { _ = c.Close() })
	if id := c.State().Session; !other {
		h.note("session", id.ID[:])
	}
	return c, channel
}

// keeps is a stream that notes what its member sends, or keeps what another is told.
type keeps struct {
	order.ClientStream
	house  *house
	other  bool
	secret *order.Secret
}

func (k *keeps) WriteRequests(frames []order.ClientFrame) error {
	if !k.other {
		for _, f := range frames {
			switch r := f.Request.(type) {
			case *order.NewOrderSingle:
				k.named(r.ClOrdID, r.OwnerKey)
			case *order.Quote:
				k.named(r.QuoteID, r.OwnerKey)
			}
		}
	}
	return k.ClientStream.WriteRequests(frames)
}

func (k *keeps) named(id order.ID, key [32]byte) {
	k.house.note("ClOrdID", id[:])
	k.house.note("owner key", key[:])
	private := k.secret.Key(id)
	k.house.note("owner's private key", private[:ed25519.SeedSize])
}

func (k *keeps) ReadReports(dst []order.VenueFrame) ([]order.VenueFrame, error) {
	n := len(dst)
	dst, err := k.ClientStream.ReadReports(dst)
	if k.other {
		k.house.mu.Lock()
		defer k.house.mu.Unlock()
		for _, f := range dst[n:] {
			if b, err := order.AppendVenueFrame(nil, f); err == nil {
				k.house.reports = append(k.house.reports, b...)
			}
		}
	}
	return dst, err
}

func price(t testing.TB, s string) order.Decimal {
	t.Helper()
	d, err := order.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (h *house) limit(side order.Side, at string) order.NewOrderSingle {
	return order.NewOrderSingle{
		Symbol: "BTC-USD", Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: price(h.t, "1"), Price: price(h.t, at), TimeToLive: time.Hour,
	}
}

// trade has members trade with each other, and go through what goes wrong.
func (h *house) trade() {
	ctx := h.t.Context()
	one, two := h.someone(h.members[0], leak{}), h.someone(h.members[1], leak{})
	mine, channel := h.trades(one, false, "BTC-USD")
	theirs, _ := h.trades(two, true)

	// A trade, a cancel, and a reject.
	_, err := mine.Submit(ctx, h.limit(order.Sell, "64000"))
	h.must(err)
	_, err = theirs.Submit(ctx, h.limit(order.Buy, "64000"))
	h.must(err)
	kept, err := mine.Submit(ctx, h.limit(order.Sell, "65000"))
	h.must(err)
	if _, err := mine.Submit(ctx, order.NewOrderSingle{
		Symbol: "NONE", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.ImmediateOrCancel, OrderQty: price(h.t, "1"), Price: price(h.t, "1"),
	}); err == nil {
		h.t.Fatal("a symbol that is not traded was taken")
	}
	// What another guesses of an order is refused, and tells nothing.
	guesses, _ := h.trades(h.someone(h.members[3], leak{}), false)
	if _, err := guesses.Cancel(ctx, kept.ID(), order.WithProof()); !errors.Is(err, order.ErrUnknownOrder) {
		h.t.Fatalf("cancelling another's order: %v", err)
	}
	// A private quote.
	asked, err := theirs.RequestQuote(ctx, order.QuoteRequest{Symbol: "BTC-USD", OrderQty: price(h.t, "1"), TimeToLive: time.Minute})
	h.must(err)
	h.answer(mine)
	q, err := asked.Next(ctx)
	h.must(err)
	_, err = theirs.TakeQuote(ctx, order.QuoteResponse{QuoteID: q.QuoteID, Side: order.Buy, OrderQty: price(h.t, "1"), Price: price(h.t, "64100")})
	h.must(err)
	// The channel is renewed, and then lost.
	h.must(channel.Renew(ctx, one.known(one.suites[0]), h.certificate(one)))
	_ = channel.Close()
	<-mine.Done()
	h.fix(one)
	h.nonsense(two)
	h.resets(h.someone(h.members[4], leak{}))
	// A ban.
	last, _ := h.trades(h.someone(h.members[2], leak{}), false)
	h.must(h.gateway.Ban(ctx, last.State().Session))
	<-last.Done()
}

// answer quotes for the request that a client hears of.
func (h *house) answer(c *order.Client) {
	for {
		r, err := c.Next(h.t.Context())
		h.must(err)
		if asked, ok := r.Report.(*order.QuoteRequestReport); ok {
			_, err := c.Quote(h.t.Context(), order.Quote{
				Symbol: asked.Symbol, QuoteReqID: asked.QuoteReqID, TimeToLive: time.Minute,
				Offers: []order.QuoteLevel{{Price: price(h.t, "64100"), Size: price(h.t, "1")}},
			})
			h.must(err)
			return
		}
	}
}

// nonsense is what a member sends that speaks no protocol.
func (h *house) nonsense(m *someone) {
	c, err := h.open(h.t.Context(), m, h.certificate(m))
	h.must(err)
	_, err = c.Write([]byte("zkkex/o1\x00\x00\x00\x04nonsense"))
	h.must(err)
	_, _ = io.Copy(io.Discard, c)
	_ = c.Close()
}

// resets resets connections, in each protocol, which the system reports with the
// address of the other side.
func (h *house) resets(m *someone) {
	before, cert := h.gateway.Status().Sessions, h.certificate(m)
	for i, hello := range []string{
		"zkkex/o1", "8=FIX.4.4\x019=", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /v1/orders HTTP/1.1\r\n", "GET /v1/orders HTTP/1.1\r\nHost: v\r\n" +
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "",
	} {
		if i%2 == 0 {
			cert = h.certificate(m) // two channels at once is all that a certificate has
		}
		c, err := h.open(h.t.Context(), m, cert)
		h.must(err)
		_, err = c.Write([]byte(hello))
		h.must(err)
		time.Sleep(20 * time.Millisecond) // until it has come, as far as that matters
		h.must(h.last.SetLinger(0))
		h.must(h.last.Close())
		_ = c.Close()
	}
	client, _ := h.trades(m, false)
	h.must(h.last.SetLinger(0))
	h.must(h.last.Close())
	<-client.Done()
	for h.gateway.Status().Sessions > before {
		time.Sleep(time.Millisecond)
	}
}

// fix is a FIX session, and a Logon with a wrong password.
func (h *house) fix(m *someone) {
	const comp, password, name = "kT9vQ2xWcomp", "pH7sZ0mRpassword4dL", "fX3nB8qYclordid"
	for kind, text := range map[string]string{"FIX CompID": comp, "FIX password": password, "FIX ClOrdID": name} {
		h.note(kind, []byte(text))
	}
	open := func() (*bufio.Reader, func(...string)) {
		c, err := h.open(h.t.Context(), m, h.certificate(m))
		h.must(err)
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		h.t.Cleanup(func() { _ = c.Close() })
		next := 0
		return bufio.NewReader(c), func(fields ...string) {
			next++
			body := strings.Join(append([]string{fields[0], "49=" + comp, "56=" + fixedge.DefaultCompID, fmt.Sprint("34=", next), "52=" + fixTime()}, fields[1:]...), "\x01") + "\x01"
			text := fmt.Sprintf("8=FIX.4.4\x019=%d\x01%s", len(body), body)
			var sum byte
			for _, b := range []byte(text) {
				sum += b
			}
			_, err := fmt.Fprintf(c, "%s10=%03d\x01", text, sum)
			h.must(err)
		}
	}
	read := func(in *bufio.Reader, kind string) {
		for got := ""; got != kind; {
			field, err := in.ReadString('\x01')
			h.must(err)
			if value, is := strings.CutPrefix(field, "35="); is {
				got = strings.TrimSuffix(value, "\x01")
			}
		}
	}
	in, send := open()
	send("35=A", "98=0", "108=30", "141=Y", "554="+password)
	read(in, "A")
	send("35=D", "11="+name, "55=BTC-USD", "54=1", "60="+fixTime(), "38=1", "40=2", "44=100")
	read(in, "8")
	h.noteFIXSession()
	in, send = open()
	send("35=A", "98=0", "108=30", "141=Y", "554="+password+"wrong")
	read(in, "5")
}

// noteFIXSession notes the session of the only order at its price.
func (h *house) noteFIXSession() {
	h.must(h.store.OpenOrders(h.t.Context(), func(o *engine.Order) error {
		if r, ok := o.Report.(*order.ExecutionReport); ok && r.Price == price(h.t, "100") {
			h.note("FIX session", o.Session.ID[:])
		}
		return nil
	}))
}

func fixTime() string { return time.Now().UTC().Format("20060102-15:04:05.000") }

// look gathers what there is to be seen.
func (h *house) look() places {
	h.t.Helper()
	h.must(h.traces.Shutdown(context.Background()))
	admin := health.NewHandler(health.Config{
		Ready:   []health.Check{{Name: "gateway", Err: func(context.Context) error { return h.gateway.Ready() }}},
		Metrics: h.metrics.Handler(),
	})
	get := func(path string) []byte {
		w := httptest.NewRecorder()
		admin.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Body.Bytes()
	}
	files, err := everything(os.DirFS(h.folder))
	h.must(err)
	h.spans.mu.Lock()
	defer h.spans.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	return places{
		inLog: []byte(h.journal.take()), inMetrics: get("/metrics"), inTraces: h.spans.b,
		inAdmin:   slices.Concat(get("/live"), get("/ready"), fmt.Appendf(nil, "%+v %+v", h.gateway.Status(), h.venue.Status())),
		inJournal: files, inAdmissions: h.kept(), inEngine: h.engine.bytes(), inReports: h.reports,
	}
}

// What a gateway writes down and hands out of members who trade is what docs/security.md
// says, and nothing else. Then each value is planted in each place, in each spelling,
// and found.
func TestWhatAGatewayHolds(t *testing.T) {
	h := newHouse(t)
	h.trade()
	seen := h.look()
	for place, b := range seen {
		if len(b) == 0 {
			t.Errorf("there is nothing in %s", place)
		}
	}
	kinds := make(map[string]bool)
	for _, v := range h.values {
		kinds[v.kind] = true
		if _, known := mayHold[v.kind]; !known || len(v.bytes) < 8 {
			t.Errorf("%q is %d bytes of a kind that the table lacks, or too short to be told from others", v.kind, len(v.bytes))
		}
	}
	if len(kinds) != len(mayHold)-1 { // identities are searched for by what they are
		t.Errorf("looked for %d kinds of values, expected %d", len(kinds), len(mayHold)-1)
	}
	found, may := seen.found(h.values, h.members), allowed()
	for what := range found {
		if !may[what] {
			t.Errorf("found: %s", what)
		}
	}
	for what := range may {
		if !found[what] {
			t.Errorf("not found, though it belongs there, or the search does not work: %s", what)
		}
	}
	h.plant(t, seen)
	tableIsDocumented(t)
}

// plant puts values where they do not belong.
func (h *house) plant(t *testing.T, seen places) {
	once := make(map[string]value)
	for _, v := range h.values {
		once[v.kind] = v
	}
	for place := range seen {
		for kind, v := range once {
			for _, s := range v.spellings() {
				planted := places{place: slices.Concat([]byte("before "), s, []byte(" after"))}
				if !planted.found([]value{v}, nil)[kind+" in "+place] {
					t.Errorf("%q planted in %s was not found", s, place)
				}
			}
		}
		commitment := h.members[0].secret.Public().Commitment()
		if !(places{place: []byte(hex.EncodeToString(commitment[:]))}).found(nil, h.members)["identity in "+place] {
			t.Errorf("a commitment planted in %s was not found", place)
		}
	}
	// Where something stands guard, it is given the leak.
	v := once["session"]
	text := hex.EncodeToString(v.bytes)
	h.log.Info("a session traded", "session", text)
	h.metrics.Reject("NewOrderSingle", text)
	h.metrics.Ended(text)
	again := h.look()
	if !v.in(again[inLog]) {
		t.Error("a session that was logged was not found")
	}
	if v.in(again[inMetrics]) {
		t.Error("a session became a label of metrics")
	}
}

// tableIsDocumented compares mayHold with the table of docs/security.md.
func tableIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range slices.Sorted(maps.Keys(mayHold)) {
		where := "nowhere"
		if places := mayHold[kind]; len(places) > 0 {
			where = strings.Join(slices.Sorted(slices.Values(places)), ", ")
		}
		if line := fmt.Sprintf("| %s | %s |\n", kind, where); !bytes.Contains(text, []byte(line)) {
			t.Errorf("docs/security.md lacks the line %q", line)
		}
	}
}
