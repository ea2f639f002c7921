package book

import (
	"time"

	"github.com/zkkex/zkkex/order"
)

// liveOrder is an order that is open, or being done.
type liveOrder struct {
	slot // its leaves are the order's

	id       order.OrderID
	session  order.SessionID
	clOrdID  order.ID
	ownerKey [32]byte
	market   *market
	ordType  order.OrdType
	tif      order.TimeInForce
	inst     order.ExecInst
	quantity order.Decimal
	cum      int64
	expires  time.Time // zero if it does not rest
	place    uint64
	status   order.OrdStatus
}

// orderReject is why an order is refused.
type orderReject struct {
	reason order.OrdRejReason
	text   string
}

func (b *Book) newOrder(r *order.NewOrderSingle) {
	o, reject := b.checkOrder(r)
	if reject != nil {
		b.rejectOrder(r, reject)
		return
	}
	o.place = b.nextNumber()
	e := b.newExecution(o)
	e.report.ExecType = order.ExecNew
	b.emitExecution(o.session, o, e)
	if text := b.match(o); text != "" {
		b.endOrder(o, order.ExecCanceled, order.StatusCanceled, text)
		return
	}
	if o.leaves == 0 {
		return
	}
	o.market.on(o.side).add(&o.slot)
	b.orders[o.id] = o
}

// checkOrder returns the order, or why it is refused.
func (b *Book) checkOrder(r *order.NewOrderSingle) (*liveOrder, *orderReject) {
	m := b.markets[r.Symbol]
	if m == nil {
		return nil, &orderReject{order.RejUnknownSymbol, textSymbol}
	}
	if !r.Side.Known() {
		return nil, &orderReject{order.RejOther, textSide}
	}
	if !offered(r) {
		return nil, &orderReject{order.RejUnsupported, textCombination}
	}
	lots, ok := m.quantity(r.OrderQty)
	if !ok {
		return nil, &orderReject{order.RejIncorrectQuantity, textQuantity}
	}
	ticks, ok := m.price(r.Price)
	if !ok {
		return nil, &orderReject{order.RejInvalidPriceIncrement, textPrice}
	}
	if !notional(ticks, lots) {
		return nil, &orderReject{order.RejExceedsLimit, textNotional}
	}
	c := b.command
	var expires time.Time
	if r.TimeInForce == order.GoodTillDate {
		if expires = c.Expires; !expires.After(c.Now) {
			return nil, &orderReject{order.RejTooLate, textLate}
		}
		if b.full() {
			return nil, &orderReject{order.RejExceedsLimit, textFull}
		}
	}
	o := &liveOrder{
		slot: slot{side: r.Side, ticks: ticks, price: r.Price, leaves: lots},
		id:   c.ID, session: c.Session, clOrdID: r.ClOrdID, ownerKey: r.OwnerKey, market: m,
		ordType: r.OrdType, tif: r.TimeInForce, inst: r.ExecInst,
		quantity: r.OrderQty, expires: expires, status: order.StatusNew,
	}
	o.slot.order = o
	return o, nil
}

// offered reports whether the book has this combination of type, time in force and
// instruction.
func offered(r *order.NewOrderSingle) bool {
	rests := r.TimeInForce == order.GoodTillDate
	switch {
	case !r.OrdType.Known() || !r.TimeInForce.Known() || !r.ExecInst.Known():
		return false
	case r.OrdType == order.Market:
		return !rests && r.ExecInst == 0
	default:
		return rests || r.ExecInst == 0
	}
}

func (b *Book) rejectOrder(r *order.NewOrderSingle, reject *orderReject) {
	c := b.command
	b.memory.add(c.ID, order.StatusRejected)
	b.emit(c.Session, &order.ExecutionReport{
		OrderID: c.ID, ClOrdID: r.ClOrdID, ExecID: b.execID(),
		ExecType: order.ExecRejected, OrdStatus: order.StatusRejected,
		Symbol: r.Symbol, Side: r.Side, OrdType: r.OrdType, OrderQty: r.OrderQty, Price: r.Price,
		TransactTime: c.Now, OrdRejReason: reject.reason, Text: reject.text,
	}, nil)
}

// closeOrder takes an order out of the book. Its status says how it ended.
func (b *Book) closeOrder(o *liveOrder, status order.OrdStatus) {
	o.status = status
	if o.level != nil {
		o.market.on(o.side).remove(&o.slot)
	}
	delete(b.orders, o.id)
	b.memory.add(o.id, status)
}

// endOrder closes an order that nobody asked to close, and reports it.
func (b *Book) endOrder(o *liveOrder, t order.ExecType, status order.OrdStatus, text string) {
	o.leaves = 0
	b.closeOrder(o, status)
	e := b.newExecution(o)
	e.report.ExecType, e.report.Text = t, text
	b.emitExecution(o.session, o, e)
}
