package mirror

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// ErrNotMember reports a leaf that is not live in the registry: it was never
// admitted, is not in a checkpoint yet, or was revoked.
var ErrNotMember = errors.New("not a live member of the registry")

// Path returns the way from a leaf to the root of the current checkpoint, and
// that checkpoint. It asks nobody and hashes nothing.
//
// It returns an error wrapping [ErrNotSynced] or [ErrNotMember], and one
// wrapping [zkkex.ErrRejected] with the reason [zkkex.TooFewMembers] if fewer
// than [Config.MinMembers] have the leaf's key type: a proof would single the
// member out.
func (m *Mirror) Path(leaf zkkex.Commitment) (registry.Path, *registry.Checkpoint, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.head == nil {
		return registry.Path{}, nil, m.notSynced()
	}
	index, ok := m.tree.Find(leaf)
	if !ok {
		return registry.Path{}, nil, fmt.Errorf("%w: leaf %v at checkpoint %d; if it was admitted since, sync again", ErrNotMember, leaf, m.head.Sequence)
	}
	if err := m.policy.enough(&m.head.Checkpoint, m.tree.KeyType(index)); err != nil {
		return registry.Path{}, nil, err
	}
	path, err := m.tree.Path(index)
	return path, &m.head.Checkpoint, err
}

// PathAt is [Mirror.Path] for the root of an earlier state of the registry, such
// as the one a venue named for an epoch. It undoes what came after it, and hashes
// one node per level for each operation undone. The checkpoint is that of
// [Mirror.CheckpointAt], whose errors it returns beside those of Path.
func (m *Mirror) PathAt(leaf zkkex.Commitment, sequence uint64) (registry.Path, *registry.Checkpoint, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	past, err := m.pastAt(sequence)
	if err != nil {
		return registry.Path{}, nil, err
	}
	c, err := m.checkpointOf(past, sequence)
	if err != nil {
		return registry.Path{}, nil, err
	}
	index, keyType, ok := past.find(leaf)
	if !ok {
		return registry.Path{}, nil, fmt.Errorf("%w: leaf %v at checkpoint %d", ErrNotMember, leaf, sequence)
	}
	if err := m.policy.enough(c, keyType); err != nil {
		return registry.Path{}, nil, err
	}
	path, err := past.path(index)
	return path, c, err
}

// enough checks the size of an anonymity set.
func (p *policy) enough(c *registry.Checkpoint, k zkkex.KeyType) error {
	if n := c.Members[k]; n < p.minMembers {
		return zkkex.Reject(zkkex.TooFewMembers, "%d members of key type %v at checkpoint %d, expected at least %d; wait until more have joined, or accept a smaller set by configuration",
			n, k, c.Sequence, p.minMembers)
	}
	return nil
}
