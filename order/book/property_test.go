package book_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
)

// start is when tests begin.
var start = time.UnixMilli(1_750_000_000_000).UTC()

// machine gives the same commands to a book and to the model, and checks what must
// always hold.
type machine struct {
	book     *book.Book
	model    *model
	got      []engine.Event // of the last command
	states   map[order.OrderID]*engine.Order
	execIDs  map[order.OrderID]bool
	number   uint64
	now      time.Time
	requests uint64
	commands []engine.Command
}

func newMachine(t *rapid.T) *machine {
	m := &machine{
		model: newModel(instrument), now: start,
		states: make(map[order.OrderID]*engine.Order), execIDs: make(map[order.OrderID]bool),
	}
	m.restart(t)
	return m
}

// restart puts what is open into a new book, which knows nothing of what is over.
func (m *machine) restart(t *rapid.T) {
	b, err := book.New([]order.Instrument{instrument}, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var open []engine.Order
	for _, o := range m.states {
		if o.Open {
			open = append(open, *o)
		}
	}
	if err := b.Restore(open, m.number+1); err != nil {
		t.Fatal(err)
	}
	m.book = b
	clear(m.model.done)
	for _, o := range open {
		m.model.done[o.ID] = true
	}
}

// do gives a command to both, and compares.
func (m *machine) do(t *rapid.T, c engine.Command) {
	m.got = m.take(t, c)
	said := m.model.do(c)
	var heard []string
	for _, e := range m.got {
		heard = append(heard, words(t, e))
		m.check(t, c, e)
	}
	if !slices.Equal(said, heard) {
		t.Fatalf("%+v\nled to    %q\nthe model %q", c, heard, said)
	}
	m.trades(t)
	m.crossed(t)
	m.commands = append(m.commands, c)
}

// take returns the events of a command.
func (m *machine) take(t *rapid.T, c engine.Command) (events []engine.Event) {
	if err := m.book.Do(t.Context(), []engine.Command{c}); err != nil {
		t.Fatal(err)
	}
	marker := engine.Command{ID: order.OrderID{0: 0xff, 15: byte(m.requests)}, Session: order.SessionID{Epoch: 1}, Now: m.now}
	binary.BigEndian.PutUint64(marker.ID[4:], m.number)
	if err := m.book.Do(t.Context(), []engine.Command{marker}); err != nil {
		t.Fatal(err)
	}
	err := m.book.Events(t.Context(), m.number, func(batch []engine.Event) error {
		for _, e := range batch {
			if m.number++; e.Number != m.number {
				t.Fatalf("event %d where %d was expected", e.Number, m.number)
			}
			if e.Command == marker.ID {
				return errDone
			}
			events = append(events, e)
		}
		return nil
	})
	if err != errDone {
		t.Fatal(err)
	}
	return events
}

var errDone = fmt.Errorf("done")

// check looks at one event.
func (m *machine) check(t *rapid.T, c engine.Command, e engine.Event) {
	if e.Command != c.ID {
		t.Fatalf("event of command %v, expected %v", e.Command, c.ID)
	}
	if e.Order != nil {
		m.states[e.Order.ID] = e.Order
	}
	if _, err := order.AppendReport(nil, e.Report); err != nil {
		t.Fatalf("%+v: %v", e.Report, err)
	}
	r, ok := e.Report.(*order.ExecutionReport)
	if !ok {
		return
	}
	if r.ExecID.IsZero() || m.execIDs[r.ExecID] {
		t.Fatalf("ExecID %v comes twice", r.ExecID)
	}
	m.execIDs[r.ExecID] = true
	all, leaves, cum := m.model.lots(r.OrderQty), m.model.lots(r.LeavesQty), m.model.lots(r.CumQty)
	if r.OrdStatus.Open() && all != leaves+cum || leaves < 0 || cum < 0 || cum > all {
		t.Fatalf("quantities do not add up: %+v", r)
	}
}

// trades demands that trades come in pairs: a buyer and a seller, of the same.
func (m *machine) trades(t *rapid.T) {
	var open *order.ExecutionReport
	for _, e := range m.got {
		r, ok := e.Report.(*order.ExecutionReport)
		if !ok || r.ExecType != order.ExecTrade {
			continue
		}
		if open == nil {
			open = r
			continue
		}
		if open.Side != r.Side.Opposite() || open.LastQty != r.LastQty || open.LastPx != r.LastPx {
			t.Fatalf("a trade has two ends: %+v, %+v", open, r)
		}
		open = nil
	}
	if open != nil {
		t.Fatalf("a trade has no other side: %+v", open)
	}
}

// crossed demands that the best bid is below the best offer.
func (m *machine) crossed(t *rapid.T) {
	bid, offer := int64(-1), int64(1<<62)
	for _, o := range m.states {
		if !o.Open {
			continue
		}
		if r, ok := o.Report.(*order.ExecutionReport); ok && r.Side == order.Buy {
			bid = max(bid, m.model.ticks(r.Price))
		} else if ok {
			offer = min(offer, m.model.ticks(r.Price))
		}
		if q := o.Quote; q != nil {
			for _, l := range q.Bids {
				bid = max(bid, m.model.ticks(l.Price))
			}
			for _, l := range q.Offers {
				offer = min(offer, m.model.ticks(l.Price))
			}
		}
	}
	if bid >= offer {
		t.Fatalf("the book is crossed: bid %d, offer %d", bid, offer)
	}
}

// words says what an event means, as the model does.
func words(t *rapid.T, e engine.Event) string {
	m := newModel(instrument)
	switch r := e.Report.(type) {
	case *order.OrderCancelReject:
		if r.CxlRejResponseTo == order.ToReplace {
			return fmt.Sprintf("%v: replace refused", e.Session)
		}
		return fmt.Sprintf("%v: cancel refused", e.Session)
	case *order.QuoteStatusReport:
		switch r.QuoteStatus {
		case order.QuoteAccepted:
			return fmt.Sprintf("%v: quote %v new", e.Session, r.QuoteID)
		case order.QuoteRejected:
			return fmt.Sprintf("%v: quote cancel refused", e.Session)
		}
		return fmt.Sprintf("%v: quote %v ends %d", e.Session, r.QuoteID, r.QuoteStatus)
	case *order.ExecutionReport:
		switch r.ExecType {
		case order.ExecNew:
			return fmt.Sprintf("%v: order %v new %d", e.Session, r.OrderID, m.lots(r.LeavesQty))
		case order.ExecReplaced:
			return fmt.Sprintf("%v: order %v replaced %d", e.Session, r.OrderID, m.lots(r.LeavesQty))
		case order.ExecTrade:
			return fmt.Sprintf("%v: %v trades %d at %d", e.Session, r.OrderID, m.lots(r.LastQty), m.ticks(r.LastPx))
		case order.ExecCanceled, order.ExecExpired:
			return fmt.Sprintf("%v: order %v ends %c after %d", e.Session, r.OrderID, r.OrdStatus, m.lots(r.CumQty))
		}
	}
	t.Fatalf("unexpected %+v", e.Report)
	return ""
}

// Few sessions, prices and quantities, so that much happens.

func (m *machine) session(t *rapid.T) order.SessionID {
	return order.SessionID{Epoch: 1, ID: [16]byte{byte(rapid.IntRange(1, 4).Draw(t, "session"))}}
}

func (m *machine) id() (id order.ID) {
	m.requests++
	binary.BigEndian.PutUint64(id[8:], m.requests)
	return id
}

func number(n int64, exponent int32) order.Decimal {
	d, err := order.NewDecimal(n, exponent)
	if err != nil {
		panic(err)
	}
	return d
}

func price(t *rapid.T) order.Decimal { return number(rapid.Int64Range(96, 104).Draw(t, "ticks"), -2) }

func quantity(t *rapid.T) order.Decimal { return number(rapid.Int64Range(2, 12).Draw(t, "lots"), -4) }

func (m *machine) command(t *rapid.T, s order.SessionID, r order.Request) engine.Command {
	return engine.Command{
		ID: order.NewOrderID(s, r.RequestID()), Session: s, Request: r, Now: m.now,
		Expires: m.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second),
	}
}

// earlier returns a command that was given before, or one that nobody gave.
func (m *machine) earlier(t *rapid.T) engine.Command {
	last := len(m.commands) - 1 - rapid.IntRange(0, 30).Draw(t, "back")
	if last < 0 {
		return m.command(t, m.session(t), &order.QuoteCancel{ID: m.id()})
	}
	return m.commands[last]
}

func (m *machine) newOrder(t *rapid.T) {
	r := &order.NewOrderSingle{
		ClOrdID: m.id(), Symbol: instrument.Symbol, Side: rapid.SampledFrom([]order.Side{order.Buy, order.Sell}).Draw(t, "side"),
		OrdType: order.Limit, TimeInForce: order.GoodTillDate, OrderQty: quantity(t), Price: price(t),
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		r.TimeInForce = order.FillOrKill
	case 1:
		r.TimeInForce = order.ImmediateOrCancel
	case 2:
		r.OrdType, r.TimeInForce = order.Market, order.ImmediateOrCancel
	case 3:
		r.ExecInst = order.ParticipateDontInitiate
	}
	m.do(t, m.command(t, m.session(t), r))
}

func (m *machine) newQuote(t *rapid.T) {
	ladder := func(from, step int64) (l []order.QuoteLevel) {
		for range rapid.IntRange(1, 3).Draw(t, "levels") {
			l = append(l, order.QuoteLevel{Price: number(from, -2), Size: quantity(t)})
			from += step
		}
		return l
	}
	middle := rapid.Int64Range(97, 103).Draw(t, "middle")
	r := &order.Quote{
		QuoteID: m.id(), Symbol: instrument.Symbol,
		Bids: ladder(middle-1, -1), Offers: ladder(middle+rapid.Int64Range(0, 2).Draw(t, "spread"), 1),
	}
	m.do(t, m.command(t, m.session(t), r))
}

func (m *machine) cancel(t *rapid.T) {
	at := m.earlier(t)
	c := m.command(t, at.Session, &order.OrderCancelRequest{ClOrdID: m.id(), OrigClOrdID: at.Request.RequestID()})
	c.Target = at.ID
	m.do(t, c)
}

func (m *machine) unasked(t *rapid.T) {
	at := m.earlier(t)
	c := m.command(t, at.Session, &order.OrderCancelRequest{})
	c.ID, c.Target = order.OrderID(m.id()), at.ID
	c.Reason = engine.Disconnected
	if _, isOrder := at.Request.(*order.NewOrderSingle); isOrder && rapid.Bool().Draw(t, "expired") {
		c.Reason = engine.Expired
	}
	m.do(t, c)
}

func (m *machine) replace(t *rapid.T) {
	at := m.earlier(t)
	c := m.command(t, at.Session, &order.OrderCancelReplaceRequest{
		ClOrdID: m.id(), OrigClOrdID: at.Request.RequestID(), OrderQty: quantity(t), Price: price(t),
	})
	c.Target = at.ID
	m.do(t, c)
}

func (m *machine) cancelQuote(t *rapid.T) {
	at := m.earlier(t)
	c := m.command(t, at.Session, &order.QuoteCancel{ID: m.id(), QuoteID: m.id()})
	c.Target = at.ID
	m.do(t, c)
}

func (m *machine) repeat(t *rapid.T) {
	if c := m.earlier(t); m.model.done[c.ID] { // else the book was never told of it
		m.do(t, c)
	}
}

func (m *machine) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "seconds")) * time.Second)
}

// A book does what a slice would do that is searched from end to end, through
// expirations, repetitions and restarts.
func TestBookIsAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"order 1": m.newOrder, "order 2": m.newOrder, "order 3": m.newOrder, "order 4": m.newOrder,
			"quote 1": m.newQuote, "quote 2": m.newQuote, "cancel": m.cancel, "unasked": m.unasked, "replace": m.replace,
			"cancel quote": m.cancelQuote, "repeat": m.repeat, "wait": m.wait, "restart": m.restart,
		})
	})
}
