package gateway

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// maxAsks is the most questions that wait for an order's first report.
const maxAsks = 16

// maxMasses is the most mass cancels of a session that wait for their orders to end.
const maxMasses = 16

// status returns a report of an order's or quote's state, for who asks. It repeats
// what was reported, and so has no number. The caller holds mu.
func (g *Gateway) status(o *engine.Order, ask order.ID, now time.Time) order.Report {
	g.serial++
	id := domain.Hash(domain.OrderCommand, []byte("status"), []byte(g.name), domain.Uint64(g.serial))
	switch r := o.Report.(type) {
	case *order.ExecutionReport:
		out := *r
		out.ExecID = order.OrderID(id[:16])
		out.ExecType, out.StatusReqID = order.ExecStatus, ask
		out.ClOrdID, out.OrigClOrdID = o.ClOrdID, order.ID{}
		out.LastQty, out.LastPx = order.Decimal{}, order.Decimal{}
		out.TransactTime, out.LastRptRequested = now, false
		return &out
	case *order.QuoteStatusReport:
		out := *r
		out.ID, out.StatusReqID = o.ClOrdID, ask
		return &out
	}
	return nil
}

func unknownStatus(r *order.OrderStatusRequest) order.Report {
	return order.NewReject(r, order.RejUnknownOrder, "there is no such order")
}

// orderStatus answers a question about one order.
func (b *batch) orderStatus(ctx context.Context, r *order.OrderStatusRequest) {
	g, st := b.s.g, b.s.st
	known := false
	g.recorder.record(func(items []item) []item {
		n, ok := st.names[r.ClOrdID]
		if !ok {
			return items
		}
		if o := st.open[n.id]; o != nil {
			known = true
			return append(items, item{to: st.id, report: g.status(o, r.ID, b.now)})
		}
		if p := st.pending[r.ClOrdID]; p != nil && len(p.asks) < maxAsks {
			known = true
			p.asks = append(p.asks, r)
		}
		return items
	})
	if known {
		return
	}
	o, err := b.find(ctx, r, r.ClOrdID, func(bool) bool { return true })
	g.recorder.record(func(items []item) []item {
		var report order.Report
		switch {
		case err != nil:
			report = &order.BusinessMessageReject{
				BusinessRejectRefID: r.ID, BusinessRejectReason: order.BusinessNotAvailable,
				Text: "the venue cannot look up orders now",
			}
		case o != nil:
			report = g.status(o, r.ID, b.now)
		default:
			g.observe.Reject(kind(r), "unknown_order")
			report = unknownStatus(r)
		}
		return append(items, item{to: st.id, report: report})
	})
}

// massStatus reports all that is open: quotes and requests for them, then orders, of
// which the last one says so. If there is no order, a report without one does.
func (b *batch) massStatus(r *order.OrderMassStatusRequest) {
	g, st := b.s.g, b.s.st
	g.recorder.record(func(items []item) []item {
		var last *order.ExecutionReport
		var reports []item
		for _, o := range slices.SortedFunc(maps.Values(st.open), byPlace) {
			switch report := g.status(o, r.ID, b.now).(type) {
			case *order.QuoteStatusReport:
				items = append(items, item{to: st.id, report: report})
			case *order.ExecutionReport:
				last = report
				reports = append(reports, item{to: st.id, report: report})
			}
		}
		if last == nil {
			last = &order.ExecutionReport{
				ClOrdID: r.ID, StatusReqID: r.ID, ExecType: order.ExecStatus, OrdStatus: order.StatusRejected,
				OrdRejReason: order.RejUnknownOrder, TransactTime: b.now, Text: "there are no open orders",
			}
			reports = append(reports, item{to: st.id, report: last})
		}
		last.LastRptRequested = true
		return append(items, reports...)
	})
}

func byPlace(a, b *engine.Order) int { return cmp.Compare(a.Place, b.Place) }

// massCancel cancels what the session has open, or has asked for. Its report follows
// those on the orders.
func (b *batch) massCancel(ctx context.Context, in *incoming, r *order.OrderMassCancelRequest) {
	g, st := b.s.g, b.s.st
	g.mu.Lock()
	if st.attached != b.s || b.seen(in) {
		g.mu.Unlock()
		return
	}
	if len(st.masses) >= maxMasses {
		b.passing(in, order.BusinessThrottled, "unanswered", "so many mass cancels of the session are under way")
		g.mu.Unlock()
		return
	}
	p := b.pend(in, true)
	p.left = make(map[order.OrderID]order.OrderID)
	for id, n := range st.names {
		if r.Symbol != "" && st.symbol(id, n) != r.Symbol {
			continue
		}
		if _, ok := p.left[n.id]; ok {
			continue // a replacement that is not answered
		}
		c := g.withdraw(st.id, id, n, engine.MassCancel, b.now)
		p.left[n.id] = c.ID
		b.commands = append(b.commands, c)
	}
	if len(p.left) == 0 {
		b.own = append(b.own, func(items []item) []item { return g.massDone(items, p) })
	} else {
		st.masses = append(st.masses, p)
	}
	g.mu.Unlock()
	b.execute(ctx)
}

// massAgain says again what a mass cancel waits for, or ends it if that is nothing.
// The caller holds the gateway's lock.
func (b *batch) massAgain(p *pending) {
	g, st := b.s.g, b.s.st
	for id, n := range st.names {
		if _, ok := p.left[n.id]; ok {
			c := g.withdraw(st.id, id, n, engine.MassCancel, b.now)
			p.left[n.id] = c.ID
			b.commands = append(b.commands, c)
		}
	}
	current := func(id order.OrderID) bool {
		return slices.ContainsFunc(b.commands, func(c engine.Command) bool { return c.Target == id })
	}
	for id := range p.left {
		if !current(id) {
			delete(p.left, id)
		}
	}
	if len(p.left) > 0 {
		return
	}
	st.masses = slices.DeleteFunc(st.masses, func(q *pending) bool { return q == p })
	p.answered = true
	b.own = append(b.own, func(items []item) []item { return g.massDone(items, p) })
}

// symbol returns the symbol of what a name stands for.
func (st *state) symbol(id order.ID, n name) string {
	if o := st.open[n.id]; o != nil {
		return o.Symbol
	}
	if p := st.pending[id]; p != nil {
		switch r := p.request.(type) {
		case *order.NewOrderSingle:
			return r.Symbol
		case *order.Quote:
			return r.Symbol
		case *order.QuoteRequest:
			return r.Symbol
		}
	}
	return ""
}
