package gateway

import (
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

// rejection returns the reason of whatever refuses a request, by its FIX name.
func rejection(r order.Report) (kind string, reason int) {
	switch r := r.(type) {
	case *order.ExecutionReport:
		if r.ExecType != order.ExecRejected {
			return "ExecType " + string(r.ExecType), 0
		}
		return "OrdRejReason", int(r.OrdRejReason)
	case *order.OrderCancelReject:
		return "CxlRejReason", int(r.CxlRejReason)
	case *order.QuoteStatusReport:
		return "QuoteRejectReason", int(r.QuoteRejectReason)
	case *order.BusinessMessageReject:
		return "BusinessRejectReason", int(r.BusinessRejectReason)
	}
	return "none", 0
}

// What does not fit is refused with the reason that FIX has for it, and everything
// goes on.
func TestRejects(t *testing.T) {
	v := newVenue(t, func(c *Config) {
		c.Limits = Limits{MaxTimeToLive: 2 * time.Minute, MaxOpenOrders: 2}
	})
	tr := v.connect(testSession(1), establish())
	gone := tr.rests(order.Buy, 90, 1)
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: gone.ClOrdID})
	report[*order.ExecutionReport](tr)
	other := v.connect(testSession(2), establish())
	foreign := other.rests(order.Buy, 91, 1)
	mine := tr.rests(order.Buy, 92, 5)

	quote := func(change func(*order.Quote)) order.Request {
		q := &order.Quote{
			QuoteID: tr.newID(), Symbol: "BTC-USD", TimeToLive: time.Minute,
			Bids:   []order.QuoteLevel{{Price: dec(80, 0), Size: dec(1, 0)}},
			Offers: []order.QuoteLevel{{Price: dec(180, 0), Size: dec(1, 0)}},
		}
		change(q)
		return q
	}
	single := func(change func(*order.NewOrderSingle)) order.Request {
		o := tr.order(order.Buy, 90, 1)
		change(o)
		return o
	}
	cancel := func(orig order.ID) order.Request {
		return &order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: orig}
	}
	replace := func(orig order.ID, qty, price order.Decimal) order.Request {
		return &order.OrderCancelReplaceRequest{ClOrdID: tr.newID(), OrigClOrdID: orig, OrderQty: qty, Price: price, TimeToLive: time.Minute}
	}
	for _, c := range []struct {
		name    string
		request order.Request
		kind    string
		reason  int
	}{
		{"unknown symbol", single(func(o *order.NewOrderSingle) { o.Symbol = "XRP-USD" }), "OrdRejReason", int(order.RejUnknownSymbol)},
		{"quantity below the least", single(func(o *order.NewOrderSingle) { o.Symbol, o.OrderQty = "ETH-USD", dec(5, -1) }), "OrdRejReason", int(order.RejIncorrectQuantity)},
		{"quantity above the most", single(func(o *order.NewOrderSingle) { o.OrderQty = dec(10001, 0) }), "OrdRejReason", int(order.RejIncorrectQuantity)},
		{"quantity that overflows", single(func(o *order.NewOrderSingle) { o.OrderQty = dec(9, 12) }), "OrdRejReason", int(order.RejIncorrectQuantity)},
		{"quantity between lots", single(func(o *order.NewOrderSingle) { o.OrderQty = dec(1001, -3) }), "OrdRejReason", int(order.RejIncorrectQuantity)},
		{"price between ticks", single(func(o *order.NewOrderSingle) { o.Price = dec(90001, -3) }), "OrdRejReason", int(order.RejInvalidPriceIncrement)},
		{"time to live above the venue's", single(func(o *order.NewOrderSingle) { o.TimeToLive = 3 * time.Minute }), "OrdRejReason", int(order.RejExceedsLimit)},
		{"the ID of another order", &order.NewOrderSingle{
			ClOrdID: mine.ClOrdID, Symbol: "BTC-USD", Side: order.Sell, OrdType: order.Limit, TimeInForce: order.ImmediateOrCancel,
			OrderQty: dec(1, 0), Price: dec(200, 0),
		}, "OrdRejReason", int(order.RejDuplicate)},
		{"a cancel with the ID of an order", &order.OrderCancelRequest{ClOrdID: mine.ClOrdID, OrigClOrdID: gone.ClOrdID}, "CxlRejReason", int(order.CxlDuplicate)},
		{"cancel of nothing", cancel(order.ID{1, 2, 3}), "CxlRejReason", int(order.CxlUnknownOrder)},
		{"cancel of what is not yours", cancel(foreign.ClOrdID), "CxlRejReason", int(order.CxlUnknownOrder)},
		{"cancel of what is gone", cancel(gone.ClOrdID), "CxlRejReason", int(order.CxlTooLate)},
		{"replacement of nothing", replace(order.ID{1, 2, 3}, dec(1, 0), dec(90, 0)), "CxlRejReason", int(order.CxlUnknownOrder)},
		{"replacement of what is not yours", replace(foreign.ClOrdID, dec(1, 0), dec(90, 0)), "CxlRejReason", int(order.CxlUnknownOrder)},
		{"replacement of what is gone", replace(gone.ClOrdID, dec(1, 0), dec(90, 0)), "CxlRejReason", int(order.CxlTooLate)},
		{"replacement between ticks", replace(mine.ClOrdID, dec(1, 0), dec(90001, -3)), "CxlRejReason", int(order.CxlInvalidPriceIncrement)},
		{"replacement with too much", replace(mine.ClOrdID, dec(10001, 0), dec(90, 0)), "CxlRejReason", int(order.CxlOther)},
		{"cancel of a quote that is an order", &order.QuoteCancel{ID: tr.newID(), QuoteID: mine.ClOrdID}, "QuoteRejectReason", int(order.QuoteUnknown)},
		{"cancel of no quote", &order.QuoteCancel{ID: tr.newID(), QuoteID: order.ID{9}}, "QuoteRejectReason", int(order.QuoteUnknown)},
		{"quote of an unknown symbol", quote(func(q *order.Quote) { q.Symbol = "XRP-USD" }), "QuoteRejectReason", int(order.QuoteUnknownSymbol)},
		{"quote between ticks", quote(func(q *order.Quote) { q.Bids[0].Price = dec(80001, -3) }), "QuoteRejectReason", int(order.QuoteInvalidPrice)},
		{"quote between lots", quote(func(q *order.Quote) { q.Offers[0].Size = dec(1, -3) }), "QuoteRejectReason", int(order.QuoteInvalidQuantity)},
		{"request for quote of an unknown symbol", &order.QuoteRequest{QuoteReqID: tr.newID(), Symbol: "XRP-USD", OrderQty: dec(1, 0), TimeToLive: time.Minute}, "QuoteRejectReason", int(order.QuoteUnknownSymbol)},
		{"answer to no quote", &order.QuoteResponse{QuoteRespID: tr.newID(), QuoteID: order.OrderID{7}, Side: order.Buy, OrderQty: dec(1, 0), Price: dec(90, 0)}, "QuoteRejectReason", int(order.QuoteUnknown)},
		{"status of nothing", &order.OrderStatusRequest{ID: tr.newID(), ClOrdID: order.ID{4}}, "BusinessRejectReason", int(order.BusinessUnknownID)},
		{"status of what is not yours", &order.OrderStatusRequest{ID: tr.newID(), ClOrdID: foreign.ClOrdID}, "BusinessRejectReason", int(order.BusinessUnknownID)},
	} {
		tr.send(c.request)
		f := tr.next()
		if f.Report.Report == nil {
			t.Fatalf("%s: %+v, expected a report", c.name, f.Session)
		}
		if kind, reason := rejection(f.Report.Report); kind != c.kind || reason != c.reason {
			t.Errorf("%s: %s %d, expected %s %d: %+v", c.name, kind, reason, c.kind, c.reason, f.Report.Report)
		}
		if id := f.Report.Report.Answers(); id != c.request.RequestID() {
			t.Errorf("%s: the reject answers %v, expected %v", c.name, id, c.request.RequestID())
		}
	}
	second := tr.rests(order.Buy, 89, 1)
	tr.send(tr.order(order.Buy, 88, 1))
	if r, _ := report[*order.ExecutionReport](tr); r.OrdRejReason != order.RejExceedsLimit {
		t.Errorf("a third open order: %+v, expected ExceedsLimit", r)
	}
	tr.send(cancel(second.ClOrdID), cancel(mine.ClOrdID))
	for range 2 {
		if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled {
			t.Errorf("%+v, expected Canceled", r)
		}
	}
}

// A request that could not be decoded is answered, and the session goes on.
func TestInvalidRequests(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	bad := tr.order(order.Buy, 90, 1)
	bad.Side = '7'
	tr.link.fail(&order.RequestError{SeqNo: tr.seqNo, Reject: order.CheckRequest(bad)})
	if r, n := report[*order.BusinessMessageReject](tr); r.BusinessRejectReason != order.BusinessUnsupported || n != 1 {
		t.Fatalf("report %d %+v, expected Unsupported", n, r)
	}
	tr.seqNo++
	tr.rests(order.Buy, 90, 1)
	tr.link.fail(&order.RequestError{SeqNo: 1 << 63, Reject: order.CheckRequest(bad)})
	if m := message[*order.Terminate](tr); m.Code != order.RejectMalformed {
		t.Fatalf("%+v, expected Malformed", m)
	}
}

// Requests of an in-process client are checked as those that are decoded.
func TestInvalidRequestsInProcess(t *testing.T) {
	v := newVenue(t, nil)
	reports := make(chan order.Numbered, 2)
	s, err := v.gateway.Attach(t.Context(), Attach{Session: testSession(1), Deliver: func(r []order.Numbered) error {
		for _, r := range r {
			reports <- r
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	bad := &order.NewOrderSingle{ClOrdID: order.ID{1}, Symbol: "BTC-USD", Side: order.Buy, OrdType: order.Limit, TimeInForce: '1', OrderQty: dec(1, 0), Price: dec(1, 0)}
	none := &order.NewOrderSingle{}
	if err := s.Do(t.Context(), []order.ClientFrame{{Request: bad}, {Request: none}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []order.BusinessRejectReason{order.BusinessUnsupported, order.BusinessMissingField} {
		r := <-reports
		if kind, reason := rejection(r.Report); kind != "BusinessRejectReason" || reason != int(want) {
			t.Errorf("%s %d, expected %d: %+v", kind, reason, want, r.Report)
		}
	}
	if err := s.Detach(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBudgets(t *testing.T) {
	v := newVenue(t, func(c *Config) { c.Limits = Limits{OrdersPerSecond: 1, Burst: 3, MaxRequests: 6} })
	tr := v.connect(testSession(1), establish())
	var open []*order.NewOrderSingle
	for range 3 {
		open = append(open, tr.rests(order.Buy, 90, 1))
	}
	refused := tr.order(order.Buy, 90, 1)
	tr.send(refused)
	if r, n := report[*order.BusinessMessageReject](tr); r.BusinessRejectReason != order.BusinessThrottled || n != 0 || r.Answers() != refused.ClOrdID {
		t.Fatalf("report %d %+v, expected Throttled", n, r)
	}
	v.clock.advance(time.Second)
	tr.send(refused) // the ID was not used up
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew {
		t.Fatalf("%+v, expected New", r)
	}
	// Cancels have a bucket that is twice as large, and what is open can be cancelled
	// when that is empty, and when all requests are used up.
	for range 6 {
		tr.send(&order.OrderStatusRequest{ID: tr.newID(), ClOrdID: open[0].ClOrdID})
		report[*order.ExecutionReport](tr)
	}
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: order.ID{5}})
	if r, _ := report[*order.BusinessMessageReject](tr); r.BusinessRejectReason != order.BusinessThrottled {
		t.Fatalf("%+v, expected Throttled", r)
	}
	for _, o := range append(open, refused) {
		tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
		if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled {
			t.Fatalf("%+v, expected Canceled", r)
		}
	}
	v.clock.advance(time.Minute)
	tr.send(tr.order(order.Buy, 90, 1))
	if r, n := report[*order.BusinessMessageReject](tr); r.BusinessRejectReason != order.BusinessThrottled || n != 0 {
		t.Fatalf("report %d %+v, expected the session's requests to be used up", n, r)
	}
}

// A gap is told, and holds nothing back; a rewind is a repetition.
func TestSequenceGap(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	o := tr.rests(order.Buy, 90, 1)
	tr.seqNo += 4
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
	if m := message[*order.NotApplied](tr); m.FromSeqNo != 2 || m.Count != 4 {
		t.Fatalf("%+v, expected 2 to 5", m)
	}
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled {
		t.Fatalf("%+v, expected Canceled in spite of the gap", r)
	}
	tr.seqNo = 1
	tr.send(o)
	if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || n != 1 {
		t.Fatalf("report %d %+v, expected the first one again", n, r)
	}
	tr.link.send(order.ClientFrame{Session: &order.Sequence{NextSeqNo: 10}})
	if m := message[*order.NotApplied](tr); m.FromSeqNo != 7 || m.Count != 3 {
		t.Fatalf("%+v, expected 7 to 9", m)
	}
	if n := v.openOrders(); n != 0 {
		t.Fatalf("%d orders are open, expected none", n)
	}
}

// What came together with a heartbeat is not missing, and what a heartbeat shows to be
// missing before them is told once.
func TestHeartbeatBehindRequests(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	tr.link.send(
		order.ClientFrame{SeqNo: 1, Request: tr.order(order.Buy, 90, 1)},
		order.ClientFrame{Session: &order.Sequence{NextSeqNo: 2}},
	)
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew {
		t.Fatalf("%+v, expected New", r)
	}
	tr.link.send(
		order.ClientFrame{Session: &order.Sequence{NextSeqNo: 4}},
		order.ClientFrame{SeqNo: 4, Request: tr.order(order.Buy, 90, 1)},
		order.ClientFrame{Session: &order.Sequence{NextSeqNo: 5}},
	)
	if m := message[*order.NotApplied](tr); m.FromSeqNo != 2 || m.Count != 2 {
		t.Fatalf("%+v, expected 2 and 3", m)
	}
	if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || n != 2 {
		t.Fatalf("report %d %+v, expected New", n, r)
	}
	tr.link.send(order.ClientFrame{Session: &order.Sequence{NextSeqNo: 6}})
	if m := message[*order.NotApplied](tr); m.FromSeqNo != 5 || m.Count != 1 {
		t.Fatalf("%+v, expected 5", m)
	}
}
