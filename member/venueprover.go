package member

import (
	"context"
	"fmt"
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// venueProver proves against the roots that a venue names. It implements
// [zkkex.Prover] for claims in the venue's scopes.
type venueProver struct {
	venue *Venue

	mu      sync.Mutex
	holders map[uint64]*prover.Holder // by the sequence number of the root
}

// pathsAt finds the member's path under one root.
type pathsAt struct {
	copied   *mirror.Mirror
	sequence uint64
}

// Path implements [prover.PathSource].
func (p pathsAt) Path(c zkkex.Commitment) (registry.Path, *registry.Checkpoint, error) {
	return p.copied.PathAt(c, p.sequence)
}

// Prove implements [zkkex.Prover].
func (p *venueProver) Prove(ctx context.Context, c zkkex.Claim) (*zkkex.Presentation, error) {
	terms, err := p.venue.Terms(ctx, p.venue.member.options.Now())
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		if t.Scope != c.Scope {
			continue
		}
		holder, err := p.holder(t, terms)
		if err != nil {
			return nil, err
		}
		return holder.Prove(ctx, c)
	}
	return nil, fmt.Errorf("member: the venue's terms have changed: %w", session.ErrTerms)
}

// holder returns the holder that proves by the terms, and lets go of those of
// other terms than the present ones.
func (p *venueProver) holder(t session.Terms, present []session.Terms) (*prover.Holder, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h, ok := p.holders[t.Sequence]; ok {
		return h, nil
	}
	for sequence, h := range p.holders {
		if !names(present, sequence) {
			h.Close()
			delete(p.holders, sequence)
		}
	}
	h, err := p.open(t.Sequence)
	if err != nil {
		return nil, err
	}
	if p.holders == nil {
		p.holders = make(map[uint64]*prover.Holder)
	}
	p.holders[t.Sequence] = h
	return h, nil
}

func names(terms []session.Terms, sequence uint64) bool {
	for _, t := range terms {
		if t.Sequence == sequence {
			return true
		}
	}
	return false
}

// open makes a holder for one root.
func (p *venueProver) open(sequence uint64) (*prover.Holder, error) {
	m := p.venue.member
	id, err := p.venue.registry()
	if err != nil {
		return nil, err
	}
	r, err := m.known(id)
	if err != nil {
		return nil, err
	}
	copied, err := m.Mirror(id)
	if err != nil {
		return nil, err
	}
	path, _, err := copied.PathAt(m.Public().Commitment(), sequence)
	if err != nil {
		return nil, err
	}
	proves, err := m.proverFor(path.CapacityBits())
	if err != nil {
		return nil, err
	}
	counter, err := m.counter()
	if err != nil {
		return nil, err
	}
	secret, err := m.open()
	if err != nil {
		return nil, err
	}
	return prover.NewHolder(prover.HolderConfig{
		Prover: proves, Secret: secret, Registry: id, Paths: pathsAt{copied, sequence}, Slots: counter,
		MinMembers: max(r.MinMembers, p.venue.config.MinMembers),
	})
}

func (p *venueProver) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.holders {
		h.Close()
	}
	clear(p.holders)
}

// proverAt returns the prover whose circuit fits the registry under the root that
// a descriptor names for an epoch.
func (v *Venue) proverAt(copied *mirror.Mirror, d *descriptor.Signed, epoch uint64) (*prover.Prover, error) {
	terms, named := d.Terms(epoch)
	if !named {
		return nil, zkkex.Reject(zkkex.WrongEpoch, "epoch %d is not named by descriptor %d", epoch, d.Number)
	}
	c, err := copied.Find(terms.Sequence, terms.Root)
	if err != nil {
		return nil, err
	}
	return v.member.proverFor(c.CapacityBits)
}

// known returns what is recorded of a registry.
func (m *Member) known(id zkkex.RegistryID) (Registry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.registry(id)
}
