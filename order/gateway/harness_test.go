package gateway

import (
	"context"
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// fakeClock is a wall clock without a monotonic reading.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Unix(1_700_000_000, 0).UTC()} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var testInstruments = []order.Instrument{
	{Symbol: "BTC-USD", TickSize: dec(1, -2), LotSize: dec(1, -2), MinQty: dec(1, -2), MaxQty: dec(1, 4)},
	{Symbol: "ETH-USD", TickSize: dec(1, -1), LotSize: dec(1, -1), MinQty: dec(1, 0), MaxQty: dec(1, 2)},
}

func dec(m int64, e int32) order.Decimal {
	d, err := order.NewDecimal(m, e)
	if err != nil {
		panic(err)
	}
	return d
}

func testSession(n byte) order.SessionID { return order.NewSessionID(7, []byte{n}) }

// external hides that a book could be restored: it is then an engine that outlives
// gateways.
type external struct{ engine.Engine }

// venue is a gateway in a test, with what it is made of.
type venue struct {
	t       testing.TB
	clock   *fakeClock
	store   journal.Store
	engine  engine.Engine
	gateway *Gateway
}

func newBook(t testing.TB, clock *fakeClock, o book.Options) *book.Book {
	t.Helper()
	o.Now = clock.Now
	b, err := book.New(testInstruments, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newVenue opens a gateway with a book in its process and a journal in memory, after
// change.
func newVenue(t testing.TB, change func(*Config)) *venue {
	t.Helper()
	clock := newFakeClock()
	c := Config{Engine: newBook(t, clock, book.Options{}), Store: journal.NewMemory(), Name: "a", Now: clock.Now}
	if change != nil {
		change(&c)
	}
	g, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return &venue{t, clock, c.Store, c.Engine, g}
}

// pass lets time pass, and does what is due.
func (v *venue) pass(d time.Duration) {
	v.clock.advance(d)
	v.gateway.tick(context.Background())
	v.gateway.tend(context.Background())
}

// link is a connection in memory. Nothing on it waits for its reader.
type link struct {
	mu      sync.Mutex
	changed sync.Cond
	up      []order.ClientFrame
	bad     []error // what reading returns before up
	down    []order.VenueFrame
	closed  bool
	stuck   bool // writing waits until the link is closed
	see     func([]order.VenueFrame)
	ended   chan struct{} // Serve has returned
	err     error
}

func newLink() *link {
	l := &link{ended: make(chan struct{})}
	l.changed.L = &l.mu
	return l
}

func (l *link) ReadRequests(dst []order.ClientFrame) ([]order.ClientFrame, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.up) == 0 && len(l.bad) == 0 && !l.closed {
		l.changed.Wait()
	}
	switch {
	case len(l.bad) > 0:
		err := l.bad[0]
		l.bad = l.bad[1:]
		return dst, err
	case len(l.up) > 0 && !l.closed:
		dst = append(dst, l.up...)
		l.up = nil
		return dst, nil
	}
	return dst, io.EOF
}

func (l *link) WriteReports(frames []order.VenueFrame) error {
	if l.see != nil {
		l.see(frames)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.stuck && !l.closed {
		l.changed.Wait()
	}
	if l.closed {
		return io.ErrClosedPipe
	}
	l.down = append(l.down, frames...)
	l.changed.Broadcast()
	return nil
}

func (l *link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
	return nil
}

func (l *link) send(frames ...order.ClientFrame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = append(l.up, frames...)
	l.changed.Broadcast()
}

func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bad = append(l.bad, err)
	l.changed.Broadcast()
}

// trader is a client in a test that says what it is told to.
type trader struct {
	t     testing.TB
	link  *link
	seqNo uint64
	ids   uint32
	id    order.SessionID
	taken int
	ack   *order.EstablishmentAck
}

func establish() *order.Establish {
	return &order.Establish{KeepAlive: order.MaxKeepAlive, Grace: 10 * time.Second}
}

// serve begins a connection, without a word.
func (v *venue) serve(p Peer) *link {
	l := newLink()
	go func() {
		l.err = v.gateway.Serve(context.Background(), l, p)
		close(l.ended)
	}()
	v.t.Cleanup(func() { l.Close(); <-l.ended })
	return l
}

// connect establishes a session.
func (v *venue) connect(session order.SessionID, m *order.Establish) *trader {
	v.t.Helper()
	return v.connectAs(Peer{Session: session}, m)
}

func (v *venue) connectAs(p Peer, m *order.Establish) *trader {
	v.t.Helper()
	tr := &trader{t: v.t, link: v.serve(p), id: p.Session}
	tr.link.send(order.ClientFrame{Session: m})
	ack, ok := tr.next().Session.(*order.EstablishmentAck)
	if !ok {
		v.t.Fatalf("the session was not established: %+v", tr.link.down[0].Session)
	}
	tr.ack, tr.seqNo = ack, ack.NextSeqNo
	return tr
}

// next returns the next frame that the venue sends.
func (tr *trader) next() order.VenueFrame {
	tr.t.Helper()
	late := time.AfterFunc(10*time.Second, func() { tr.link.fail(nil); tr.link.Close() })
	defer late.Stop()
	l := tr.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.down) <= tr.taken {
		if l.closed {
			tr.t.Fatal("the venue closed the connection, expected another frame")
		}
		l.changed.Wait()
	}
	f := l.down[tr.taken]
	tr.taken++
	return f
}

// report returns the next report, which is of type T. The venue may have said in
// between that it is there.
func report[T order.Report](tr *trader) (T, uint64) {
	tr.t.Helper()
	f := tr.next()
	if _, ok := f.Session.(*order.Sequence); ok {
		f = tr.next()
	}
	r, ok := f.Report.Report.(T)
	if !ok {
		tr.t.Fatalf("the venue sent %T %+v %+v, expected another report", f.Report.Report, f.Report.Report, f.Session)
	}
	return r, f.Report.Number
}

// message returns the next frame, which is a session message of type T.
func message[T order.SessionMessage](tr *trader) T {
	tr.t.Helper()
	f := tr.next()
	m, ok := f.Session.(T)
	if !ok {
		tr.t.Fatalf("the venue sent %+v %T %+v, expected another message", f.Session, f.Report.Report, f.Report.Report)
	}
	return m
}

// newID returns an ID that no other trader uses.
func (tr *trader) newID() order.ID {
	var id order.ID
	copy(id[:], tr.id.ID[:])
	tr.ids++
	binary.BigEndian.PutUint32(id[8:], tr.ids)
	binary.BigEndian.PutUint32(id[12:], uint32(tr.seqNo))
	return id
}

func (tr *trader) send(requests ...order.Request) {
	var frames []order.ClientFrame
	for _, r := range requests {
		frames = append(frames, order.ClientFrame{SeqNo: tr.seqNo, Request: r})
		tr.seqNo++
	}
	tr.link.send(frames...)
}

func (tr *trader) order(side order.Side, price, qty int64) *order.NewOrderSingle {
	return &order.NewOrderSingle{
		ClOrdID: tr.newID(), Symbol: "BTC-USD", Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: dec(qty, 0), Price: dec(price, 0), TimeToLive: time.Minute,
	}
}

// rests submits an order that rests.
func (tr *trader) rests(side order.Side, price, qty int64) *order.NewOrderSingle {
	tr.t.Helper()
	o := tr.order(side, price, qty)
	tr.send(o)
	r, _ := report[*order.ExecutionReport](tr)
	if r.ExecType != order.ExecNew || r.ClOrdID != o.ClOrdID {
		tr.t.Fatalf("the order was not taken: %+v", r)
	}
	return o
}

// hangUp ends the connection without a word, and waits until the gateway knows.
func (tr *trader) hangUp() {
	tr.link.Close()
	<-tr.link.ended
}

func (v *venue) openOrders() int { return v.gateway.Status().OpenOrders }
