package order

import (
	"time"

	"pgregory.net/rapid"
)

// drawer is a visitor that fills a message with values that each field allows.
type drawer struct{ t *rapid.T }

func (d drawer) absent(f field) bool {
	return !f.need && rapid.Bool().Draw(d.t, f.name+" absent")
}

func (d drawer) bytes(f field, b []byte) {
	if d.absent(f) {
		return
	}
	copy(b, rapid.SliceOfN(rapid.Byte(), len(b), len(b)).Draw(d.t, f.name))
	b[len(b)-1] |= 1
}

func (d drawer) proof(f field, p *Proof) { d.bytes(f, p[:]) }

func (d drawer) symbol(f field, s *string) {
	if !d.absent(f) {
		*s = rapid.StringMatching(`[A-Z0-9./_-]{1,32}`).Draw(d.t, f.name)
	}
}

func (d drawer) symbols(f field, s *[]string, most int) {
	for range rapid.IntRange(0, 3).Draw(d.t, f.name) {
		var symbol string
		d.symbol(field{f.number, f.name, must}, &symbol)
		*s = append(*s, symbol)
	}
}

func (d drawer) text(f field, s *string) {
	if !d.absent(f) {
		*s = rapid.StringMatching(`[a-zA-Z0-9 "\\é€<>&]{0,60}`).Draw(d.t, f.name)
	}
}

func (d drawer) char(f field, c *byte, known string) {
	if !d.absent(f) {
		*c = known[rapid.IntRange(0, len(known)-1).Draw(d.t, f.name)]
	}
}

func (d drawer) code(f field, c *uint16, known []uint16) {
	*c = rapid.SampledFrom(known).Draw(d.t, f.name)
}

// Counters stay below 2^53: JSON has no larger ones.
func (d drawer) count(f field, n *uint64) {
	if !d.absent(f) {
		*n = rapid.Uint64Range(1, 1<<53-1).Draw(d.t, f.name)
	}
}

func (d drawer) small(f field, n *uint32) {
	if !d.absent(f) {
		*n = rapid.Uint32Range(1, 1<<32-1).Draw(d.t, f.name)
	}
}

func (d drawer) flag(f field, b *bool) { *b = rapid.Bool().Draw(d.t, f.name) }

func (d drawer) quantity(f field, n *Decimal) { d.price(f, n) }

func (d drawer) price(f field, n *Decimal) {
	if d.absent(f) {
		return
	}
	mantissa := rapid.Int64Range(1, 1<<62).Draw(d.t, f.name)
	for mantissa%10 == 0 {
		mantissa++
	}
	*n = Decimal{mantissa, rapid.Int32Range(MinExponent, MaxExponent).Draw(d.t, f.name+" exponent")}
}

func (d drawer) duration(f field, v *time.Duration) {
	if !d.absent(f) {
		*v = time.Duration(rapid.Int64Range(1, MaxTimeToLive.Milliseconds()).Draw(d.t, f.name)) * time.Millisecond
	}
}

func (d drawer) time(f field, v *time.Time) {
	if !d.absent(f) {
		*v = timeOf(rapid.Uint64Range(1, maxTime).Draw(d.t, f.name))
	}
}

func (d drawer) list(f field, l list) {
	l.make(rapid.IntRange(0, 3).Draw(d.t, f.name))
	for i := range l.len() {
		l.at(i).fields(d)
	}
}

// drawRequest returns a request that CheckRequest accepts: IDs that do not differ
// are drawn again.
func drawRequest(t *rapid.T) Request {
	valid := func(r Request) bool { return CheckRequest(r) == nil }
	return rapid.Custom(drawAnyRequest).Filter(valid).Draw(t, "request")
}

func drawAnyRequest(t *rapid.T) Request {
	k := rapid.SampledFrom(requestKinds).Draw(t, "kind")
	m := k.make()
	m.fields(drawer{t})
	switch r := m.(type) {
	case *NewOrderSingle:
		if r.TimeInForce == GoodTillDate {
			r.TimeToLive, r.OrdType = max(r.TimeToLive, time.Millisecond), Limit
		} else {
			r.TimeToLive, r.ExecInst = 0, 0
		}
	case *Quote:
		drawLadders(t, r)
	}
	return m.(Request)
}

// drawLadders replaces a quote's levels by some in order.
func drawLadders(t *rapid.T, q *Quote) {
	q.Bids, q.Offers = nil, nil
	bids := rapid.IntRange(0, MaxLadder).Draw(t, "bids")
	offers := rapid.IntRange(0, MaxLadder).Draw(t, "offers")
	if bids+offers == 0 {
		bids = 1
	}
	exponent := rapid.Int32Range(-6, 6).Draw(t, "exponent")
	level := func(ticks int64) QuoteLevel {
		price, err := NewDecimal(ticks, exponent)
		if err != nil {
			t.Fatal(err)
		}
		var size Decimal
		drawer{t}.quantity(field{0, "Size", must}, &size)
		return QuoteLevel{price, size}
	}
	for i := range bids {
		q.Bids = append(q.Bids, level(int64(1000-i)))
	}
	for i := range offers {
		q.Offers = append(q.Offers, level(int64(1001+i)))
	}
}

// drawReport returns a report that can be encoded.
func drawReport(t *rapid.T) Report {
	m := rapid.SampledFrom(reportKinds).Draw(t, "kind").make()
	m.fields(drawer{t})
	return m.(Report)
}

// drawSession returns a session message of one of the kinds.
func drawSession(t *rapid.T, kinds []kind) SessionMessage {
	m := rapid.SampledFrom(kinds).Draw(t, "kind").make()
	m.fields(drawer{t})
	return m.(SessionMessage)
}

func drawClientFrame(t *rapid.T) ClientFrame {
	if rapid.Bool().Draw(t, "session") {
		return ClientFrame{Session: drawSession(t, clientKinds)}
	}
	return ClientFrame{SeqNo: rapid.Uint64Range(1, 1<<53-1).Draw(t, "SeqNo"), Request: drawRequest(t)}
}

func drawVenueFrame(t *rapid.T) VenueFrame {
	if rapid.Bool().Draw(t, "session") {
		return VenueFrame{Session: drawSession(t, venueKinds)}
	}
	return VenueFrame{Report: Numbered{Number: rapid.Uint64Range(0, 1<<53-1).Draw(t, "Number"), Report: drawReport(t)}}
}
