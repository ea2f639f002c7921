package book

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// execution is a report on an order, and the order's state. They are made together.
type execution struct {
	report order.ExecutionReport
	state  engine.Order
}

// fill is a trade, of one side.
type fill struct {
	lots  int64
	price order.Decimal
}

// execID returns the ExecID of the next event.
func (b *Book) execID() order.OrderID {
	id := &b.lastExecID
	*id = order.OrderID{}
	binary.BigEndian.PutUint64(id[8:], b.nextNumber())
	b.execIDs.Encrypt(id[:], id[:])
	return *id
}

// newExecution returns a report on an order as it is, of a type to be set.
func (b *Book) newExecution(o *liveOrder) *execution {
	e := new(execution)
	e.report = order.ExecutionReport{
		OrderID: o.id, ClOrdID: o.clOrdID, ExecID: b.execID(),
		OrdStatus: o.status, Symbol: o.market.symbol, Side: o.side, OrdType: o.ordType,
		OrderQty: o.quantity, Price: o.price,
		LeavesQty: o.market.decimal(o.leaves), CumQty: o.market.decimal(o.cum),
		TransactTime: b.command.Now, ExpireTime: o.expires,
	}
	return e
}

// emitExecution adds the event of a report, with the order's state after it.
func (b *Book) emitExecution(to order.SessionID, o *liveOrder, e *execution) {
	e.state = engine.Order{
		ID: o.id, Session: o.session, ClOrdID: o.clOrdID, OwnerKey: o.ownerKey, Symbol: o.market.symbol,
		Open: o.status.Open(), Expires: o.expires, Place: o.place, Report: &e.report,
		TimeInForce: o.tif, ExecInst: o.inst,
	}
	b.emit(to, &e.report, &e.state)
}

// emitQuoteFill reports a trade of a level of a quote. Its quantities are those of
// the quote's side.
func (b *Book) emitQuoteFill(q *liveQuote, s *slot, f fill) {
	m, cum := q.market, q.cum(s.side)
	leaves := q.leaves(s.side)
	status := order.StatusPartiallyFilled
	if leaves == 0 {
		status = order.StatusFilled
	}
	b.emit(q.session, &order.ExecutionReport{
		OrderID: q.id, ClOrdID: q.quoteID, ExecID: b.execID(),
		ExecType: order.ExecTrade, OrdStatus: status,
		Symbol: m.symbol, Side: s.side, OrdType: order.Limit,
		OrderQty: m.decimal(*cum + leaves), Price: s.price,
		LastQty: m.decimal(f.lots), LastPx: f.price,
		LeavesQty: m.decimal(leaves), CumQty: m.decimal(*cum),
		TransactTime: b.command.Now, ExpireTime: q.expires,
	}, q.state())
}

// state returns the quote as it is.
func (q *liveQuote) state() *engine.Order {
	return &engine.Order{
		ID: q.id, Session: q.session, ClOrdID: q.quoteID, OwnerKey: q.ownerKey, Symbol: q.market.symbol,
		Open: q.open, Expires: q.expires, Place: q.place, Report: q.status, Quote: q.left(),
		CumBought: q.market.decimal(q.bought), CumSold: q.market.decimal(q.sold),
	}
}

// left returns what is left of the quote.
func (q *liveQuote) left() *order.Quote {
	left := &order.Quote{
		QuoteID: q.quoteID, Symbol: q.market.symbol, QuoteReqID: q.requestID(),
		TimeToLive: q.timeToLive, OwnerKey: q.ownerKey,
	}
	if !q.open {
		return left
	}
	left.Bids, left.Offers = q.ladder(order.Buy), q.ladder(order.Sell)
	return left
}

func (q *liveQuote) ladder(side order.Side) []order.QuoteLevel {
	var l []order.QuoteLevel
	for i := range q.slots {
		if s := &q.slots[i]; s.side == side && s.leaves > 0 {
			l = append(l, order.QuoteLevel{Price: s.price, Size: q.market.decimal(s.leaves)})
		}
	}
	return slices.Clip(l)
}

// state returns the request as it is: a quote without levels that answers itself.
func (r *liveRequest) state() *engine.Order {
	return &engine.Order{
		ID: r.id, Session: r.session, ClOrdID: r.quoteReqID, Symbol: r.market.symbol,
		Open: r.open, Expires: r.expires, Place: r.place, Report: r.status,
		Quote: &order.Quote{QuoteID: r.quoteReqID, Symbol: r.market.symbol, QuoteReqID: r.id, TimeToLive: r.timeToLive},
	}
}

// quoteStatus returns a report that nothing is wrong.
func quoteStatus(id order.ID, name order.OrderID, status order.QuoteStatus, expires time.Time) *order.QuoteStatusReport {
	return &order.QuoteStatusReport{ID: id, QuoteID: name, QuoteStatus: status, ExpireTime: expires}
}

// refuseQuote answers a quote, a request for one, or an answer to one.
func (b *Book) refuseQuote(id order.ID, reason order.QuoteRejectReason, text string) {
	b.emit(b.command.Session, &order.QuoteStatusReport{
		ID: id, QuoteID: b.command.ID, QuoteStatus: order.QuoteRejected,
		QuoteRejectReason: reason, Text: text,
	}, nil)
}
