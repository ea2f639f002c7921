package enginetest

import (
	"errors"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

func acknowledge(b *bench) {
	c := b.order(b.session(), order.Buy, 3, 100)
	b.do(c)
	events := b.until(c.ID, 1)
	r := b.execution(events[0], c, order.ExecNew)
	want := c.Request.(*order.NewOrderSingle)
	if r.ClOrdID != want.ClOrdID || r.Symbol != want.Symbol || r.Side != want.Side || r.OrdType != want.OrdType ||
		r.OrderQty != want.OrderQty || r.LeavesQty != want.OrderQty || r.Price != want.Price || r.CumQty != (order.Decimal{}) ||
		!r.TransactTime.Equal(c.Now) || !r.ExpireTime.Equal(c.Expires) || r.OrdStatus != order.StatusNew {
		b.Errorf("the report does not repeat the order: %+v", r)
	}
	o := events[0].Order
	if o.Session != c.Session || o.ClOrdID != want.ClOrdID || o.OwnerKey != want.OwnerKey || o.Symbol != want.Symbol ||
		!o.Expires.Equal(c.Expires) || o.TimeInForce != want.TimeInForce || o.ExecInst != want.ExecInst || o.Quote != nil {
		b.Errorf("the state does not repeat the order: %+v", o)
	}
}

// trade has price-time priority, at the price of what rests, and both sides of a trade.
func trade(b *bench) {
	worse := b.order(b.session(), order.Sell, 5, 101)
	first := b.order(b.session(), order.Sell, 2, 100)
	second := b.order(b.session(), order.Sell, 4, 100)
	b.do(worse, first, second)
	taker := b.order(b.session(), order.Buy, 5, 105)
	b.do(taker)
	events := b.until(taker.ID, 5)
	b.execution(events[0], taker, order.ExecNew)
	sides := map[order.OrderID][]*order.ExecutionReport{}
	for _, e := range events[1:] {
		r := e.Report.(*order.ExecutionReport)
		if r.ExecType != order.ExecTrade || r.LastPx != b.price(100) {
			b.Fatalf("expected trades at the resting price, got %+v", r)
		}
		sides[r.OrderID] = append(sides[r.OrderID], r)
	}
	if len(sides[first.ID]) != 1 || len(sides[second.ID]) != 1 || len(sides[taker.ID]) != 2 || len(sides[worse.ID]) != 0 {
		b.Fatalf("the trades are of the wrong orders: %v", sides)
	}
	last := sides[taker.ID][1]
	if last.CumQty != b.quantity(5) || last.LeavesQty != (order.Decimal{}) || last.OrdStatus != order.StatusFilled {
		b.Errorf("the taker ended as %+v", last)
	}
	if r := sides[second.ID][0]; r.LastQty != b.quantity(3) || r.LeavesQty != b.quantity(1) || r.OrdStatus != order.StatusPartiallyFilled {
		b.Errorf("the second maker stands at %+v", r)
	}
}

// cancelAtOnce cancels an order before anybody was told of it.
func cancelAtOnce(b *bench) {
	c := b.order(b.session(), order.Buy, 3, 100)
	cancel := b.cancel(c.Session, c)
	b.do(c, cancel)
	r := b.execution(b.until(cancel.ID, 1)[0], c, order.ExecCanceled)
	if r.ClOrdID != cancel.Request.RequestID() || r.OrigClOrdID != c.Request.RequestID() || r.LeavesQty != (order.Decimal{}) {
		b.Errorf("the cancel was reported as %+v", r)
	}
}

// cancelGone cancels what is filled, and what never was.
func cancelGone(b *bench) {
	maker := b.order(b.session(), order.Sell, 1, 100)
	never := b.order(b.session(), order.Sell, 1, 100)
	b.do(maker, b.order(b.session(), order.Buy, 1, 100))
	for _, c := range []engine.Command{b.cancel(maker.Session, maker), b.cancel(never.Session, never)} {
		b.do(c)
		e := b.until(c.ID, 1)[0]
		r, ok := e.Report.(*order.OrderCancelReject)
		if !ok || e.Session != c.Session || r.ClOrdID != c.Request.RequestID() || r.OrdStatus.Open() ||
			r.CxlRejResponseTo != order.ToCancel || r.CxlRejReason != order.CxlTooLate && r.CxlRejReason != order.CxlUnknownOrder {
			b.Errorf("a cancel of what is gone was answered with %+v", e.Report)
		}
	}
}

// cancelUnasked is for cancels by the gateway: one event, or none if there is
// nothing to cancel.
func cancelUnasked(b *bench) {
	for _, reason := range []engine.Reason{engine.Disconnected, engine.Operator, engine.MassCancel} {
		c := b.order(b.session(), order.Buy, 1, 100)
		b.do(c)
		cancel, again := b.unasked(c, reason), b.unasked(c, reason)
		b.do(cancel, again)
		events := b.settled()
		own := eventsOf(events, cancel.ID)
		if len(own) != 1 || len(eventsOf(events, again.ID)) != 0 {
			b.Fatalf("reason %d: cancelled twice, with %d and %d events", reason, len(own), len(eventsOf(events, again.ID)))
		}
		if r := b.execution(own[0], c, order.ExecCanceled); r.ClOrdID != c.Request.RequestID() {
			b.Errorf("reason %d: the session is told of another ID: %+v", reason, r)
		}
	}
}

// cancelFromElsewhere cancels from a session that showed to own the order: both are told.
func cancelFromElsewhere(b *bench) {
	c := b.order(b.session(), order.Buy, 1, 100)
	cancel := b.cancel(b.session(), c)
	b.do(c, cancel)
	events := b.until(cancel.ID, 2)
	told := map[order.SessionID]bool{}
	for _, e := range events {
		r, ok := e.Report.(*order.ExecutionReport)
		if !ok || r.ExecType != order.ExecCanceled || e.Order == nil || e.Order.Session != c.Session {
			b.Fatalf("a cancel from another session led to %+v", e)
		}
		told[e.Session] = true
	}
	if len(events) != 2 || !told[c.Session] || !told[cancel.Session] {
		b.Errorf("who was told of the cancel: %v", told)
	}
}

// expired meets an order whose time is over: it does not trade, and ends as expired.
func expired(b *bench) {
	maker := b.order(b.session(), order.Sell, 1, 100)
	b.do(maker)
	b.now = maker.Expires
	taker := b.order(b.session(), order.Buy, 1, 100)
	b.do(taker)
	over := b.unasked(maker, engine.Expired)
	b.do(over)
	ends := 0
	for _, e := range b.settled() {
		r := e.Report.(*order.ExecutionReport)
		if r.ExecType == order.ExecTrade {
			b.Fatalf("an expired order traded: %+v", r)
		}
		if r.ExecType == order.ExecExpired {
			ends++
			b.execution(e, maker, order.ExecExpired)
		}
	}
	if ends != 1 {
		b.Errorf("the order expired %d times", ends)
	}
	late := b.order(b.session(), order.Buy, 1, 100)
	late.Expires = late.Now
	b.do(late)
	if r := b.rejected(late); r.OrdRejReason != order.RejTooLate {
		b.Errorf("an order that comes after its time was answered with %+v", r)
	}
}

// rejected waits for the one event that refuses an order.
func (b *bench) rejected(c engine.Command) *order.ExecutionReport {
	b.Helper()
	r, ok := b.until(c.ID, 1)[0].Report.(*order.ExecutionReport)
	if !ok || r.ExecType != order.ExecRejected || r.OrdStatus != order.StatusRejected {
		b.Fatalf("expected a reject, got %+v", r)
	}
	return r
}

// expiredNotDue says too early that an order is over.
func expiredNotDue(b *bench) {
	c := b.order(b.session(), order.Buy, 1, 100)
	early := b.unasked(c, engine.Expired)
	b.do(c, early)
	if got := eventsOf(b.settled(), early.ID); len(got) != 0 {
		b.Fatalf("an order expired before its time: %+v", got)
	}
	early.Now = c.Expires
	early.ID = order.OrderID(newID())
	b.do(early)
	b.execution(b.until(early.ID, 1)[0], c, order.ExecExpired)
}

// reject refuses what the instrument does not allow.
func reject(b *bench) {
	for name, c := range map[string]struct {
		change func(*order.NewOrderSingle)
		reason order.OrdRejReason
	}{
		"symbol":   {func(r *order.NewOrderSingle) { r.Symbol = "ENGINETEST-NONE" }, order.RejUnknownSymbol},
		"quantity": {func(r *order.NewOrderSingle) { r.OrderQty = order.Decimal{Mantissa: 9, Exponent: 12} }, order.RejIncorrectQuantity},
		"price": {func(r *order.NewOrderSingle) { r.Price = order.Decimal{Mantissa: 1<<62 + 1, Exponent: 12} },
			order.RejInvalidPriceIncrement},
	} {
		command := b.order(b.session(), order.Buy, 1, 100)
		c.change(command.Request.(*order.NewOrderSingle))
		b.do(command)
		if r := b.rejected(command); r.OrdRejReason != c.reason {
			b.Errorf("%s: refused for reason %d, expected %d: %s", name, r.OrdRejReason, c.reason, r.Text)
		}
	}
}

// replace changes an order, which goes by its new ID then.
func replace(b *bench) {
	c := b.order(b.session(), order.Buy, 3, 100)
	r := &order.OrderCancelReplaceRequest{
		ClOrdID: newID(), OrigClOrdID: c.Request.RequestID(),
		OrderQty: b.quantity(5), Price: b.price(101), TimeToLive: time.Minute, OwnerKey: [32]byte{2},
	}
	change := b.command(c.Session, r)
	change.Target = c.ID
	b.do(c, change, change)
	e := b.until(change.ID, 1)[0]
	report := b.execution(e, c, order.ExecReplaced)
	if report.ClOrdID != r.ClOrdID || report.OrigClOrdID != r.OrigClOrdID || report.OrderQty != r.OrderQty || report.Price != r.Price {
		b.Errorf("the replacement was reported as %+v", report)
	}
	if e.Order.ClOrdID != r.ClOrdID || e.Order.OwnerKey != r.OwnerKey {
		b.Errorf("the order does not go by its new name: %+v", e.Order)
	}
	taker := b.order(b.session(), order.Sell, 5, 101)
	b.do(taker)
	if last := b.until(taker.ID, 3); len(last) != 3 {
		b.Errorf("the replaced order traded in %d events, expected 3", len(last))
	}
	b.do(b.cancel(c.Session, c))
	gone := b.command(c.Session, &order.OrderCancelReplaceRequest{
		ClOrdID: newID(), OrigClOrdID: r.ClOrdID, OrderQty: r.OrderQty, Price: r.Price, TimeToLive: time.Minute,
	})
	gone.Target = c.ID
	b.do(gone)
	if x, ok := b.until(gone.ID, 1)[0].Report.(*order.OrderCancelReject); !ok || x.CxlRejResponseTo != order.ToReplace {
		b.Errorf("a replacement of a filled order was answered with %+v", x)
	}
}

// ladder is a two-sided quote.
func (b *bench) ladder(s order.SessionID, bid, offer int64) engine.Command {
	level := func(ticks int64) []order.QuoteLevel {
		return []order.QuoteLevel{{Price: b.price(ticks), Size: b.quantity(2)}}
	}
	return b.command(s, &order.Quote{
		QuoteID: newID(), Symbol: b.symbol.Symbol, Bids: level(bid), Offers: level(offer), TimeToLive: time.Minute,
	})
}

// quote replaces a quote by another, in one batch, and trades with it.
func quote(b *bench) {
	s := b.session()
	first, second := b.ladder(s, 99, 101), b.ladder(s, 98, 102)
	b.do(first)
	b.do(second)
	var withdrawn, accepted bool
	for _, e := range b.until(second.ID, 2) {
		r := e.Report.(*order.QuoteStatusReport)
		withdrawn = withdrawn || r.QuoteID == first.ID && r.QuoteStatus == order.QuoteCanceled && !e.Order.Open
		accepted = accepted || r.QuoteID == second.ID && r.QuoteStatus == order.QuoteAccepted && e.Order.Open
	}
	if !withdrawn || !accepted {
		b.Fatal("a quote did not take the place of the earlier one")
	}
	taker := b.order(b.session(), order.Buy, 1, 102)
	b.do(taker)
	for _, e := range b.until(taker.ID, 3) {
		if r := e.Report.(*order.ExecutionReport); r.OrderID == second.ID {
			left := e.Order.Quote
			if left == nil || len(left.Bids) != 1 || len(left.Offers) != 1 || left.Offers[0].Size != b.quantity(1) || e.Order.CumSold != b.quantity(1) {
				b.Errorf("what is left of the quote: %+v", e.Order)
			}
		} else if r.OrderID == first.ID {
			b.Errorf("the quote that was replaced traded: %+v", r)
		}
	}
	cancel := b.command(s, &order.QuoteCancel{ID: newID(), QuoteID: second.Request.RequestID()})
	cancel.Target = second.ID
	b.do(cancel)
	if r, ok := b.until(cancel.ID, 1)[0].Report.(*order.QuoteStatusReport); !ok || r.QuoteStatus != order.QuoteCanceled || r.Answers() != cancel.Request.RequestID() {
		b.Errorf("the quote's cancel was answered with %+v", r)
	}
}

// requestForQuote asks, is shown a quote that nobody else sees, and takes it.
func requestForQuote(b *bench) {
	asker, maker, other := b.session(), b.session(), b.session()
	ask := b.command(asker, &order.QuoteRequest{
		QuoteReqID: newID(), Symbol: b.symbol.Symbol, OrderQty: b.quantity(1), TimeToLive: time.Minute,
	})
	b.do(ask)
	heard := b.until(ask.ID, 2)[1]
	if r, ok := heard.Report.(*order.QuoteRequestReport); !ok || !heard.Session.IsZero() || r.QuoteReqID != ask.ID {
		b.Fatalf("a request for quote was made known as %+v", heard)
	}
	answer := b.ladder(maker, 99, 101)
	answer.Request.(*order.Quote).QuoteReqID = ask.ID
	b.do(answer)
	for _, e := range b.until(answer.ID, 2) {
		if _, shown := e.Report.(*order.QuoteReport); shown != (e.Session == asker) || e.Session != asker && e.Session != maker {
			b.Errorf("a private quote was shown to the wrong session: %+v", e)
		}
	}
	take := func(s order.SessionID, ticks int64) engine.Command {
		return b.command(s, &order.QuoteResponse{
			QuoteRespID: newID(), QuoteID: answer.ID, Side: order.Buy, OrderQty: b.quantity(2), Price: b.price(ticks),
		})
	}
	for _, c := range []engine.Command{take(other, 101), take(asker, 100)} {
		b.do(c)
		if err := refused(b.until(c.ID, 1)); err != nil {
			b.Error(err)
		}
	}
	good := take(asker, 101)
	b.do(good)
	events := b.until(good.ID, 3)
	var traded int
	for _, e := range events {
		if r, ok := e.Report.(*order.ExecutionReport); ok && r.ExecType == order.ExecTrade && r.LastPx == b.price(101) && r.LastQty == b.quantity(2) {
			traded++
		}
	}
	if traded != 2 {
		b.Errorf("taking a quote led to %+v", events)
	}
}

func refused(events []engine.Event) error {
	r, ok := events[0].Report.(*order.QuoteStatusReport)
	if !ok || r.QuoteStatus != order.QuoteRejected || len(events) != 1 {
		return errors.New("a response that must be refused was taken")
	}
	return nil
}
