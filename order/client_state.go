package order

import (
	"context"
	"math"
	"sync"
)

// StateName is what a [State] keeps something under: random to who does not have
// the order secret, so that a state names no pseudonyms.
type StateName [16]byte

// Saved is what a [State] keeps of a session, for the process that takes it up.
type Saved struct {
	// NextReport is the number of the first report that was not yet taken.
	NextReport uint64
	// Unanswered are requests that may have been sent and were not answered, in
	// order, without proofs. They are kept if [Config].WriteAhead is set.
	Unanswered []Request
}

// State is what a client remembers beyond a connection: above all, which IDs were
// used. It is safe for concurrent use, also by several processes if it outlives
// one. [OpenState] keeps it in a file, and [MemoryState] until the process ends.
type State interface {
	// Reserve returns the first of count consecutive numbers that were never
	// returned for the name before, and never will be again, whatever happens. It
	// begins at 0.
	Reserve(ctx context.Context, name StateName, count uint64) (first uint64, err error)
	// Load returns what was saved under the name, or nil.
	Load(ctx context.Context, name StateName) (*Saved, error)
	// Save replaces what is saved under the name, durably if the state is durable.
	Save(ctx context.Context, name StateName, s *Saved) error
}

// MemoryState returns a [State] that is forgotten with the process. That is good
// for sessions that nobody resumes after it: each has a nullifier of its own, under
// which no ID was used before. A client whose session was used before refuses to go
// on with a state that does not know it.
func MemoryState() State {
	return &memoryState{next: map[StateName]uint64{}, saved: map[StateName]Saved{}}
}

type memoryState struct {
	mu    sync.Mutex
	next  map[StateName]uint64
	saved map[StateName]Saved
}

func (m *memoryState) Reserve(_ context.Context, name StateName, count uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := m.next[name]
	if first > math.MaxUint64-count {
		return 0, ErrState
	}
	m.next[name] = first + count
	return first, nil
}

func (m *memoryState) Load(_ context.Context, name StateName) (*Saved, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.saved[name]
	if !ok {
		return nil, nil
	}
	s.Unanswered = append([]Request(nil), s.Unanswered...)
	return &s, nil
}

func (m *memoryState) Save(_ context.Context, name StateName, s *Saved) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := *s
	kept.Unanswered = append([]Request(nil), s.Unanswered...)
	m.saved[name] = kept
	return nil
}
