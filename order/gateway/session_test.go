package gateway

import (
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

func TestOrdersTrade(t *testing.T) {
	v := newVenue(t, nil)
	maker := v.connect(testSession(1), establish())
	taker := v.connect(testSession(2), establish())
	resting := maker.rests(order.Sell, 100, 3)
	o := taker.order(order.Buy, 101, 2)
	taker.send(o)
	if r, n := report[*order.ExecutionReport](taker); r.ExecType != order.ExecNew || n != 1 {
		t.Fatalf("report %d is %+v, expected New", n, r)
	}
	for tr, want := range map[*trader]*order.NewOrderSingle{maker: resting, taker: o} {
		r, n := report[*order.ExecutionReport](tr)
		if r.ExecType != order.ExecTrade || r.ClOrdID != want.ClOrdID || r.LastQty != dec(2, 0) || r.LastPx != dec(100, 0) || n != 2 {
			t.Fatalf("report %d is %+v, expected a trade of 2 at 100", n, r)
		}
	}
	if n := v.openOrders(); n != 1 {
		t.Fatalf("%d orders are open, expected 1", n)
	}
}

func TestCancelReplaceStatus(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	o := tr.rests(order.Buy, 100, 3)
	replace := &order.OrderCancelReplaceRequest{
		ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID, OrderQty: dec(2, 0), Price: dec(99, 0), TimeToLive: time.Minute,
	}
	tr.send(replace)
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecReplaced || r.ClOrdID != replace.ClOrdID {
		t.Fatalf("%+v, expected Replaced", r)
	}
	ask := &order.OrderStatusRequest{ID: tr.newID(), ClOrdID: replace.ClOrdID}
	tr.send(ask)
	if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecStatus || r.StatusReqID != ask.ID || r.LeavesQty != dec(2, 0) || n != 0 {
		t.Fatalf("report %d %+v, expected the status", n, r)
	}
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: replace.ClOrdID})
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled {
		t.Fatalf("%+v, expected Canceled", r)
	}
	tr.send(&order.OrderStatusRequest{ID: tr.newID(), ClOrdID: replace.ClOrdID})
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecStatus || r.OrdStatus != order.StatusCanceled {
		t.Fatalf("%+v, expected the status of a cancelled order", r)
	}
	if n := v.openOrders(); n != 0 {
		t.Fatalf("%d orders are open, expected none", n)
	}
}

// A whole life in one read: everything is named before the engine has answered.
func TestPipelined(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	o := tr.order(order.Buy, 100, 3)
	replace := &order.OrderCancelReplaceRequest{
		ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID, OrderQty: dec(2, 0), Price: dec(99, 0), TimeToLive: time.Minute,
	}
	other := tr.order(order.Buy, 98, 1)
	tr.send(o, replace, &order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: replace.ClOrdID}, other,
		&order.OrderMassStatusRequest{ID: tr.newID()}, &order.OrderMassCancelRequest{ClOrdID: tr.newID()})
	for i, want := range []order.ExecType{order.ExecNew, order.ExecReplaced, order.ExecCanceled, order.ExecNew, order.ExecStatus, order.ExecCanceled} {
		r, _ := report[*order.ExecutionReport](tr)
		if r.ExecType != want {
			t.Fatalf("report %d is of type %c, expected %c: %+v", i+1, r.ExecType, want, r)
		}
		if want == order.ExecStatus && !r.LastRptRequested {
			t.Fatal("the last status report does not say so")
		}
	}
	if r, _ := report[*order.OrderMassCancelReport](tr); r.TotalAffectedOrders != 1 {
		t.Fatalf("%+v, expected 1 affected order", r)
	}
}

func TestRepetition(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	o := tr.order(order.Buy, 100, 3)
	tr.send(o, o) // the second is answered by the first one's report
	for i := range 2 {
		if i == 1 {
			tr.send(o)
		}
		if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || n != 1 {
			t.Fatalf("report %d is %+v, expected the first one", n, r)
		}
	}
	tr.hangUp()
	tr = v.connect(testSession(1), establish())
	tr.send(o)
	if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || n != 1 || r.ClOrdID != o.ClOrdID {
		t.Fatalf("report %d is %+v, expected the first one", n, r)
	}
	other := *o
	other.OrderQty = dec(4, 0)
	tr.send(&other)
	if r, _ := report[*order.ExecutionReport](tr); r.OrdRejReason != order.RejDuplicate {
		t.Fatalf("%+v, expected Duplicate", r)
	}
	if n := v.openOrders(); n != 1 {
		t.Fatalf("%d orders are open, expected 1", n)
	}
}
