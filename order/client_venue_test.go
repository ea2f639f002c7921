package order

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
)

// testVenue is a venue that is just large enough for clients: it keeps sessions,
// numbers reports, does a request once, and enters orders in no book. Its links break
// when the test says.
type testVenue struct {
	t  testing.TB
	mu sync.Mutex

	sessions map[SessionID]*testSession
	owners   map[ID]*testOrder // all orders, by every name that they ever had
	conns    map[net.Conn]bool
	links    int
	// sent is everything that clients sent, as bytes.
	sent []byte

	// Faults and manners; set before the clients dial, or under mu.
	breaks   func() (toVenue, toClient int) // bytes until a link breaks; 0 is never
	forget   func() bool                    // whether a request is lost before it is done
	swallow  func() bool                    // whether a report is not sent, though recorded
	answer   func(Request) Report           // instead of doing the request; nil does it
	ack      func(*EstablishmentAck)        // changes acknowledgements
	refuse   *EstablishmentReject           // answers Establish
	keep     time.Duration                  // KeepAlive in acknowledgements
	deaf     bool                           // reads nothing more
	small    bool                           // links take little before the venue reads
	entered  map[ID]int                     // how often each order was entered
	received []Request                      // in the order of arrival
	fills    bool                           // every order trades at once
}

type testSession struct {
	id       SessionID
	reports  []Report
	done     map[ID]testDone
	seq      uint64
	attached int // counts attachments
	frames   chan []VenueFrame
}

type testDone struct {
	digest  [32]byte
	numbers []uint64
}

type testOrder struct {
	session *testSession
	key     [32]byte
	report  ExecutionReport
}

func newTestVenue(t testing.TB) *testVenue {
	v := &testVenue{
		t: t, sessions: map[SessionID]*testSession{}, owners: map[ID]*testOrder{}, conns: map[net.Conn]bool{},
		entered: map[ID]int{}, keep: 10 * time.Second,
	}
	t.Cleanup(v.hangUp)
	return v
}

// hangUp breaks all links.
func (v *testVenue) hangUp() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for c := range v.conns {
		_ = c.Close()
	}
}

// testChannel is a channel without a handshake.
type testChannel struct {
	net.Conn
	nullifier [32]byte
	binding   [32]byte
}

func (c *testChannel) ConnectionState() handshake.ConnectionState {
	return handshake.ConnectionState{Statement: zkkex.Statement{Nullifier: c.nullifier}}
}

func (c *testChannel) Export(label string, context []byte, length int) ([]byte, error) {
	if label != BindingLabel || len(context) != 0 || length != 32 {
		return nil, errors.New("not what the venue exports")
	}
	return c.binding[:], nil
}

// breaking is a connection that ends after some bytes either way, and shows what is
// written to it.
type breaking struct {
	net.Conn
	mu      sync.Mutex
	out, in int // left; below 0 for ever
	wrote   func([]byte)
}

func (b *breaking) Write(p []byte) (int, error) {
	b.mu.Lock()
	n := len(p)
	if b.out >= 0 {
		n = min(n, b.out)
		b.out -= n
	}
	b.mu.Unlock()
	b.wrote(p[:n])
	if n > 0 {
		if _, err := b.Conn.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	if n < len(p) {
		_ = b.Conn.Close()
		return n, io.ErrClosedPipe
	}
	return n, nil
}

func (b *breaking) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.in >= 0 {
		if b.in == 0 {
			b.mu.Unlock()
			_ = b.Conn.Close()
			return 0, io.ErrUnexpectedEOF
		}
		p = p[:min(len(p), b.in)]
	}
	b.mu.Unlock()
	n, err := b.Conn.Read(p)
	b.mu.Lock()
	if b.in >= 0 {
		b.in -= n
	}
	b.mu.Unlock()
	return n, err
}

// open returns a Config.Open for a member: Resume is the same pseudonym again.
func (v *testVenue) open() func(context.Context, Want) (Channel, error) {
	var mu sync.Mutex
	var nullifier [32]byte
	return func(ctx context.Context, w Want) (Channel, error) {
		mu.Lock()
		if !w.Resume {
			for i := range nullifier {
				nullifier[i] = byte(rand.Uint32())
			}
		}
		n := nullifier
		mu.Unlock()
		return v.dial(n)
	}
}

// dial connects a pseudonym.
func (v *testVenue) dial(nullifier [32]byte) (Channel, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	mine, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	theirs, err := l.Accept()
	if err != nil {
		return nil, err
	}
	if v.small {
		_ = mine.(*net.TCPConn).SetWriteBuffer(4 << 10)
		_ = theirs.(*net.TCPConn).SetReadBuffer(4 << 10)
	}
	c := &testChannel{nullifier: nullifier}
	for i := range c.binding {
		c.binding[i] = byte(rand.Uint32())
	}
	b := &breaking{Conn: mine, out: -1, in: -1}
	b.wrote = func(p []byte) {
		v.mu.Lock()
		v.sent = append(v.sent, p...)
		v.mu.Unlock()
	}
	v.mu.Lock()
	v.links++
	if v.breaks != nil {
		if out, in := v.breaks(); out > 0 {
			b.out, b.in = out, in
		}
	}
	v.conns[theirs] = true
	v.mu.Unlock()
	c.Conn = b
	go v.serve(theirs, nullifier, c.binding)
	return c, nil
}

// serve is the venue's end of one link.
func (v *testVenue) serve(conn net.Conn, nullifier, binding [32]byte) {
	defer func() {
		_ = conn.Close()
		v.mu.Lock()
		delete(v.conns, conn)
		v.mu.Unlock()
	}()
	stream := NewStream(conn)
	frames, err := stream.ReadRequests(nil)
	if err != nil {
		return
	}
	hello, ok := frames[0].Session.(*Establish)
	if !ok {
		v.t.Errorf("the client begins with %+v", frames[0])
		return
	}
	s, attachment, out := v.attach(hello, nullifier)
	if s == nil {
		_ = stream.WriteReports([]VenueFrame{{Session: v.refuse}})
		return
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case f := <-out:
				if err := stream.WriteReports(f); err != nil {
					_ = conn.Close()
					return
				}
			case <-done:
				return
			}
		}
	}()
	frames = frames[1:]
	for {
		v.mu.Lock()
		over := v.do(s, attachment, out, binding, frames)
		deaf := v.deaf
		v.mu.Unlock()
		if over {
			// What was said before goes out.
			for deadline := time.Now().Add(5 * time.Second); len(out) > 0 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(5 * time.Millisecond)
			return
		}
		for deaf {
			time.Sleep(5 * time.Millisecond)
			v.mu.Lock()
			deaf = v.deaf && v.conns[conn]
			v.mu.Unlock()
		}
		if frames, err = stream.ReadRequests(frames[:0]); err != nil {
			return
		}
	}
}

func (v *testVenue) attach(hello *Establish, nullifier [32]byte) (*testSession, int, chan []VenueFrame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.refuse != nil {
		return nil, 0, nil
	}
	id := NewSessionID(7, nullifier[:])
	s := v.sessions[id]
	if s == nil {
		s = &testSession{id: id, done: map[ID]testDone{}, seq: 1}
		v.sessions[id] = s
	}
	s.attached++
	out := make(chan []VenueFrame, 1<<16)
	s.frames = out
	first := hello.NextReport
	if first == 0 {
		first = uint64(len(s.reports)) + 1
	}
	ack := &EstablishmentAck{
		Session: id, NextSeqNo: s.seq, NextReport: first, LastReport: uint64(len(s.reports)),
		KeepAlive: v.keep, Grace: hello.Grace, KeepOrders: hello.KeepOrders,
		MaxOpenOrders: 100, OrdersPerSecond: 100, MaxTimeToLive: MaxTimeToLive, Time: time.UnixMilli(1).UTC(),
		Instruments: []Instrument{{Symbol: "A/B", TickSize: Decimal{1, -2}, LotSize: Decimal{1, 0}, MinQty: Decimal{1, 0}, MaxQty: Decimal{1, 6}}},
	}
	if v.ack != nil {
		v.ack(ack)
	}
	out <- []VenueFrame{{Session: ack}}
	v.send(s, first, uint64(len(s.reports)))
	return s, s.attached, out
}

// send sends reports that are recorded.
func (v *testVenue) send(s *testSession, first, last uint64) {
	for n := first; n <= last && n <= uint64(len(s.reports)); n++ {
		v.push(s, VenueFrame{Report: Numbered{n, s.reports[n-1]}})
	}
}

func (v *testVenue) push(s *testSession, f VenueFrame) {
	if f.Report.Number > 0 && v.swallow != nil && v.swallow() {
		return
	}
	select {
	case s.frames <- []VenueFrame{f}:
	default: // the link is broken or stuck: the journal has it
	}
}

// record numbers a report and sends it.
func (v *testVenue) record(s *testSession, r Report) uint64 {
	s.reports = append(s.reports, r)
	n := uint64(len(s.reports))
	v.push(s, VenueFrame{Report: Numbered{n, r}})
	return n
}

// do does what came in, and reports whether the client said that it was all.
func (v *testVenue) do(s *testSession, attachment int, out chan []VenueFrame, binding [32]byte, frames []ClientFrame) (over bool) {
	for _, f := range frames {
		if s.attached != attachment {
			return true // fenced off
		}
		switch m := f.Session.(type) {
		case *Terminate:
			if m.Finish {
				v.cancelAll(s)
			}
			v.push(s, VenueFrame{Session: &Terminate{Code: RejectFinished}})
			return true
		case *RetransmitRequest:
			v.send(s, m.FromReport, m.FromReport+uint64(m.Count)-1)
		case *Sequence:
			v.expect(s, m.NextSeqNo) // nothing else tells that the last request was lost
			out <- []VenueFrame{{Session: &Sequence{NextSeqNo: uint64(len(s.reports)) + 1}}}
		case nil:
			if f.SeqNo == s.seq && v.forget != nil && v.forget() {
				continue // the next one shows that it is missing, or the next heartbeat
			}
			v.expect(s, f.SeqNo)
			s.seq = max(s.seq, f.SeqNo+1)
			v.received = append(v.received, f.Request)
			v.request(s, binding, f.Request)
		}
	}
	return false
}

// expect tells of the requests that are missing before the one numbered next.
func (v *testVenue) expect(s *testSession, next uint64) {
	if next > s.seq {
		v.push(s, VenueFrame{Session: &NotApplied{FromSeqNo: s.seq, Count: next - s.seq}})
		s.seq = next
	}
}

func (v *testVenue) request(s *testSession, binding [32]byte, r Request) {
	if v.answer != nil {
		if a := v.answer(r); a != nil {
			v.push(s, VenueFrame{Report: Numbered{0, a}})
			return
		}
	}
	digest := RequestDigest(r)
	if d, ok := s.done[r.RequestID()]; ok {
		if d.digest != digest {
			v.push(s, VenueFrame{Report: Numbered{0, &BusinessMessageReject{BusinessRejectRefID: r.RequestID(), BusinessRejectReason: BusinessOther, Text: "duplicate"}}})
			return
		}
		for _, n := range d.numbers {
			v.send(s, n, n)
		}
		return
	}
	d := testDone{digest: digest}
	switch r := r.(type) {
	case *NewOrderSingle:
		v.entered[r.ClOrdID]++
		e := ExecutionReport{
			OrderID: NewOrderID(s.id, r.ClOrdID), ClOrdID: r.ClOrdID, ExecType: ExecNew, OrdStatus: StatusNew,
			Symbol: r.Symbol, Side: r.Side, OrdType: r.OrdType, OrderQty: r.OrderQty, Price: r.Price,
			LeavesQty: r.OrderQty, TransactTime: time.UnixMilli(5).UTC(), ExecID: OrderID(randomID()),
		}
		o := &testOrder{session: s, key: r.OwnerKey, report: e}
		v.owners[r.ClOrdID] = o
		d.numbers = append(d.numbers, v.record(s, &e))
		if v.fills {
			v.fill(o)
		}
	case *OrderCancelRequest:
		d.numbers = append(d.numbers, v.cancel(s, binding, r))
	case *OrderCancelReplaceRequest:
		o := v.owners[r.OrigClOrdID]
		e := o.report
		e.ExecType, e.OrigClOrdID, e.ClOrdID = ExecReplaced, e.ClOrdID, r.ClOrdID
		e.OrderQty, e.Price, e.LeavesQty = r.OrderQty, r.Price, r.OrderQty
		e.ExecID = OrderID(randomID())
		o.report, o.key = e, r.OwnerKey
		o.report.OrigClOrdID = ID{}
		v.owners[r.ClOrdID] = o
		d.numbers = append(d.numbers, v.record(s, &e))
	case *OrderStatusRequest:
		v.status(s, binding, r)
		return
	case *OrderMassStatusRequest:
		v.massStatus(s, r)
		return
	case *OrderMassCancelRequest:
		n := v.cancelAll(s)
		d.numbers = append(d.numbers, v.record(s, &OrderMassCancelReport{ClOrdID: r.ClOrdID, Symbol: r.Symbol, TotalAffectedOrders: uint32(n)}))
	case *Quote:
		d.numbers = append(d.numbers, v.record(s, &QuoteStatusReport{ID: r.QuoteID, QuoteID: NewOrderID(s.id, r.QuoteID)}))
	case *QuoteCancel:
		d.numbers = append(d.numbers, v.record(s, &QuoteStatusReport{ID: r.QuoteID, StatusReqID: r.ID, QuoteStatus: QuoteCanceled}))
	case *QuoteRequest:
		d.numbers = append(d.numbers, v.record(s, &QuoteStatusReport{ID: r.QuoteReqID, QuoteID: NewOrderID(s.id, r.QuoteReqID)}))
		for i := range 3 {
			v.record(s, &QuoteReport{QuoteReqID: r.QuoteReqID, QuoteID: OrderID{byte(i) + 1}, Symbol: r.Symbol,
				Offers: []QuoteLevel{{Decimal{101, 0}, Decimal{int64(i) + 1, 0}}}, ExpireTime: time.UnixMilli(9).UTC()})
		}
	case *QuoteResponse:
		d.numbers = append(d.numbers, v.record(s, &QuoteStatusReport{ID: r.QuoteRespID, QuoteID: NewOrderID(s.id, r.QuoteRespID)}))
		for i, status := range []OrdStatus{StatusPartiallyFilled, StatusFilled} {
			d.numbers = append(d.numbers, v.record(s, &ExecutionReport{
				OrderID: NewOrderID(s.id, r.QuoteRespID), ClOrdID: r.QuoteRespID, ExecType: ExecTrade, OrdStatus: status,
				Symbol: "A/B", Side: r.Side, OrdType: Limit, OrderQty: Decimal{2, 0}, Price: r.Price,
				LastQty: Decimal{1, 0}, LastPx: r.Price, CumQty: Decimal{int64(i) + 1, 0}, LeavesQty: Decimal{1 - int64(i), 0},
				TransactTime: time.UnixMilli(5).UTC(), ExecID: OrderID(randomID()),
			}))
		}
	}
	s.done[r.RequestID()] = d
}

// fill trades an order, all of it.
func (v *testVenue) fill(o *testOrder) {
	e := &o.report
	e.ExecType, e.OrdStatus, e.ExecID = ExecTrade, StatusFilled, OrderID(randomID())
	e.LastQty, e.LastPx, e.CumQty, e.LeavesQty = e.OrderQty, e.Price, e.OrderQty, Decimal{}
	trade := *e
	v.record(o.session, &trade)
}

func (v *testVenue) cancel(s *testSession, binding [32]byte, r *OrderCancelRequest) uint64 {
	o := v.owners[r.OrigClOrdID]
	reject := &OrderCancelReject{ClOrdID: r.ClOrdID, OrigClOrdID: r.OrigClOrdID, OrdStatus: StatusRejected, CxlRejResponseTo: ToCancel, CxlRejReason: CxlUnknownOrder}
	if o == nil || o.session != s && VerifyProof(o.key, binding, r) != nil {
		return v.record(s, reject)
	}
	if !o.report.OrdStatus.Open() {
		reject.CxlRejReason, reject.OrdStatus = CxlTooLate, o.report.OrdStatus
		return v.record(s, reject)
	}
	o.report.ExecType, o.report.OrdStatus, o.report.LeavesQty = ExecCanceled, StatusCanceled, Decimal{}
	e := o.report
	e.OrigClOrdID, e.ClOrdID = e.ClOrdID, r.ClOrdID
	if o.session != s {
		theirs := o.report
		v.record(o.session, &theirs)
	}
	return v.record(s, &e)
}

func (v *testVenue) cancelAll(s *testSession) (n int) {
	seen := map[*testOrder]bool{}
	for _, o := range v.owners {
		if o.session == s && o.report.OrdStatus.Open() && !seen[o] {
			seen[o] = true
			n++
			o.report.ExecType, o.report.OrdStatus, o.report.LeavesQty = ExecCanceled, StatusCanceled, Decimal{}
			e := o.report
			v.record(s, &e)
		}
	}
	return n
}

func (v *testVenue) status(s *testSession, binding [32]byte, r *OrderStatusRequest) {
	o := v.owners[r.ClOrdID]
	if o == nil || o.session != s && VerifyProof(o.key, binding, r) != nil {
		v.push(s, VenueFrame{Report: Numbered{0, &BusinessMessageReject{BusinessRejectRefID: r.ID, BusinessRejectReason: BusinessUnknownID}}})
		return
	}
	e := o.report
	e.ExecType, e.StatusReqID, e.LastQty, e.LastPx = ExecStatus, r.ID, Decimal{}, Decimal{}
	v.push(s, VenueFrame{Report: Numbered{0, &e}})
}

func (v *testVenue) massStatus(s *testSession, r *OrderMassStatusRequest) {
	var open []ExecutionReport
	for id, o := range v.owners {
		if o.session == s && o.report.OrdStatus.Open() && o.report.ClOrdID == id {
			e := o.report
			e.ExecType, e.StatusReqID = ExecStatus, r.ID
			open = append(open, e)
		}
	}
	for i := range open {
		open[i].LastRptRequested = i == len(open)-1
		v.push(s, VenueFrame{Report: Numbered{0, &open[i]}})
	}
}
