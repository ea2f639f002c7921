package gateway

import (
	"github.com/zkkex/zkkex/order"
)

func (b *batch) quote(in *incoming, r *order.Quote) {
	unit := b.s.g.units[r.Symbol]
	if unit == nil {
		b.reject(in, order.RejUnknownSymbol, "symbol", "the venue does not trade this symbol")
		return
	}
	for _, side := range [][]order.QuoteLevel{r.Bids, r.Offers} {
		for _, l := range side {
			if reason, text := fits(unit, l.Size, l.Price); text != "" {
				b.reject(in, reason, "units", text)
				return
			}
		}
	}
	if b.lives(in, r.TimeToLive) || b.crowded(in) {
		return
	}
	b.named(b.command(in, order.OrderID{}, r.TimeToLive), in, true, true)
}

func (b *batch) ask(in *incoming, r *order.QuoteRequest) {
	unit := b.s.g.units[r.Symbol]
	if unit == nil {
		b.reject(in, order.RejUnknownSymbol, "symbol", "the venue does not trade this symbol")
		return
	}
	if reason, text := fits(unit, r.OrderQty, order.Decimal{}); text != "" {
		b.reject(in, reason, "units", text)
		return
	}
	if b.lives(in, r.TimeToLive) || b.crowded(in) {
		return
	}
	b.named(b.command(in, order.OrderID{}, r.TimeToLive), in, true, true)
	b.s.g.asked[in.command] = question{b.s.id, b.now.Add(r.TimeToLive)}
}

func (b *batch) response(in *incoming, r *order.QuoteResponse) {
	b.command(in, r.QuoteID, 0)
}
