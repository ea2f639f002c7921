package mirror

import (
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// CheckpointAt returns the registry's state after a number of operations: the
// checkpoint that is known of it, or else what follows from the log, which says
// nothing about time and log root, so that both are zero then. It undoes what
// came after it, as [Mirror.PathAt] does.
//
// It returns an error wrapping [ErrNotSynced], or [zkkex.ErrRejected] with the
// reason [zkkex.UnknownRoot] if the log is not as long here.
func (m *Mirror) CheckpointAt(sequence uint64) (*registry.Checkpoint, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	past, err := m.pastAt(sequence)
	if err != nil {
		return nil, err
	}
	return m.checkpointOf(past, sequence)
}

// pastAt undoes the operations after a sequence number.
func (m *Mirror) pastAt(sequence uint64) (*past, error) {
	if m.head == nil {
		return nil, m.notSynced()
	}
	if sequence > m.head.Sequence {
		return nil, zkkex.Reject(zkkex.UnknownRoot, "checkpoint %d, but the newest synced is %d; sync again", sequence, m.head.Sequence)
	}
	b, err := m.operations.read(sequence, m.head.Sequence-sequence)
	if err != nil {
		return nil, err
	}
	undone, err := parseAll(b, sequence)
	if err != nil {
		return nil, err
	}
	return newPast(m.tree, undone)
}

// checkpointOf returns the state that a past is. Whoever synced at other times
// knows other checkpoints; the log is the same for all.
func (m *Mirror) checkpointOf(p *past, sequence uint64) (*registry.Checkpoint, error) {
	root, err := p.root()
	if err != nil {
		return nil, err
	}
	if known, err := m.roots.Find(sequence, root); err == nil {
		return known, nil
	}
	return &registry.Checkpoint{
		Origin: m.head.Origin, Sequence: sequence, Root: root, CapacityBits: p.bits, Members: p.counts,
	}, nil
}

// Find returns the state of [Mirror.CheckpointAt] for a root that somebody named,
// such as a venue for an epoch, however old it is and whether or not the checkpoint
// of that moment was synced. What was computed is remembered, for a few roots. The
// error wraps [zkkex.ErrRejected] with the reason [zkkex.UnknownRoot] if the log
// does not lead to the root.
func (m *Mirror) Find(sequence uint64, root zkkex.Root) (*registry.Checkpoint, error) {
	c, err := m.found.at(sequence, m.CheckpointAt)
	if err != nil {
		return nil, err
	}
	if c.Root != root {
		return nil, zkkex.Reject(zkkex.UnknownRoot, "root %v of sequence %d, but the log of the registry leads to %v", root, sequence, c.Root)
	}
	return c, nil
}

// Named returns the policy that accepts what [Mirror.Find] finds: the roots that a
// venue names, whose age its descriptors bound. The rule about maxAge is that of
// [registry.Roots.Newest]: nothing is decided with a copy that is older.
func (m *Mirror) Named(maxAge time.Duration) registry.RootPolicy { return namedPolicy{m, maxAge} }

type namedPolicy struct {
	mirror *Mirror
	maxAge time.Duration
}

// Registry returns the registry whose roots the policy knows.
func (n namedPolicy) Registry() zkkex.RegistryID { return n.mirror.Registry() }

func (n namedPolicy) Accept(sequence uint64, root zkkex.Root, now time.Time) (*registry.Checkpoint, error) {
	newest := n.mirror.roots.Latest()
	if newest == nil {
		return nil, ErrNotSynced
	}
	if err := newest.CheckAge(now, n.maxAge); err != nil {
		return nil, err
	}
	return n.mirror.Find(sequence, root)
}

// maxFound bounds the states that are remembered. A venue names a new root per
// epoch.
const maxFound = 16

// found are states of the past that were computed. The log only grows, so they
// stay right.
type found struct {
	mu     sync.Mutex
	states map[uint64]*registry.Checkpoint
}

func (f *found) at(sequence uint64, compute func(uint64) (*registry.Checkpoint, error)) (*registry.Checkpoint, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.states[sequence]; c != nil {
		return c, nil
	}
	c, err := compute(sequence)
	if err != nil {
		return nil, err
	}
	if f.states == nil || len(f.states) >= maxFound {
		f.states = make(map[uint64]*registry.Checkpoint)
	}
	f.states[sequence] = c
	return c, nil
}
