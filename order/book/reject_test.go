package book_test

import (
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
)

// wide has ticks and lots that let price times quantity overflow.
var wide = order.Instrument{
	Symbol: "WIDE", TickSize: order.Decimal{Mantissa: 1, Exponent: -4}, LotSize: order.Decimal{Mantissa: 1, Exponent: -6},
	MinQty: order.Decimal{Mantissa: 1, Exponent: -6}, MaxQty: order.Decimal{Mantissa: 1, Exponent: 12},
}

func TestOrderRejects(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*order.NewOrderSingle)
		reason order.OrdRejReason
	}{
		"symbol":            {func(r *order.NewOrderSingle) { r.Symbol = "NONE" }, order.RejUnknownSymbol},
		"side":              {func(r *order.NewOrderSingle) { r.Side = '3' }, order.RejOther},
		"type":              {func(r *order.NewOrderSingle) { r.OrdType = '3' }, order.RejUnsupported},
		"time in force":     {func(r *order.NewOrderSingle) { r.TimeInForce = '1' }, order.RejUnsupported},
		"instruction":       {func(r *order.NewOrderSingle) { r.ExecInst = 'G' }, order.RejUnsupported},
		"resting market":    {func(r *order.NewOrderSingle) { r.OrdType = order.Market }, order.RejUnsupported},
		"zero":              {func(r *order.NewOrderSingle) { r.OrderQty = order.Decimal{} }, order.RejIncorrectQuantity},
		"negative":          {func(r *order.NewOrderSingle) { r.OrderQty.Mantissa = -1 }, order.RejIncorrectQuantity},
		"below MinQty":      {func(r *order.NewOrderSingle) { r.OrderQty = number(1, -4) }, order.RejIncorrectQuantity},
		"above MaxQty":      {func(r *order.NewOrderSingle) { r.OrderQty = number(10_000_001, -4) }, order.RejIncorrectQuantity},
		"half a lot":        {func(r *order.NewOrderSingle) { r.OrderQty = number(25, -5) }, order.RejIncorrectQuantity},
		"not canonical":     {func(r *order.NewOrderSingle) { r.OrderQty = order.Decimal{Mantissa: 10, Exponent: -4} }, order.RejIncorrectQuantity},
		"overflow":          {func(r *order.NewOrderSingle) { r.OrderQty = order.Decimal{Mantissa: 1<<63 - 1, Exponent: 12} }, order.RejIncorrectQuantity},
		"price zero":        {func(r *order.NewOrderSingle) { r.Price = order.Decimal{} }, order.RejInvalidPriceIncrement},
		"price negative":    {func(r *order.NewOrderSingle) { r.Price.Mantissa = -101 }, order.RejInvalidPriceIncrement},
		"half a tick":       {func(r *order.NewOrderSingle) { r.Price = number(1005, -3) }, order.RejInvalidPriceIncrement},
		"price overflow":    {func(r *order.NewOrderSingle) { r.Price = order.Decimal{Mantissa: 1<<63 - 1, Exponent: 12} }, order.RejInvalidPriceIncrement},
		"price, other form": {func(r *order.NewOrderSingle) { r.Price = order.Decimal{Mantissa: 100, Exponent: 0} }, order.RejInvalidPriceIncrement},
		"notional": {func(r *order.NewOrderSingle) {
			r.Symbol, r.OrderQty, r.Price = "WIDE", number(1, 12), number(9, 4)
		}, order.RejExceedsLimit},
		"post only, at once": {func(r *order.NewOrderSingle) {
			r.TimeInForce, r.ExecInst = order.ImmediateOrCancel, order.ParticipateDontInitiate
		}, order.RejUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, book.Options{}, instrument, wide)
			command := d.limit(1, order.Buy, 5, 100)
			c.change(command.Request.(*order.NewOrderSingle))
			events := d.do(command)
			if len(events) != 1 {
				t.Fatalf("%d events", len(events))
			}
			r, ok := events[0].Report.(*order.ExecutionReport)
			if !ok || r.ExecType != order.ExecRejected || r.OrdRejReason != c.reason || r.Text == "" {
				t.Errorf("got %+v, expected reason %d", r, c.reason)
			}
		})
	}
}

func TestOrderTooLate(t *testing.T) {
	d := newDesk(t, book.Options{})
	c := d.limit(1, order.Buy, 5, 100)
	c.Expires = c.Now
	if r := last(d.do(c), c.ID); r.OrdRejReason != order.RejTooLate {
		t.Errorf("got %+v", r)
	}
}

// A full book takes nothing more that rests, and still cancels.
func TestFull(t *testing.T) {
	d := newDesk(t, book.Options{MaxOpen: 2})
	first := d.limit(1, order.Buy, 5, 100)
	quote := d.quote(1, levels(5, 99), nil)
	d.do(first, quote)
	more := d.limit(1, order.Buy, 5, 98)
	if r := last(d.do(more), more.ID); r.OrdRejReason != order.RejExceedsLimit {
		t.Errorf("an order: got %+v", r)
	}
	for _, c := range []engine.Command{d.quote(2, levels(5, 99), nil), d.ask(2, 5)} {
		if r := d.do(c)[0].Report.(*order.QuoteStatusReport); r.QuoteRejectReason != order.QuoteExceedsLimit {
			t.Errorf("got %+v", r)
		}
	}
	taker := d.limit(2, order.Sell, 2, 100)
	taker.Request.(*order.NewOrderSingle).TimeInForce = order.ImmediateOrCancel
	if got := d.trades(d.do(taker)); got[taker.ID] != 2 {
		t.Errorf("an order that does not rest traded %d", got[taker.ID])
	}
	if r := d.do(d.quote(1, levels(5, 98), nil))[1].Report.(*order.QuoteStatusReport); r.QuoteStatus != order.QuoteAccepted {
		t.Errorf("a quote that replaces another: got %+v", r)
	}
	if r := last(d.do(d.cancel(first)), first.ID); r.ExecType != order.ExecCanceled {
		t.Errorf("a cancel: got %+v", r)
	}
}

func TestQuoteRejects(t *testing.T) {
	two := func(bid, offer []order.QuoteLevel) func(*order.Quote) {
		return func(r *order.Quote) { r.Bids, r.Offers = bid, offer }
	}
	for name, c := range map[string]struct {
		change func(*order.Quote)
		reason order.QuoteRejectReason
	}{
		"symbol":    {func(r *order.Quote) { r.Symbol = "NONE" }, order.QuoteUnknownSymbol},
		"empty":     {two(nil, nil), order.QuoteOther},
		"oversized": {two(levels(5, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24), nil), order.QuoteOther},
		"crossed":   {two(levels(5, 100), levels(5, 100)), order.QuoteInvalidSpread},
		"order":     {two(levels(5, 100, 101), nil), order.QuoteInvalidPrice},
		"twice":     {two(nil, levels(5, 100, 100)), order.QuoteInvalidPrice},
		"price":     {two([]order.QuoteLevel{{Price: number(1005, -3), Size: number(5, -4)}}, nil), order.QuoteInvalidPrice},
		"size":      {two(levels(1, 100), nil), order.QuoteInvalidQuantity},
		"request":   {func(r *order.Quote) { r.QuoteReqID = order.OrderID{1} }, order.QuoteUnknown},
		"notional": {func(r *order.Quote) {
			r.Symbol = "WIDE"
			r.Bids[0] = order.QuoteLevel{Price: number(9, 4), Size: number(1, 12)}
		}, order.QuoteInvalidQuantity},
		"sum of a side": {func(r *order.Quote) { r.Symbol = "WIDE"; r.Bids = levelsOf(number(1, 12), 2, 1) }, order.QuoteInvalidQuantity},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, book.Options{}, instrument, wide)
			command := d.quote(1, levels(5, 99), nil)
			c.change(command.Request.(*order.Quote))
			events := d.do(command)
			r, ok := events[0].Report.(*order.QuoteStatusReport)
			if len(events) != 1 || !ok || r.QuoteStatus != order.QuoteRejected || r.QuoteRejectReason != c.reason || r.Text == "" {
				t.Errorf("got %+v, expected reason %d", r, c.reason)
			}
		})
	}
	d := newDesk(t, book.Options{})
	late := d.quote(1, levels(5, 99), nil)
	late.Expires = late.Now
	if r := d.do(late)[0].Report.(*order.QuoteStatusReport); r.QuoteRejectReason != order.QuoteTooLate {
		t.Errorf("late: got %+v", r)
	}
}

func levelsOf(size order.Decimal, ticks ...int64) (l []order.QuoteLevel) {
	for _, t := range ticks {
		l = append(l, order.QuoteLevel{Price: number(t, -4), Size: size})
	}
	return l
}

func TestReplaceRejects(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*engine.Command, *order.OrderCancelReplaceRequest)
		reason order.CxlRejReason
	}{
		"unknown": {func(c *engine.Command, _ *order.OrderCancelReplaceRequest) { c.Target = order.OrderID{9} }, order.CxlUnknownOrder},
		"price":   {func(_ *engine.Command, r *order.OrderCancelReplaceRequest) { r.Price = number(1005, -3) }, order.CxlInvalidPriceIncrement},
		"size":    {func(_ *engine.Command, r *order.OrderCancelReplaceRequest) { r.OrderQty = number(25, -5) }, order.CxlOther},
		"late":    {func(c *engine.Command, _ *order.OrderCancelReplaceRequest) { c.Expires = c.Now }, order.CxlTooLate},
		"expired": {func(c *engine.Command, _ *order.OrderCancelReplaceRequest) { c.Now = c.Expires }, order.CxlTooLate},
		"takes":   {func(_ *engine.Command, r *order.OrderCancelReplaceRequest) { r.Price = number(101, -2) }, order.CxlOther},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, book.Options{})
			o := d.limit(1, order.Buy, 5, 100)
			o.Request.(*order.NewOrderSingle).ExecInst = order.ParticipateDontInitiate
			d.do(o, d.limit(2, order.Sell, 5, 101))
			command := d.replacement(o, 5, 99)
			c.change(&command, command.Request.(*order.OrderCancelReplaceRequest))
			r, ok := d.do(command)[0].Report.(*order.OrderCancelReject)
			if !ok || r.CxlRejReason != c.reason || r.CxlRejResponseTo != order.ToReplace || r.Text == "" {
				t.Fatalf("got %+v, expected reason %d", r, c.reason)
			}
			if name != "unknown" && r.OrdStatus != order.StatusNew {
				t.Errorf("the order's state is said to be %c", r.OrdStatus)
			}
			if x := last(d.do(d.cancel(o)), o.ID); x == nil || x.ExecType != order.ExecCanceled {
				t.Errorf("the order is not as it was: %+v", x)
			}
		})
	}
}

// A cancel of what is over says how it ended.
func TestCancelTooLate(t *testing.T) {
	d := newDesk(t, book.Options{})
	filled, other := d.limit(1, order.Buy, 5, 100), d.limit(2, order.Sell, 5, 100)
	canceled, quote := d.limit(1, order.Buy, 5, 90), d.quote(1, levels(5, 80), nil)
	d.do(filled, other, canceled, d.cancel(canceled), quote)
	for status, c := range map[order.OrdStatus]engine.Command{order.StatusFilled: filled, order.StatusCanceled: canceled} {
		r, ok := d.do(d.cancel(c))[0].Report.(*order.OrderCancelReject)
		if !ok || r.CxlRejReason != order.CxlTooLate || r.OrdStatus != status || r.OrderID != c.ID {
			t.Errorf("got %+v, expected %c", r, status)
		}
	}
	if r := d.do(d.cancel(quote))[0].Report.(*order.OrderCancelReject); r.CxlRejReason != order.CxlUnknownOrder {
		t.Errorf("a quote was taken for an order: %+v", r)
	}
	withdraw := func() *order.QuoteStatusReport {
		c := d.command(1, &order.QuoteCancel{ID: d.id(), QuoteID: quote.Request.RequestID()})
		c.Target = quote.ID
		return d.do(c)[0].Report.(*order.QuoteStatusReport)
	}
	if r := withdraw(); r.QuoteStatus != order.QuoteCanceled {
		t.Errorf("got %+v", r)
	}
	if r := withdraw(); r.QuoteRejectReason != order.QuoteTooLate {
		t.Errorf("got %+v", r)
	}
}

// What is no command of a book is answered, and once.
func TestUnsupported(t *testing.T) {
	d := newDesk(t, book.Options{})
	c := d.command(1, &order.OrderStatusRequest{ID: d.id(), ClOrdID: d.id()})
	events := d.do(c, c)
	r, ok := events[0].Report.(*order.BusinessMessageReject)
	if len(events) != 1 || !ok || r.BusinessRejectReason != order.BusinessUnsupported || r.BusinessRejectRefID != c.Request.RequestID() {
		t.Errorf("got %+v", events)
	}
}

func TestExpiresIsTheOneRule(t *testing.T) {
	for _, after := range []time.Duration{time.Minute - time.Millisecond, time.Minute, time.Hour} {
		d := newDesk(t, book.Options{})
		maker, quote := d.limit(1, order.Sell, 5, 100), d.quote(2, nil, levels(5, 101))
		d.do(maker, quote)
		d.now = d.now.Add(after)
		taker := d.limit(3, order.Buy, 10, 101)
		got := d.trades(d.do(taker))
		want := int64(0)
		if after < time.Minute {
			want = 5
		}
		if got[maker.ID] != want || got[quote.ID] != want {
			t.Errorf("%v after: traded %d and %d, expected %d", after, got[maker.ID], got[quote.ID], want)
		}
	}
}
