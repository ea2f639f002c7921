package descriptor

import (
	"slices"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// Reasons for which a client refuses a descriptor, beside those of package
// zkkex that [Policy.Check] names.
const (
	// WrongVenue: the descriptor is of another venue than the pinned one.
	WrongVenue zkkex.Reason = "wrong_venue"
	// WeakSuite: the venue offers no suite that is strong enough.
	WeakSuite zkkex.Reason = "weak_suite"
)

// Policy is what a client accepts of a venue. What is not in it, a descriptor
// cannot bring in.
type Policy struct {
	// Identity is the venue's, pinned.
	Identity *Identity
	// Registry is the verifier key of the registry that the client is a member
	// of.
	Registry string
	// Circuit is the circuit of the client's key.
	Circuit zkkex.CircuitID
	// Params are the parameter sets for it that the client accepts.
	Params []zkkex.ParamsDigest
	// MinSecurity is the weakest acceptable suite; 0 is [Hybrid].
	MinSecurity Security
	// MinMembers is the smallest acceptable anonymity set: the members of the
	// circuit's key type under the epoch's root.
	MinMembers uint64
	// Roots accepts the roots that the client knows from its own copy of the
	// registry, however old: [registry.Roots.Grace] with a long grace.
	Roots registry.RootPolicy
}

// Choice is what a client and a venue have in common.
type Choice struct {
	// Terms are those of the epoch, and Scope is its scope.
	Terms EpochTerms
	Scope zkkex.Scope
	// Params is the parameter set to prove with.
	Params zkkex.ParamsDigest
	// Suite is the first suite in the venue's order that is strong enough, so
	// that clients of one policy choose alike.
	Suite Suite
	// Members is the size of the anonymity set.
	Members uint64
}

// Check decides whether the client uses a descriptor for sessions in an epoch,
// by its number, and returns what to use. The error wraps [zkkex.ErrRejected],
// with one of the reasons [WrongVenue], [zkkex.WrongRegistry],
// [zkkex.WrongEpoch], [zkkex.WrongCircuit], [zkkex.WrongParams], [WeakSuite],
// [zkkex.UnknownRoot], [zkkex.StaleRoot] and [zkkex.TooFewMembers].
//
// That the descriptor is valid now, and is the one to use, is for
// [Chain.Current] to say.
func (p *Policy) Check(d *Descriptor, epoch uint64, now time.Time) (*Choice, error) {
	if id := p.Identity.ID(); d.Venue != id {
		return nil, zkkex.Reject(WrongVenue, "venue %v, expected %v", d.Venue, id)
	}
	if d.Registry != p.Registry {
		return nil, zkkex.Reject(zkkex.WrongRegistry, "registry %s, expected %s", d.Registry, p.Registry)
	}
	terms, named := d.Terms(epoch)
	if !named {
		return nil, zkkex.Reject(zkkex.WrongEpoch, "epoch %d is not named by descriptor %d, which names %d and %d", epoch, d.Number, d.Epochs[0].Number, d.Epochs[1].Number)
	}
	choice := &Choice{Terms: terms, Scope: d.Scope(epoch)}
	var err error
	if choice.Params, err = p.params(d); err != nil {
		return nil, err
	}
	if choice.Suite, err = p.suite(d); err != nil {
		return nil, err
	}
	if choice.Members, err = p.members(terms, now); err != nil {
		return nil, err
	}
	return choice, nil
}

func (p *Policy) params(d *Descriptor) (zkkex.ParamsDigest, error) {
	accepted := false
	for _, c := range d.Circuits {
		if c.ID != p.Circuit {
			continue
		}
		if slices.Contains(p.Params, c.Params) {
			return c.Params, nil
		}
		accepted = true
	}
	if !accepted {
		return zkkex.ParamsDigest{}, zkkex.Reject(zkkex.WrongCircuit, "the venue does not accept %v", p.Circuit)
	}
	return zkkex.ParamsDigest{}, zkkex.Reject(zkkex.WrongParams, "the venue's parameters for %v are none of the %d that are pinned here; compare their digest by another way, and pin it", p.Circuit, len(p.Params))
}

func (p *Policy) suite(d *Descriptor) (Suite, error) {
	least := max(p.MinSecurity, Hybrid)
	for _, s := range d.Suites {
		if s.Security() >= least {
			return s, nil
		}
	}
	return "", zkkex.Reject(WeakSuite, "the venue offers %v, expected one of the level %q at least", d.Suites, least)
}

func (p *Policy) members(terms EpochTerms, now time.Time) (uint64, error) {
	checkpoint, err := p.Roots.Accept(terms.Sequence, terms.Root, now)
	if err != nil {
		return 0, err
	}
	members := checkpoint.Members[p.Circuit.KeyType()]
	if members < p.MinMembers {
		return 0, zkkex.Reject(zkkex.TooFewMembers, "%d members in epoch %d, expected at least %d", members, terms.Number, p.MinMembers)
	}
	return members, nil
}
