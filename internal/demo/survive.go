package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/order"
)

// flow is how many orders are under way when something breaks.
const flow = 300

// survive breaks connections and the gateway in the middle of orders.
func (p *play) survive(ctx context.Context) error {
	p.story.title("Losing connections, and the gateway")
	p.story.text("An order that was sent is done once, or the trader is told that it was not; never twice. Reports are numbered, and come once, in order, over as many connections as it takes.")
	for _, scene := range []func(context.Context) error{p.cutConnection, p.comeBackAsAnother, p.killGateway} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pour sends many orders, breaks something in their middle, and checks that each is
// in the book once and was reported once.
func (p *play) pour(ctx context.Context, d *desk, breaks func() error) (*loss, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer p.story.waiting("orders, and something that breaks", time.Now())()
	before, err := d.MassStatus(ctx)
	if err != nil {
		return nil, err
	}
	l := &loss{Orders: flow}
	var orders []*order.Order
	for i := range flow {
		o, err := d.Send(ctx, limited(order.Buy, "0.01", "50000"), nil)
		if err != nil {
			return nil, err
		}
		orders = append(orders, o)
		if i == flow/2 {
			l.Unanswered = d.State().Unanswered
			if err := breaks(); err != nil {
				return nil, err
			}
		}
	}
	sent := map[order.ID]bool{}
	for _, o := range orders {
		if _, err := o.Wait(ctx); err != nil {
			return nil, fmt.Errorf("%w: an order was lost: %w", ErrUnexpected, err)
		}
		sent[o.ID()] = true
	}
	if err := d.reportedOnce(ctx, sent); err != nil {
		return nil, err
	}
	after, err := d.MassStatus(ctx)
	if err != nil {
		return nil, err
	}
	if l.Open = len(after) - len(before); l.Open != flow {
		return nil, fmt.Errorf("%w: %d orders were sent, and %d are in the book", ErrUnexpected, flow, l.Open)
	}
	for _, r := range after {
		delete(sent, r.ClOrdID)
	}
	if len(sent) > 0 {
		return nil, fmt.Errorf("%w: %d orders are not in the book", ErrUnexpected, len(sent))
	}
	return l, nil
}

// reportedOnce reads reports until each order was reported as entered; [desk.next]
// checks that none is missing or comes twice.
func (d *desk) reportedOnce(ctx context.Context, sent map[order.ID]bool) error {
	waits := map[order.ID]bool{}
	for id := range sent {
		waits[id] = true
	}
	for len(waits) > 0 {
		r, err := await(ctx, d, func(r *order.ExecutionReport) bool { return r.ExecType == order.ExecNew && sent[r.ClOrdID] })
		if err != nil {
			return err
		}
		if !waits[r.ClOrdID] {
			return fmt.Errorf("%w: %s is told twice that an order was entered", ErrUnexpected, d.name)
		}
		delete(waits, r.ClOrdID)
	}
	return nil
}

// cutConnection cuts the taker's connection.
func (p *play) cutConnection(ctx context.Context) error {
	s, bob := p.story, p.traders[taker]
	l, err := p.pour(ctx, bob.desk, func() error {
		w, err := p.relay.of(bob.line.last())
		if err != nil {
			return err
		}
		w.cut()
		return nil
	})
	if err != nil {
		return err
	}
	l.What = "connection"
	s.report.Losses = append(s.report.Losses, *l)
	s.event("network", "cuts %s's connection in the middle of %d orders, %d of them unanswered", bob.name, l.Orders, l.Unanswered)
	s.event(bob.name, "connects again by itself, with the same pseudonym, and sends again what was not answered")
	s.accepted("%d orders in the book, %d reports, none missing, none twice", l.Open, l.Orders)
	n, err := bob.desk.MassCancel(ctx, symbol)
	if err != nil {
		return err
	}
	if n != flow {
		return fmt.Errorf("%w: a mass cancel ended %d orders, expected %d", ErrUnexpected, n, flow)
	}
	s.event(bob.name, "cancels all %d at once", n)
	s.gap()
	return nil
}

// comeBackAsAnother leaves a session, and cancels its order from the next one.
func (p *play) comeBackAsAnother(ctx context.Context) error {
	s, bob := p.story, p.traders[taker]
	first := bob.desk
	o, err := first.Submit(ctx, limited(order.Buy, "1", "63000"))
	if err != nil {
		return err
	}
	if err := first.Leave(ctx); err != nil {
		return err
	}
	if err := bob.open(ctx); err != nil {
		return err
	}
	was, is := first.State().Session, bob.desk.State().Session
	if was == is {
		return fmt.Errorf("%w: two sessions of %s have one name", ErrUnexpected, bob.name)
	}
	s.event(bob.name, "leaves, and his order stays. He comes back as somebody else:")
	s.fact("", "session %s before", short(was.ID[:]))
	s.fact("", "session %s now: the venue has nothing that links the two", short(is.ID[:]))
	_, err = bob.desk.Cancel(ctx, o.ID())
	if err := s.refusedBy("cancelling the first session's order from the second", "venue", order.ErrUnknownOrder, "unknown_order", err); err != nil {
		return err
	}
	r, err := bob.desk.Cancel(ctx, o.ID(), order.WithProof())
	if err != nil {
		return err
	}
	if r.OrdStatus != order.StatusCanceled {
		return fmt.Errorf("%w: the cancel is answered with %+v", ErrUnexpected, r)
	}
	s.event(bob.name, "signs the cancel with the order's own key, which he alone can make. That links these two sessions, by his choice")
	s.accepted("an order was cancelled from a later session, by its own key")
	s.gap()
	return nil
}

// killGateway stops the gateway without warning, looks at what is on its disk, and
// starts it again.
func (p *play) killGateway(ctx context.Context) error {
	s, bob := p.story, p.traders[taker]
	if err := p.watchOrder(ctx); err != nil {
		return err
	}
	var away time.Duration
	began := time.Now()
	l, err := p.pour(ctx, bob.desk, func() (err error) {
		away, err = p.house.crash(ctx, p.relay, p.seize)
		return err
	})
	if err != nil {
		return err
	}
	if !bob.desk.State().Connected {
		return errors.New("the session is not connected") // it has just answered
	}
	l.What, l.Seconds = "gateway", away.Seconds()
	s.report.Losses = append(s.report.Losses, *l)
	s.event("venue", "its gateway is cut off and closed in the middle of %d orders, %d of them unanswered: no drain, no goodbye, as near to a crash as one process can play", l.Orders, l.Unanswered)
	s.event("venue", "starts again %s later from the journal on its disk", rounded(away))
	s.event(bob.name, "was connected again, and had every answer, %s after the crash", rounded(time.Since(began)))
	s.accepted("%d orders in the book, %d reports, none missing, none twice", l.Open, l.Orders)
	if _, err := bob.desk.MassCancel(ctx, symbol); err != nil {
		return err
	}
	// The maker's quote survived, and she was told nothing that she knew.
	return p.buyAfterCrash(ctx)
}

// buyAfterCrash trades against the quote of before the crash.
func (p *play) buyAfterCrash(ctx context.Context) error {
	alice, bob := p.traders[maker].desk, p.traders[taker].desk
	o, err := bob.Submit(ctx, limited(order.Buy, "0.5", "64030"))
	if err != nil {
		return err
	}
	if _, err := o.Closed(ctx); err != nil {
		return err
	}
	r, err := await(ctx, alice, func(r *order.ExecutionReport) bool {
		return r.ExecType == order.ExecTrade && r.LastQty == number("0.5")
	})
	if err != nil {
		return err
	}
	p.story.event(bob.name, "buys 0.5 at %s, of the quote that alice made before the crash", r.LastPx)
	p.story.accepted("the maker's quote outlived the crash, and traded")
	return nil
}
