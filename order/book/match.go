package book

import "github.com/zkkex/zkkex/order"

// match trades an order with what rests, and returns why what is left of it is to be
// cancelled; empty if it rests, or nothing is left.
func (b *Book) match(o *liveOrder) (text string) {
	if o.inst == order.ParticipateDontInitiate {
		if b.meets(&o.slot) != nil {
			return textWouldTake
		}
		return ""
	}
	if o.tif == order.FillOrKill {
		if text := b.fillable(&o.slot); text != "" {
			return text
		}
	}
	if text := b.trade(o.market, &o.slot); text != "" {
		return text
	}
	if o.leaves > 0 && o.tif != order.GoodTillDate {
		return textNotFilled
	}
	return ""
}

// trade trades a slot until nothing is left of it or to be had at its price, or for
// another reason, which it returns.
func (b *Book) trade(m *market, taker *slot) (text string) {
	for taker.leaves > 0 {
		if b.matches >= MaxMatches {
			return textTooMany
		}
		maker := b.meets(taker)
		if maker == nil {
			return ""
		}
		if maker.session() == taker.session() {
			return textSelfTrade
		}
		b.cross(maker, taker, min(maker.leaves, taker.leaves))
	}
	return ""
}

// meets returns the slot that taker trades with next; nil if there is none. What has
// expired and is in the way is ended.
func (b *Book) meets(taker *slot) *slot {
	other := taker.market().on(taker.side.Opposite())
	for {
		maker := other.best()
		if maker == nil || !taker.reaches(maker) {
			return nil
		}
		if maker.expires().After(b.command.Now) {
			return maker
		}
		b.matches++
		b.expire(maker)
	}
}

// fillable returns why the whole slot would not be filled; empty if it would.
func (b *Book) fillable(taker *slot) (text string) {
	need, met := taker.leaves, b.matches
	for l := taker.market().on(taker.side.Opposite()).head.next[0]; l != nil; l = l.next[0] {
		for maker := l.first; maker != nil; maker = maker.next {
			if !taker.reaches(maker) {
				return textKilled
			}
			if met++; met > MaxMatches {
				return textTooMany
			}
			if !maker.expires().After(b.command.Now) {
				continue
			}
			if maker.session() == taker.session() {
				return textSelfTrade
			}
			if need -= min(need, maker.leaves); need == 0 {
				return ""
			}
		}
	}
	return textKilled
}

// cross is one trade, at the maker's price.
func (b *Book) cross(maker, taker *slot, lots int64) {
	b.matches++
	f := fill{lots, maker.price}
	maker.leaves -= lots
	taker.leaves -= lots
	b.filled(maker, f)
	b.filled(taker, f)
}

// filled reports a trade to one side, and closes what it leaves empty.
func (b *Book) filled(s *slot, f fill) {
	if s.quote != nil {
		b.filledQuote(s, f)
		return
	}
	o := s.order
	o.cum += f.lots
	o.status = order.StatusPartiallyFilled
	if o.leaves == 0 {
		b.closeOrder(o, order.StatusFilled)
	}
	e := b.newExecution(o)
	e.report.ExecType = order.ExecTrade
	e.report.LastQty, e.report.LastPx = o.market.decimal(f.lots), f.price
	b.emitExecution(o.session, o, e)
}

func (b *Book) filledQuote(s *slot, f fill) {
	q := s.quote
	*q.cum(s.side) += f.lots
	if s.leaves == 0 && s.level != nil {
		q.market.on(s.side).remove(s)
	}
	if q.leaves(order.Buy)+q.leaves(order.Sell) == 0 {
		b.closeQuote(q)
	}
	b.emitQuoteFill(q, s, f)
}

// expire ends the order or quote of a slot whose time is over.
func (b *Book) expire(s *slot) {
	if s.quote != nil {
		b.endQuote(s.quote, order.QuoteExpired, textExpired)
		return
	}
	b.endOrder(s.order, order.ExecExpired, order.StatusExpired, textExpired)
}

func (s *slot) market() *market {
	if s.order != nil {
		return s.order.market
	}
	return s.quote.market
}
