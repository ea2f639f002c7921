package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// world is gateways, an engine and clients, which everything happens to that can.
// What must not happen is collected in wrong.
type world struct {
	plan   plan
	clock  *fakeClock
	disk   *journal.Memory
	book   *book.Book // in another process; nil if it is in the gateway's
	nodes  []*node
	models []*model
	loss   *rand.Rand

	mu    sync.Mutex
	lossy bool
	wrong []string
}

// node is one gateway, as long as it is not started again.
type node struct {
	g      *Gateway
	store  *faultyStore
	engine *faultyEngine
}

// plan is what happens.
type plan struct {
	External, Two, Inline bool
	Seed                  uint64
	Steps                 []step
	Plant                 plant
}

type step struct {
	Kind    int
	A, B, C int
}

const clientsInWorld = 3

func newWorld(p plan) (*world, error) {
	w := &world{plan: p, clock: newFakeClock(), disk: journal.NewMemory(), loss: rand.New(rand.NewPCG(p.Seed, 1)), lossy: true}
	if p.External {
		remember := 1 << 20
		if p.Plant == forgets {
			remember = 2 // the engine has forgotten as well
		}
		b, err := book.New(testInstruments, book.Options{Events: 1 << 20, Remember: remember, Now: w.clock.Now})
		if err != nil {
			return nil, err
		}
		w.book = b
	}
	gateways := 1
	if p.Two {
		gateways = 2
	}
	for range gateways {
		w.nodes = append(w.nodes, nil)
	}
	for i := range w.nodes {
		if err := w.boot(i); err != nil {
			return nil, err
		}
	}
	for i := range clientsInWorld {
		grace := []time.Duration{0, 4 * time.Second, 10 * time.Second}[i]
		w.models = append(w.models, &model{w: w, session: testSession(byte(i + 1)), grace: grace, expected: 1, ids: uint64(i+1) << 32})
	}
	return w, nil
}

// boot starts a gateway, with all it holds in memory gone.
func (w *world) boot(i int) error {
	n := &node{store: newFaultyStore(w.disk, w.plan.Plant)}
	var e engine.Engine
	if w.plan.External {
		n.engine = &faultyEngine{Engine: external{w.book}, plant: w.plan.Plant}
		e = n.engine
	} else {
		b, err := book.New(testInstruments, book.Options{Now: w.clock.Now})
		if err != nil {
			return err
		}
		n.engine = &faultyEngine{Engine: b, plant: w.plan.Plant}
		e = restorer{n.engine}
	}
	g, err := Open(context.Background(), Config{
		Engine: e, Store: n.store, Name: fmt.Sprint(i), Now: w.clock.Now, Inline: w.plan.Inline,
	})
	if err != nil {
		return err
	}
	n.g = g
	w.nodes[i] = n
	return nil
}

// crash ends a gateway in the middle of everything.
func (w *world) crash(i int) {
	n := w.nodes[i]
	n.store.dead.Store(true)
	n.engine.dead.Store(true)
	for _, m := range w.models {
		if m.at == n {
			m.drop()
		}
	}
	_ = n.g.Close()
	if err := w.boot(i); err != nil {
		w.fail("the gateway did not start again: %v", err)
	}
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

func (w *world) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(w.wrong[:min(len(w.wrong), 5)], "\n"))
}

// lose decides what happens to a frame: 0 is lost, 2 comes twice.
func (w *world) lose() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.lossy {
		return 1
	}
	switch w.loss.IntN(12) {
	case 0:
		return 0
	case 1:
		return 2
	}
	return 1
}

// heal ends all failures.
func (w *world) heal() {
	for _, n := range w.nodes {
		n.store.failing.Store(false)
		n.store.ambiguous.Store(false)
		n.engine.down.Store(false)
		n.engine.ambiguous.Store(false)
	}
	for _, n := range w.nodes {
		n.g.tick(context.Background())
		n.g.tend(context.Background())
	}
}

// pass lets up to two seconds pass.
func (w *world) pass(d time.Duration) {
	w.heal()
	w.until("the journals are written", func() bool {
		for _, n := range w.nodes {
			if s := n.g.Status(); s.Waiting > 0 || s.StoreFailing {
				return false
			}
		}
		return true
	})
	w.clock.advance(d)
	for _, n := range w.nodes {
		n.g.tick(context.Background())
		n.g.tend(context.Background())
	}
}

// until waits for something that must come about.
func (w *world) until(what string, ok func() bool) bool {
	for end := time.Now().Add(4 * time.Second); ; time.Sleep(200 * time.Microsecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			w.fail("it never came about that %s", what)
			return false
		}
	}
}

// model is a client: what it has sent, and what it knows.
type model struct {
	w       *world
	session order.SessionID
	grace   time.Duration

	mu       sync.Mutex
	reports  [][]byte // number 1 on
	stash    map[uint64][]byte
	sent     []*sent
	seqNo    uint64
	ids      uint64
	link     *link
	at       *node
	expected uint64 // on this connection, by the venue
	acked    bool
	olds     []*link
	away     []interval // when there was no connection
}

type sent struct {
	request  order.Request
	answered bool
}

type interval struct{ from, to time.Time }

func (i interval) String() string { return i.from.Format("05.000") + "-" + i.to.Format("05.000") }

// connect establishes the session at a gateway, which takes it over if it has a
// connection.
func (m *model) connect(n *node, again bool) {
	m.mu.Lock()
	if m.link != nil {
		m.olds = append(m.olds, m.link)
	} else if m.away == nil {
		m.away = append(m.away, interval{from: m.w.clock.Now()})
	}
	if again {
		m.reports, m.stash = nil, nil
	}
	next := uint64(len(m.reports)) + 1
	l := newLink()
	l.see = func(frames []order.VenueFrame) { m.see(l, frames) }
	m.link, m.at, m.acked = l, n, false
	m.mu.Unlock()
	go func() {
		l.err = n.g.Serve(context.Background(), l, Peer{Session: m.session})
		close(l.ended)
	}()
	l.send(order.ClientFrame{Session: &order.Establish{KeepAlive: order.MaxKeepAlive, Grace: m.grace, NextReport: next}})
	acked := func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.acked
	}
	for end := time.Now().Add(5 * time.Second); !acked(); time.Sleep(100 * time.Microsecond) {
		l.mu.Lock()
		closed := l.closed
		l.mu.Unlock()
		if closed && !acked() {
			m.mu.Lock()
			m.link = nil
			m.gone()
			m.mu.Unlock()
			return // refused, because the journal fails
		}
		if time.Now().After(end) {
			m.w.fail("a session was neither established nor refused")
			return
		}
	}
	m.resend()
}

// gone begins an interval without a connection. The caller holds mu.
func (m *model) gone() {
	if n := len(m.away); n == 0 || !m.away[n-1].to.IsZero() {
		m.away = append(m.away, interval{from: m.w.clock.Now()})
	}
}

// drop ends the connection without a word.
func (m *model) drop() {
	m.mu.Lock()
	l := m.link
	m.link = nil
	if l != nil {
		m.gone()
	}
	olds := m.olds
	m.olds = nil
	m.mu.Unlock()
	if l != nil {
		olds = append(olds, l)
	}
	for _, l := range olds {
		l.Close()
	}
	for _, l := range olds {
		<-l.ended
	}
}

// cutOld ends connections that were there before the last one.
func (m *model) cutOld() {
	m.mu.Lock()
	olds := m.olds
	if m.link == nil {
		olds = nil // the last one may be among them
	} else {
		m.olds = nil
	}
	m.mu.Unlock()
	for _, l := range olds {
		l.Close()
		<-l.ended
	}
}

// see is what the venue writes: it must be recorded, and in order.
func (m *model) see(l *link, frames []order.VenueFrame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != l {
		return
	}
	for _, f := range frames {
		switch s := f.Session.(type) {
		case *order.EstablishmentAck:
			m.acked, m.expected, m.seqNo = true, s.NextReport, s.NextSeqNo
			if n := len(m.away); n > 0 && m.away[n-1].to.IsZero() {
				m.away[n-1].to = m.w.clock.Now()
			}
		case *order.NotApplied:
			go m.resend()
		case *order.Terminate:
			if s.Code != order.RejectTakenOver && s.Code != order.RejectDraining {
				m.w.fail("the venue ended a session: %s: %s", codeName(s.Code), s.Text)
			}
		}
		if f.Report.Report == nil {
			continue
		}
		text, err := order.AppendReport(nil, f.Report.Report)
		if err != nil {
			m.w.fail("a report cannot be encoded: %v", err)
			continue
		}
		if f.Report.Number > 0 {
			m.ordered(f.Report.Number, text)
		}
		for range m.w.lose() {
			m.take(f.Report, text)
		}
	}
}

// ordered checks a report before anything can be lost.
func (m *model) ordered(number uint64, text []byte) {
	switch {
	case number == m.expected:
		m.expected++
	case number > m.expected:
		m.w.fail("report %d was sent where %d is next", number, m.expected)
	}
	held, err := m.w.disk.Reports(context.Background(), m.session, number, 1)
	if err != nil || len(held) == 0 || held[0].Number != number || !bytes.Equal(held[0].Report, text) {
		m.w.fail("report %d was sent, and is not recorded so", number)
	}
}

// take is what the client makes of a report. The caller holds mu.
func (m *model) take(r order.Numbered, text []byte) {
	if r.Number == 0 {
		m.answered(r.Report, true)
		return
	}
	next := uint64(len(m.reports)) + 1
	switch {
	case r.Number < next:
		if !bytes.Equal(m.reports[r.Number-1], text) {
			m.w.fail("report %d came twice, and differs", r.Number)
		}
		return
	case r.Number > next:
		if m.stash == nil {
			m.stash = make(map[uint64][]byte)
		}
		m.stash[r.Number] = text
		return
	}
	for text != nil {
		m.reports = append(m.reports, text)
		report, err := order.ParseReport(text)
		if err != nil {
			m.w.fail("a report cannot be decoded: %v", err)
			return
		}
		m.answered(report, false)
		next := uint64(len(m.reports)) + 1
		text = m.stash[next]
		delete(m.stash, next)
	}
}

// answered notes what a report answers. Without a number, only an answer to a
// question counts.
func (m *model) answered(r order.Report, fleeting bool) {
	for _, s := range m.sent {
		if s.request.RequestID() == r.Answers() && (!fleeting || asks(s.request)) {
			if b, ok := r.(*order.BusinessMessageReject); !ok || b.BusinessRejectReason != order.BusinessNotAvailable {
				s.answered = true
			}
		}
	}
}

// submit sends a request, over a link that may lose it, or bring it twice.
func (m *model) submit(r order.Request) {
	m.mu.Lock()
	m.sent = append(m.sent, &sent{request: r})
	m.mu.Unlock()
	m.transmit(r)
}

func (m *model) transmit(requests ...order.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link == nil || !m.acked {
		return
	}
	var frames []order.ClientFrame
	for _, r := range requests {
		f := order.ClientFrame{SeqNo: m.seqNo, Request: r}
		m.seqNo++
		for range m.w.lose() {
			frames = append(frames, f)
		}
	}
	if len(frames) > 1 && m.w.lose() != 1 {
		frames[0], frames[len(frames)-1] = frames[len(frames)-1], frames[0]
	}
	m.link.send(frames...)
}

// resend sends again what has no answer, and asks for reports that are missing.
func (m *model) resend() {
	m.mu.Lock()
	var requests []order.Request
	for _, s := range m.sent {
		if !s.answered {
			requests = append(requests, s.request)
		}
	}
	l, next, expected := m.link, uint64(len(m.reports))+1, m.expected
	acked := m.acked
	m.mu.Unlock()
	if l != nil && acked && next < expected {
		l.send(order.ClientFrame{Session: &order.RetransmitRequest{FromReport: next, Count: uint32(min(expected-next, 1000))}})
	}
	m.transmit(requests...)
}

func (m *model) newID() order.ID {
	m.ids++
	var id order.ID
	for i := range 8 {
		id[15-i] = byte(m.ids >> (8 * i))
	}
	return id
}

// someOrder returns the ID of an order that was asked for.
func (m *model) someOrder(n int) order.ID {
	var ids []order.ID
	for _, s := range m.sent {
		if o, ok := s.request.(*order.NewOrderSingle); ok {
			ids = append(ids, o.ClOrdID)
		}
	}
	if len(ids) == 0 {
		return order.ID{1}
	}
	return ids[n%len(ids)]
}

// live returns the gateway's connections of the session that are still there.
func (m *model) live() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, l := range append(slices.Clone(m.olds), m.link) {
		if l == nil {
			continue
		}
		l.mu.Lock()
		if !l.closed {
			n++
		}
		l.mu.Unlock()
	}
	return n
}

var _ io.Closer = (*link)(nil)
