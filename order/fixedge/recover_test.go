package fixedge

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/internal/pgtest"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
)

// seen counts, by ExecID, the reports that a client has got, and checks that every
// message that quickfix let through is a new one.
func seen(t *testing.T, c *client) map[string]int {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[string]int)
	number := 0
	for _, m := range c.in {
		if m.kind == kindExecutionReport {
			out[m.get(tagExecID)]++
		}
		n := atoi(t, m.get(tagMsgSeqNum))
		if n <= number {
			t.Errorf("message %d came after %d", n, number)
		}
		number = n
	}
	return out
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n := number(s)
	if n < 0 {
		t.Fatalf("%q is no number", s)
	}
	return n
}

// once fails for reports that came twice.
func once(t *testing.T, c *client, want int) {
	t.Helper()
	all := seen(t, c)
	for id, n := range all {
		if n != 1 {
			t.Errorf("report %s came %d times", id, n)
		}
	}
	if len(all) != want {
		t.Errorf("%d reports came, want %d", len(all), want)
	}
}

func (c *client) reports(n int) {
	c.t.Helper()
	c.wait(fmt.Sprintf("%d reports", n), func() bool { return len(c.in) >= n })
}

// A link that breaks in the middle of reports costs none of them, and doubles none.
func TestResendAfterBrokenLink(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	r := newRelay(t, v.address)
	maker, taker := newClient(t, unique(t, "maker")), newClient(t, unique(t, "taker"))
	maker.start(r.address)
	taker.start(v.address)
	maker.loggedOn(1)
	taker.loggedOn(1)
	const orders = 40
	r.cutAfter(3000)
	for i := range orders {
		maker.order(fmt.Sprint("m ", i), "2", "1", "100")
	}
	maker.loggedOn(2)
	maker.reports(orders)

	r.set(true)
	for i := range orders {
		taker.order(fmt.Sprint("t ", i), "1", "1", "100", field{tagTimeInForce, "3"})
	}
	taker.reports(2 * orders)
	r.set(false)
	maker.reports(2 * orders)
	once(t, maker, 2*orders)
	once(t, taker, 2*orders)
}

// A gateway that is started again goes on with a client's sequence numbers, and with
// the names of its orders.
func TestGatewayRestart(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"memory", "pebble"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir() + "/journal"
			memory := journal.NewMemory()
			open := func() journal.Store {
				if kind == "memory" {
					return memory
				}
				s, err := pebblejournal.Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			if kind == "pebble" {
				if err := pebblejournal.Init(dir); err != nil {
					t.Fatal(err)
				}
			}
			store := open()
			before := newVenue(t, newBook(t), store, nil)
			r := newRelay(t, before.address)
			c := newClient(t, unique(t, "trader"))
			c.start(r.address)
			c.loggedOn(1)
			c.order("a", "1", "1", "90")
			first := c.next(kindExecutionReport, field{tagExecType, "0"})

			r.set(true)
			before.stop()
			if kind == "pebble" {
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
			}
			store = open()
			after := newVenue(t, newBook(t), store, nil)
			r.to(after.address)
			r.set(false)
			c.loggedOn(2)
			c.send(kindOrderCancelRequest, field{tagClOrdID, "b"}, field{tagOrigClOrdID, "a"}, field{tagTransactTime, now()})
			m := c.next(kindExecutionReport, field{tagExecType, "4"}, field{tagClOrdID, "b"}, field{tagOrigClOrdID, "a"}, field{tagOrderID, first.get(tagOrderID)})
			if atoi(t, m.get(tagMsgSeqNum)) <= atoi(t, first.get(tagMsgSeqNum)) {
				t.Error("sequence numbers did not go on")
			}
		})
	}
}

// A client whose gateway is gone goes on at another one that shares the journal,
// while the first still holds its connection: fills of the meantime come once, the
// first gateway writes nothing more.
func TestFailOver(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		store := journal.NewMemory()
		failOver(t, store, store)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Database(t)
		if err := pgjournal.Init(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		var stores [2]journal.Store
		for i := range stores {
			s, err := pgjournal.Open(t.Context(), dsn, pgjournal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			stores[i] = s
		}
		failOver(t, stores[0], stores[1])
	})
}

func failOver(t *testing.T, one, two journal.Store) {
	book := newBook(t)
	a := newVenue(t, engine.Engine(external{book}), one, nil)
	b := newVenue(t, engine.Engine(external{book}), two, nil)
	r := newRelay(t, a.address)
	maker, taker := newClient(t, unique(t, "maker")), newClient(t, unique(t, "taker"))
	maker.start(r.address)
	taker.start(b.address)
	maker.loggedOn(1)
	taker.loggedOn(1)
	for i := range 10 {
		maker.order(fmt.Sprint("m ", i), "2", "1", "100")
	}
	maker.reports(10)

	r.set(true)
	taker.order("t", "1", "6", "100", field{tagTimeInForce, "3"})
	taker.reports(7)
	r.to(b.address)
	r.set(false)
	maker.loggedOn(2)
	maker.reports(16)
	taker.order("u", "1", "4", "100", field{tagTimeInForce, "3"})
	maker.reports(20)
	once(t, maker, 20)
	maker.order("m 3", "2", "1", "101") // another order with a name that was used
	maker.reports(21)
	maker.mu.Lock()
	last := maker.in[20]
	maker.mu.Unlock()
	// If the second gateway was the first to record the order, it cannot tell another
	// request from a repetition. Neither becomes an order.
	if last.get(tagClOrdID) != "m 3" || last.get(tagOrdRejReason) != "6" && last.get(tagPossResend) != "Y" {
		t.Errorf("got %v, want a reject of a duplicate, or a repetition", last)
	}
}

// A gateway that drains refuses no order of a client that it sends elsewhere: what it
// does not do any more is done by the next one.
func TestDrainRefusesNothing(t *testing.T) {
	t.Parallel()
	store, book := journal.NewMemory(), newBook(t)
	a := newVenue(t, engine.Engine(external{book}), store, nil)
	b := newVenue(t, engine.Engine(external{book}), store, nil)
	r := newRelay(t, a.address)
	c := newClient(t, unique(t, "trader"))
	c.start(r.address)
	c.loggedOn(1)
	var drained sync.WaitGroup
	const orders, before = 400, 50
	for i := range orders {
		if i == before {
			r.to(b.address)
			drained.Go(func() { _ = a.gateway.Drain(t.Context()) })
		}
		c.order(fmt.Sprint("o ", i), "1", "1", "90")
		time.Sleep(time.Millisecond)
	}
	drained.Wait()
	c.loggedOn(2)
	answered := func() (n int) {
		done := map[string]bool{}
		for _, m := range c.in {
			if m.kind != kindExecutionReport {
				t.Errorf("got %v, want a report", m)
			}
			done[m.get(tagClOrdID)] = true
		}
		return len(done)
	}
	c.wait("all orders", func() bool { return answered() == orders })
}

// A client that comes to another gateway while its first one has its connection,
// and does not know that it is gone, goes on there; the first is fenced off.
func TestHalfOpenConnectionIsFenced(t *testing.T) {
	t.Parallel()
	store, book := journal.NewMemory(), newBook(t)
	a := newVenue(t, engine.Engine(external{book}), store, nil)
	b := newVenue(t, engine.Engine(external{book}), store, nil)
	comp := unique(t, "x")
	stuck := dialRaw(t, a)
	stuck.send(testLogon(comp))
	if m, err := stuck.read(); err != nil || m.kind != kindLogon {
		t.Fatalf("got %v, %v, want a Logon", m, err)
	}
	next := dialRaw(t, b)
	next.send(testLogon(comp, field{tagMsgSeqNum, "2"}))
	if m, err := next.read(); err != nil || m.kind != kindLogon || m.get(tagMsgSeqNum) != "2" {
		t.Fatalf("got %v, %v, want a Logon with number 2", m, err)
	}
	// What the first gateway would say next has a number that is another's now.
	stuck.send(&message{kind: "1", fields: []field{
		{tagSenderCompID, comp}, {tagTargetCompID, DefaultCompID}, {tagMsgSeqNum, "2"}, {tagSendingTime, now()}, {112, "are you there"},
	}})
	if m, err := stuck.read(); err == nil && m.kind != kindLogout {
		t.Errorf("the first gateway answers: %v", m)
	}
	next.send(&message{kind: "1", fields: []field{
		{tagSenderCompID, comp}, {tagTargetCompID, DefaultCompID}, {tagMsgSeqNum, "3"}, {tagSendingTime, now()}, {112, "are you there"},
	}})
	if m, err := next.read(); err != nil || m.kind != "0" || m.get(tagMsgSeqNum) != "3" {
		t.Errorf("got %v, %v, want a Heartbeat with number 3", m, err)
	}
}

// What comes again is done once, and answered with the same reports.
func TestRepetition(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	c := newClient(t, unique(t, "trader"))
	c.start(v.address)
	c.loggedOn(1)
	at := field{tagTransactTime, now()}
	fields := []field{{tagClOrdID, "a"}, {tagSymbol, "BTC-USD"}, {tagSide, "1"}, at, {tagOrderQty, "1"}, {tagOrdType, "2"}, {tagPrice, "90"}}
	c.send(kindNewOrderSingle, fields...)
	first := c.next(kindExecutionReport, field{tagExecType, "0"})
	if first.has(tagPossResend) {
		t.Error("a first answer says that it may have come before")
	}
	c.send(kindNewOrderSingle, append(fields, field{tagPossResend, "Y"})...)
	again := c.next(kindExecutionReport, field{tagExecType, "0"}, field{tagPossResend, "Y"})
	if again.get(tagExecID) != first.get(tagExecID) || again.get(tagOrderID) != first.get(tagOrderID) {
		t.Errorf("the order was done again: %v, after %v", again, first)
	}
	fields[6].value = "91"
	c.send(kindNewOrderSingle, fields...)
	c.next(kindExecutionReport, field{tagExecType, "8"}, field{tagOrdRejReason, "6"})
}

// A message that never came and is asked for too late is not done: its price is
// from another time.
func TestStale(t *testing.T) {
	t.Parallel()
	e := &Edge{now: func() time.Time { return time.Date(2026, 1, 2, 3, 10, 0, 0, time.UTC) }}
	c := &conn{edge: e}
	for _, x := range []struct {
		kind, dup, sent string
		stale           bool
	}{
		{kindNewOrderSingle, "Y", "20260102-03:00:00.000", true},
		{kindNewOrderSingle, "Y", "20260102-03:09:00.000", false},
		{kindNewOrderSingle, "Y", "", true},
		{kindNewOrderSingle, "N", "20260102-03:00:00.000", false},
		{kindOrderCancelRequest, "Y", "20260102-03:00:00.000", false},
	} {
		m := &message{kind: x.kind, fields: []field{{tagPossDupFlag, x.dup}, {tagOrigSendingTime, x.sent}}}
		if got := c.stale(m); got != x.stale {
			t.Errorf("%+v: stale is %v", x, got)
		}
	}
	n := newNames(testSession)
	m := &message{kind: kindNewOrderSingle, fields: []field{{tagClOrdID, "a"}}}
	n.add(m)
	id := name{tag: tagClOrdID, text: "a"}.id(testSession)
	if !n.act(id) || n.act(id) {
		t.Error("a name is not fresh exactly once")
	}
	n.add(m)
	if n.act(id) {
		t.Error("a name that came again is fresh")
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	comp := unique(t, "trader")
	c := newClient(t, comp)
	c.start(v.address)
	c.loggedOn(1)
	c.order("a", "1", "1", "90")
	c.next(kindExecutionReport, field{tagExecType, "0"})
	c.logOut()

	wrong := newClient(t, comp)
	wrong.id.Qualifier = "wrong"
	wrong.password = "another password of many bytes"
	wrong.start(v.address)
	wrong.wait("a refusal", func() bool {
		return len(wrong.texts) > 0 && strings.Contains(wrong.texts[0], "Password (554) is not the one")
	})
	if wrong.logons > 0 {
		t.Error("a wrong password logged on")
	}
	wrong.logOut()

	c.start(v.address)
	c.loggedOn(2)
	c.send(kindOrderStatusRequest, field{tagClOrdID, "a"})
	c.next(kindExecutionReport, field{tagExecType, "I"}, field{tagOrdStatus, "0"})
	if log := v.log.String(); strings.Contains(log, comp) || strings.Contains(log, testPassword) {
		t.Errorf("the log names a client: %s", log)
	}
}

// A session that is not known does not begin in the middle: the venue would ask for
// orders of another session, and do them.
func TestUnknownSessionBeginsAtOne(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	c := newClient(t, unique(t, "trader"))
	if err := c.store.SetNextSenderMsgSeqNum(57); err != nil {
		t.Fatal(err)
	}
	c.start(v.address)
	c.wait("a refusal", func() bool { return len(c.texts) > 0 && strings.Contains(c.texts[0], "ResetSeqNumFlag") })
	c.logOut()
	if err := c.store.Reset(); err != nil {
		t.Fatal(err)
	}
	c.start(v.address)
	c.loggedOn(1)
}

// The later of two connections of a session has it, and the earlier is told.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	comp := unique(t, "trader")
	r := newRelay(t, v.address)
	first := newClient(t, comp)
	first.start(r.address)
	first.loggedOn(1)
	first.order("a", "1", "1", "90")
	first.next(kindExecutionReport, field{tagExecType, "0"})
	r.refuse() // it would come back, and take over again
	second := newClient(t, comp)
	second.id.Qualifier = "second"
	second.logonTags = map[quickfix.Tag]string{tagResetSeqNumFlag: "Y"}
	second.start(v.address)
	second.loggedOn(1)
	second.send(kindOrderStatusRequest, field{tagClOrdID, "a"})
	second.next(kindExecutionReport, field{tagExecType, "I"}, field{tagOrdStatus, "0"})
	first.wait("a Logout", func() bool { return len(first.texts) > 0 && strings.Contains(first.texts[0], "taken over") })
	first.logOut()
}

// Numbers begin again when the client says so: reports that have been delivered are
// not delivered again, and orders keep their names.
func TestReset(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	comp := unique(t, "trader")
	c := newClient(t, comp)
	c.start(v.address)
	c.loggedOn(1)
	c.order("a", "1", "1", "90")
	c.next(kindExecutionReport, field{tagExecType, "0"})
	c.logOut()
	if err := c.store.Reset(); err != nil {
		t.Fatal(err)
	}
	c.logonTags = map[quickfix.Tag]string{tagResetSeqNumFlag: "Y"}
	c.start(v.address)
	c.loggedOn(2)
	c.send(kindOrderCancelRequest, field{tagClOrdID, "b"}, field{tagOrigClOrdID, "a"}, field{tagTransactTime, now()})
	m := c.next(kindExecutionReport, field{tagExecType, "4"}, field{tagClOrdID, "b"}, field{tagOrigClOrdID, "a"})
	if m.get(tagMsgSeqNum) != "2" {
		t.Errorf("MsgSeqNum is %s, want 2 after the Logon", m.get(tagMsgSeqNum))
	}
}

// A Logout and a lost connection end alike: what is open is cancelled after the
// grace, unless the client is back.
func TestCancelOnDisconnect(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"logout", "lost"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			store := journal.NewMemory()
			v := newVenue(t, newBook(t), store, func(c *Config) { c.Grace = -1 })
			r := newRelay(t, v.address)
			c := newClient(t, unique(t, "trader"))
			c.start(r.address)
			c.loggedOn(1)
			c.order("a", "1", "1", "90")
			c.next(kindExecutionReport, field{tagExecType, "0"})
			if how == "logout" {
				c.logOut()
			} else {
				r.set(true)
			}
			waitFor(t, "the cancel", func() bool { return v.gateway.Status().OpenOrders == 0 })
			if how == "logout" {
				c.start(r.address)
			} else {
				r.set(false)
			}
			c.loggedOn(2)
			c.next(kindExecutionReport, field{tagExecType, "4"}, field{tagClOrdID, "a"})
		})
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: did not come", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
