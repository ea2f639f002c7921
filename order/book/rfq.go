package book

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order"
)

// liveRequest is an open request for quote.
type liveRequest struct {
	id         order.OrderID
	session    order.SessionID
	quoteReqID order.ID
	market     *market
	expires    time.Time
	timeToLive time.Duration
	place      uint64
	open       bool
	status     *order.QuoteStatusReport
	quotes     map[*liveQuote]struct{} // the open answers
}

func (b *Book) newRequest(r *order.QuoteRequest) {
	c := b.command
	m := b.markets[r.Symbol]
	if reject := b.checkRequest(m, r); reject != nil {
		b.memory.add(c.ID, order.StatusRejected)
		b.refuseQuote(r.QuoteReqID, reject.reason, reject.text)
		return
	}
	q := &liveRequest{
		id: c.ID, session: c.Session, quoteReqID: r.QuoteReqID, market: m,
		expires: c.Expires, timeToLive: r.TimeToLive, place: b.nextNumber(), open: true,
		status: quoteStatus(r.QuoteReqID, c.ID, order.QuoteAccepted, c.Expires),
		quotes: make(map[*liveQuote]struct{}),
	}
	b.requests[q.id] = q
	b.emit(q.session, q.status, q.state())
	b.emit(order.SessionID{}, &order.QuoteRequestReport{
		QuoteReqID: q.id, Symbol: r.Symbol, Side: r.Side, OrderQty: r.OrderQty, ExpireTime: c.Expires,
	}, nil)
}

func (b *Book) checkRequest(m *market, r *order.QuoteRequest) *quoteReject {
	if m == nil {
		return &quoteReject{order.QuoteUnknownSymbol, textSymbol}
	}
	if r.Side != 0 && !r.Side.Known() {
		return &quoteReject{order.QuoteOther, textSide}
	}
	if _, ok := m.quantity(r.OrderQty); !ok {
		return &quoteReject{order.QuoteInvalidQuantity, textQuantity}
	}
	if !b.command.Expires.After(b.command.Now) {
		return &quoteReject{order.QuoteTooLate, textLate}
	}
	if b.full() {
		return &quoteReject{order.QuoteExceedsLimit, textFull}
	}
	return nil
}

// checkAnswer joins a quote to the request that it answers, or says why not. It lives
// no longer than the request.
func (b *Book) checkAnswer(q *liveQuote, id order.OrderID) *quoteReject {
	r := b.requests[id]
	if r == nil {
		return &quoteReject{order.QuoteUnknown, textUnknownQuote}
	}
	if r.market != q.market {
		return &quoteReject{order.QuoteUnknownSymbol, textOtherSymbol}
	}
	if !r.expires.After(b.command.Now) {
		return &quoteReject{order.QuoteTooLate, textRequestOver}
	}
	if r.session == q.session {
		return &quoteReject{order.QuoteOther, textOwnRequest}
	}
	if len(r.quotes) >= MaxAnswers || b.full() {
		return &quoteReject{order.QuoteExceedsLimit, textAnswered}
	}
	q.request = r
	if r.expires.Before(q.expires) {
		q.expires = r.expires
	}
	return nil
}

// answerRequest opens a private quote, and shows it to who asked.
func (b *Book) answerRequest(q *liveQuote) {
	q.request.quotes[q] = struct{}{}
	b.openQuote(q)
	b.emit(q.request.session, &order.QuoteReport{
		QuoteReqID: q.request.quoteReqID, QuoteID: q.id, Symbol: q.market.symbol,
		Bids: q.ladder(order.Buy), Offers: q.ladder(order.Sell), ExpireTime: q.expires,
	}, nil)
}

// answer takes a private quote.
func (b *Book) answer(r *order.QuoteResponse) {
	q, o, reject := b.checkResponse(r)
	if reject != nil {
		b.refuseQuote(r.QuoteRespID, reject.reason, reject.text)
		return
	}
	b.emit(o.session, quoteStatus(r.QuoteRespID, o.id, order.QuoteAccepted, time.Time{}), nil)
	for i := range q.slots {
		maker := &q.slots[i]
		if o.leaves == 0 {
			break
		}
		if maker.side != o.side && maker.leaves > 0 && o.reaches(maker) {
			b.cross(maker, &o.slot, min(maker.leaves, o.leaves))
		}
	}
}

// checkResponse returns the quote and the order that takes of it all it wants, or why
// that is not to be had.
func (b *Book) checkResponse(r *order.QuoteResponse) (*liveQuote, *liveOrder, *quoteReject) {
	c := b.command
	q := b.quotes[r.QuoteID]
	if q == nil {
		if s, ok := b.memory.status(r.QuoteID); ok && s != 0 {
			return nil, nil, &quoteReject{order.QuoteTooLate, textNotOpen}
		}
		return nil, nil, &quoteReject{order.QuoteUnknown, textUnknownQuote}
	}
	if q.request == nil || q.request.session != c.Session {
		return nil, nil, &quoteReject{order.QuoteUnknown, textNotAsked}
	}
	if !q.expires.After(c.Now) {
		return nil, nil, &quoteReject{order.QuoteTooLate, textExpired}
	}
	if !r.Side.Known() {
		return nil, nil, &quoteReject{order.QuoteOther, textSide}
	}
	lots, ok := q.market.quantity(r.OrderQty)
	if !ok {
		return nil, nil, &quoteReject{order.QuoteInvalidQuantity, textQuantity}
	}
	ticks, ok := q.market.price(r.Price)
	if !ok {
		return nil, nil, &quoteReject{order.QuoteInvalidPrice, textPrice}
	}
	o := &liveOrder{
		slot: slot{side: r.Side, ticks: ticks, price: r.Price, leaves: lots},
		id:   c.ID, session: c.Session, clOrdID: r.QuoteRespID, market: q.market,
		ordType: order.Limit, tif: order.FillOrKill, quantity: r.OrderQty,
		place: b.nextNumber(), status: order.StatusNew,
	}
	o.slot.order = o
	if q.offered(&o.slot) < lots {
		return nil, nil, &quoteReject{order.QuoteOther, textNotOffered}
	}
	return q, o, nil
}

// offered returns how much of the quote taker reaches.
func (q *liveQuote) offered(taker *slot) int64 {
	var lots int64
	for i := range q.slots {
		if s := &q.slots[i]; s.side != taker.side && taker.reaches(s) {
			lots += s.leaves
		}
	}
	return lots
}

// endRequest closes a request that its owner did not withdraw, with its quotes, and
// reports it.
func (b *Book) endRequest(r *liveRequest, status order.QuoteStatus, text string) {
	b.closeRequest(r, status)
	r.status.Text = text
	b.emit(r.session, r.status, r.state())
	b.endAnswers(r)
}

// withdrawRequest is as withdraw.
func (b *Book) withdrawRequest(r *liveRequest, cancel *order.QuoteCancel) {
	b.closeRequest(r, order.QuoteCanceled)
	answer := *r.status
	answer.StatusReqID = cancel.ID
	b.emit(b.command.Session, &answer, r.state())
	if b.command.Session != r.session {
		b.emit(r.session, r.status, r.state())
	}
	b.endAnswers(r)
}

func (b *Book) closeRequest(r *liveRequest, status order.QuoteStatus) {
	r.open = false
	delete(b.requests, r.id)
	b.memory.add(r.id, order.StatusCanceled)
	r.status = quoteStatus(r.quoteReqID, r.id, status, r.expires)
}

// endAnswers ends the quotes of a request that is over, in the order they came.
func (b *Book) endAnswers(r *liveRequest) {
	byPlace := func(x, y *liveQuote) int { return cmp.Compare(x.place, y.place) }
	for _, q := range slices.SortedFunc(maps.Keys(r.quotes), byPlace) {
		status := order.QuoteCanceled
		if !q.expires.After(b.command.Now) {
			status = order.QuoteExpired
		}
		b.endQuote(q, status, textRequestOver)
	}
}
