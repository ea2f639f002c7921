package gateway

import (
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/journal"
)

// throttled reads reports until one says that a request was one too many.
func throttled(tr *trader, most int) {
	tr.t.Helper()
	for range most {
		if r, ok := tr.next().Report.Report.(*order.BusinessMessageReject); ok && r.BusinessRejectReason == order.BusinessThrottled {
			return
		}
	}
	tr.t.Fatalf("none of %d requests was refused, expected Throttled", most)
}

// A session cannot fill the gateway's memory with cancels, which no rate bounds, while
// the matching engine is gone: those of others have to find room.
func TestCancelsAreBoundedWhileTheEngineIsGone(t *testing.T) {
	var e *faultyEngine
	v := newVenue(t, func(c *Config) {
		e = &faultyEngine{Engine: c.Engine}
		c.Engine = e
		c.Limits = Limits{OrdersPerSecond: 10, Burst: 10, MaxOpenOrders: 10}
	})
	tr := v.connect(testSession(1), establish())
	mine := tr.rests(order.Buy, 90, 1)
	e.down.Store(true)
	most := v.gateway.limits.unanswered()
	for range most + 1 {
		tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: mine.ClOrdID})
	}
	throttled(tr, 1)
	if s := v.gateway.Status(); s.Commands != most {
		t.Fatalf("%d commands wait for the engine, expected %d", s.Commands, most)
	}
	e.down.Store(false)
	v.pass(time.Second)
	if n := v.openOrders(); n != 0 {
		t.Fatalf("%d orders are open when the engine is back, expected the cancel of one done", n)
	}
}

// A mass cancel is as many commands as there are open orders: only so many can be
// under way.
func TestMassCancelsAreBounded(t *testing.T) {
	var e *faultyEngine
	v := newVenue(t, func(c *Config) {
		e = &faultyEngine{Engine: c.Engine}
		c.Engine = e
	})
	tr := v.connect(testSession(1), establish())
	for range 4 {
		tr.rests(order.Buy, 90, 1)
	}
	e.down.Store(true)
	for range maxMasses + 1 {
		tr.send(&order.OrderMassCancelRequest{ClOrdID: tr.newID()})
	}
	throttled(tr, 1)
	if s := v.gateway.Status(); s.Commands != 4*maxMasses {
		t.Fatalf("%d commands wait for the engine, expected %d", s.Commands, 4*maxMasses)
	}
}

// Asking for all open orders costs what asking for each costs: the reports are made
// while everybody else waits.
func TestMassStatusCostsWhatItSays(t *testing.T) {
	v := newVenue(t, func(c *Config) { c.Limits = Limits{OrdersPerSecond: 20, Burst: 20} })
	tr := v.connect(testSession(1), establish())
	for range 20 {
		tr.rests(order.Buy, 90, 1)
	}
	for range 4 {
		tr.send(&order.OrderMassStatusRequest{ID: tr.newID()})
	}
	throttled(tr, 2*20+1)
}

// Who says another thing under an ID that was used is refused as often as it may ask,
// also while the first is under way: each refusal is written to the journal.
func TestDuplicatesAreThrottled(t *testing.T) {
	var e *faultyEngine
	v := newVenue(t, func(c *Config) {
		e = &faultyEngine{Engine: external{newBook(t, newFakeClock(), book.Options{})}}
		c.Engine = e
		c.Limits = Limits{OrdersPerSecond: 4, Burst: 4}
	})
	tr := v.connect(testSession(1), establish())
	e.down.Store(true)
	o := tr.order(order.Buy, 90, 1)
	tr.send(o)
	for i := range int64(9) {
		other := *o
		other.OrderQty = dec(i+2, 0)
		tr.send(&other)
	}
	throttled(tr, 9)
}

// Nothing is held of orders and requests for quote that were cancelled long before the
// end of their time.
func TestEndedOrdersAreForgotten(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	for range 2 * fewExpiries {
		o := tr.order(order.Buy, 90, 1)
		o.TimeToLive = order.MaxTimeToLive
		q := &order.QuoteRequest{QuoteReqID: tr.newID(), Symbol: "BTC-USD", OrderQty: dec(1, 0), TimeToLive: order.MaxTimeToLive}
		tr.send(o, q,
			&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID},
			&order.QuoteCancel{ID: tr.newID(), QuoteID: q.QuoteReqID})
		for range 4 {
			tr.next()
		}
		v.clock.advance(time.Millisecond)
	}
	g := v.gateway
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.orders) != 0 || len(g.asked) != 0 || len(g.due) > fewExpiries+1 {
		t.Fatalf("%d orders, %d questions and %d times to live are held, expected none, and at most %d times",
			len(g.orders), len(g.asked), len(g.due), fewExpiries+1)
	}
}

// Who is banned at one gateway is out of the others soon, with what was entered
// meanwhile: a connection could last for as long as its owner likes.
func TestBanReachesOtherGateways(t *testing.T) {
	clock := newFakeClock()
	store := journal.NewMemory()
	b := external{newBook(t, clock, book.Options{})}
	open := func(name string) *venue {
		v := newVenue(t, func(c *Config) { c.Engine, c.Store, c.Now, c.Name = b, store, clock.Now, name })
		v.clock = clock
		return v
	}
	here, there := open("a"), open("b")
	m := establish()
	m.KeepOrders = true
	tr := there.connect(testSession(1), m)
	tr.rests(order.Buy, 90, 1)
	if err := here.gateway.Ban(t.Context(), testSession(1)); err != nil {
		t.Fatal(err)
	}
	canceled(tr, "")
	tr.rests(order.Buy, 91, 1) // until the other gateway knows
	there.pass(2 * time.Second)
	if m := message[*order.Terminate](tr); m.Code != order.RejectBanned {
		t.Fatalf("%+v, expected Banned", m)
	}
	<-tr.link.ended
	if n := there.openOrders(); n != 0 {
		t.Fatalf("%d orders are open, expected none of who is banned", n)
	}
	l := there.serve(Peer{Session: testSession(1)})
	l.send(order.ClientFrame{Session: m})
	if r, ok := (&trader{t: t, link: l}).next().Session.(*order.EstablishmentReject); !ok || r.Code != order.RejectBanned {
		t.Fatalf("%+v, expected that it is refused", r)
	}
}

// A session ends two epochs after its own, while its journal is still there: nothing is
// done of which nobody could be told.
func TestSessionEndsBeforeItIsPruned(t *testing.T) {
	const epoch = 20 * time.Second
	v := newVenue(t, func(c *Config) { c.Schedule = zkkex.Schedule{Length: uint32(epoch / time.Second)} })
	number := v.gateway.oldest(v.clock.Now()) + 1
	tr := v.connect(order.NewSessionID(number, []byte("a")), establish())
	v.pass(epoch) // and the channel was renewed
	o := tr.rests(order.Buy, 90, 1)
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
	canceled(tr, "")
	v.pass(epoch)
	if m := message[*order.Terminate](tr); m.Code != order.RejectEnded {
		t.Fatalf("%+v, expected Ended", m)
	}
	<-tr.link.ended
	if last, err := v.store.LastReport(t.Context(), tr.id); err != nil || last == 0 {
		t.Fatalf("the last report is %d, %v; expected that it can still be read", last, err)
	}
	v.pass(2 * pruneEvery)
	if last, err := v.store.LastReport(t.Context(), tr.id); err != nil || last != 0 {
		t.Fatalf("the last report is %d, %v; expected that the session is pruned", last, err)
	}
}
