package book

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// ErrNotEmpty means that something was done by a book before it was told what it had
// done in an earlier life.
var ErrNotEmpty = errors.New("the book is not empty: restore comes before anything else")

// Restore is as in [engine.Restorer]. Its error wraps [ErrNotEmpty], or says which
// order does not fit the book's instruments; the book is then of no use.
func (b *Book) Restore(orders []engine.Order, next uint64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.log.next != 1 || len(b.orders)+len(b.quotes)+len(b.requests) > 0 {
		return fmt.Errorf("book: %w", ErrNotEmpty)
	}
	if next == 0 {
		return errors.New("book: events are numbered from 1")
	}
	orders = slices.Clone(orders)
	slices.SortStableFunc(orders, func(x, y engine.Order) int { return cmp.Compare(x.Place, y.Place) })
	for i := range orders {
		o := &orders[i]
		if o.Place >= next {
			return fmt.Errorf("book: order %s has place %d, and the next event is number %d", o.ID, o.Place, next)
		}
		if err := b.restore(o); err != nil {
			return fmt.Errorf("book: order %s: %w", o.ID, err)
		}
	}
	b.log.next = next
	return nil
}

var (
	errNotOpen   = errors.New("it is not open")
	errTwice     = errors.New("it is there twice")
	errReport    = errors.New("its report is missing, or of another kind")
	errQuantity  = errors.New("its quantity does not fit the instrument's lot")
	errPrice     = errors.New("its price does not fit the instrument's tick")
	errNoRequest = errors.New("the request that it answers is not open")
)

func (b *Book) restore(o *engine.Order) error {
	m := b.markets[o.Symbol]
	switch {
	case m == nil:
		return fmt.Errorf("symbol %q is not traded", o.Symbol)
	case !o.Open:
		return errNotOpen
	case b.known(o.ID):
		return errTwice
	case o.Quote == nil:
		return b.restoreOrder(m, o)
	case o.Quote.QuoteReqID == o.ID:
		return b.restoreRequest(m, o)
	}
	return b.restoreQuote(m, o)
}

func (b *Book) restoreOrder(m *market, o *engine.Order) error {
	r, ok := o.Report.(*order.ExecutionReport)
	if !ok || r == nil || !r.Side.Known() {
		return errReport
	}
	leaves, err1 := r.LeavesQty.In(m.lot)
	cum, err2 := r.CumQty.In(m.lot)
	if err1 != nil || err2 != nil || leaves < 1 || cum < 0 || leaves > m.maxTotal-cum {
		return errQuantity
	}
	ticks, ok := m.price(r.Price)
	if !ok || !notional(ticks, leaves+cum) {
		return errPrice
	}
	l := &liveOrder{
		slot: slot{side: r.Side, ticks: ticks, price: r.Price, leaves: leaves},
		id:   o.ID, session: o.Session, clOrdID: o.ClOrdID, ownerKey: o.OwnerKey, market: m,
		ordType: r.OrdType, tif: o.TimeInForce, inst: o.ExecInst,
		quantity: m.decimal(leaves + cum), cum: cum, expires: o.Expires, place: o.Place,
		status: order.StatusNew,
	}
	if cum > 0 {
		l.status = order.StatusPartiallyFilled
	}
	l.slot.order = l
	m.on(l.side).add(&l.slot)
	b.orders[l.id] = l
	return nil
}

func (b *Book) restoreRequest(m *market, o *engine.Order) error {
	status, ok := o.Report.(*order.QuoteStatusReport)
	if !ok || status == nil {
		return errReport
	}
	b.requests[o.ID] = &liveRequest{
		id: o.ID, session: o.Session, quoteReqID: o.ClOrdID, market: m,
		expires: o.Expires, timeToLive: o.Quote.TimeToLive, place: o.Place, open: true,
		status: status, quotes: make(map[*liveQuote]struct{}),
	}
	return nil
}

func (b *Book) restoreQuote(m *market, o *engine.Order) error {
	status, ok := o.Report.(*order.QuoteStatusReport)
	if !ok || status == nil {
		return errReport
	}
	q := &liveQuote{
		id: o.ID, session: o.Session, quoteID: o.ClOrdID, ownerKey: o.OwnerKey, market: m,
		expires: o.Expires, timeToLive: o.Quote.TimeToLive, place: o.Place, open: true, status: status,
	}
	if err := q.restoreSlots(o); err != nil {
		return err
	}
	if id := o.Quote.QuoteReqID; !id.IsZero() {
		if q.request = b.requests[id]; q.request == nil {
			return errNoRequest
		}
		q.request.quotes[q] = struct{}{}
		b.quotes[q.id] = q
		return nil
	}
	if m.quotes[q.session] != nil {
		return errTwice
	}
	m.quotes[q.session], b.quotes[q.id] = q, q
	for i := range q.slots {
		m.on(q.slots[i].side).add(&q.slots[i])
	}
	return nil
}

// restoreSlots takes over what is left. A level may be less than a new one must be.
func (q *liveQuote) restoreSlots(o *engine.Order) error {
	least := q.market.minQty
	q.market.minQty = 1
	reject := q.setSlots(o.Quote.Bids, o.Quote.Offers)
	q.market.minQty = least
	if reject != nil {
		return errors.New(reject.text)
	}
	var err1, err2 error
	q.bought, err1 = o.CumBought.In(q.market.lot)
	q.sold, err2 = o.CumSold.In(q.market.lot)
	if err1 != nil || err2 != nil || q.bought < 0 || q.sold < 0 ||
		q.bought > q.market.maxTotal-q.leaves(order.Buy) || q.sold > q.market.maxTotal-q.leaves(order.Sell) {
		return errQuantity
	}
	return nil
}
