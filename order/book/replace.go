package book

import (
	"time"

	"github.com/zkkex/zkkex/order"
)

// replacement is a checked replacement of an order.
type replacement struct {
	lots, ticks int64
	quantity    order.Decimal
	price       order.Decimal
	clOrdID     order.ID
	ownerKey    [32]byte
	expires     time.Time
}

func (b *Book) replaceOrder(r *order.OrderCancelReplaceRequest) {
	o := b.orders[b.command.Target]
	if o == nil {
		b.rejectCancel(order.ToReplace, r.ClOrdID, r.OrigClOrdID, order.CxlUnknownOrder, textUnknownOrder)
		return
	}
	n, reason, text := b.checkReplacement(o, r)
	if text != "" {
		b.rejectCancel(order.ToReplace, r.ClOrdID, r.OrigClOrdID, reason, text)
		return
	}
	stays := n.ticks == o.ticks && n.lots < o.cum+o.leaves
	if !stays {
		o.market.on(o.side).remove(&o.slot)
		o.place = b.nextNumber()
	}
	before := o.clOrdID
	b.applyReplacement(o, n)
	b.reportReplaced(o, before)
	if stays || o.leaves == 0 {
		return
	}
	if text := b.match(o); text != "" {
		b.endOrder(o, order.ExecCanceled, order.StatusCanceled, text)
	} else if o.leaves > 0 {
		o.market.on(o.side).add(&o.slot)
	}
}

func (b *Book) checkReplacement(o *liveOrder, r *order.OrderCancelReplaceRequest) (n replacement, reason order.CxlRejReason, text string) {
	c, m := b.command, o.market
	if !o.expires.After(c.Now) || !c.Expires.After(c.Now) {
		return n, order.CxlTooLate, textLate
	}
	lots, ok := m.quantity(r.OrderQty)
	if !ok {
		return n, order.CxlOther, textQuantity
	}
	ticks, ok := m.price(r.Price)
	if !ok {
		return n, order.CxlInvalidPriceIncrement, textPrice
	}
	if !notional(ticks, lots) {
		return n, order.CxlOther, textNotional
	}
	if o.inst == order.ParticipateDontInitiate {
		as := slot{order: o, side: o.side, ticks: ticks}
		if b.meets(&as) != nil {
			return n, order.CxlOther, textWouldTake
		}
	}
	return replacement{lots, ticks, r.OrderQty, r.Price, r.ClOrdID, r.OwnerKey, c.Expires}, 0, ""
}

// applyReplacement changes the order. At most what is filled already ends it.
func (b *Book) applyReplacement(o *liveOrder, n replacement) {
	o.ticks, o.price = n.ticks, n.price
	o.clOrdID, o.ownerKey, o.expires = n.clOrdID, n.ownerKey, n.expires
	if n.lots > o.cum {
		o.quantity, o.leaves = n.quantity, n.lots-o.cum
		return
	}
	o.quantity, o.leaves = o.market.decimal(o.cum), 0
	b.closeOrder(o, order.StatusFilled)
}

// reportReplaced tells who asked, and the order's session if that is another.
func (b *Book) reportReplaced(o *liveOrder, before order.ID) {
	to := []order.SessionID{b.command.Session, o.session}
	if to[0] == to[1] {
		to = to[:1]
	}
	for _, session := range to {
		e := b.newExecution(o)
		e.report.ExecType, e.report.OrigClOrdID = order.ExecReplaced, before
		b.emitExecution(session, o, e)
	}
}
