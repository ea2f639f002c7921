package gateway

import (
	"reflect"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

// An order is cancelled, replaced and asked for from another session with its own
// key. Whoever does not have it learns nothing: not even that there is an order.
func TestProofFromAnotherSession(t *testing.T) {
	v := newVenue(t, nil)
	secret, wrong := order.NewSecret(), order.NewSecret()
	binding, other := [32]byte{1}, [32]byte{2}
	tr := v.connect(testSession(1), establish())
	orders := make([]*order.NewOrderSingle, 3)
	for i := range orders {
		orders[i] = tr.order(order.Buy, 90, 2)
		orders[i].OwnerKey = secret.OwnerKey(orders[i].ClOrdID)
	}
	keyless := tr.rests(order.Buy, 91, 1)
	tr.send(orders[0], orders[1], orders[2])
	for range orders {
		report[*order.ExecutionReport](tr)
	}
	m := establish()
	m.KeepOrders = true
	later := v.connectAs(Peer{Session: testSession(2), Binding: binding}, m)

	prove := func(s *order.Secret, binding [32]byte, r order.Request) order.Proof {
		p, err := s.Prove(binding, r)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	// What is refused must not differ from what does not exist, but for the IDs.
	answer := func(r order.Request) order.Report {
		later.send(r)
		return later.next().Report.Report
	}
	unknown := order.ID{0xee}
	for _, target := range []order.ID{orders[0].ClOrdID, keyless.ClOrdID, unknown} {
		for name, sign := range map[string]func(order.Request) order.Proof{
			"no proof":        func(order.Request) order.Proof { return order.Proof{} },
			"a wrong key":     func(r order.Request) order.Proof { return prove(wrong, binding, r) },
			"another channel": func(r order.Request) order.Proof { return prove(secret, other, r) },
			"noise":           func(order.Request) order.Proof { return order.Proof{1, 2, 3} },
			"another order's key": func(r order.Request) order.Proof {
				return prove(secret, binding, &order.OrderStatusRequest{ID: r.RequestID(), ClOrdID: orders[1].ClOrdID})
			},
		} {
			cancel := &order.OrderCancelRequest{ClOrdID: later.newID(), OrigClOrdID: target}
			cancel.Proof = sign(cancel)
			want := &order.OrderCancelReject{
				ClOrdID: cancel.ClOrdID, OrigClOrdID: target, OrdStatus: order.StatusRejected,
				CxlRejResponseTo: order.ToCancel, CxlRejReason: order.CxlUnknownOrder, Text: "there is no such order",
			}
			if r := answer(cancel); !reflect.DeepEqual(r, want) {
				t.Fatalf("%s: cancel: %+v, expected %+v", name, r, want)
			}
			replace := &order.OrderCancelReplaceRequest{
				ClOrdID: later.newID(), OrigClOrdID: target, OrderQty: dec(1, 0), Price: dec(90, 0), TimeToLive: time.Minute,
			}
			replace.Proof = sign(replace)
			want.ClOrdID, want.CxlRejResponseTo = replace.ClOrdID, order.ToReplace
			if r := answer(replace); !reflect.DeepEqual(r, want) {
				t.Fatalf("%s: replace: %+v, expected %+v", name, r, want)
			}
			status := &order.OrderStatusRequest{ID: later.newID(), ClOrdID: target}
			status.Proof = sign(status)
			if r := answer(status); !reflect.DeepEqual(r, unknownStatus(status)) {
				t.Fatalf("%s: status: %+v, expected %+v", name, r, unknownStatus(status))
			}
		}
	}
	if n := v.openOrders(); n != 4 {
		t.Fatalf("%d orders are open, expected all 4", n)
	}

	status := &order.OrderStatusRequest{ID: later.newID(), ClOrdID: orders[0].ClOrdID}
	status.Proof = prove(secret, binding, status)
	if r, ok := answer(status).(*order.ExecutionReport); !ok || r.ExecType != order.ExecStatus || r.LeavesQty != dec(2, 0) {
		t.Fatalf("status: %+v, expected that of the order", r)
	}
	cancel := &order.OrderCancelRequest{ClOrdID: later.newID(), OrigClOrdID: orders[0].ClOrdID}
	cancel.Proof = prove(secret, binding, cancel)
	if r, ok := answer(cancel).(*order.ExecutionReport); !ok || r.ExecType != order.ExecCanceled || r.ClOrdID != cancel.ClOrdID {
		t.Fatalf("cancel: %+v, expected Canceled", r)
	}
	canceled(tr, "")
	if r, ok := answer(cancel).(*order.ExecutionReport); !ok || r.ExecType != order.ExecCanceled {
		t.Fatalf("the cancel again: %+v, expected the same", r)
	}
	cancel = &order.OrderCancelRequest{ClOrdID: later.newID(), OrigClOrdID: orders[0].ClOrdID}
	cancel.Proof = prove(secret, binding, cancel)
	if r, ok := answer(cancel).(*order.OrderCancelReject); !ok || r.CxlRejReason != order.CxlTooLate {
		t.Fatalf("cancel of what is gone: %+v, expected TooLate", r)
	}
	replace := &order.OrderCancelReplaceRequest{
		ClOrdID: later.newID(), OrigClOrdID: orders[1].ClOrdID, OrderQty: dec(1, 0), Price: dec(90, 0), TimeToLive: time.Minute,
	}
	replace.Proof = prove(secret, binding, replace)
	if r, ok := answer(replace).(*order.ExecutionReport); !ok || r.ExecType != order.ExecReplaced {
		t.Fatalf("replace: %+v, expected Replaced", r)
	}
	// The order stays in its old session.
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecReplaced || r.ClOrdID != replace.ClOrdID {
		t.Fatalf("%+v, expected that the owner's session is told of the new name", r)
	}
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: replace.ClOrdID})
	canceled(tr, "")
}

// Who asks for quotes is not among those who hear it, and only who listens to the
// symbol hears it.
func TestRequestForQuote(t *testing.T) {
	v := newVenue(t, nil)
	m := establish()
	m.Quotes = []string{"BTC-USD"}
	asker := v.connect(testSession(1), m)
	maker := v.connect(testSession(2), m)
	deaf := v.connect(testSession(3), establish())
	ask := &order.QuoteRequest{QuoteReqID: asker.newID(), Symbol: "BTC-USD", OrderQty: dec(1, 0), TimeToLive: time.Minute}
	asker.send(ask)
	if r, n := report[*order.QuoteStatusReport](asker); r.QuoteStatus != order.QuoteAccepted || n != 1 {
		t.Fatalf("report %d %+v, expected Accepted", n, r)
	}
	heard, n := report[*order.QuoteRequestReport](maker)
	if heard.Symbol != "BTC-USD" || n != 0 {
		t.Fatalf("report %d %+v, expected the request, without a number", n, heard)
	}
	quote := &order.Quote{
		QuoteID: maker.newID(), Symbol: "BTC-USD", QuoteReqID: heard.QuoteReqID, TimeToLive: time.Minute,
		Offers: []order.QuoteLevel{{Price: dec(100, 0), Size: dec(2, 0)}},
	}
	maker.send(quote)
	if r, _ := report[*order.QuoteStatusReport](maker); r.QuoteStatus != order.QuoteAccepted {
		t.Fatalf("%+v, expected Accepted", r)
	}
	offered, _ := report[*order.QuoteReport](asker)
	asker.send(&order.QuoteResponse{QuoteRespID: asker.newID(), QuoteID: offered.QuoteID, Side: order.Buy, OrderQty: dec(1, 0), Price: dec(100, 0)})
	if r, _ := report[*order.QuoteStatusReport](asker); r.QuoteStatus != order.QuoteAccepted {
		t.Fatalf("%+v, expected Accepted", r)
	}
	for _, tr := range []*trader{asker, maker} {
		if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecTrade || r.LastPx != dec(100, 0) {
			t.Fatalf("%+v, expected a trade at 100", r)
		}
	}
	maker.send(&order.QuoteCancel{ID: maker.newID(), QuoteID: quote.QuoteID})
	if r, _ := report[*order.QuoteStatusReport](maker); r.QuoteStatus != order.QuoteCanceled {
		t.Fatalf("%+v, expected Canceled", r)
	}
	deaf.rests(order.Buy, 1, 1) // the first that it hears
	asker.send(&order.OrderMassCancelRequest{ClOrdID: asker.newID(), Symbol: "BTC-USD"})
	if r, _ := report[*order.QuoteStatusReport](asker); r.ID != ask.QuoteReqID || r.QuoteStatus != order.QuoteCanceled {
		t.Fatalf("%+v, expected that the request is over", r)
	}
	if r, _ := report[*order.OrderMassCancelReport](asker); r.TotalAffectedOrders != 1 {
		t.Fatalf("%+v, expected 1", r)
	}
}
