package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

func canceled(tr *trader, text string) {
	tr.t.Helper()
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecCanceled || !strings.Contains(r.Text, text) {
		tr.t.Fatalf("%+v, expected Canceled because of %q", r, text)
	}
}

func TestTakeover(t *testing.T) {
	v := newVenue(t, nil)
	m := establish()
	m.Grace = 0
	first := v.connect(testSession(1), m)
	first.rests(order.Buy, 90, 1)
	m.NextReport = 1
	second := v.connect(testSession(1), m)
	if m := message[*order.Terminate](first); m.Code != order.RejectTakenOver {
		t.Fatalf("%+v, expected TakenOver", m)
	}
	<-first.link.ended
	var end *EndError
	if !errors.As(first.link.err, &end) || end.Code != order.RejectTakenOver {
		t.Fatalf("Serve returned %v, expected that the session was taken over", first.link.err)
	}
	if r, n := report[*order.ExecutionReport](second); r.ExecType != order.ExecNew || n != 1 {
		t.Fatalf("report %d %+v, expected the replay of New", n, r)
	}
	v.pass(time.Second)
	if n := v.openOrders(); n != 1 {
		t.Fatalf("%d orders are open, expected that the takeover cancelled none", n)
	}
}

func TestCancelOnDisconnect(t *testing.T) {
	for name, c := range map[string]struct {
		grace  time.Duration
		keep   bool
		forbid bool
		finish bool
		open   []int // after 0, 5 and 11 seconds
	}{
		"at once":                  {0, false, false, false, []int{0, 0, 0}},
		"after the grace":          {10 * time.Second, false, false, false, []int{1, 1, 0}},
		"never":                    {10 * time.Second, true, false, false, []int{1, 1, 1}},
		"although never was asked": {10 * time.Second, true, true, false, []int{1, 1, 0}},
		"finished":                 {10 * time.Second, false, false, true, []int{0, 0, 0}},
		"finished, kept":           {10 * time.Second, true, false, true, []int{0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVenue(t, func(cfg *Config) { cfg.Limits.NoKeepOrders = c.forbid })
			m := establish()
			m.Grace, m.KeepOrders = c.grace, c.keep
			tr := v.connect(testSession(1), m)
			tr.rests(order.Buy, 90, 1)
			if c.finish {
				tr.link.send(order.ClientFrame{Session: &order.Terminate{Finish: true}})
				if m := message[*order.Terminate](tr); m.Code != order.RejectFinished {
					t.Fatalf("%+v, expected Finished", m)
				}
				<-tr.link.ended
				if tr.link.err != nil {
					t.Fatal(tr.link.err)
				}
			} else {
				tr.hangUp()
			}
			for i, passed := range []time.Duration{0, 5 * time.Second, 6 * time.Second} {
				v.pass(passed)
				if n := v.openOrders(); n != c.open[i] {
					t.Fatalf("%d orders are open, expected %d", n, c.open[i])
				}
			}
		})
	}
}

func TestTimeToLive(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	o := tr.rests(order.Buy, 90, 1)
	tr.send(&order.OrderCancelReplaceRequest{
		ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID, OrderQty: dec(1, 0), Price: dec(90, 0), TimeToLive: 40 * time.Second,
	})
	report[*order.ExecutionReport](tr)
	v.pass(39 * time.Second)
	if n := v.openOrders(); n != 1 {
		t.Fatalf("%d orders are open, expected that the order lives", n)
	}
	v.pass(2 * time.Second)
	if r, _ := report[*order.ExecutionReport](tr); r.ExecType != order.ExecExpired {
		t.Fatalf("%+v, expected Expired", r)
	}
}

func TestHaltKillBan(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	other := v.connect(testSession(2), establish())
	o := tr.rests(order.Buy, 90, 1)
	other.rests(order.Buy, 91, 1)
	if err := v.gateway.Halt(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	tr.send(tr.order(order.Buy, 90, 1))
	if r, _ := report[*order.ExecutionReport](tr); r.OrdRejReason != order.RejExchangeClosed {
		t.Fatalf("%+v, expected ExchangeClosed", r)
	}
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
	canceled(tr, "")
	if err := v.gateway.Halt(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	tr.rests(order.Buy, 90, 1)
	if err := v.gateway.Kill(t.Context(), testSession(1)); err != nil {
		t.Fatal(err)
	}
	canceled(tr, "operator")
	tr.rests(order.Buy, 90, 1)
	if err := v.gateway.KillAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	canceled(tr, "operator")
	canceled(other, "operator")
	tr.rests(order.Buy, 90, 1)
	if err := v.gateway.Ban(t.Context(), testSession(1)); err != nil {
		t.Fatal(err)
	}
	if m := message[*order.Terminate](tr); m.Code != order.RejectBanned {
		t.Fatalf("%+v, expected Banned", m)
	}
	<-tr.link.ended
	if n := v.openOrders(); n != 0 {
		t.Fatalf("%d orders are open, expected none", n)
	}
	if code := v.refused(testSession(1), establish()); code != order.RejectBanned {
		t.Fatalf("the session was refused with %d, expected Banned", code)
	}
	other.rests(order.Buy, 90, 1)
}

// refused establishes a session, and returns why it is refused.
func (v *venue) refused(id order.SessionID, m order.SessionMessage) order.RejectCode {
	v.t.Helper()
	tr := &trader{t: v.t, link: v.serve(Peer{Session: id})}
	tr.link.send(order.ClientFrame{Session: m})
	return message[*order.EstablishmentReject](tr).Code
}

func TestRefusals(t *testing.T) {
	store := newFaultyStore(journal.NewMemory(), sound)
	v := newVenue(t, func(c *Config) {
		c.Store = store
		c.Limits.MaxSessions = 1
		c.Schedule = zkkex.Schedule{Length: 60}
	})
	with := func(change func(*order.Establish)) *order.Establish {
		m := establish()
		change(m)
		return m
	}
	for name, c := range map[string]struct {
		message order.SessionMessage
		code    order.RejectCode
	}{
		"no Establish":        {&order.Sequence{NextSeqNo: 1}, order.RejectMalformed},
		"KeepAlive too short": {with(func(m *order.Establish) { m.KeepAlive = time.Millisecond }), order.RejectMalformed},
		"KeepAlive too long":  {with(func(m *order.Establish) { m.KeepAlive = time.Hour }), order.RejectMalformed},
		"Grace too long":      {with(func(m *order.Establish) { m.Grace = time.Hour }), order.RejectMalformed},
		"NextReport too high": {with(func(m *order.Establish) { m.NextReport = 1 << 63 }), order.RejectMalformed},
		"too many symbols":    {with(func(m *order.Establish) { m.Quotes = make([]string, order.MaxQuoteSymbols+1) }), order.RejectMalformed},
		"unknown symbol":      {with(func(m *order.Establish) { m.Quotes = []string{"XRP-USD"} }), order.RejectUnspecified},
	} {
		if code := v.refused(testSession(1), c.message); code != c.code {
			t.Errorf("%s: refused with %d, expected %d", name, code, c.code)
		}
	}
	store.failing.Store(true)
	if code := v.refused(testSession(1), establish()); code != order.RejectNotAvailable {
		t.Errorf("without a journal: refused with %d, expected NotAvailable", code)
	}
	store.failing.Store(false)
	tr := v.connect(testSession(1), establish())
	if code := v.refused(testSession(2), establish()); code != order.RejectNotAvailable {
		t.Errorf("one too many: refused with %d, expected NotAvailable", code)
	}
	tr.hangUp()
	v.pass(2 * time.Minute) // the journal forgets the epoch
	if code := v.refused(testSession(1), establish()); code != order.RejectEnded {
		t.Errorf("after the epoch: refused with %d, expected Ended", code)
	}
	if err := v.gateway.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code := v.refused(testSession(1), establish()); code != order.RejectDraining {
		t.Errorf("draining: refused with %d, expected Draining", code)
	}
	if err := v.gateway.Ready(); !errors.Is(err, ErrDraining) {
		t.Errorf("Ready: %v, expected ErrDraining", err)
	}
}

func TestDrain(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	tr.rests(order.Buy, 90, 1)
	if err := v.gateway.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := message[*order.Terminate](tr); m.Code != order.RejectDraining {
		t.Fatalf("%+v, expected Draining", m)
	}
	if n := v.openOrders(); n != 1 {
		t.Fatalf("%d orders are open, expected that the order has its grace", n)
	}
}

func TestKeepAlive(t *testing.T) {
	v := newVenue(t, nil)
	m := establish()
	m.KeepAlive = 2 * time.Second
	tr := v.connect(testSession(1), m)
	tr.rests(order.Buy, 90, 1)
	v.pass(1500 * time.Millisecond)
	if m := message[*order.Sequence](tr); m.NextSeqNo != 2 {
		t.Fatalf("%+v, expected report 2 to be next", m)
	}
	tr.rests(order.Buy, 90, 1)
	v.pass(3100 * time.Millisecond)
	if m := message[*order.Terminate](tr); m.Code != order.RejectSilent {
		t.Fatalf("%+v, expected Silent", m)
	}
}

func TestChannelEnds(t *testing.T) {
	v := newVenue(t, nil)
	ends := v.clock.Now().Add(time.Minute)
	tr := v.connectAs(Peer{Session: testSession(1), Ends: func() time.Time { return ends }}, establish())
	v.pass(61 * time.Second)
	for {
		f := tr.next()
		if m, ok := f.Session.(*order.Terminate); ok {
			if m.Code != order.RejectEnded {
				t.Fatalf("%+v, expected Ended", m)
			}
			return
		}
	}
}

// A client that does not read is ended; its reports are kept.
func TestSlowReader(t *testing.T) {
	v := newVenue(t, func(c *Config) { c.Limits.MaxOutbox = 8 })
	// As many as can be under way in one write, as can wait, and more.
	const trades = 20
	slow := v.connect(testSession(1), establish())
	for range trades {
		slow.rests(order.Buy, 90, 1)
	}
	slow.link.mu.Lock()
	slow.link.stuck = true
	slow.link.mu.Unlock()
	taker := v.connect(testSession(2), establish())
	for range trades {
		o := taker.order(order.Sell, 90, 1)
		o.TimeInForce, o.TimeToLive = order.ImmediateOrCancel, 0
		taker.send(o)
		report[*order.ExecutionReport](taker)
		report[*order.ExecutionReport](taker)
	}
	v.pass(lingers + time.Second)
	<-slow.link.ended
	var end *EndError
	if !errors.As(slow.link.err, &end) || end.Code != order.RejectSlow {
		t.Fatalf("Serve returned %v, expected that the client was too slow", slow.link.err)
	}
	m := establish()
	m.NextReport = trades + 1
	again := v.connect(testSession(1), m)
	for i := range trades {
		if r, n := report[*order.ExecutionReport](again); r.ExecType != order.ExecTrade || n != uint64(trades+1+i) {
			t.Fatalf("report %d %+v, expected trade %d", n, r, trades+1+i)
		}
	}
}

func TestReplayAndRetransmit(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	for range 2 * page {
		tr.rests(order.Buy, 90, 1)
	}
	tr.hangUp()
	m := establish()
	m.NextReport = 3
	tr = v.connect(testSession(1), m)
	if tr.ack.NextReport != 3 || tr.ack.LastReport != 2*page || tr.ack.NextSeqNo != 2*page+1 {
		t.Fatalf("%+v, expected reports 3 to %d", tr.ack, 2*page)
	}
	for want := uint64(3); want <= 2*page; want++ {
		if _, n := report[*order.ExecutionReport](tr); n != want {
			t.Fatalf("report %d, expected %d", n, want)
		}
	}
	tr.link.send(order.ClientFrame{Session: &order.RetransmitRequest{FromReport: 2, Count: page + 9}})
	for want := uint64(2); want <= page+10; want++ {
		if _, n := report[*order.ExecutionReport](tr); n != want {
			t.Fatalf("report %d, expected %d again", n, want)
		}
	}
	tr.link.send(order.ClientFrame{Session: &order.RetransmitRequest{FromReport: 0, Count: 1}})
	if m := message[*order.Terminate](tr); m.Code != order.RejectMalformed {
		t.Fatalf("%+v, expected Malformed", m)
	}
}

func TestMalformedFrames(t *testing.T) {
	v := newVenue(t, nil)
	for name, bad := range map[string]func(*trader){
		"bytes":  func(tr *trader) { tr.link.fail(&zkkex.ParseError{Format: "frame", Err: io.ErrUnexpectedEOF}) },
		"second": func(tr *trader) { tr.link.send(order.ClientFrame{Session: establish()}) },
		"count":  func(tr *trader) { tr.seqNo = 1 << 63; tr.send(tr.order(order.Buy, 1, 1)) },
	} {
		tr := v.connect(testSession(1), establish())
		bad(tr)
		if m := message[*order.Terminate](tr); m.Code != order.RejectMalformed {
			t.Fatalf("%s: %+v, expected Malformed", name, m)
		}
		<-tr.link.ended
	}
}

func TestRenewed(t *testing.T) {
	v := newVenue(t, nil)
	tr := v.connect(testSession(1), establish())
	o := tr.rests(order.Buy, 90, 1)
	if err := v.gateway.Renewed(t.Context(), testSession(1), testSession(9)); err != nil {
		t.Fatal(err)
	}
	tr.hangUp()
	again := v.connect(testSession(9), establish())
	if again.ack.Session != testSession(1) || again.ack.LastReport != 1 {
		t.Fatalf("%+v, expected the session from before the renewal", again.ack)
	}
	again.send(&order.OrderCancelRequest{ClOrdID: order.ID{7}, OrigClOrdID: o.ClOrdID})
	canceled(again, "")
}

// Nothing that an operator reads names a session, or a request.
func TestLogNamesNobody(t *testing.T) {
	var text bytes.Buffer
	store := newFaultyStore(journal.NewMemory(), sound)
	v := newVenue(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c.Store, c.Inline = store, true
	})
	tr := v.connect(testSession(1), establish())
	o := tr.rests(order.Buy, 90, 1)
	store.failing.Store(true)
	tr.send(&order.OrderCancelRequest{ClOrdID: tr.newID(), OrigClOrdID: o.ClOrdID})
	canceled(tr, "")
	v.pass(time.Hour)
	store.failing.Store(false)
	if err := errors.Join(v.gateway.Ban(t.Context(), testSession(1)), v.gateway.KillAll(t.Context()), v.gateway.Halt(t.Context(), true)); err != nil {
		t.Fatal(err)
	}
	<-tr.link.ended
	if err := v.gateway.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if text.Len() == 0 {
		t.Fatal("nothing was logged, expected that the journal failed")
	}
	session := testSession(1)
	for _, secret := range []string{session.String(), session.String()[16:], o.ClOrdID.String(), string(session.ID[:]), "[7 "} {
		if strings.Contains(text.String(), secret) {
			t.Fatalf("the log holds %q:\n%s", secret, text.String())
		}
	}
}
