package gateway

import (
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

// Nothing is held of sessions that are gone, and have nothing open.
func TestNothingIsHeld(t *testing.T) {
	v := newVenue(t, nil)
	m := establish()
	m.Quotes = []string{"BTC-USD"}
	for i := range byte(20) {
		tr := v.connect(testSession(i+1), m)
		tr.rests(order.Buy, 90, 1)
		tr.send(&order.QuoteRequest{QuoteReqID: tr.newID(), Symbol: "BTC-USD", OrderQty: dec(1, 0), TimeToLive: time.Second})
		report[*order.QuoteStatusReport](tr)
		tr.send(&order.OrderMassCancelRequest{ClOrdID: tr.newID()})
		for { // after the reports on the two
			if _, ok := tr.next().Report.Report.(*order.OrderMassCancelReport); ok {
				break
			}
		}
		tr.hangUp()
	}
	for range 4 {
		v.pass(10 * time.Second)
	}
	g := v.gateway
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.states) + len(g.orders) + len(g.asked) + len(g.listeners["BTC-USD"]) + len(g.cod.graces) + g.attached; n != 0 {
		t.Fatalf("%d sessions, %d orders, %d questions, %d listeners, %d graces and %d attachments are held, expected none",
			len(g.states), len(g.orders), len(g.asked), len(g.listeners["BTC-USD"]), len(g.cod.graces), g.attached)
	}
}

// A slot of the book is free again when an order was refused or has ended.
func TestOpenOrdersAreCounted(t *testing.T) {
	v := newVenue(t, func(c *Config) { c.Limits.MaxOpenOrders = 1 })
	tr := v.connect(testSession(1), establish())
	for range 3 {
		o := tr.rests(order.Buy, 90, 1)
		tr.send(tr.order(order.Buy, 90, 1))
		if r, _ := report[*order.ExecutionReport](tr); r.OrdRejReason != order.RejExceedsLimit {
			t.Fatalf("%+v, expected ExceedsLimit", r)
		}
		tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
		canceled(tr, "")
	}
	last := tr.rests(order.Buy, 90, 1)
	tr.send(&order.OrderCancelReplaceRequest{
		ClOrdID: tr.newID(), OrigClOrdID: last.ClOrdID, OrderQty: dec(1, 0), Price: dec(91, 0), TimeToLive: time.Minute,
	})
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecReplaced {
		t.Fatalf("%+v, expected that a replacement needs no slot", r)
	}
	g := v.gateway
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.states[testSession(1)]
	if len(st.open) != 1 || st.resting != 0 || len(st.pending) != 0 || len(st.names) != 1 {
		t.Fatalf("%d open, %d resting, %d pending, %d names, expected 1, 0, 0, 1", len(st.open), st.resting, len(st.pending), len(st.names))
	}
}
