package gateway

import (
	"context"
	"time"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// reject refuses a request, for good.
func (b *batch) reject(in *incoming, reason order.OrdRejReason, label, text string) {
	b.refuse(in, order.NewReject(in.request, reason, text), label)
}

// refuse answers a request with a reject that is recorded: a repetition gets the
// same one.
func (b *batch) refuse(in *incoming, r order.Report, label string) {
	b.s.g.observe.Reject(kind(in.request), label)
	if b.s.g.recorder.failing() {
		b.complete(in, r)
		b.s.push(0, r, true) // a repetition is decided on anew
		return
	}
	b.tell(in, r, !asks(in.request) && in.digest != [32]byte{})
}

// tell records and tells a report of the gateway's own. With answers set, it is what
// a repetition of the request will get.
func (b *batch) tell(in *incoming, r order.Report, answers bool) {
	b.complete(in, r)
	p := b.pend(in, answers)
	if answers {
		p.answered = true
	}
	b.own = append(b.own, func(items []item) []item {
		items = b.s.g.own(items, p, r)
		if !answers && len(items) > 0 {
			last := &items[len(items)-1]
			last.entry.Request, last.answers = nil, nil
		}
		return items
	})
}

// complete sets what makes an execution report one of this venue.
func (b *batch) complete(in *incoming, r order.Report) {
	report, ok := r.(*order.ExecutionReport)
	if !ok {
		return
	}
	report.OrderID = order.NewOrderID(b.s.id, in.id)
	report.TransactTime = b.now
	id := domain.Hash(domain.OrderCommand, []byte("reject"), report.OrderID[:], domain.Uint64(b.s.attachment), in.digest[:])
	report.ExecID = order.OrderID(id[:16])
}

// passing refuses a request without recording that: its ID may be used again, for
// the same request, when the reason is over.
func (b *batch) passing(in *incoming, reason order.BusinessRejectReason, label, text string) {
	b.s.g.observe.Reject(kind(in.request), label)
	b.s.push(0, &order.BusinessMessageReject{
		BusinessRejectRefID: in.id, BusinessRejectReason: reason, Text: text,
	}, true)
}

// refuse answers a request that could be framed, but not decoded. It is not marked
// as done, since there is no telling two of them apart.
func (s *Session) refuse(ctx context.Context, e *order.RequestError) error {
	s.mu.Lock()
	s.heard = s.g.clock.exact()
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		return ended
	}
	if e.SeqNo > journal.MaxNumber {
		return s.malformed("a sequence number is above what can be counted")
	}
	b := &s.work
	b.reset()
	b.read = time.Now()
	if err := b.refuseBad(e); err != nil {
		return err
	}
	b.execute(ctx)
	return nil
}

func (b *batch) refuseBad(e *order.RequestError) error {
	g, st := b.s.g, b.s.st
	g.mu.Lock()
	defer g.mu.Unlock()
	if st.attached != b.s {
		return &EndError{order.RejectTakenOver, "the session was established on another connection"}
	}
	b.now = g.clock.now()
	if e.SeqNo > 0 {
		b.count(e.SeqNo)
	}
	in := incoming{request: &order.OrderMassStatusRequest{ID: e.Reject.Answers()}, id: e.Reject.Answers(), seqNo: e.SeqNo}
	g.observe.Request("invalid")
	if !st.orders.take(b.now) {
		b.passing(&in, order.BusinessThrottled, "throttled", "more requests per second than the session is allowed")
		return nil
	}
	g.observe.Reject("invalid", "invalid")
	b.tell(&in, e.Reject, false)
	return nil
}
