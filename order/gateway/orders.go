package gateway

import (
	"context"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

func (b *batch) newOrder(in *incoming, r *order.NewOrderSingle) {
	unit := b.s.g.units[r.Symbol]
	if unit == nil {
		b.reject(in, order.RejUnknownSymbol, "symbol", "the venue does not trade this symbol")
		return
	}
	if reason, text := fits(unit, r.OrderQty, r.Price); text != "" {
		b.reject(in, reason, "units", text)
		return
	}
	rests := r.TimeInForce == order.GoodTillDate
	if b.lives(in, r.TimeToLive) || rests && b.crowded(in) {
		return
	}
	p := b.command(in, order.OrderID{}, r.TimeToLive)
	b.named(p, in, rests, false)
}

// named gives a pending order or quote its name.
func (b *batch) named(p *pending, in *incoming, rests, quote bool) {
	b.s.st.names[in.id] = name{in.command, quote}
	if p.rests = rests; rests {
		b.s.st.resting++
	}
}

// fits says why price or quantity are not of the instrument's units, if so.
func fits(unit *order.Instrument, qty, price order.Decimal) (order.OrdRejReason, string) {
	lots, err := qty.In(unit.LotSize.Exponent)
	if err != nil {
		return order.RejIncorrectQuantity, "the quantity is no multiple of " + unit.LotSize.String()
	}
	least, err := unit.MinQty.In(unit.LotSize.Exponent)
	if err != nil || lots < least {
		return order.RejIncorrectQuantity, "the quantity is below " + unit.MinQty.String()
	}
	if most, err := unit.MaxQty.In(unit.LotSize.Exponent); err == nil && lots > most {
		return order.RejIncorrectQuantity, "the quantity is above " + unit.MaxQty.String()
	}
	if _, err := price.In(unit.TickSize.Exponent); err != nil {
		return order.RejInvalidPriceIncrement, "the price is no multiple of " + unit.TickSize.String()
	}
	return 0, ""
}

// lives refuses a time to live that is more than the venue allows.
func (b *batch) lives(in *incoming, ttl time.Duration) bool {
	if most := b.s.g.limits.MaxTimeToLive; ttl > most {
		b.reject(in, order.RejExceedsLimit, "time_to_live", "the time to live is above "+most.String())
		return true
	}
	return false
}

// crowded refuses what would be more than may rest.
func (b *batch) crowded(in *incoming) bool {
	if len(b.s.st.open)+b.s.st.resting >= int(b.s.g.limits.MaxOpenOrders) {
		b.reject(in, order.RejExceedsLimit, "open_orders", "the session has as many open orders and quotes as it is allowed")
		return true
	}
	return false
}

// onTarget cancels or replaces an open order or quote of the session; what is none
// of those is looked up in the journal after the commands.
func (b *batch) onTarget(in *incoming, orig order.ID, quote bool) {
	n, ok := b.s.st.names[orig]
	if !ok || n.quote != quote {
		b.later = append(b.later, in)
		return
	}
	o := b.s.st.open[n.id]
	var symbol string
	if o != nil {
		symbol = o.Symbol
	} else if p := b.s.st.pending[orig]; p != nil {
		if r, ok := p.request.(*order.NewOrderSingle); ok {
			symbol = r.Symbol
		}
	}
	b.change(in, n.id, symbol)
}

// change hands a cancel or a replacement to the engine.
func (b *batch) change(in *incoming, target order.OrderID, symbol string) {
	r, ok := in.request.(*order.OrderCancelReplaceRequest)
	if !ok {
		b.command(in, target, 0)
		return
	}
	if unit := b.s.g.units[symbol]; unit != nil {
		if reason, text := fits(unit, r.OrderQty, r.Price); text != "" {
			b.reject(in, reason, "units", text)
			return
		}
	}
	if b.lives(in, r.TimeToLive) {
		return
	}
	b.command(in, target, r.TimeToLive)
	if o := b.s.g.orders[target]; o == nil || o.Session == b.s.id {
		b.s.st.names[in.id] = name{target, false}
	}
}

// find looks for what a request is about in the journal, by the name that its owner
// gave it: an order of the session itself, or one that the request's proof shows to
// be the sender's. What is not the sender's is not there.
func (b *batch) find(ctx context.Context, r order.Request, id order.ID, quote func(bool) bool) (*engine.Order, error) {
	orders, err := b.s.g.store.Orders(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		if o.Session != b.s.id && order.VerifyProof(o.OwnerKey, b.s.binding, r) != nil || !quote(o.Quote != nil) {
			continue
		}
		g := b.s.g
		g.mu.Lock()
		if now := g.orders[o.ID]; now != nil {
			o = now
		}
		g.mu.Unlock()
		return o, nil
	}
	return nil, nil
}

// foreign does a cancel or a replacement of what is not open in the session.
func (b *batch) foreign(ctx context.Context, in *incoming) {
	var orig order.ID
	isQuote := false
	switch r := in.request.(type) {
	case *order.OrderCancelRequest:
		orig = r.OrigClOrdID
	case *order.OrderCancelReplaceRequest:
		orig = r.OrigClOrdID
	case *order.QuoteCancel:
		orig, isQuote = r.QuoteID, true
	}
	o, err := b.find(ctx, in.request, orig, func(quote bool) bool { return quote == isQuote })
	g := b.s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case b.s.st.attached != b.s || b.seen(in):
	case err != nil:
		b.passing(in, order.BusinessNotAvailable, "store", "the venue cannot look up orders now: only open orders of the session itself can be cancelled")
	case o == nil:
		b.reject(in, order.RejUnknownOrder, "unknown_order", "there is no such order")
	case !o.Open:
		b.reject(in, order.RejTooLate, "too_late", "the order is filled, cancelled or expired")
	default:
		b.change(in, o.ID, o.Symbol)
	}
}
