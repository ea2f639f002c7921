package member

import (
	"context"
	"errors"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry/mirror"
)

// NamedClaim returns a claim in the scope that a name stands for, in the epoch
// of the schedule that it is now. Prover and verifier agree on name, schedule
// and limit.
func (m *Member) NamedClaim(id zkkex.RegistryID, name string, s zkkex.Schedule, limit uint32, a zkkex.Authorization) (zkkex.Claim, error) {
	epoch, err := s.At(m.options.Now())
	if err != nil {
		return zkkex.Claim{}, err
	}
	scope := zkkex.NamedScope{Name: name, Registry: id, Epoch: epoch}.Scope()
	return zkkex.Claim{Scope: scope, Epoch: epoch, Limit: limit, Authorization: a}, nil
}

// Prove proves a claim with the copy of the registry as it is; sync it before.
// It takes a slot, durably, that is used up whether the proof is shown or not.
//
// It returns an error wrapping [mirror.ErrNotSynced] or [mirror.ErrNotMember],
// [prover.ErrFewMembers], one of package slots if no slot is left or the state
// cannot be relied on, and those of Options.Params.
func (m *Member) Prove(ctx context.Context, id zkkex.RegistryID, c zkkex.Claim) (*zkkex.Presentation, error) {
	holder, err := m.Prover(id)
	if err != nil {
		return nil, err
	}
	return holder.Prove(ctx, c)
}

// Prover returns the member's prover in a registry, with the circuit that fits
// the registry's capacity now. It opens the key, the slots and the parameters,
// which stay open. The errors are those of [Member.Prove].
func (m *Member) Prover(id zkkex.RegistryID) (zkkex.Prover, error) {
	copied, err := m.Mirror(id)
	if err != nil {
		return nil, err
	}
	// Say first what can be said without a passphrase.
	path, _, err := copied.Path(m.Public().Commitment())
	if err != nil {
		return nil, err
	}
	p, err := m.proverFor(path.CapacityBits())
	if err != nil {
		return nil, err
	}
	counter, err := m.counter()
	if err != nil {
		return nil, err
	}
	s, err := m.open()
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.registry(id)
	if err != nil {
		return nil, err
	}
	// One holder for all proofs: the next one at a root costs a part of the first.
	which := holding{copied: copied, circuit: p.Circuit(), minMembers: r.MinMembers}
	if holder, ok := m.holders[which]; ok {
		return holder, nil
	}
	holder, err := prover.NewHolder(prover.HolderConfig{
		Prover: p, Secret: s, Registry: id, Paths: copied, Slots: counter, MinMembers: r.MinMembers,
	})
	if err != nil {
		return nil, err
	}
	m.holders[which] = holder
	return holder, nil
}

// holding is what one [prover.Holder] is for.
type holding struct {
	copied     *mirror.Mirror
	circuit    zkkex.CircuitID
	minMembers uint64
}

// Circuit returns the circuit that proves a member's key type in a registry of
// capacity 2^capacityBits, with the proof system of the options. It returns an error wrapping [zkkex.ErrUnsupported]
// if there is none.
func (m *Member) Circuit(capacityBits int) (zkkex.CircuitID, error) {
	return m.options.ProofSystem.Circuit(m.Public().KeyType(), capacityBits)
}

// proverFor returns the prover for a capacity, which stays open.
func (m *Member) proverFor(capacityBits int) (*prover.Prover, error) {
	circuit, err := m.Circuit(capacityBits)
	if err != nil {
		return nil, err
	}
	if m.options.Params == nil {
		return nil, errors.New("member: Options.Params is required to prove")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.provers[circuit]; ok {
		return p, nil
	}
	set, err := m.options.Params(circuit)
	if err != nil {
		return nil, err
	}
	p, err := prover.Open(set)
	if err != nil {
		return nil, err
	}
	m.provers[circuit] = p
	return p, nil
}
