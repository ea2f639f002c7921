package book

import (
	"time"

	"github.com/zkkex/zkkex/order"
)

// liveQuote is a quote that is open, or being done.
type liveQuote struct {
	id           order.OrderID
	session      order.SessionID
	quoteID      order.ID
	ownerKey     [32]byte
	market       *market
	request      *liveRequest // that it answers; nil if it is in the book
	expires      time.Time
	timeToLive   time.Duration
	place        uint64
	open         bool
	bought, sold int64
	status       *order.QuoteStatusReport // the latest
	slots        []slot                   // bids, then offers, the best first; they do not move
}

func (q *liveQuote) cum(side order.Side) *int64 {
	if side == order.Buy {
		return &q.bought
	}
	return &q.sold
}

// leaves returns what is left of a side.
func (q *liveQuote) leaves(side order.Side) int64 {
	var lots int64
	for i := range q.slots {
		if q.slots[i].side == side {
			lots += q.slots[i].leaves
		}
	}
	return lots
}

func (q *liveQuote) requestID() order.OrderID {
	if q.request == nil {
		return order.OrderID{}
	}
	return q.request.id
}

// quoteReject is why a quote is refused.
type quoteReject struct {
	reason order.QuoteRejectReason
	text   string
}

func (b *Book) newQuote(r *order.Quote) {
	q, reject := b.checkQuote(r)
	if reject != nil {
		b.memory.add(b.command.ID, order.StatusRejected)
		b.refuseQuote(r.QuoteID, reject.reason, reject.text)
		return
	}
	if q.request != nil {
		b.answerRequest(q)
		return
	}
	if old := q.market.quotes[q.session]; old != nil {
		b.endQuote(old, order.QuoteCanceled, textReplaced)
	}
	b.openQuote(q)
	q.market.quotes[q.session] = q
	for i := range q.slots {
		s := &q.slots[i]
		if text := b.trade(q.market, s); text != "" {
			b.endQuote(q, order.QuoteCanceled, text)
			return
		}
		if s.leaves > 0 {
			q.market.on(s.side).add(s)
		}
	}
}

// openQuote reports a quote as accepted.
func (b *Book) openQuote(q *liveQuote) {
	q.open, q.place = true, b.nextNumber()
	b.quotes[q.id] = q
	q.status = quoteStatus(q.quoteID, q.id, order.QuoteAccepted, q.expires)
	b.emit(q.session, q.status, q.state())
}

// checkQuote returns the quote, or why it is refused.
func (b *Book) checkQuote(r *order.Quote) (*liveQuote, *quoteReject) {
	c := b.command
	m := b.markets[r.Symbol]
	if m == nil {
		return nil, &quoteReject{order.QuoteUnknownSymbol, textSymbol}
	}
	if !c.Expires.After(c.Now) {
		return nil, &quoteReject{order.QuoteTooLate, textLate}
	}
	q := &liveQuote{
		id: c.ID, session: c.Session, quoteID: r.QuoteID, ownerKey: r.OwnerKey, market: m,
		expires: c.Expires, timeToLive: r.TimeToLive,
	}
	if reject := q.setSlots(r.Bids, r.Offers); reject != nil {
		return nil, reject
	}
	if b.full() && m.quotes[c.Session] == nil {
		return nil, &quoteReject{order.QuoteExceedsLimit, textFull}
	}
	if r.QuoteReqID.IsZero() {
		return q, nil
	}
	return q, b.checkAnswer(q, r.QuoteReqID)
}

// setSlots takes the ladders over.
func (q *liveQuote) setSlots(bids, offers []order.QuoteLevel) *quoteReject {
	if len(bids)+len(offers) == 0 || len(bids) > order.MaxLadder || len(offers) > order.MaxLadder {
		return &quoteReject{order.QuoteOther, textLadder}
	}
	q.slots = make([]slot, 0, len(bids)+len(offers))
	if reject := q.addSide(order.Buy, bids); reject != nil {
		return reject
	}
	if reject := q.addSide(order.Sell, offers); reject != nil {
		return reject
	}
	if len(bids) > 0 && len(offers) > 0 && q.slots[0].ticks >= q.slots[len(bids)].ticks {
		return &quoteReject{order.QuoteInvalidSpread, textSpread}
	}
	return nil
}

func (q *liveQuote) addSide(side order.Side, levels []order.QuoteLevel) *quoteReject {
	var total int64
	for i, l := range levels {
		ticks, ok := q.market.price(l.Price)
		if !ok {
			return &quoteReject{order.QuoteInvalidPrice, textPrice}
		}
		lots, ok := q.market.quantity(l.Size)
		if !ok {
			return &quoteReject{order.QuoteInvalidQuantity, textQuantity}
		}
		if !notional(ticks, lots) {
			return &quoteReject{order.QuoteInvalidQuantity, textNotional}
		}
		if lots > q.market.maxTotal-total {
			return &quoteReject{order.QuoteInvalidQuantity, textTotal}
		}
		total += lots
		q.slots = append(q.slots, slot{quote: q, side: side, ticks: ticks, price: l.Price, leaves: lots})
		if n := len(q.slots); i > 0 && q.slots[n-2].key() >= q.slots[n-1].key() {
			return &quoteReject{order.QuoteInvalidPrice, textLadderOrder}
		}
	}
	return nil
}

// closeQuote takes a quote out of the book, or away from its request.
func (b *Book) closeQuote(q *liveQuote) {
	q.open = false
	for i := range q.slots {
		if s := &q.slots[i]; s.level != nil {
			q.market.on(s.side).remove(s)
		}
	}
	if q.request != nil {
		delete(q.request.quotes, q)
	} else if q.market.quotes[q.session] == q {
		delete(q.market.quotes, q.session)
	}
	delete(b.quotes, q.id)
	b.memory.add(q.id, order.StatusCanceled)
}

// endQuote closes a quote that its owner did not withdraw, and reports it.
func (b *Book) endQuote(q *liveQuote, status order.QuoteStatus, text string) {
	b.closeQuote(q)
	q.status = quoteStatus(q.quoteID, q.id, status, q.expires)
	q.status.Text = text
	b.emit(q.session, q.status, q.state())
}

// withdraw closes a quote for whoever showed to own it, and reports it to them, and
// to the quote's session if that is another.
func (b *Book) withdraw(q *liveQuote, r *order.QuoteCancel) {
	b.closeQuote(q)
	q.status = quoteStatus(q.quoteID, q.id, order.QuoteCanceled, q.expires)
	answer := *q.status
	answer.StatusReqID = r.ID
	b.emit(b.command.Session, &answer, q.state())
	if b.command.Session != q.session {
		b.emit(q.session, q.status, q.state())
	}
}
