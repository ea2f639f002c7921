package book

import (
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/zkkex/zkkex/order"
)

// maxHeight is that of a skip list with a quarter of the levels at each height: good
// for 4^12 levels.
const maxHeight = 12

// side is one side of a market: price levels, the best first, in a skip list (Pugh,
// "Skip Lists: A Probabilistic Alternative to Balanced Trees", 1990). Whoever puts
// prices into it does not know the heights, and cannot make it slow.
type side struct {
	head  level // before the best; its price is no price
	spare *level
}

// level is all that rests at one price, the oldest first.
type level struct {
	key         int64 // the lower, the better: see slot.key
	first, last *slot
	height      int
	next        [maxHeight]*level
}

// slot is a quantity at a price: an order, or a level of a quote.
type slot struct {
	order *liveOrder // or
	quote *liveQuote

	side       order.Side
	ticks      int64
	price      order.Decimal // of ticks
	leaves     int64         // lots that are left
	level      *level        // nil while it does not rest
	prev, next *slot         // in the level
}

// key orders the levels of a side.
func (s *slot) key() int64 {
	if s.side == order.Buy {
		return -s.ticks
	}
	return s.ticks
}

// reaches reports whether s would trade at the price of a slot of the other side.
func (s *slot) reaches(maker *slot) bool {
	if s.side == order.Buy {
		return maker.ticks <= s.ticks
	}
	return maker.ticks >= s.ticks
}

func (s *slot) session() order.SessionID {
	if s.order != nil {
		return s.order.session
	}
	return s.quote.session
}

func (s *slot) expires() time.Time {
	if s.order != nil {
		return s.order.expires
	}
	return s.quote.expires
}

// best returns the slot that trades first; nil if there is none.
func (d *side) best() *slot {
	if l := d.head.next[0]; l != nil {
		return l.first
	}
	return nil
}

// add puts a slot behind all others at its price.
func (d *side) add(s *slot) {
	key := s.key()
	var before [maxHeight]*level
	l := d.find(key, &before)
	if l == nil || l.key != key {
		l = d.insert(key, &before)
	}
	s.level, s.prev, s.next = l, l.last, nil
	if l.last == nil {
		l.first = s
	} else {
		l.last.next = s
	}
	l.last = s
}

// remove takes a slot away, and its level if that is empty.
func (d *side) remove(s *slot) {
	l := s.level
	if s.prev == nil {
		l.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		l.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.level, s.prev, s.next = nil, nil, nil
	if l.first == nil {
		d.drop(l)
	}
}

// find returns the first level that is not better than key, nil if there is none,
// and the last one before it at each height.
func (d *side) find(key int64, before *[maxHeight]*level) *level {
	at := &d.head
	for h := maxHeight - 1; h >= 0; h-- {
		for at.next[h] != nil && at.next[h].key < key {
			at = at.next[h]
		}
		before[h] = at
	}
	return at.next[0]
}

func (d *side) insert(key int64, before *[maxHeight]*level) *level {
	l := d.spare
	if l == nil {
		l = new(level)
	} else {
		d.spare = l.next[0]
	}
	*l = level{key: key, height: randomHeight()}
	for h := range l.height {
		l.next[h], before[h].next[h] = before[h].next[h], l
	}
	return l
}

// drop removes an empty level, and keeps it for the next one.
func (d *side) drop(l *level) {
	var before [maxHeight]*level
	d.find(l.key, &before)
	for h := range l.height {
		before[h].next[h] = l.next[h]
	}
	*l = level{}
	l.next[0], d.spare = d.spare, l
}

// randomHeight is h with probability 3/4^h, at most maxHeight.
func randomHeight() int {
	return min(1+bits.TrailingZeros64(rand.Uint64()|1<<63)/2, maxHeight)
}
