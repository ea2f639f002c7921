package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"pgregory.net/rapid"
)

// plans draws what happens.
func plans() *rapid.Generator[plan] {
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			Kind: rapid.IntRange(0, 99).Draw(t, "kind"),
			A:    rapid.IntRange(0, 1000).Draw(t, "a"), B: rapid.IntRange(0, 1000).Draw(t, "b"), C: rapid.IntRange(0, 1000).Draw(t, "c"),
		}
	}), 20, 60)
	return rapid.Custom(func(t *rapid.T) plan {
		p := plan{Seed: rapid.Uint64().Draw(t, "seed"), Inline: rapid.Bool().Draw(t, "inline"), External: rapid.Bool().Draw(t, "external")}
		p.Two = p.External && rapid.Bool().Draw(t, "two")
		p.Steps = steps.Draw(t, "steps")
		return p
	})
}

// Whatever happens, each accepted order exists once, each report arrives once and in
// order, nothing is left without an owner, and what is bought is sold.
func TestSessionProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		if err := simulate(plans().Draw(rt, "plan")); err != nil {
			rt.Fatal(err)
		}
	})
}

// The property is worth something if gateways with faults do not have it.
func TestSessionPropertyFindsFaults(t *testing.T) {
	for _, p := range []struct {
		plant plant
		two   bool
		found string
	}{
		{forgets, true, "taken or refused"},
		{sendsFirst, false, "was sent, and is not recorded so"},
		{skipsFence, true, "on a disconnect that was none"},
		{noDetach, true, "on a disconnect that was none"},
		{neverCancels, false, "no order is left without an owner"},
		{losesReports, false, "was sent, and is not recorded so"},
	} {
		t.Run(strings.ReplaceAll(string(p.plant), " ", "_"), func(t *testing.T) {
			for seed := range 1000 {
				plan := plans().Example(seed)
				plan.Plant = p.plant
				if p.two {
					plan.External, plan.Two = true, true
				}
				if err := simulate(plan); err != nil && strings.Contains(err.Error(), p.found) {
					return
				}
			}
			t.Fatalf("a gateway that %s was not found out", p.plant)
		})
	}
}

// simulate does what the plan says, and returns what went wrong.
func simulate(p plan) error {
	w, err := newWorld(p)
	if err != nil {
		return err
	}
	defer func() {
		for _, m := range w.models {
			m.drop()
		}
		for _, n := range w.nodes {
			_ = n.g.Close()
		}
	}()
	for _, s := range p.Steps {
		w.do(s)
		if w.failed() != nil {
			return w.failed()
		}
	}
	w.settle()
	if err := w.failed(); err != nil {
		return err
	}
	w.audit()
	w.abandon()
	return w.failed()
}

// do does one step.
func (w *world) do(s step) {
	m := w.models[s.A%len(w.models)]
	n := w.nodes[s.B%len(w.nodes)]
	switch k := s.Kind; {
	case k < 40:
		m.submit(m.order(s))
	case k < 50:
		m.submit(&order.OrderCancelRequest{ClOrdID: m.newID(), OrigClOrdID: m.someOrder(s.B)})
	case k < 55:
		m.submit(&order.OrderCancelReplaceRequest{
			ClOrdID: m.newID(), OrigClOrdID: m.someOrder(s.B), OrderQty: dec(int64(1+s.C%5), 0),
			Price: dec(int64(98+s.B%5), 0), TimeToLive: 3 * time.Minute,
		})
	case k < 57:
		m.submit(&order.OrderMassCancelRequest{ClOrdID: m.newID()})
	case k < 60:
		m.submit(&order.OrderMassStatusRequest{ID: m.newID()})
	case k < 72:
		m.connect(n, s.C%10 == 0)
	case k < 75:
		m.cutOld()
	case k < 79:
		m.drop()
	case k < 83:
		w.pass(time.Duration(1+s.C%2000) * time.Millisecond)
	case k < 86:
		w.crash(s.B % len(w.nodes))
	case k < 88:
		n.store.failing.Store(s.C%2 == 0)
	case k < 90:
		n.store.ambiguous.Store(s.C%2 == 0)
	case k < 92:
		n.engine.down.Store(w.plan.External && s.C%2 == 0)
	case k < 94:
		n.engine.ambiguous.Store(s.C%2 == 0)
	case k < 97:
		m.resend()
	default:
		w.heal()
	}
}

func (m *model) order(s step) *order.NewOrderSingle {
	o := &order.NewOrderSingle{
		ClOrdID: m.newID(), Symbol: "BTC-USD", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: dec(int64(1+s.C%7), 0), Price: dec(int64(98+s.B%5), 0), TimeToLive: 5 * time.Minute,
	}
	if s.C%2 == 0 {
		o.Side = order.Sell
	}
	switch s.B % 11 {
	case 0:
		o.TimeToLive = 1500 * time.Millisecond
	case 1:
		o.TimeInForce, o.TimeToLive = order.ImmediateOrCancel, 0
	}
	return o
}

// settle ends all failures, and lets everybody get their answers.
func (w *world) settle() {
	w.mu.Lock()
	w.lossy = false
	w.mu.Unlock()
	w.heal()
	for i, m := range w.models {
		m.connect(w.nodes[i%len(w.nodes)], false)
	}
	last := time.Now()
	w.until("all clients have all answers and all reports", func() bool {
		if time.Since(last) > 20*time.Millisecond {
			last = time.Now()
			w.heal()
			for _, m := range w.models {
				m.resend()
			}
		}
		// Twice, since the last answer of one can be a trade of another.
		for _, m := range append(w.models, w.models...) {
			if !m.satisfied() {
				return false
			}
		}
		for _, n := range w.nodes {
			if s := n.g.Status(); s.Waiting > 0 || s.Commands > 0 || s.StoreFailing {
				return false
			}
		}
		return true
	})
	for i, m := range w.models {
		if w.failed() != nil {
			w.fail("client %d: %s", i, m.missing())
		}
	}
	if w.plan.Two {
		return // the other gateway learns of a takeover when its connection ends
	}
	w.until("older connections of sessions have ended", func() bool {
		for _, m := range w.models {
			if m.live() != 1 {
				return false
			}
		}
		return true
	})
}

// satisfied reports whether the client has all answers and all reports.
func (m *model) satisfied() bool {
	held, err := m.w.disk.LastReport(context.Background(), m.session)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sent {
		if !s.answered {
			return false
		}
	}
	return err == nil && uint64(len(m.reports)) == held
}

// missing says what the client still waits for.
func (m *model) missing() string {
	held, err := m.w.disk.LastReport(context.Background(), m.session)
	m.mu.Lock()
	defer m.mu.Unlock()
	text := fmt.Sprintf("it has %d reports of %d (%v), connected %v;", len(m.reports), held, err, m.link != nil && m.acked)
	for _, s := range m.sent {
		if !s.answered {
			text += fmt.Sprintf(" %T %v", s.request, s.request.RequestID())
		}
	}
	return text
}

// audit compares what clients, journal and engine say.
func (w *world) audit() {
	var bought, sold int64
	open := map[order.OrderID]bool{}
	for i, m := range w.models {
		reports := make(map[order.OrderID][]*order.ExecutionReport)
		m.mu.Lock()
		for _, text := range m.reports {
			if r, err := order.ParseReport(text); err == nil {
				if e, ok := r.(*order.ExecutionReport); ok {
					reports[e.OrderID] = append(reports[e.OrderID], e)
				}
			}
		}
		m.mu.Unlock()
		for id, all := range reports {
			b, s := w.auditOrder(i, m, all)
			bought, sold = bought+b, sold+s
			if all[len(all)-1].OrdStatus.Open() {
				open[id] = true
			}
		}
	}
	if bought != sold {
		w.fail("%d were bought, and %d sold", bought, sold)
	}
	for i, n := range w.nodes {
		w.until(fmt.Sprintf("gateway %d knows the open orders", i), func() bool {
			n.g.mu.Lock()
			defer n.g.mu.Unlock()
			return sameKeys(n.g.orders, open)
		})
	}
	held := map[order.OrderID]*engine.Order{}
	_ = w.disk.OpenOrders(context.Background(), func(o *engine.Order) error {
		held[o.ID] = o
		return nil
	})
	if !sameKeys(held, open) {
		w.fail("the journal holds %d open orders, and clients have %d", len(held), len(open))
	}
}

func sameKeys(a map[order.OrderID]*engine.Order, b map[order.OrderID]bool) bool {
	for id := range a {
		if !b[id] {
			return false
		}
	}
	return len(a) == len(b)
}

// auditOrder checks the reports on one order, and returns what it traded.
func (w *world) auditOrder(client int, m *model, all []*order.ExecutionReport) (bought, sold int64) {
	var accepted int
	var filled int64
	for _, r := range all {
		switch r.ExecType {
		case order.ExecNew, order.ExecRejected:
			accepted++
		case order.ExecTrade:
			lots, _ := r.LastQty.In(-2)
			filled += lots
		case order.ExecCanceled:
			if strings.Contains(r.Text, "connection ended") && !m.wasAway(r.TransactTime) {
				w.fail("an order of client %d was cancelled at %s on a disconnect that was none, or before the grace was over: %v", client, r.TransactTime.Format("05.000"), m.away)
			}
		}
	}
	if accepted != 1 {
		w.fail("an order of client %d was taken or refused %d times", client, accepted)
	}
	last := all[len(all)-1]
	if cum, _ := last.CumQty.In(-2); cum != filled {
		w.fail("an order of client %d has CumQty %v, and its trades add up to %d hundredths", client, last.CumQty, filled)
	}
	if last.Side == order.Buy {
		return filled, 0
	}
	return 0, filled
}

// wasAway reports whether the client had been without a connection for its grace.
func (m *model) wasAway(at time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.away {
		if !a.from.Add(m.grace).After(at) && (a.to.IsZero() || !at.After(a.to)) {
			return true
		}
	}
	return false
}

// abandon lets everybody go without a word: nothing stays open.
func (w *world) abandon() {
	for _, m := range w.models {
		m.drop()
	}
	for range 12 {
		w.pass(2 * time.Second)
	}
	w.until("no order is left without an owner", func() bool {
		for _, n := range w.nodes {
			if n.g.Status().OpenOrders > 0 {
				return false
			}
		}
		return true
	})
}
