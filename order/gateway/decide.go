package gateway

import (
	"context"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// decide makes commands of requests, or reports that refuse them.
func (b *batch) decide() error {
	g := b.s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if b.s.st.attached != b.s {
		return &EndError{order.RejectTakenOver, "the session was established on another connection"}
	}
	if g.failed != nil {
		return g.failed
	}
	if err := b.s.Err(); err != nil {
		return err // since Do began: what a ban cancels is all there is
	}
	b.now = g.clock.now()
	for i := range b.in {
		in := &b.in[i]
		if in.seqNo > 0 {
			b.count(in.seqNo)
		}
		b.one(in)
	}
	b.expect(b.told) // behind the requests that came with it, which are not missing
	return nil
}

// one decides on one request.
func (b *batch) one(in *incoming) {
	g, st := b.s.g, b.s.st
	if in.reject == nil && !asks(in.request) && b.repeated(in) {
		return
	}
	opening := opens(in.request)
	free := !opening && b.cancelsOwn(in)
	tokens := &st.others
	if opening {
		tokens = &st.orders
	}
	if !tokens.take(b.now) && !free {
		b.passing(in, order.BusinessThrottled, "throttled", "more requests per second than the session is allowed")
		return
	}
	if _, all := in.request.(*order.OrderMassStatusRequest); all {
		tokens.owe(len(st.open)) // each is a report
	}
	if len(st.pending) >= g.limits.unanswered() {
		b.passing(in, order.BusinessThrottled, "unanswered", "too many of the session's requests wait for the venue's matching engine")
		return
	}
	if uint64(len(st.requests)+len(st.pending)) >= g.limits.MaxRequests && !free && !asks(in.request) {
		b.passing(in, order.BusinessThrottled, "budget", "the session has made as many requests as it is allowed")
		return
	}
	if in.reject != nil {
		b.refuse(in, in.reject, "invalid")
		return
	}
	if opening && b.closed(in) {
		return
	}
	b.byKind(in)
}

// closed refuses what adds to trading while that is not possible.
func (b *batch) closed(in *incoming) bool {
	g := b.s.g
	switch {
	case g.halted:
		b.reject(in, order.RejExchangeClosed, "halted", "the venue is halted: cancels are taken")
	case g.recorder.failing():
		b.passing(in, order.BusinessNotAvailable, "store", "the venue cannot record orders now: cancels are taken")
	case g.waiting.gone():
		b.passing(in, order.BusinessNotAvailable, "engine", "the venue's matching engine cannot be reached now")
	default:
		return false
	}
	return true
}

// cancelsOwn reports whether a request cancels an open order of its own session.
func (b *batch) cancelsOwn(in *incoming) bool {
	var id order.ID
	switch r := in.request.(type) {
	case *order.OrderCancelRequest:
		id = r.OrigClOrdID
	case *order.QuoteCancel:
		id = r.QuoteID
	case *order.OrderMassCancelRequest:
		return len(b.s.st.names) > 0
	default:
		return false
	}
	_, ok := b.s.st.names[id]
	return ok
}

// byKind does what each kind of request needs.
func (b *batch) byKind(in *incoming) {
	switch r := in.request.(type) {
	case *order.NewOrderSingle:
		b.newOrder(in, r)
	case *order.OrderCancelReplaceRequest:
		b.onTarget(in, r.OrigClOrdID, false)
	case *order.OrderCancelRequest:
		b.onTarget(in, r.OrigClOrdID, false)
	case *order.QuoteCancel:
		b.onTarget(in, r.QuoteID, true)
	case *order.Quote:
		b.quote(in, r)
	case *order.QuoteRequest:
		b.ask(in, r)
	case *order.QuoteResponse:
		b.response(in, r)
	default:
		b.later = append(b.later, in)
	}
}

// repeated answers a request that was seen before.
func (b *batch) repeated(in *incoming) bool {
	st := b.s.st
	if d, ok := st.requests[in.id]; ok {
		switch {
		case !st.others.take(b.now):
			b.passing(in, order.BusinessThrottled, "throttled", "more repetitions per second than the session is allowed")
		case !d.same(in.digest):
			b.duplicate(in)
		case d.report == 0:
			b.lost = append(b.lost, in.id)
		default:
			b.s.resend(span{d.report, d.report})
		}
		return true
	}
	p, ok := st.pending[in.id]
	switch {
	case !ok:
		return false
	case p.digest != in.digest && !st.others.take(b.now):
		b.passing(in, order.BusinessThrottled, "throttled", "more repetitions per second than the session is allowed")
	case p.digest != in.digest:
		b.duplicate(in)
	case !p.answered && p.given.Request != nil && st.others.take(b.now):
		// An engine that was started again since may not have it.
		c := p.given
		c.Now = b.now
		b.commands = append(b.commands, c)
	case !p.answered && p.left != nil && st.others.take(b.now):
		b.massAgain(p)
	}
	return true // the answer will come
}

// resendLost sends reports again whose numbers have to be looked up, because
// another gateway recorded them.
func (b *batch) resendLost(ctx context.Context) {
	if len(b.lost) == 0 || b.s.g.loadRequests(ctx, b.s) != nil {
		return // the client asks again
	}
	g := b.s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range b.lost {
		if d := b.s.st.requests[id]; d.report > 0 {
			b.s.resend(span{d.report, d.report})
		}
	}
}

func (b *batch) duplicate(in *incoming) {
	b.s.g.observe.Reject(kind(in.request), "duplicate")
	r := order.NewReject(in.request, order.RejDuplicate, "the ID was used for another request")
	b.tell(in, r, false)
}

// pend makes a pending request; it is kept until it is answered.
func (b *batch) pend(in *incoming, keep bool) *pending {
	p := &pending{
		session: b.s.id, request: in.request, digest: in.digest, command: in.command, seqNo: in.seqNo, read: b.read,
	}
	if keep {
		b.s.st.pending[in.id] = p
	}
	return p
}

// seen reports whether a request came twice in one batch.
func (b *batch) seen(in *incoming) bool {
	_, answered := b.s.st.requests[in.id]
	return answered || b.s.st.pending[in.id] != nil
}

// command hands a request to the engine.
func (b *batch) command(in *incoming, target order.OrderID, ttl time.Duration) *pending {
	p := b.pend(in, true)
	c := engine.Command{ID: in.command, Session: b.s.id, Request: in.request, Target: target, Now: b.now}
	if ttl > 0 {
		c.Expires = b.now.Add(ttl)
	}
	p.given = c
	b.commands = append(b.commands, c)
	return p
}
