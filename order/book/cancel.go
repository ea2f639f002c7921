package book

import (
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// ends says how something ends for a reason that is not its owner's word.
func ends(r engine.Reason) (expired bool, text string) {
	switch r {
	case engine.Expired:
		return true, textExpired
	case engine.Disconnected:
		return false, textDisconnected
	case engine.Operator:
		return false, textOperator
	}
	return false, ""
}

// due reports whether a cancel takes effect on what expires then: the gateway may say
// that a time to live is over when it was lengthened meanwhile.
func (b *Book) due(expires time.Time) bool {
	return b.command.Reason != engine.Expired || !expires.After(b.command.Now)
}

func (b *Book) cancelOrder(r *order.OrderCancelRequest) {
	c := b.command
	o := b.orders[c.Target]
	if o == nil {
		b.cancelOther(r)
		return
	}
	if !b.due(o.expires) {
		return
	}
	o.leaves = 0
	expired, text := ends(c.Reason)
	t := order.ExecCanceled
	if expired {
		t = order.ExecExpired
		b.closeOrder(o, order.StatusExpired)
	} else {
		b.closeOrder(o, order.StatusCanceled)
	}
	b.reportEnd(o, t, text, r.ClOrdID)
}

// reportEnd reports an end to who asked for it under the name of the cancel, if
// there is one, and to the order's session if that is another.
func (b *Book) reportEnd(o *liveOrder, t order.ExecType, text string, cancel order.ID) {
	if asker := b.command.Session; !cancel.IsZero() {
		e := b.newExecution(o)
		e.report.ExecType, e.report.Text = t, text
		e.report.ClOrdID, e.report.OrigClOrdID = cancel, o.clOrdID
		b.emitExecution(asker, o, e)
		if asker == o.session {
			return
		}
	}
	e := b.newExecution(o)
	e.report.ExecType, e.report.Text = t, text
	b.emitExecution(o.session, o, e)
}

// cancelOther is for an OrderCancelRequest whose target is no open order: a quote or
// a request, if the gateway cancels it, or nothing.
func (b *Book) cancelOther(r *order.OrderCancelRequest) {
	c := b.command
	if c.Reason != 0 {
		b.cancelUnasked()
		return
	}
	b.rejectCancel(order.ToCancel, r.ClOrdID, r.OrigClOrdID, order.CxlUnknownOrder, textUnknownOrder)
}

// rejectCancel refuses a cancel or a replacement. If the target is known to be over,
// that is the reason.
func (b *Book) rejectCancel(to order.CxlRejResponseTo, id, orig order.ID, reason order.CxlRejReason, text string) {
	c := b.command
	reject := &order.OrderCancelReject{
		ClOrdID: id, OrigClOrdID: orig, OrdStatus: order.StatusRejected,
		CxlRejResponseTo: to, CxlRejReason: reason, Text: text,
	}
	if o := b.orders[c.Target]; o != nil {
		reject.OrderID, reject.OrdStatus = o.id, o.status
	} else if s, ok := b.memory.status(c.Target); ok && s != 0 {
		reject.OrderID, reject.OrdStatus = c.Target, s
		reject.CxlRejReason, reject.Text = order.CxlTooLate, textNotOpen
	}
	b.emit(c.Session, reject, nil)
}

// cancelUnasked ends a quote or a request that the gateway ends. If it is over
// already, the event that ended it said so.
func (b *Book) cancelUnasked() {
	expired, text := ends(b.command.Reason)
	status := order.QuoteCanceled
	if expired {
		status = order.QuoteExpired
	}
	if q := b.quotes[b.command.Target]; q != nil && b.due(q.expires) {
		b.endQuote(q, status, text)
	}
	if r := b.requests[b.command.Target]; r != nil && b.due(r.expires) {
		b.endRequest(r, status, text)
	}
}

func (b *Book) cancelQuote(r *order.QuoteCancel) {
	c := b.command
	if c.Reason != 0 {
		if o := b.orders[c.Target]; o != nil {
			b.cancelOrder(&order.OrderCancelRequest{})
			return
		}
		b.cancelUnasked()
		return
	}
	if q := b.quotes[c.Target]; q != nil {
		b.withdraw(q, r)
		return
	}
	if q := b.requests[c.Target]; q != nil {
		b.withdrawRequest(q, r)
		return
	}
	reject := &order.QuoteStatusReport{
		ID: r.QuoteID, StatusReqID: r.ID, QuoteStatus: order.QuoteRejected,
		QuoteRejectReason: order.QuoteUnknown, Text: textUnknownQuote,
	}
	if s, ok := b.memory.status(c.Target); ok && s != 0 {
		reject.QuoteID, reject.QuoteRejectReason, reject.Text = c.Target, order.QuoteTooLate, textNotOpen
	}
	b.emit(c.Session, reject, nil)
}
