package book

import (
	"errors"
	"math/bits"

	"github.com/zkkex/zkkex/order"
)

// maxQuantity is the most that an instrument's MaxQty, and the sum of a quote's
// side, can be. Any number up to it, counted in lots, has a canonical form.
var maxQuantity = order.Decimal{Mantissa: 1, Exponent: order.MaxExponent}

// market is one instrument's book. Prices count ticks, quantities count lots.
type market struct {
	symbol         string
	tick, lot      int32 // exponents of ten
	minQty, maxQty int64
	maxTotal       int64 // maxQuantity, or the most that fits
	bids, offers   side
	quotes         map[order.SessionID]*liveQuote // the one in force of each session
}

func newMarket(i order.Instrument) (*market, error) {
	if !validSymbol(i.Symbol) {
		return nil, errors.New("expected a symbol of 1 to 32 characters A to Z, 0 to 9, . / _ -")
	}
	if !isUnit(i.TickSize) || !isUnit(i.LotSize) {
		return nil, errors.New("expected a tick and a lot that are powers of ten, such as 0.01, from 10^-12 to 10^12")
	}
	m := &market{
		symbol: i.Symbol, tick: i.TickSize.Exponent, lot: i.LotSize.Exponent,
		quotes: make(map[order.SessionID]*liveQuote),
	}
	var err1, err2 error
	m.minQty, err1 = i.MinQty.In(m.lot)
	m.maxQty, err2 = i.MaxQty.In(m.lot)
	if err := errors.Join(i.MinQty.Check(), i.MaxQty.Check(), err1, err2); err != nil {
		return nil, err
	}
	if m.minQty < 1 || m.minQty > m.maxQty {
		return nil, errors.New("expected a MinQty above 0, and not above MaxQty")
	}
	m.maxTotal, err1 = maxQuantity.In(m.lot)
	if err1 != nil {
		m.maxTotal = 1<<63 - 1
	}
	if m.maxQty > m.maxTotal {
		return nil, errors.New("expected a MaxQty of at most 10^12")
	}
	return m, nil
}

func isUnit(d order.Decimal) bool { return d.Mantissa == 1 && d.Check() == nil }

func validSymbol(s string) bool {
	if s == "" || len(s) > order.MaxSymbol {
		return false
	}
	for _, c := range []byte(s) {
		letter := c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '/' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// price counts ticks; ok is false if d is no price in this market.
func (m *market) price(d order.Decimal) (ticks int64, ok bool) {
	ticks, err := d.In(m.tick)
	return ticks, err == nil && ticks > 0 && d.Check() == nil
}

// quantity counts lots; ok is false if d is no quantity of an order.
func (m *market) quantity(d order.Decimal) (lots int64, ok bool) {
	lots, err := d.In(m.lot)
	return lots, err == nil && lots >= m.minQty && lots <= m.maxQty && d.Check() == nil
}

// decimal is the quantity of so many lots, which are at most maxTotal.
func (m *market) decimal(lots int64) order.Decimal {
	d, err := order.NewDecimal(lots, m.lot)
	if err != nil {
		panic("book: internal error: " + err.Error())
	}
	return d
}

// notional reports whether price times quantity fits an int64.
func notional(ticks, lots int64) bool {
	high, low := bits.Mul64(uint64(ticks), uint64(lots))
	return high == 0 && low>>63 == 0
}

// on returns a side.
func (m *market) on(s order.Side) *side {
	if s == order.Buy {
		return &m.bids
	}
	return &m.offers
}
