// Package enginetest tests that a matching engine keeps the contract of
// [github.com/zkkex/zkkex/order/engine]: what a gateway relies on. How an engine
// matches is its own affair, but for what every price-time book does.
package enginetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// patience is how long an event may take. No test passes or fails by less.
const patience = 30 * time.Second

// Run tests engines made by open: each call returns a new one, empty, that trades at
// least one instrument. It is closed, if need be, with t.Cleanup by open's maker.
func Run(t *testing.T, open func() engine.Engine) {
	for _, c := range []struct {
		name string
		test func(*bench)
	}{
		{"Instruments", instruments},
		{"Acknowledge", acknowledge},
		{"Trade", trade},
		{"Repeat", repeat},
		{"RepeatAfterEnd", repeatAfterEnd},
		{"Cursor", cursor},
		{"CursorBeyond", cursorBeyond},
		{"TwoGateways", twoGateways},
		{"TakeFails", takeFails},
		{"Concurrent", concurrent},
		{"CancelAtOnce", cancelAtOnce},
		{"CancelGone", cancelGone},
		{"CancelUnasked", cancelUnasked},
		{"CancelFromElsewhere", cancelFromElsewhere},
		{"Expired", expired},
		{"ExpiredNotDue", expiredNotDue},
		{"Reject", reject},
		{"Replace", replace},
		{"Quote", quote},
		{"RequestForQuote", requestForQuote},
		{"Canceled", canceled},
		{"Restore", restore},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(newBench(t, open)) })
	}
}

// bench is one engine under test, and a gateway that takes its events.
type bench struct {
	*testing.T
	open   func() engine.Engine
	engine engine.Engine
	symbol order.Instrument
	now    time.Time

	mu      sync.Mutex
	changed chan struct{}
	events  []engine.Event
	calls   [][2]uint64 // the first and last number of each call of take
	ended   error
	markers map[order.OrderID]bool // commands of settled
}

func newBench(t *testing.T, open func() engine.Engine) *bench {
	b := &bench{T: t, open: open, now: time.UnixMilli(1_750_000_000_000).UTC(), changed: make(chan struct{})}
	b.start(open())
	return b
}

// start takes the events of an engine, from the first on.
func (b *bench) start(e engine.Engine) {
	b.Helper()
	list, err := e.Instruments(b.Context())
	if err != nil || len(list) == 0 {
		b.Fatalf("instruments: %v, %v", list, err)
	}
	b.engine, b.symbol = e, list[0]
	b.follow(e, 0)
}

// follow takes events after a number until the test ends.
func (b *bench) follow(e engine.Engine, after uint64) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := e.Events(ctx, after, b.take)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.ended = err
		b.wake()
	}()
	b.Cleanup(func() { stop(); <-done })
}

func (b *bench) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *bench) take(events []engine.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, events...)
	b.calls = append(b.calls, [2]uint64{events[0].Number, events[len(events)-1].Number})
	b.wake()
	return nil
}

// until waits for an event of a command, and for a number of events of it.
func (b *bench) until(id order.OrderID, count int) []engine.Event {
	b.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		of := eventsOf(b.events, id)
		changed, ended := b.changed, b.ended
		b.mu.Unlock()
		if len(of) >= count {
			return of
		}
		if ended != nil {
			b.Fatalf("the events ended: %v", ended)
		}
		select {
		case <-changed:
		case <-timeout:
			b.Fatalf("command %s led to %d events, expected %d", id, len(of), count)
		}
	}
}

func eventsOf(events []engine.Event, id order.OrderID) (of []engine.Event) {
	for _, e := range events {
		if e.Command == id {
			of = append(of, e)
		}
	}
	return of
}

// settled does a command that is refused, so that all before it is done, and returns
// the events so far without those of such commands.
func (b *bench) settled() []engine.Event {
	b.Helper()
	c := b.order(b.session(), order.Buy, 1, 1)
	c.Request.(*order.NewOrderSingle).Symbol = "ENGINETEST-NONE"
	b.do(c)
	b.until(c.ID, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.markers == nil {
		b.markers = make(map[order.OrderID]bool)
	}
	b.markers[c.ID] = true
	return slices.DeleteFunc(slices.Clone(b.events), func(e engine.Event) bool { return b.markers[e.Command] })
}

func (b *bench) do(commands ...engine.Command) {
	b.Helper()
	if err := b.engine.Do(b.Context(), commands); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) session() (s order.SessionID) {
	s.Epoch = 7
	rand.Read(s.ID[:])
	return s
}

func newID() (id order.ID) {
	rand.Read(id[:])
	return id
}

// price is so many ticks, and quantity so many times the least quantity.
func (b *bench) price(ticks int64) order.Decimal {
	return b.number(ticks, b.symbol.TickSize)
}

func (b *bench) quantity(n int64) order.Decimal {
	return b.number(n, b.symbol.MinQty)
}

func (b *bench) number(n int64, unit order.Decimal) order.Decimal {
	b.Helper()
	d, err := order.NewDecimal(n*unit.Mantissa, unit.Exponent)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// command names a request of a session, with a minute to live.
func (b *bench) command(s order.SessionID, r order.Request) engine.Command {
	return engine.Command{
		ID: order.NewOrderID(s, r.RequestID()), Session: s, Request: r,
		Now: b.now, Expires: b.now.Add(time.Minute),
	}
}

// order is a limit order for so many times the least quantity, good for a minute.
func (b *bench) order(s order.SessionID, side order.Side, quantity, ticks int64) engine.Command {
	b.Helper()
	return b.command(s, &order.NewOrderSingle{
		ClOrdID: newID(), Symbol: b.symbol.Symbol, Side: side, OrdType: order.Limit,
		TimeInForce: order.GoodTillDate, OrderQty: b.quantity(quantity), Price: b.price(ticks),
		TimeToLive: time.Minute, OwnerKey: [32]byte{1},
	})
}

// cancel is a session's cancel of what a command opened.
func (b *bench) cancel(s order.SessionID, target engine.Command) engine.Command {
	c := b.command(s, &order.OrderCancelRequest{ClOrdID: newID(), OrigClOrdID: target.Request.RequestID()})
	c.Target, c.Expires = target.ID, time.Time{}
	return c
}

// unasked is a cancel by the gateway.
func (b *bench) unasked(target engine.Command, reason engine.Reason) engine.Command {
	c := b.cancel(target.Session, target)
	c.ID = order.OrderID(newID())
	c.Request = &order.OrderCancelRequest{}
	c.Reason = reason
	return c
}

// consecutive fails unless the events are numbered from first on, without a gap.
func (b *bench) consecutive(events []engine.Event, first uint64) {
	b.Helper()
	for i, e := range events {
		if e.Number != first+uint64(i) {
			b.Fatalf("event %d comes where %d was expected", e.Number, first+uint64(i))
		}
	}
}

// execution returns an event's execution report, of a type.
func (b *bench) execution(e engine.Event, to engine.Command, t order.ExecType) *order.ExecutionReport {
	b.Helper()
	r, ok := e.Report.(*order.ExecutionReport)
	if !ok || r.ExecType != t || e.Session != to.Session || r.OrderID != to.ID {
		b.Fatalf("expected an execution report of type %c on %s, got %+v", t, to.ID, e)
	}
	if r.ExecID.IsZero() || e.Order == nil || e.Order.ID != to.ID || e.Order.Report != e.Report {
		b.Fatalf("expected the order's state with its report, got %+v", e)
	}
	if o := e.Order; o.Open != r.OrdStatus.Open() || o.ClOrdID.IsZero() {
		b.Fatalf("the state does not agree with the report: %+v, %+v", o, r)
	}
	return r
}

// same fails unless two events are the same as a journal would have it.
func (b *bench) same(x, y engine.Event) {
	b.Helper()
	rx, err1 := order.AppendReport(nil, x.Report)
	ry, err2 := order.AppendReport(nil, y.Report)
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	if x.Number != y.Number || x.Command != y.Command || x.Session != y.Session || !bytes.Equal(rx, ry) || (x.Order == nil) != (y.Order == nil) {
		b.Fatalf("event %d was another when it was taken again:\n%+v\n%+v", x.Number, x, y)
	}
}
