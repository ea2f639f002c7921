package enginetest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

func instruments(b *bench) {
	first, err := b.engine.Instruments(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	again, err := b.engine.Instruments(b.Context())
	if err != nil || !slices.Equal(first, again) {
		b.Fatalf("the instruments changed: %v, %v, %v", first, again, err)
	}
}

// repeat gives commands again, in one call and in another: they are done once.
func repeat(b *bench) {
	maker := b.order(b.session(), order.Sell, 5, 100)
	taker := b.order(b.session(), order.Buy, 2, 100)
	cancel := b.cancel(maker.Session, maker)
	b.do(maker, maker)
	b.do(maker, taker, taker)
	b.do(taker, cancel, cancel, maker)
	b.do(cancel, taker)
	events := b.settled()
	if got := len(eventsOf(events, maker.ID)); got != 1 {
		b.Errorf("an order given four times led to %d events, expected 1", got)
	}
	if got := len(eventsOf(events, taker.ID)); got != 3 {
		b.Errorf("a taking order given four times led to %d events, expected 3", got)
	}
	if got := len(eventsOf(events, cancel.ID)); got != 1 {
		b.Errorf("a cancel given three times led to %d events, expected 1", got)
	}
	b.consecutive(events, 1)
}

// repeatAfterEnd gives an order again that is filled, one that was refused, and one
// that was cancelled.
func repeatAfterEnd(b *bench) {
	maker := b.order(b.session(), order.Sell, 2, 100)
	taker := b.order(b.session(), order.Buy, 2, 100)
	refused := b.order(b.session(), order.Buy, 2, 100)
	refused.Request.(*order.NewOrderSingle).Symbol = "ENGINETEST-NONE"
	cancelled := b.order(b.session(), order.Buy, 2, 90)
	b.do(maker, taker, refused, cancelled, b.cancel(cancelled.Session, cancelled))
	before := b.settled()
	b.do(maker, taker, refused, cancelled)
	if after := b.settled(); len(after) != len(before) {
		b.Fatalf("repetitions led to events: %+v", after[len(before):])
	}
}

// cursor takes the events again from every number on.
func cursor(b *bench) {
	for i := range int64(4) {
		b.do(b.order(b.session(), order.Sell, 1, 100+i))
	}
	taker := b.order(b.session(), order.Buy, 3, 110)
	b.do(taker)
	events := b.settled()
	b.consecutive(events, 1)
	for after := range uint64(len(events)) {
		again := b.again(after, len(events)-int(after))
		b.consecutive(again, after+1)
		for i, e := range again {
			b.same(events[int(after)+i], e)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	own := eventsOf(events, taker.ID)
	first, last := own[0].Number, own[len(own)-1].Number
	if !slices.ContainsFunc(b.calls, func(c [2]uint64) bool { return c[0] <= first && c[1] >= last }) {
		b.Errorf("events %d to %d of one command came in more than one call: %v", first, last, b.calls)
	}
}

// errEnough ends a call of Events.
var errEnough = errors.New("enough")

// again takes count events after a number.
func (b *bench) again(after uint64, count int) (again []engine.Event) {
	b.Helper()
	ctx, stop := context.WithTimeout(b.Context(), patience)
	defer stop()
	err := b.engine.Events(ctx, after, func(events []engine.Event) error {
		if again = append(again, events...); len(again) >= count {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		b.Fatalf("events after %d: %v", after, err)
	}
	return again[:count]
}

// cursorBeyond asks for events after one that never was: the engine is not the one
// that the gateway knew.
func cursorBeyond(b *bench) {
	b.settled()
	err := b.engine.Events(b.Context(), 1000, func([]engine.Event) error { return nil })
	if !errors.Is(err, engine.ErrForgotten) {
		b.Fatalf("expected ErrForgotten, got %v", err)
	}
}

// twoGateways has two take the events: both get all.
func twoGateways(b *bench) {
	other := &bench{T: b.T, now: b.now, engine: b.engine, changed: make(chan struct{})}
	other.follow(b.engine, 0)
	last := b.order(b.session(), order.Buy, 1, 100)
	b.do(b.order(b.session(), order.Buy, 1, 99), last)
	for _, g := range []*bench{b, other} {
		g.until(last.ID, 1)
		g.consecutive(g.events, 1)
		if len(g.events) != 2 {
			b.Errorf("a gateway got %d events, expected 2", len(g.events))
		}
	}
}

// takeFails has take return an error: Events returns it, and calls it no more.
func takeFails(b *bench) {
	calls := 0
	done := make(chan error, 1)
	go func() {
		done <- b.engine.Events(b.Context(), 0, func([]engine.Event) error { calls++; return errEnough })
	}()
	b.do(b.order(b.session(), order.Buy, 1, 100))
	if err := <-done; !errors.Is(err, errEnough) {
		b.Fatalf("expected take's own error, got %v", err)
	}
	b.settled()
	if calls != 1 {
		b.Fatalf("take was called %d times after its error", calls-1)
	}
}

// concurrent has many sessions at once: everything is done once and numbered once.
func concurrent(b *bench) {
	const sessions, each = 8, 25
	var group sync.WaitGroup
	for range sessions {
		group.Go(func() {
			s := b.session()
			for i := range int64(each) {
				c := b.order(s, order.Buy, 1, 1+i)
				if err := b.engine.Do(b.Context(), []engine.Command{c, b.cancel(s, c)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	events := b.settled()
	b.consecutive(events, 1)
	ids := make(map[order.OrderID]bool)
	for _, e := range events {
		if r, ok := e.Report.(*order.ExecutionReport); ok {
			ids[r.ExecID] = true
		}
	}
	if len(events) != 2*sessions*each || len(ids) != len(events) {
		b.Errorf("%d events with %d ExecIDs, expected %d", len(events), len(ids), 2*sessions*each)
	}
}

// canceled gives commands under a context that is over: not taken, and may be given
// again.
func canceled(b *bench) {
	ctx, stop := context.WithCancel(b.Context())
	stop()
	c := b.order(b.session(), order.Buy, 1, 100)
	if err := b.engine.Do(ctx, []engine.Command{c}); !errors.Is(err, engine.ErrUnavailable) {
		b.Fatalf("expected ErrUnavailable, got %v", err)
	}
	b.do(c)
	if got := b.until(c.ID, 1); len(got) != 1 {
		b.Fatalf("the order led to %d events, expected 1", len(got))
	}
	err := b.engine.Events(ctx, 0, func([]engine.Event) error { return nil })
	if !errors.Is(err, engine.ErrUnavailable) {
		b.Fatalf("events: expected ErrUnavailable, got %v", err)
	}
}

// restore puts what is open into a new engine, if that keeps nothing itself.
func restore(b *bench) {
	if _, ok := b.engine.(engine.Restorer); !ok {
		return
	}
	maker := b.order(b.session(), order.Sell, 5, 100)
	behind := b.order(b.session(), order.Sell, 5, 100)
	b.do(maker, behind, b.order(b.session(), order.Buy, 2, 100))
	before := b.settled()
	var open []engine.Order
	for _, id := range []order.OrderID{behind.ID, maker.ID} {
		open = append(open, *lastState(before, id))
	}
	next := before[len(before)-1].Number + 1

	second := b.open()
	if err := second.(engine.Restorer).Restore(open, next); err != nil {
		b.Fatal(err)
	}
	c := &bench{T: b.T, open: b.open, now: b.now, engine: second, symbol: b.symbol, changed: make(chan struct{})}
	c.follow(second, next-1)
	taker := c.order(c.session(), order.Buy, 4, 100)
	c.do(maker, taker)
	events := c.until(taker.ID, 5)
	c.consecutive(events, next)
	if len(eventsOf(c.settled(), maker.ID)) != 0 {
		b.Error("an order that was put back was done again")
	}
	filled := c.execution(events[1], maker, order.ExecTrade)
	if filled.CumQty != c.quantity(5) || filled.OrdStatus != order.StatusFilled {
		b.Errorf("the order put back was filled as %+v", filled)
	}
	c.execution(events[3], behind, order.ExecTrade)
	if err := second.(engine.Restorer).Restore(nil, 1); err == nil {
		b.Error("an engine that is in use was restored")
	}
}

func lastState(events []engine.Event, id order.OrderID) (o *engine.Order) {
	for _, e := range events {
		if e.Order != nil && e.Order.ID == id {
			o = e.Order
		}
	}
	return o
}
