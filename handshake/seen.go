package handshake

import (
	"maps"
	"slices"
	"sync"
)

// maxDescriptors is of how many descriptors, the newest, ephemeral keys are
// remembered.
const maxDescriptors = 8

// seen remembers the ephemeral keys of first messages that were authentic, per
// descriptor. It saves work: what a replay must not do is prevented by the gate.
type seen struct {
	capacity int // per descriptor

	mu   sync.Mutex
	keys map[uint64]*recent[[32]byte, struct{}]
}

func newSeen(capacity int) *seen {
	return &seen{capacity: capacity, keys: make(map[uint64]*recent[[32]byte, struct{}])}
}

// has reports whether the key was entered.
func (s *seen) has(number uint64, key [32]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.keys[number]
	if of == nil {
		return false
	}
	_, there := of.get(key)
	return there
}

// enter enters the key, and reports whether it is new. Of two at once, one is.
func (s *seen) enter(number uint64, key [32]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.keys[number]
	if of == nil {
		of = newRecent[[32]byte, struct{}](s.capacity)
		s.keys[number] = of
		s.forget()
	}
	if _, there := of.get(key); there {
		return false
	}
	of.put(key, struct{}{})
	return true
}

// forget drops the oldest descriptor if there are too many.
func (s *seen) forget() {
	if len(s.keys) > maxDescriptors {
		delete(s.keys, slices.Min(slices.Collect(maps.Keys(s.keys))))
	}
}
