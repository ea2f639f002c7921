package gateway

import (
	"reflect"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

// unnamed is a report without what must differ between two of them.
func unnamed(r order.Report) order.Report {
	if q, ok := r.(*order.QuoteStatusReport); ok {
		out := *q
		out.ID, out.QuoteID = order.ID{}, order.OrderID{}
		return &out
	}
	return r
}

// The ID of an order is good for one request of one session: in another kind of request
// it does nothing, and to another session it tells nothing, under any of its names.
func TestIDsOfOthersTellNothing(t *testing.T) {
	v := newVenue(t, nil)
	a, b := v.connect(testSession(1), establish()), v.connect(testSession(2), establish())
	o := a.rests(order.Buy, 90, 1)
	name := order.NewOrderID(a.id, o.ClOrdID)
	for _, r := range []order.Request{
		&order.OrderCancelRequest{ClOrdID: o.ClOrdID, OrigClOrdID: o.ClOrdID},
		&order.OrderMassCancelRequest{ClOrdID: o.ClOrdID},
		&order.QuoteCancel{ID: o.ClOrdID, QuoteID: o.ClOrdID},
		&order.QuoteRequest{QuoteReqID: o.ClOrdID, Symbol: "BTC-USD", OrderQty: dec(1, 0), TimeToLive: time.Second},
		&order.QuoteResponse{QuoteRespID: o.ClOrdID, QuoteID: name, Side: order.Buy, OrderQty: dec(1, 0), Price: dec(90, 0)},
		&order.OrderCancelReplaceRequest{ClOrdID: o.ClOrdID, OrigClOrdID: o.ClOrdID, OrderQty: dec(5, 0), Price: dec(91, 0), TimeToLive: time.Second},
	} {
		a.send(r)
		got := a.next().Report.Report
		if kind, _ := rejection(got); kind == "none" || v.openOrders() != 1 {
			t.Errorf("%T with the ID of an order: %+v", r, got)
		}
	}
	mine := b.order(order.Sell, 200, 1)
	mine.ClOrdID = o.ClOrdID
	b.send(mine)
	if r, _ := report[*order.ExecutionReport](b); r.ExecType != order.ExecNew || r.OrderID == name {
		t.Errorf("an ID that another session used: %+v, expected New", r)
	}
	for _, ask := range []func(order.OrderID) order.Request{
		func(id order.OrderID) order.Request {
			return &order.QuoteResponse{QuoteRespID: b.newID(), QuoteID: id, Side: order.Sell, OrderQty: dec(1, 0), Price: dec(90, 0)}
		},
		func(id order.OrderID) order.Request {
			return &order.Quote{
				QuoteID: b.newID(), Symbol: "BTC-USD", QuoteReqID: id, TimeToLive: time.Second,
				Bids: []order.QuoteLevel{{Price: dec(80, 0), Size: dec(1, 0)}},
			}
		},
	} {
		var answers []order.Report
		for _, id := range []order.OrderID{name, {7}} {
			r := ask(id)
			b.send(r)
			answers = append(answers, unnamed(b.next().Report.Report))
		}
		if !reflect.DeepEqual(answers[0], answers[1]) {
			t.Errorf("%T of what is another's: %+v; of what is nobody's: %+v", ask(name), answers[0], answers[1])
		}
	}
	b.send(&order.OrderMassStatusRequest{ID: b.newID()})
	if r, _ := report[*order.ExecutionReport](b); r.OrderID != order.NewOrderID(b.id, mine.ClOrdID) || !r.LastRptRequested {
		t.Errorf("all open orders: %+v, expected the own one alone", r)
	}
}
