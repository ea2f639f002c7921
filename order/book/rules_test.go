package book_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
)

// A replacement keeps its place only for less at the same price.
func TestPlaceAfterReplacement(t *testing.T) {
	for name, c := range map[string]struct {
		lots, ticks int64
		keeps       bool
	}{
		"less":             {4, 100, true},
		"the same":         {5, 100, false},
		"more":             {6, 100, false},
		"less, elsewhere":  {4, 99, false},
		"there and back 1": {5, 101, false},
	} {
		d := newDesk(t, book.Options{})
		first, second := d.limit(1, order.Buy, 5, 100), d.limit(2, order.Buy, 5, 100)
		d.do(first, second, d.replacement(first, c.lots, c.ticks))
		if c.ticks == 101 {
			d.do(d.replacement(first, 5, 100))
		}
		traded := d.trades(d.do(d.limit(3, order.Sell, 2, 100)))
		if got := traded[first.ID] == 2; got != c.keeps {
			t.Errorf("%s: keeps its place %v, expected %v", name, got, c.keeps)
		}
	}
}

// A replacement for at most what is filled ends the order, as filled.
func TestReplaceByWhatIsFilled(t *testing.T) {
	d := newDesk(t, book.Options{})
	o := d.limit(1, order.Buy, 5, 100)
	d.do(o, d.limit(2, order.Sell, 3, 100))
	events := d.do(d.replacement(o, 2, 100))
	r := last(events, o.ID)
	if r.ExecType != order.ExecReplaced || r.OrdStatus != order.StatusFilled || r.OrderQty != number(3, -4) || r.LeavesQty != (order.Decimal{}) || events[0].Order.Open {
		t.Errorf("got %+v", r)
	}
}

func TestMarketWithAWorstPrice(t *testing.T) {
	d := newDesk(t, book.Options{})
	d.do(d.limit(1, order.Sell, 5, 100), d.limit(1, order.Sell, 5, 101), d.limit(1, order.Sell, 5, 102))
	c := d.limit(2, order.Buy, 15, 101)
	r := c.Request.(*order.NewOrderSingle)
	r.OrdType, r.TimeInForce = order.Market, order.ImmediateOrCancel
	events := d.do(c)
	if got := d.trades(events)[c.ID]; got != 10 {
		t.Errorf("traded %d, expected 10", got)
	}
	if end := last(events, c.ID); end.OrdStatus != order.StatusCanceled || end.CumQty != number(10, -4) || !end.ExpireTime.IsZero() {
		t.Errorf("ended as %+v", end)
	}
}

func TestFillOrKill(t *testing.T) {
	d := newDesk(t, book.Options{})
	d.do(d.limit(1, order.Sell, 5, 100), d.limit(2, order.Sell, 5, 101))
	for lots, filled := range map[int64]bool{11: false, 10: true} {
		c := d.limit(3, order.Buy, lots, 101)
		c.Request.(*order.NewOrderSingle).TimeInForce = order.FillOrKill
		events := d.do(c)
		if traded := d.trades(events)[c.ID]; (traded == lots) != filled || (traded == 0) == filled {
			t.Errorf("of %d, %d were filled", lots, traded)
		}
		if filled {
			break
		}
	}
}

// A session does not trade with itself, and is told why its newer order ended.
func TestSelfTrade(t *testing.T) {
	for name, newer := range map[string]func(*desk) engine.Command{
		"order": func(d *desk) engine.Command { return d.limit(1, order.Buy, 9, 101) },
		"quote": func(d *desk) engine.Command { return d.quote(1, levels(9, 101), levels(5, 110)) },
	} {
		d := newDesk(t, book.Options{})
		own := d.limit(1, order.Sell, 5, 101)
		d.do(d.limit(2, order.Sell, 3, 100), own)
		c := newer(d)
		events := d.do(c)
		if traded := d.trades(events); traded[c.ID] != 3 || traded[own.ID] != 0 {
			t.Errorf("%s: traded %d, and %d of its own", name, traded[c.ID], traded[own.ID])
		}
		end := events[len(events)-1]
		text := ""
		switch r := end.Report.(type) {
		case *order.ExecutionReport:
			text = r.Text
		case *order.QuoteStatusReport:
			text = r.Text
		}
		if end.Order == nil || end.Order.ID != c.ID || end.Order.Open || !strings.Contains(text, "does not trade with itself") {
			t.Errorf("%s: ended with %+v", name, end.Report)
		}
	}
}

// A command meets so many others and no more.
func TestMaxMatches(t *testing.T) {
	d := newDesk(t, book.Options{})
	for range book.MaxMatches + 1 {
		d.do(d.limit(1, order.Sell, 2, 100))
	}
	killed := d.limit(2, order.Buy, 2*(book.MaxMatches+1), 100)
	killed.Request.(*order.NewOrderSingle).TimeInForce = order.FillOrKill
	if events := d.do(killed); len(d.trades(events)) != 0 || last(events, killed.ID).OrdStatus != order.StatusCanceled {
		t.Error("an order to fill or kill met more than it may")
	}
	c := d.limit(2, order.Buy, 2*(book.MaxMatches+1), 100)
	events := d.do(c)
	end := last(events, c.ID)
	if got := d.trades(events)[c.ID]; got != 2*book.MaxMatches || end.OrdStatus != order.StatusCanceled || end.Text == "" {
		t.Errorf("traded %d, and ended as %+v", got, end)
	}
}

// Many prices, put in and taken out in disorder, are met in order.
func TestManyPrices(t *testing.T) {
	d := newDesk(t, book.Options{})
	const prices = 5003
	var orders []engine.Command
	for i := range int64(prices) {
		orders = append(orders, d.limit(1, order.Sell, 2, 1+i*1777%prices))
	}
	d.do(orders...)
	for i := 0; i < prices; i += 3 {
		d.do(d.cancel(orders[i]))
	}
	at := int64(0)
	for range 4 {
		c := d.limit(2, order.Buy, 2*book.MaxMatches, prices)
		c.Request.(*order.NewOrderSingle).TimeInForce = order.ImmediateOrCancel
		for _, e := range d.do(c) {
			if r := e.Report.(*order.ExecutionReport); r.ExecType == order.ExecTrade && r.OrderID == c.ID {
				ticks, err := r.LastPx.In(-2)
				if err != nil || ticks <= at {
					t.Fatalf("price %d came after %d: %v", ticks, at, err)
				}
				at = ticks
			}
		}
	}
	if at < prices-3 {
		t.Errorf("the last price met is %d of %d", at, prices)
	}
}

func TestResponses(t *testing.T) {
	d := newDesk(t, book.Options{})
	ask := d.ask(1, 5)
	d.do(ask)
	private := d.answer(2, ask, levels(5, 99, 98), levels(5, 101, 102))
	public := d.quote(2, levels(5, 90), nil)
	d.do(private, public)
	if traded := d.trades(d.do(d.limit(3, order.Buy, 5, 105))); len(traded) != 0 {
		t.Error("a private quote traded in the book")
	}
	for name, c := range map[string]struct {
		command engine.Command
		reason  order.QuoteRejectReason
	}{
		"no quote":       {d.response(1, ask, order.Buy, 5, 101), order.QuoteUnknown},
		"a public one":   {d.response(1, public, order.Sell, 5, 90), order.QuoteUnknown},
		"not asked":      {d.response(3, private, order.Buy, 5, 101), order.QuoteUnknown},
		"side":           {d.response(1, private, '7', 5, 101), order.QuoteOther},
		"quantity":       {d.response(1, private, order.Buy, 1, 101), order.QuoteInvalidQuantity},
		"price":          {d.response(1, private, order.Buy, 5, 0), order.QuoteInvalidPrice},
		"too dear":       {d.response(1, private, order.Buy, 5, 100), order.QuoteOther},
		"all or nothing": {d.response(1, private, order.Buy, 6, 101), order.QuoteOther},
	} {
		events := d.do(c.command)
		r, ok := events[0].Report.(*order.QuoteStatusReport)
		if len(events) != 1 || !ok || r.QuoteRejectReason != c.reason || r.QuoteStatus != order.QuoteRejected {
			t.Errorf("%s: got %+v, expected reason %d", name, events[0].Report, c.reason)
		}
	}
	good := d.response(1, private, order.Buy, 7, 102)
	events := d.do(good, good)
	if traded := d.trades(events); traded[good.ID] != 7 || traded[private.ID] != 7 {
		t.Errorf("traded %v", traded)
	}
	if r := last(events, good.ID); r.OrdStatus != order.StatusFilled || r.LastPx != number(102, -2) || r.ClOrdID != good.Request.RequestID() {
		t.Errorf("the asker is told %+v", r)
	}
	left := events[len(events)-2].Order
	if left.ID != private.ID || len(left.Quote.Bids) != 2 || len(left.Quote.Offers) != 1 || left.Quote.Offers[0].Size != number(3, -4) {
		t.Errorf("what is left of the quote: %+v", left)
	}
	d.now = d.now.Add(time.Minute)
	late := d.response(1, private, order.Sell, 5, 99)
	if r := d.do(late)[0].Report.(*order.QuoteStatusReport); r.QuoteRejectReason != order.QuoteTooLate {
		t.Errorf("an expired quote: %+v", r)
	}
}

// A request takes its quotes along, and no quote outlives it.
func TestRequestEnds(t *testing.T) {
	d := newDesk(t, book.Options{})
	ask := d.ask(1, 5)
	d.do(ask)
	answer := d.answer(2, ask, levels(5, 99), nil)
	answer.Expires = ask.Expires.Add(time.Hour)
	if o := d.do(answer)[0].Order; !o.Expires.Equal(ask.Expires) {
		t.Errorf("the quote lives until %v, its request until %v", o.Expires, ask.Expires)
	}
	if r := d.do(d.answer(1, ask, levels(5, 99), nil))[0].Report.(*order.QuoteStatusReport); r.QuoteRejectReason != order.QuoteOther {
		t.Errorf("an answer to oneself: %+v", r)
	}
	withdraw := d.command(1, &order.QuoteCancel{ID: d.id(), QuoteID: ask.Request.RequestID()})
	withdraw.Target = ask.ID
	events := d.do(withdraw)
	if len(events) != 2 || events[0].Order.ID != ask.ID || events[1].Order.ID != answer.ID || events[1].Order.Open {
		t.Fatalf("got %+v", events)
	}
	for i, c := range []engine.Command{d.answer(2, ask, levels(5, 99), nil), d.response(1, answer, order.Sell, 5, 99)} {
		want := []order.QuoteRejectReason{order.QuoteUnknown, order.QuoteTooLate}[i]
		if r := d.do(c)[0].Report.(*order.QuoteStatusReport); r.QuoteRejectReason != want {
			t.Errorf("got %+v, expected reason %d", r, want)
		}
	}
}

func TestRequestRejects(t *testing.T) {
	d := newDesk(t, book.Options{})
	for name, c := range map[string]struct {
		change func(*engine.Command, *order.QuoteRequest)
		reason order.QuoteRejectReason
	}{
		"symbol":   {func(_ *engine.Command, r *order.QuoteRequest) { r.Symbol = "NONE" }, order.QuoteUnknownSymbol},
		"side":     {func(_ *engine.Command, r *order.QuoteRequest) { r.Side = '9' }, order.QuoteOther},
		"quantity": {func(_ *engine.Command, r *order.QuoteRequest) { r.OrderQty = order.Decimal{} }, order.QuoteInvalidQuantity},
		"late":     {func(c *engine.Command, _ *order.QuoteRequest) { c.Expires = c.Now }, order.QuoteTooLate},
	} {
		command := d.ask(1, 5)
		c.change(&command, command.Request.(*order.QuoteRequest))
		events := d.do(command)
		if r, ok := events[0].Report.(*order.QuoteStatusReport); !ok || len(events) != 1 || r.QuoteRejectReason != c.reason {
			t.Errorf("%s: got %+v", name, events[0].Report)
		}
	}
	ask := d.ask(1, 5)
	d.do(ask)
	for i := range book.MaxAnswers + 1 {
		r := d.do(d.answer(byte(2+i), ask, levels(5, 99), nil))[0].Report.(*order.QuoteStatusReport)
		if full := r.QuoteRejectReason == order.QuoteExceedsLimit; full != (i == book.MaxAnswers) {
			t.Fatalf("answer %d: %+v", i+1, r)
		}
	}
}

// What is forgotten is not done again by a late repetition, whatever came between.
func TestLateRepetition(t *testing.T) {
	d := newDesk(t, book.Options{Remember: 20})
	maker, taker := d.limit(1, order.Sell, 5, 100), d.limit(2, order.Buy, 5, 100)
	resting := d.limit(1, order.Buy, 5, 50)
	d.do(maker, taker, resting)
	for range 40 {
		d.now = d.now.Add(time.Second)
		c := d.limit(3, order.Buy, 5, 60)
		d.do(c, d.cancel(c))
	}
	for _, c := range []engine.Command{maker, taker} {
		events := d.do(c)
		r, ok := events[0].Report.(*order.BusinessMessageReject)
		if len(events) != 1 || !ok || r.BusinessRejectRefID != c.Request.RequestID() || events[0].Order != nil {
			t.Errorf("a late repetition led to %+v", events)
		}
	}
	if events := d.do(resting); len(events) != 0 {
		t.Errorf("the repetition of an open order led to %+v", events)
	}
	old := d.cancel(resting)
	old.Now = start
	if r := last(d.do(old), resting.ID); r == nil || r.ExecType != order.ExecCanceled {
		t.Errorf("an old cancel was answered with %+v", r)
	}
}

// A gateway whose clock is ahead does not make the book refuse the others.
func TestClockAhead(t *testing.T) {
	now := start
	d := newDesk(t, book.Options{Remember: 20, Now: func() time.Time { return now }})
	for range 40 {
		now = now.Add(time.Second)
		d.now = now.Add(24 * time.Hour)
		c := d.limit(3, order.Buy, 5, 60)
		d.do(c, d.cancel(c))
	}
	d.now = now
	c := d.limit(1, order.Buy, 5, 60)
	if r := last(d.do(c), c.ID); r == nil || r.ExecType != order.ExecNew {
		t.Errorf("an order at the right time was answered with %+v", r)
	}
}

func TestForgottenEvents(t *testing.T) {
	d := newDesk(t, book.Options{Events: 10})
	for range 50 {
		d.do(d.limit(1, order.Buy, 5, 60))
	}
	ignore := func([]engine.Event) error { return errDone }
	if err := d.book.Events(t.Context(), 5, ignore); !errors.Is(err, engine.ErrForgotten) {
		t.Errorf("got %v, expected ErrForgotten", err)
	}
	if err := d.book.Events(t.Context(), d.seen-10, ignore); !errors.Is(err, errDone) {
		t.Errorf("the last 10 events: %v", err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	d := newDesk(t, book.Options{})
	quote := d.quote(2, levels(5, 90), levels(5, 110))
	ask := d.ask(1, 5)
	private := d.answer(2, ask, levels(5, 99), nil)
	var good []engine.Order
	for _, c := range []engine.Command{d.limit(1, order.Buy, 5, 100), quote, ask, private} {
		good = append(good, *d.do(c)[0].Order)
	}
	next := good[3].Place + 10
	restore := func(orders []engine.Order, next uint64) error {
		b, err := book.New([]order.Instrument{instrument}, book.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return b.Restore(orders, next)
	}
	if err := restore(good, next); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]engine.Order) []engine.Order{
		"symbol":     func(o []engine.Order) []engine.Order { o[0].Symbol = "NONE"; return o },
		"closed":     func(o []engine.Order) []engine.Order { o[0].Open = false; return o },
		"twice":      func(o []engine.Order) []engine.Order { return append(o, o[0]) },
		"report":     func(o []engine.Order) []engine.Order { o[0].Report = nil; return o },
		"quote":      func(o []engine.Order) []engine.Order { o[1].Report = o[0].Report; return o },
		"place":      func(o []engine.Order) []engine.Order { o[0].Place = next; return o },
		"no request": func(o []engine.Order) []engine.Order { return append(o[:2:2], o[3]) },
		"second quote": func(o []engine.Order) []engine.Order {
			second := o[1]
			second.ID = order.OrderID{5}
			return append(o, second)
		},
		"price": func(o []engine.Order) []engine.Order {
			r := *o[0].Report.(*order.ExecutionReport)
			r.Price = number(1005, -3)
			o[0].Report = &r
			return o
		},
		"quantity": func(o []engine.Order) []engine.Order {
			r := *o[0].Report.(*order.ExecutionReport)
			r.LeavesQty = order.Decimal{}
			o[0].Report = &r
			return o
		},
		"cum": func(o []engine.Order) []engine.Order { o[1].CumSold = order.Decimal{Mantissa: 1 << 60}; return o },
	} {
		if err := restore(change(append([]engine.Order(nil), good...)), next); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	if err := d.book.Restore(nil, 1); !errors.Is(err, book.ErrNotEmpty) {
		t.Errorf("got %v, expected ErrNotEmpty", err)
	}
}

// A request and its private quote outlive a restart.
func TestRestoreRequest(t *testing.T) {
	d := newDesk(t, book.Options{})
	ask := d.ask(1, 5)
	o1 := d.do(ask)[0].Order
	private := d.answer(2, ask, nil, levels(5, 101))
	o2 := d.do(private)[0].Order
	b, err := book.New([]order.Instrument{instrument}, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Restore([]engine.Order{*o2, *o1}, 100); err != nil {
		t.Fatal(err)
	}
	take := d.response(1, private, order.Buy, 5, 101)
	if err := b.Do(t.Context(), []engine.Command{take}); err != nil {
		t.Fatal(err)
	}
	var events []engine.Event
	_ = b.Events(t.Context(), 99, func(e []engine.Event) error { events = e; return errDone })
	if traded := d.trades(events); traded[private.ID] != 5 || events[0].Number != 100 {
		t.Errorf("got %+v", events)
	}
}
