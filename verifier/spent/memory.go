package spent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
)

// Memory is a store that lives as long as its process: after a restart every
// nullifier is unspent again. It is for tests, and for verifiers whose process
// outlives their scope.
type Memory struct {
	mu     sync.Mutex
	epochs map[zkkex.Scope]*memoryEpoch
}

type memoryEpoch struct {
	end    time.Time
	closed bool
	spent  map[zkkex.Nullifier][32]byte
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{epochs: make(map[zkkex.Scope]*memoryEpoch)} }

// Spend implements [Store], for one process.
func (m *Memory) Spend(ctx context.Context, e Entry) error {
	if err := checkEntry(e); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	epoch := m.epochs[e.Scope]
	if epoch == nil {
		epoch = &memoryEpoch{end: e.EpochEnd, spent: make(map[zkkex.Nullifier][32]byte)}
		m.epochs[e.Scope] = epoch
	}
	if !epoch.end.Equal(e.EpochEnd) {
		return fmt.Errorf("spent: the scope's epoch ends at %v, not at %v", epoch.end, e.EpochEnd)
	}
	if err := epoch.lookup(e.Nullifier); err != nil {
		return err
	}
	epoch.spent[e.Nullifier] = e.Presentation
	return nil
}

// Lookup implements [Store].
func (m *Memory) Lookup(ctx context.Context, e Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if epoch := m.epochs[e.Scope]; epoch != nil {
		return epoch.lookup(e.Nullifier)
	}
	return nil
}

func (e *memoryEpoch) lookup(n zkkex.Nullifier) error {
	if e.closed {
		return ErrClosed
	}
	if presentation, ok := e.spent[n]; ok {
		return &SpentError{Nullifier: n, Presentation: presentation}
	}
	return nil
}

// Prune implements [Store]. Of every pruned epoch it keeps that it is closed.
func (m *Memory) Prune(ctx context.Context, cutoff time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	removed := 0
	for _, epoch := range m.epochs {
		if epoch.closed || epoch.end.After(cutoff) {
			continue
		}
		removed += len(epoch.spent)
		epoch.closed, epoch.spent = true, nil
	}
	return removed, nil
}
