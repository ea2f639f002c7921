package book

import (
	"time"

	"github.com/zkkex/zkkex/order"
)

// memory holds names of what is over, in two generations. The elder is forgotten
// when the younger is full.
type memory struct {
	most           int // names of a generation
	younger, elder generation
	horizon        time.Time // what is not after it may have been forgotten
}

type generation struct {
	ended  map[order.OrderID]order.OrdStatus
	latest time.Time
}

func newMemory(names int) memory {
	return memory{most: (names + 1) / 2, younger: newGeneration(), elder: newGeneration()}
}

func newGeneration() generation {
	return generation{ended: make(map[order.OrderID]order.OrdStatus)}
}

// saw takes the time of a command that is about to be done, before its name, or that
// of what it opens, can be added.
func (m *memory) saw(now time.Time) {
	if now.After(m.younger.latest) {
		m.younger.latest = now
	}
}

// add remembers a name, and the state it ended in; 0 if it has none.
func (m *memory) add(id order.OrderID, status order.OrdStatus) {
	if len(m.younger.ended) >= m.most {
		if m.elder.latest.After(m.horizon) {
			m.horizon = m.elder.latest
		}
		spare := m.elder.ended
		clear(spare)
		m.elder = m.younger
		m.younger = generation{ended: spare, latest: m.elder.latest}
	}
	m.younger.ended[id] = status
}

// status returns the state that something ended in, if its name is remembered.
func (m *memory) status(id order.OrderID) (order.OrdStatus, bool) {
	if s, ok := m.younger.ended[id]; ok {
		return s, true
	}
	s, ok := m.elder.ended[id]
	return s, ok
}

// forgot reports whether a command of this time may have been done, and forgotten.
func (m *memory) forgot(now time.Time) bool {
	return !m.horizon.IsZero() && !now.After(m.horizon)
}
