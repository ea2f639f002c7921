package fixedge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

// patient is how long a test waits for what must come.
const patient = 60 * time.Second

const testPassword = "correct horse battery staple"

func dec(t testing.TB, s string) order.Decimal {
	t.Helper()
	d, err := order.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newBook(t testing.TB) *book.Book {
	t.Helper()
	cent, most := dec(t, "0.01"), dec(t, "10000")
	b, err := book.New([]order.Instrument{
		{Symbol: "BTC-USD", TickSize: cent, LotSize: cent, MinQty: cent, MaxQty: most},
		{Symbol: "ETH-USD", TickSize: cent, LotSize: cent, MinQty: cent, MaxQty: most},
	}, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// external hides that a book could be restored: it then outlives gateways.
type external struct{ engine.Engine }

// venue is a gateway with a FIX edge, and a listener for clients.
type venue struct {
	gateway *gateway.Gateway
	edge    *Edge
	address string
	log     *syncBuffer
	stop    func()
}

func newVenue(t testing.TB, e engine.Engine, store journal.Store, change func(*Config)) *venue {
	t.Helper()
	v := &venue{log: new(syncBuffer)}
	log := slog.New(slog.NewTextHandler(v.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	v.gateway, err = gateway.Open(t.Context(), gateway.Config{Engine: e, Store: store, Name: "a", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Gateway: v.gateway, Store: store, Log: log, Symbols: []string{"BTC-USD", "ETH-USD"}, Grace: order.MaxGrace}
	if change != nil {
		change(&c)
	}
	if v.edge, err = New(c); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = v.gateway.Run(ctx) })
	running.Go(func() { _ = v.edge.Serve(ctx, l) })
	var once sync.Once
	v.stop = func() {
		once.Do(func() {
			cancel()
			running.Wait()
			if err := v.edge.Close(); err != nil {
				t.Error(err)
			}
			if err := v.gateway.Close(); err != nil && !errors.Is(err, journal.ErrUnavailable) {
				t.Error(err)
			}
		})
	}
	t.Cleanup(v.stop)
	return v
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// relay stands between a client and a venue, and can be cut.
type relay struct {
	t       testing.TB
	address string

	mu       sync.Mutex
	listener net.Listener
	dial     func() (net.Conn, error)
	conns    []net.Conn
	// after, if above 0, cuts the link when so many bytes have come down.
	after int
	down  bool
}

func newRelay(t testing.TB, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, address: l.Addr().String()}
	r.to(to)
	t.Cleanup(func() { r.set(true) })
	r.listener = l
	go r.serve(l)
	return r
}

func (r *relay) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.carry(c)
	}
}

func (r *relay) to(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dial = func() (net.Conn, error) { return net.Dial("tcp", address) }
}

func (r *relay) carry(client net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		client.Close()
		return
	}
	server, err := r.dial()
	if err != nil {
		client.Close()
		return
	}
	r.conns = append(r.conns, client, server)
	go func() {
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	go func() {
		defer client.Close()
		b := make([]byte, 64)
		for {
			n, err := server.Read(b)
			if _, werr := client.Write(b[:n]); err != nil || werr != nil || r.passed(n) {
				return
			}
		}
	}()
}

// passed counts bytes, and reports whether the link is to be cut.
func (r *relay) passed(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.after == 0 {
		return false
	}
	if r.after -= n; r.after > 0 {
		return false
	}
	r.after = 0
	for _, c := range r.conns {
		c.Close()
	}
	return true
}

func (r *relay) cutAfter(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = n
}

// cut breaks all links; set keeps new ones from being made.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

// refuse takes no new links, and keeps those there are.
func (r *relay) refuse() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
}

// While it is down, nothing listens. A link that is taken and closed would do as
// well, but quickfix begins a logon on it, whose timer ends later ones.
func (r *relay) set(down bool) {
	r.mu.Lock()
	r.down = down
	if down {
		r.listener.Close()
	}
	r.mu.Unlock()
	if down {
		r.cut()
		return
	}
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Error(err)
		return
	}
	r.mu.Lock()
	r.listener = l
	r.mu.Unlock()
	go r.serve(l)
}

// client is a FIX client with a real engine.
type client struct {
	t         testing.TB
	id        quickfix.SessionID
	store     quickfix.MessageStore
	initiator *quickfix.Initiator
	password  string
	logonTags map[quickfix.Tag]string
	quotes    bool
	// strict checks what comes against the dictionary of FIX 4.4.
	strict bool

	mu      sync.Mutex
	changed sync.Cond
	in      []*message
	texts   []string
	logons  int
	logouts int
	read    int
}

type clientLogs struct{ c *client }

func (l clientLogs) Create() (quickfix.Log, error) { return clientLog(l), nil }
func (l clientLogs) CreateSessionLog(quickfix.SessionID) (quickfix.Log, error) {
	return clientLog(l), nil
}

// clientLog notes texts of Logouts, which quickfix shows nowhere else.
type clientLog struct{ c *client }

func (l clientLog) OnIncoming(b []byte) {
	if m, err := parseMessage(b); err == nil && (m.kind == kindLogout || m.kind == kindReject) {
		l.c.note(func() { l.c.texts = append(l.c.texts, m.get(tagText)) })
	}
}
func (l clientLog) OnOutgoing([]byte)                                      {}
func (l clientLog) OnEvent(string)                                         {}
func (l clientLog) OnEventf(string, ...any)                                {}
func (c *client) OnCreate(quickfix.SessionID)                              {}
func (c *client) OnLogon(quickfix.SessionID)                               { c.note(func() { c.logons++ }) }
func (c *client) OnLogout(quickfix.SessionID)                              { c.note(func() { c.logouts++ }) }
func (c *client) Create(quickfix.SessionID) (quickfix.MessageStore, error) { return c.store, nil }

func (c *client) ToAdmin(m *quickfix.Message, _ quickfix.SessionID) {
	if !m.IsMsgTypeOf(kindLogon) {
		return
	}
	m.Body.SetString(tagPassword, c.password)
	for tag, value := range c.logonTags {
		m.Body.SetString(tag, value)
	}
	if c.quotes {
		g := quickfix.NewRepeatingGroup(tagNoMsgTypes, quickfix.GroupTemplate{quickfix.GroupElement(tagRefMsgType), quickfix.GroupElement(tagMsgDirection)})
		entry := g.Add()
		entry.SetString(tagRefMsgType, kindQuoteRequest)
		entry.SetString(tagMsgDirection, "R")
		m.Body.SetGroup(g)
	}
}

func (c *client) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }
func (c *client) FromAdmin(*quickfix.Message, quickfix.SessionID) quickfix.MessageRejectError {
	return nil
}

func (c *client) FromApp(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	p, err := parseMessage(m.Bytes())
	if err != nil {
		c.t.Errorf("the venue sent what is no message: %v", err)
		return nil
	}
	c.note(func() { c.in = append(c.in, p) })
	return nil
}

func (c *client) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.changed.Broadcast()
}

// wait waits until a condition holds.
func (c *client) wait(what string, ok func() bool) {
	c.t.Helper()
	timer := time.AfterFunc(patient, func() { c.note(func() {}) })
	defer timer.Stop()
	start := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ok() {
		if time.Since(start) >= patient {
			c.t.Fatalf("%s: did not come; texts %q, %d messages: %v", what, c.texts, len(c.in), c.in)
		}
		c.changed.Wait()
	}
}

// newClient makes a client; start connects it.
func newClient(t testing.TB, comp string) *client {
	t.Helper()
	c := &client{t: t, password: testPassword, id: quickfix.SessionID{BeginString: quickfix.BeginStringFIX44, SenderCompID: comp, TargetCompID: DefaultCompID}}
	c.changed.L = &c.mu
	inner, err := quickfix.NewMemoryStoreFactory().Create(c.id)
	if err != nil {
		t.Fatal(err)
	}
	c.store = &clientStore{MessageStore: inner}
	return c
}

// unique returns a CompID that no other test uses: quickfix has one table of
// sessions in a process.
func unique(t testing.TB, who string) string {
	return who + strconv.FormatInt(int64(len(t.Name())), 10) + token()[:8]
}

func (c *client) start(address string) {
	c.t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		c.t.Fatal(err)
	}
	settings := quickfix.NewSettings()
	s := quickfix.NewSessionSettings()
	for k, v := range map[string]string{
		config.BeginString: c.id.BeginString, config.SenderCompID: c.id.SenderCompID, config.TargetCompID: c.id.TargetCompID,
		config.SessionQualifier: c.id.Qualifier, config.HeartBtInt: "30", config.ReconnectInterval: "50ms",
		config.SocketConnectHost: host, config.SocketConnectPort: port, config.LogoutTimeout: "5",
	} {
		if v != "" {
			s.Set(k, v)
		}
	}
	if c.strict {
		s.Set(config.DataDictionary, dictionary())
		s.Set(config.ValidateFieldsOutOfOrder, "N")
	}
	if _, err := settings.AddSession(s); err != nil {
		c.t.Fatal(err)
	}
	if c.initiator, err = quickfix.NewInitiator(c, c, settings, clientLogs{c}); err != nil {
		c.t.Fatal(err)
	}
	if err := c.initiator.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.initiator.Stop)
}

// dictionary is the path of quickfix's FIX 4.4.
var dictionary = sync.OnceValue(func() string {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/quickfixgo/quickfix").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(dir)) + "/spec/FIX44.xml"
})

// loggedOn waits for the nth Logon.
func (c *client) loggedOn(n int) {
	c.t.Helper()
	c.wait(fmt.Sprintf("logon %d", n), func() bool { return c.logons >= n })
}

// logOut stops the client in good order.
func (c *client) logOut() { c.initiator.Stop() }

// send sends a message of tags and values.
func (c *client) send(kind string, fields ...field) {
	c.t.Helper()
	m := quickfix.NewMessage()
	m.Header.SetString(tagMsgType, kind)
	var group *quickfix.RepeatingGroup
	var in *quickfix.Group
	for _, f := range fields {
		switch {
		case f.tag == tagNoRelatedSym:
			group = quickfix.NewRepeatingGroup(tagNoRelatedSym, quickfix.GroupTemplate{
				quickfix.GroupElement(tagSymbol), quickfix.GroupElement(tagSide), quickfix.GroupElement(tagOrderQty),
			})
			in = group.Add()
		case in != nil:
			in.SetString(f.tag, f.value)
		case f.tag == tagPossResend:
			m.Header.SetString(f.tag, f.value)
		default:
			m.Body.SetString(f.tag, f.value)
		}
	}
	if group != nil {
		m.Body.SetGroup(group)
	}
	if err := quickfix.SendToTarget(m, c.id); err != nil {
		c.t.Fatal(err)
	}
}

func now() string { return timeText(time.Now()) }

// order sends a limit order for the day.
func (c *client) order(id, side, qty, price string, more ...field) {
	c.t.Helper()
	c.send(kindNewOrderSingle, append([]field{
		{tagClOrdID, id}, {tagSymbol, "BTC-USD"}, {tagSide, side}, {tagTransactTime, now()},
		{tagOrderQty, qty}, {tagOrdType, "2"}, {tagPrice, price},
	}, more...)...)
}

// next waits for the next message, and checks its type and fields.
func (c *client) next(kind string, fields ...field) *message {
	c.t.Helper()
	c.wait("a message of type "+kind, func() bool { return len(c.in) > c.read })
	c.mu.Lock()
	m := c.in[c.read]
	c.read++
	c.mu.Unlock()
	if m.kind != kind {
		c.t.Fatalf("got %v, want a message of type %s with %v", m, kind, fields)
	}
	for _, f := range fields {
		if got := m.get(f.tag); got != f.value {
			c.t.Errorf("message %s: tag %d is %q, want %q (%v)", kind, f.tag, got, f.value, m)
		}
	}
	return m
}
