package member

import (
	"context"
	"errors"
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// errTermsChanged reports that terms changed between a claim and its proof.
var errTermsChanged = errors.New("the venue's terms have changed")

// venueProver proves against the roots that a venue names. It implements
// [zkkex.Prover] for claims in the venue's scopes.
type venueProver struct {
	venue *Venue

	mu      sync.Mutex
	holders map[namedHolding]*prover.Holder
}

// namedHolding is what one holder is for.
type namedHolding struct {
	holding
	sequence uint64 // of the root
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
		holder, err := p.holder(t)
		if err != nil {
			return nil, err
		}
		return holder.Prove(ctx, c)
	}
	return nil, errTermsChanged
}

// holder returns the holder that proves by the terms. There is one for all proofs
// at a root: the next one costs a part of the first.
func (p *venueProver) holder(t session.Terms) (*prover.Holder, error) {
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
	path, _, err := copied.PathAt(m.Public().Commitment(), t.Sequence)
	if err != nil {
		return nil, p.venue.explain(err, copied, id, t)
	}
	proves, err := m.proverFor(path.CapacityBits())
	if err != nil {
		return nil, err
	}
	which := namedHolding{
		holding:  holding{copied: copied, circuit: proves.Circuit(), minMembers: max(r.MinMembers, p.venue.config.MinMembers)},
		sequence: t.Sequence,
	}
	return p.open(which, id, proves)
}

func (p *venueProver) open(which namedHolding, id zkkex.RegistryID, proves *prover.Prover) (*prover.Holder, error) {
	m := p.venue.member
	counter, err := m.counter()
	if err != nil {
		return nil, err
	}
	secret, err := m.open()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h, ok := p.holders[which]; ok {
		return h, nil
	}
	h, err := prover.NewHolder(prover.HolderConfig{
		Prover: proves, Secret: secret, Registry: id, Paths: pathsAt{which.copied, which.sequence}, Slots: counter,
		MinMembers: which.minMembers,
	})
	if err != nil {
		return nil, err
	}
	if p.holders == nil {
		p.holders = make(map[namedHolding]*prover.Holder)
	}
	p.holders[which] = h
	return h, nil
}

// keepPresent lets go of the holders of roots that no terms name any more: what
// they keep to be quick would recognise the member's proofs.
func (p *venueProver) keepPresent() {
	terms, err := p.venue.Terms(context.Background(), p.venue.member.options.Now())
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for which, h := range p.holders {
		if !names(terms, which.sequence) {
			h.Close()
			delete(p.holders, which)
		}
	}
}

func names(terms []session.Terms, sequence uint64) bool {
	for _, t := range terms {
		if t.Sequence == sequence {
			return true
		}
	}
	return false
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
