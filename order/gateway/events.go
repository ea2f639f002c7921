package gateway

import (
	"fmt"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// take takes events of the engine.
func (g *Gateway) take(events []engine.Event) error {
	var err error
	g.recorder.record(func(items []item) []item {
		start := len(items)
		texts := make([]byte, 0, 192*len(events))
		for i := range events {
			if items, texts, err = g.happened(items, texts, events, i); err != nil {
				g.failLocked(err)
				return items[:start]
			}
		}
		return items
	})
	return err
}

// happened appends what there is to record and to tell of one event. The caller
// holds the locks of recorder and gateway.
func (g *Gateway) happened(items []item, texts []byte, events []engine.Event, i int) ([]item, []byte, error) {
	ev := &events[i]
	if g.failed != nil {
		return items, texts, g.failed
	}
	if ev.Number != g.taken+1 {
		return items, texts, fmt.Errorf("the engine's event %d comes after %d", ev.Number, g.taken)
	}
	if ev.Session.IsZero() {
		g.taken++
		return g.broadcast(items, ev), texts, nil
	}
	texts, text, err := appendReport(texts, ev.Report)
	if err != nil {
		return items, texts, fmt.Errorf("the engine's event %d: %w", ev.Number, err)
	}
	g.taken++
	if ev.Order != nil {
		g.apply(ev.Order)
	}
	it := item{
		entry:    journal.Entry{Session: ev.Session, Event: ev.Number, Report: text, Order: ev.Order},
		recorded: true, to: ev.Session, report: ev.Report, cancels: confirms(ev.Report) && !ownEnd(ev),
	}
	p := g.answer(&it, ev)
	items = append(items, it)
	if p != nil {
		items = g.answerAsks(items, p)
	}
	if ev.Order != nil {
		items = g.countMass(items, ev)
	}
	return items, texts, nil
}

// confirms reports whether a report says what became of a cancel.
func confirms(r order.Report) bool {
	switch r := r.(type) {
	case *order.ExecutionReport:
		return r.ExecType == order.ExecCanceled
	case *order.QuoteStatusReport:
		return r.QuoteStatus == order.QuoteCanceled
	case *order.OrderCancelReject, *order.OrderMassCancelReport:
		return true
	}
	return false
}

// ownEnd reports whether an event is the end of an order by the command that entered
// or replaced it, such as that of the rest of an immediate or cancel. Nobody waits to
// hear that it is cancelled, and before it comes that it was entered.
func ownEnd(ev *engine.Event) bool {
	r, ok := ev.Report.(*order.ExecutionReport)
	return ok && r.OrigClOrdID.IsZero() && order.NewOrderID(ev.Session, r.ClOrdID) == ev.Command
}

// appendReport encodes a report behind others.
func appendReport(texts []byte, r order.Report) (all, text []byte, err error) {
	start := len(texts)
	if texts, err = order.AppendReport(texts, r); err != nil {
		return texts, nil, err
	}
	return texts, texts[start:len(texts):len(texts)], nil
}

// answer finds the request that an event answers first, and returns it if it is
// pending here.
func (g *Gateway) answer(it *item, ev *engine.Event) *pending {
	id := ev.Report.Answers()
	if id.IsZero() {
		return nil
	}
	st := g.states[ev.Session]
	if st != nil {
		if p := st.pending[id]; p != nil && p.command == ev.Command {
			if p.answered {
				return nil
			}
			p.answered = true
			it.entry.Request = &journal.Request{ID: id, Digest: p.digest}
			it.entry.SeqNo = p.seqNo
			it.answers = p
			g.settle(st, p)
			return p
		}
		if _, ok := st.requests[id]; ok {
			return nil
		}
	}
	if order.NewOrderID(ev.Session, id) == ev.Command {
		it.entry.Request = &journal.Request{ID: id}
	}
	return nil
}

// broadcast tells those who listen of a request for quote, but not who asks. It is
// over soon, and so not recorded for each of them: it has no number.
func (g *Gateway) broadcast(items []item, ev *engine.Event) []item {
	items = append(items, item{entry: journal.Entry{Event: ev.Number}, recorded: true})
	r, ok := ev.Report.(*order.QuoteRequestReport)
	if !ok {
		return items
	}
	asker := g.asked[r.QuoteReqID].asker
	for s := range g.listeners[r.Symbol] {
		if s.id != asker {
			items = append(items, item{to: s.id, report: r})
		}
	}
	return items
}

// answerAsks answers who asked for the state of an order while it was not known.
func (g *Gateway) answerAsks(items []item, p *pending) []item {
	st := g.states[p.session]
	for _, ask := range p.asks {
		o := g.orders[p.command]
		if o == nil {
			items = append(items, item{to: st.id, report: unknownStatus(ask)})
			continue
		}
		items = append(items, item{to: st.id, report: g.status(o, ask.ID, g.clock.now())})
	}
	p.asks = nil
	return items
}

// countMass counts an order that has ended, for mass cancels that wait for it.
func (g *Gateway) countMass(items []item, ev *engine.Event) []item {
	st := g.states[ev.Order.Session]
	if st == nil || ev.Order.Open || len(st.masses) == 0 {
		return items
	}
	st.masses = slices.DeleteFunc(st.masses, func(p *pending) bool {
		command, ok := p.left[ev.Order.ID]
		if !ok {
			return false
		}
		delete(p.left, ev.Order.ID)
		if command == ev.Command {
			p.affected++
		}
		if len(p.left) > 0 {
			return false
		}
		items = g.massDone(items, p)
		return true
	})
	return items
}

// massDone appends the report that ends a mass cancel.
func (g *Gateway) massDone(items []item, p *pending) []item {
	r := p.request.(*order.OrderMassCancelRequest)
	p.answered = true
	return g.own(items, p, &order.OrderMassCancelReport{
		ClOrdID: r.ClOrdID, Symbol: r.Symbol, TotalAffectedOrders: p.affected,
	})
}

// own appends a report of the gateway's own that answers a request.
func (g *Gateway) own(items []item, p *pending, r order.Report) []item {
	_, text, err := appendReport(nil, r)
	if err != nil {
		g.failLocked(fmt.Errorf("a report of the gateway's own: %w", err))
		return items
	}
	return append(items, item{
		entry: journal.Entry{
			Session: p.session, Report: text, SeqNo: p.seqNo,
			Request: &journal.Request{ID: p.request.RequestID(), Digest: p.digest},
		},
		recorded: true, to: p.session, report: r, answers: p, cancels: confirms(r),
	})
}

// tell hands out items that were recorded under numbers; 0 is for those that
// another gateway had recorded before, which are read from the journal.
func (g *Gateway) tell(items []item, numbers []uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range items {
		it := &items[i]
		var number uint64
		if it.recorded {
			number, numbers = numbers[0], numbers[1:]
		}
		st := g.states[it.to]
		if st == nil {
			continue
		}
		if r := it.entry.Request; r != nil {
			g.noteDone(st, it, r, number)
		}
		s := st.attached
		switch {
		case s == nil || it.report == nil:
		case !it.recorded && it.confirmed:
		case it.recorded && number == 0:
			s.catchUp()
		default:
			s.push(number, it.report, false)
		}
	}
}

// noteDone notes that a request is answered, and where.
func (g *Gateway) noteDone(st *state, it *item, r *journal.Request, number uint64) {
	if p := st.pending[r.ID]; p != nil {
		if !p.answered {
			// Its first report was under way when the request came here: from another
			// gateway, or before a takeover.
			p.answered = true
			g.settle(st, p)
		}
		delete(st.pending, r.ID)
	}
	if p := it.answers; p != nil {
		g.observe.Acknowledged(kind(p.request), time.Since(p.read))
	}
	if st.requests == nil {
		return
	}
	if _, ok := st.requests[r.ID]; !ok {
		st.requests[r.ID] = done{[16]byte(r.Digest[:16]), number}
	}
}
