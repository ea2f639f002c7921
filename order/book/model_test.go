package book_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// model is a book as simple as it can be: one slice of all that rests, searched from
// end to end. It says in words what a command leads to.
type model struct {
	market order.Instrument
	rests  []*resting
	quotes map[order.OrderID]order.SessionID // open ones
	done   map[order.OrderID]bool            // commands that were done
	places int
	said   []string
}

// resting is an order, or a level of a quote.
type resting struct {
	id      order.OrderID
	session order.SessionID
	side    order.Side
	ticks   int64
	lots    int64 // left
	place   int
	expires time.Time
	quote   bool
	post    bool
	cum     int64
}

func newModel(i order.Instrument) *model {
	return &model{market: i, quotes: make(map[order.OrderID]order.SessionID), done: make(map[order.OrderID]bool)}
}

func (m *model) say(text string, args ...any) { m.said = append(m.said, fmt.Sprintf(text, args...)) }

// do returns what a command leads to.
func (m *model) do(c engine.Command) []string {
	m.said = nil
	if m.done[c.ID] {
		return nil
	}
	if c.Reason == 0 {
		m.done[c.ID] = true
	}
	switch r := c.Request.(type) {
	case *order.NewOrderSingle:
		m.newOrder(c, r)
	case *order.OrderCancelRequest:
		m.cancel(c)
	case *order.OrderCancelReplaceRequest:
		m.replace(c, r)
	case *order.Quote:
		m.newQuote(c, r)
	case *order.QuoteCancel:
		if _, open := m.quotes[c.Target]; !open {
			m.say("%v: quote cancel refused", c.Session)
			return m.said
		}
		m.dropQuote(c.Target)
		m.say("%v: quote %v ends 17", c.Session, c.Target)
	}
	return m.said
}

func (m *model) lots(d order.Decimal) int64  { n, _ := d.In(m.market.LotSize.Exponent); return n }
func (m *model) ticks(d order.Decimal) int64 { n, _ := d.In(m.market.TickSize.Exponent); return n }

func (m *model) newOrder(c engine.Command, r *order.NewOrderSingle) {
	o := &resting{
		id: c.ID, session: c.Session, side: r.Side, ticks: m.ticks(r.Price), lots: m.lots(r.OrderQty),
		expires: c.Expires, post: r.ExecInst == order.ParticipateDontInitiate,
	}
	m.say("%v: order %v new %d", o.session, o.id, o.lots)
	if r.TimeInForce == order.FillOrKill && !m.fillable(o, c.Now) {
		m.say("%v: order %v ends 4 after %d", o.session, o.id, o.cum)
		return
	}
	m.arrive(o, c.Now, r.TimeInForce == order.GoodTillDate)
}

// arrive trades an order, and lets it rest or ends it.
func (m *model) arrive(o *resting, now time.Time, rests bool) {
	if o.post && m.meets(o, now) != nil || !o.post && !m.trade(o, now) {
		m.say("%v: order %v ends 4 after %d", o.session, o.id, o.cum)
		return
	}
	if o.lots == 0 {
		return
	}
	if !rests {
		m.say("%v: order %v ends 4 after %d", o.session, o.id, o.cum)
		return
	}
	m.places++
	o.place = m.places
	m.rests = append(m.rests, o)
}

// trade reports whether what is left may rest.
func (m *model) trade(o *resting, now time.Time) bool {
	for o.lots > 0 {
		maker := m.meets(o, now)
		if maker == nil {
			return true
		}
		if maker.session == o.session {
			return false
		}
		lots := min(maker.lots, o.lots)
		for _, s := range []*resting{maker, o} {
			s.lots -= lots
			s.cum += lots
			m.say("%v: %v trades %d at %d", s.session, s.id, lots, maker.ticks)
		}
		m.tidy()
	}
	return true
}

// tidy removes what is filled.
func (m *model) tidy() {
	m.rests = slices.DeleteFunc(m.rests, func(r *resting) bool { return r.lots == 0 })
	for id := range m.quotes {
		if !slices.ContainsFunc(m.rests, func(r *resting) bool { return r.id == id }) && !m.arriving(id) {
			delete(m.quotes, id)
		}
	}
}

// meets returns the best on the other side, by price and place, and ends what has
// expired on the way.
func (m *model) meets(o *resting, now time.Time) *resting {
	for {
		best := m.best(o, m.rests)
		if best == nil || best.expires.After(now) {
			return best
		}
		if best.quote {
			m.dropQuote(best.id)
			m.say("%v: quote %v ends 7", best.session, best.id)
		} else {
			m.remove(best.id)
			m.say("%v: order %v ends C after %d", best.session, best.id, best.cum)
		}
	}
}

func (m *model) best(o *resting, among []*resting) (best *resting) {
	for _, r := range among {
		reaches := r.ticks <= o.ticks
		better := best == nil || r.ticks < best.ticks
		if o.side == order.Sell {
			reaches = r.ticks >= o.ticks
			better = best == nil || r.ticks > best.ticks
		}
		if r.side == o.side || !reaches {
			continue
		}
		if better || r.ticks == best.ticks && r.place < best.place {
			best = r
		}
	}
	return best
}

// fillable tries on a copy.
func (m *model) fillable(o *resting, now time.Time) bool {
	rests, need := slices.Clone(m.rests), o.lots
	for need > 0 {
		best := m.best(o, rests)
		if best == nil || best.session == o.session && best.expires.After(now) {
			return false
		}
		if best.expires.After(now) {
			need -= min(need, best.lots)
		}
		rests = slices.DeleteFunc(rests, func(r *resting) bool { return r == best })
	}
	return true
}

func (m *model) find(id order.OrderID) *resting {
	for _, r := range m.rests {
		if r.id == id && !r.quote {
			return r
		}
	}
	return nil
}

func (m *model) remove(id order.OrderID) {
	m.rests = slices.DeleteFunc(m.rests, func(r *resting) bool { return r.id == id })
}

func (m *model) cancel(c engine.Command) {
	if s, open := m.quotes[c.Target]; open && c.Reason != 0 {
		m.dropQuote(c.Target)
		m.say("%v: quote %v ends 17", s, c.Target)
		return
	}
	o := m.find(c.Target)
	if o == nil {
		if c.Reason == 0 {
			m.say("%v: cancel refused", c.Session)
		}
		return
	}
	if c.Reason == engine.Expired && o.expires.After(c.Now) {
		return
	}
	m.remove(o.id)
	status := order.StatusCanceled
	if c.Reason == engine.Expired {
		status = order.StatusExpired
	}
	m.say("%v: order %v ends %c after %d", o.session, o.id, status, o.cum)
}

func (m *model) replace(c engine.Command, r *order.OrderCancelReplaceRequest) {
	o := m.find(c.Target)
	if o == nil || !o.expires.After(c.Now) {
		m.say("%v: replace refused", c.Session)
		return
	}
	ticks, lots := m.ticks(r.Price), m.lots(r.OrderQty)
	if o.post {
		as := *o
		as.ticks = ticks
		if m.meets(&as, c.Now) != nil {
			m.say("%v: replace refused", c.Session)
			return
		}
	}
	stays := ticks == o.ticks && lots < o.cum+o.lots
	left := max(lots-o.cum, 0)
	m.say("%v: order %v replaced %d", o.session, o.id, left)
	if left == 0 {
		m.remove(o.id)
		return
	}
	if stays {
		o.lots, o.expires = left, c.Expires
		return
	}
	m.remove(o.id)
	o.ticks, o.lots, o.expires = ticks, left, c.Expires
	m.arrive(o, c.Now, true)
}

// arriving reports whether a quote is not all in the book yet.
func (m *model) arriving(id order.OrderID) bool { return m.quotes[id] == order.SessionID{} }

func (m *model) newQuote(c engine.Command, r *order.Quote) {
	for id, s := range m.quotes {
		if s == c.Session {
			m.dropQuote(id)
			m.say("%v: quote %v ends 17", s, id)
		}
	}
	m.say("%v: quote %v new", c.Session, c.ID)
	m.quotes[c.ID] = order.SessionID{}
	m.places++
	place, left := m.places, int64(0)
	for _, side := range []order.Side{order.Buy, order.Sell} {
		levels := r.Bids
		if side == order.Sell {
			levels = r.Offers
		}
		for _, l := range levels {
			s := &resting{
				id: c.ID, session: c.Session, side: side, ticks: m.ticks(l.Price), lots: m.lots(l.Size),
				expires: c.Expires, quote: true, place: place,
			}
			if !m.trade(s, c.Now) {
				m.dropQuote(c.ID)
				m.say("%v: quote %v ends 17", c.Session, c.ID)
				return
			}
			if left += s.lots; s.lots > 0 {
				m.rests = append(m.rests, s)
			}
		}
	}
	if m.quotes[c.ID] = c.Session; left == 0 {
		delete(m.quotes, c.ID)
	}
}

func (m *model) dropQuote(id order.OrderID) {
	m.remove(id)
	delete(m.quotes, id)
}
