package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// A journal that fails: new orders are refused and can be sent again, cancels are
// confirmed at once, without a number, and numbered when the journal is back.
func TestStoreFails(t *testing.T) {
	for name, inline := range map[string]bool{"inline": true, "appender": false} {
		t.Run(name, func(t *testing.T) {
			store := newFaultyStore(journal.NewMemory(), sound)
			v := newVenue(t, func(c *Config) { c.Store, c.Inline = store, inline })
			tr := v.connect(testSession(1), establish())
			first, second := tr.rests(order.Buy, 90, 1), tr.rests(order.Buy, 90, 1)
			store.failing.Store(true)
			for _, o := range []*order.NewOrderSingle{first, second} {
				tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
				if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled || n != 0 {
					t.Fatalf("report %d %+v, expected Canceled without a number", n, r)
				}
			}
			refused := tr.order(order.Buy, 90, 1)
			tr.send(refused, &order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: order.ID{1}})
			for range 2 {
				r, n := report[*order.BusinessMessageReject](tr)
				if r.BusinessRejectReason != order.BusinessNotAvailable || n != 0 {
					t.Fatalf("report %d %+v, expected NotAvailable", n, r)
				}
			}
			if err := v.gateway.Ready(); !errors.Is(err, journal.ErrUnavailable) {
				t.Fatalf("Ready: %v, expected ErrUnavailable", err)
			}
			if s := v.gateway.Status(); !s.StoreFailing {
				t.Fatalf("%+v, expected that the journal fails", s)
			}
			store.failing.Store(false)
			for want := uint64(3); want <= 4; want++ {
				if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled || n != want {
					t.Fatalf("report %d %+v, expected Canceled with number %d", n, r, want)
				}
			}
			for v.gateway.Ready() != nil {
				time.Sleep(time.Millisecond)
			}
			tr.send(refused)
			if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || n != 5 {
				t.Fatalf("report %d %+v, expected New", n, r)
			}
		})
	}
}

// A journal that hangs is one that fails, after a while: what cancels led to is told
// without a number, also for the one that hangs, and with its number later.
func TestStoreHangs(t *testing.T) {
	store := newFaultyStore(journal.NewMemory(), sound)
	v := newVenue(t, func(c *Config) { c.Store = store })
	tr := v.connect(testSession(1), establish())
	first, second := tr.rests(order.Buy, 90, 1), tr.rests(order.Buy, 90, 1)
	release := make(chan struct{})
	store.hang(release)
	for _, o := range []*order.NewOrderSingle{first, second} {
		tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
		if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled || n != 0 {
			t.Fatalf("report %d %+v, expected Canceled without a number", n, r)
		}
	}
	tr.send(tr.order(order.Buy, 90, 1))
	if r, _ := report[*order.BusinessMessageReject](tr); r.BusinessRejectReason != order.BusinessNotAvailable {
		t.Fatalf("%+v, expected NotAvailable", r)
	}
	close(release)
	for want := uint64(3); want <= 4; want++ {
		if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled || n != want {
			t.Fatalf("report %d %+v, expected Canceled with number %d", n, r, want)
		}
	}
}

// The rest of an immediate or cancel order ends by itself: while the journal fails,
// that is not told ahead of what is recorded first, that the order was entered.
func TestStoreHangsImmediateOrCancel(t *testing.T) {
	store := newFaultyStore(journal.NewMemory(), sound)
	v := newVenue(t, func(c *Config) { c.Store = store })
	tr := v.connect(testSession(1), establish())
	first := tr.rests(order.Buy, 90, 1)
	release := make(chan struct{})
	store.hang(release)
	sound := sync.OnceFunc(func() { close(release) })
	t.Cleanup(sound) // before the venue's own, which waits for the journal
	o := tr.order(order.Buy, 80, 1)
	o.TimeInForce, o.TimeToLive = order.ImmediateOrCancel, 0
	tr.send(o, &order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: first.ClOrdID})
	if r, n := report[*order.ExecutionReport](tr); r.OrigClOrdID != first.ClOrdID || n != 0 {
		t.Fatalf("report %d %+v, expected that the cancel is done, without a number", n, r)
	}
	sound()
	for i, kind := range []order.ExecType{order.ExecNew, order.ExecCanceled, order.ExecCanceled} {
		if r, n := report[*order.ExecutionReport](tr); r.ExecType != kind || n != uint64(i)+2 {
			t.Fatalf("report %d %+v, expected number %d, %c", n, r, i+2, kind)
		}
	}
}

// A journal that is full is one that fails.
func TestStoreFull(t *testing.T) {
	store := journal.NewMemory()
	v := newVenue(t, func(c *Config) { c.Store = store })
	tr := v.connect(testSession(1), establish())
	o := tr.rests(order.Buy, 90, 1)
	store.Limit = 1
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
	if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled || n != 0 {
		t.Fatalf("report %d %+v, expected Canceled without a number", n, r)
	}
	tr.send(tr.order(order.Buy, 90, 1))
	if r, _ := report[*order.BusinessMessageReject](tr); r.BusinessRejectReason != order.BusinessNotAvailable {
		t.Fatalf("%+v, expected NotAvailable", r)
	}
}

// What comes while the journal writes is recorded with its next write.
func TestGroupCommit(t *testing.T) {
	store := newFaultyStore(journal.NewMemory(), sound)
	store.slow = make(chan struct{})
	sizes := &countAppends{}
	v := newVenue(t, func(c *Config) { c.Store, c.Observe = store, sizes })
	tr := v.connect(testSession(1), establish())
	const orders = 50
	tr.send(tr.order(order.Buy, 90, 1))
	store.slow <- struct{}{} // the first write is under way, or done
	for range orders - 1 {
		tr.send(tr.order(order.Buy, 90, 1))
	}
	for v.openOrders() < orders {
		time.Sleep(time.Millisecond)
	}
	close(store.slow)
	for want := uint64(1); want <= orders; want++ {
		if r, n := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || n != want {
			t.Fatalf("report %d %+v, expected New %d", n, r, want)
		}
	}
	if n := sizes.writes.Load(); n > 4 {
		t.Fatalf("%d writes for %d orders, expected a few", n, orders)
	}
}

type countAppends struct {
	noObserver
	writes atomic.Int64
}

func (c *countAppends) Appended(int, time.Duration, error) { c.writes.Add(1) }

// An engine that is gone: what was on its way waits and is given again, new orders
// are refused, cancels wait.
func TestEngineGone(t *testing.T) {
	for name, done := range map[string]bool{"before it did them": false, "after it did them": true} {
		t.Run(name, func(t *testing.T) {
			var e *faultyEngine
			v := newVenue(t, func(c *Config) {
				e = &faultyEngine{Engine: external{c.Engine}}
				c.Engine = e
			})
			tr := v.connect(testSession(1), establish())
			resting := tr.rests(order.Buy, 90, 1)
			e.down.Store(!done)
			e.ambiguous.Store(done)
			lost := tr.order(order.Buy, 91, 1)
			tr.send(lost)
			for !v.gateway.Status().EngineGone {
				time.Sleep(time.Millisecond)
			}
			tr.send(tr.order(order.Buy, 92, 1), &order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: resting.ClOrdID})
			if done {
				if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || r.ClOrdID != lost.ClOrdID {
					t.Fatalf("%+v, expected New", r)
				}
			}
			if r, n := report[*order.BusinessMessageReject](tr); r.BusinessRejectReason != order.BusinessNotAvailable || n != 0 {
				t.Fatalf("report %d %+v, expected NotAvailable", n, r)
			}
			if err := v.gateway.Ready(); !errors.Is(err, engine.ErrUnavailable) {
				t.Fatalf("Ready: %v, expected ErrUnavailable", err)
			}
			e.down.Store(false)
			e.ambiguous.Store(false)
			v.gateway.tick(t.Context())
			if !done {
				if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecNew || r.ClOrdID != lost.ClOrdID {
					t.Fatalf("%+v, expected New", r)
				}
			}
			canceled(tr, "")
			if n := v.openOrders(); n != 1 {
				t.Fatalf("%d orders are open, expected 1", n)
			}
		})
	}
}

// An engine that no longer has the events, or leaves some out, ends the gateway: it
// has to be started again.
func TestEngineForgets(t *testing.T) {
	for name, e := range map[string]engine.Engine{
		"forgotten": scripted{err: engine.ErrForgotten},
		"gap":       scripted{events: []engine.Event{{Number: 2}}, err: engine.ErrUnavailable},
		"no report": scripted{events: []engine.Event{{Number: 1, Session: testSession(1), Report: &order.ExecutionReport{}}}, err: engine.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t, func(c *Config) { c.Engine = e })
			if err := v.gateway.Run(t.Context()); !errors.Is(err, ErrFailed) {
				t.Fatalf("Run: %v, expected ErrFailed", err)
			}
			if err := v.gateway.Ready(); !errors.Is(err, ErrFailed) {
				t.Fatalf("Ready: %v, expected ErrFailed", err)
			}
			if code := v.refused(testSession(1), establish()); code != order.RejectNotAvailable {
				t.Fatalf("refused with %d, expected NotAvailable", code)
			}
		})
	}
}

type scripted struct {
	events []engine.Event
	err    error
}

func (scripted) Instruments(context.Context) ([]order.Instrument, error) { return testInstruments, nil }
func (scripted) Do(context.Context, []engine.Command) error              { return nil }
func (s scripted) Events(_ context.Context, _ uint64, take func([]engine.Event) error) error {
	if len(s.events) > 0 {
		if err := take(s.events); err != nil {
			return err
		}
	}
	return s.err
}

// Orders survive a gateway that keeps the engine in its process, and their sessions
// are disconnected from then on.
func TestRestart(t *testing.T) {
	store := journal.NewMemory()
	v := newVenue(t, func(c *Config) { c.Store = store })
	tr := v.connect(testSession(1), establish())
	o := tr.rests(order.Buy, 90, 3)
	tr.hangUp()
	_ = v.gateway.Close()
	next := newVenue(t, func(c *Config) {
		c.Store = store
		v.clock.advance(time.Hour)
		b := newBook(t, v.clock, book.Options{})
		c.Engine, c.Now = b, v.clock.Now
	})
	next.clock = v.clock
	if n := next.openOrders(); n != 1 {
		t.Fatalf("%d orders are open, expected 1", n)
	}
	tr = next.connect(testSession(1), establish())
	tr.send(&order.OrderCancelRequest{ClOrdID: order.ID{9}, OrigClOrdID: o.ClOrdID})
	canceled(tr, "")
}

// A session whose gateway has died is cancelled by another one, and not before the
// gateway counts as dead.
func TestDeadGateway(t *testing.T) {
	clock := newFakeClock()
	store := journal.NewMemory()
	b := external{newBook(t, clock, book.Options{})}
	open := func(name string) *venue {
		v := newVenue(t, func(c *Config) { c.Engine, c.Store, c.Now, c.Name = b, store, clock.Now, name })
		v.clock = clock
		return v
	}
	dead, live := open("a"), open("b")
	m := establish()
	m.Grace = 2 * time.Second
	tr := dead.connect(testSession(1), m)
	tr.rests(order.Buy, 90, 1)
	for _, c := range []struct {
		passed time.Duration
		open   int
	}{{2 * time.Second, 1}, {2 * time.Second, 1}, {2 * time.Second, 1}, {3 * time.Second, 0}} {
		live.pass(c.passed)
		if n := live.openOrders(); n != c.open {
			t.Fatalf("%d orders are open, expected %d", n, c.open)
		}
	}
	canceled(tr, "connection")
	// It was not dead, but only silent: its clients have to come back.
	dead.gateway.tend(t.Context())
	if m := message[*order.Terminate](tr); m.Code != order.RejectNotAvailable {
		t.Fatalf("%+v, expected NotAvailable", m)
	}
}

// Lifetimes do not follow a wall clock that is set.
func TestClockJumps(t *testing.T) {
	start := time.Unix(1_700_000_000, 0).UTC()
	var wall time.Time
	var mono time.Duration
	for name, jump := range map[string]time.Duration{"forward": 24 * time.Hour, "back": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			wall, mono = start, 0
			c := startClock(func() (time.Time, time.Duration) { return wall, mono })
			wall = wall.Add(jump)
			if now := c.exact(); !now.Equal(start) {
				t.Fatalf("the venue's time went to %v with the wall clock, expected %v", now, start)
			}
			if offset, told := c.jump(); offset != jump || !told {
				t.Fatalf("offset %v, told %v, expected %v", offset, told, jump)
			}
			last := c.exact()
			for range 100 {
				wall, mono = wall.Add(time.Second), mono+time.Second
				now := c.exact()
				if d := now.Sub(last); d < 995*time.Millisecond || d > 1005*time.Millisecond {
					t.Fatalf("the venue's time went on by %v in a second", d)
				}
				last = now
			}
			if offset, _ := c.jump(); offset.Abs() != jump.Abs()-500*time.Millisecond {
				t.Fatalf("offset %v after 100 s, expected half a second less than %v", offset, jump)
			}
			mono -= time.Hour // no clock does that
			if now := c.exact(); now.Before(last) {
				t.Fatal("the venue's time went back")
			}
		})
	}
	wall, mono = start, 0
	c := startClock(func() (time.Time, time.Duration) { return wall, mono })
	c.atLeast(start.Add(time.Minute))
	if now := c.exact(); !now.Equal(start.Add(time.Minute)) {
		t.Fatalf("the venue's time began at %v, before what was done in it", now)
	}
	c.atLeast(start.Add(48 * time.Hour))
	if now := c.exact(); !now.Equal(start.Add(time.Minute)) {
		t.Fatalf("the venue's time began at %v, two days ahead", now)
	}
}
