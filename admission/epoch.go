package admission

import (
	"fmt"
	"slices"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
)

// epoch is one accepted epoch under one generation.
type epoch struct {
	zkkex.Epoch
	scope      zkkex.Scope
	shard      Shard
	begin, end time.Time
	// from and until are the window in which certificates are accepted.
	from, until time.Time
	verifier    zkkex.Verifier
}

// venueScope is the rule for sessions at a venue.
type venueScope struct {
	venue      [32]byte
	chainID    uint64
	schedule   zkkex.Schedule
	generation uint32
}

var _ verifier.ScopeRule = venueScope{}

// Schedule implements [verifier.ScopeRule].
func (v venueScope) Schedule() zkkex.Schedule { return v.schedule }

// Scope implements [verifier.ScopeRule].
func (v venueScope) Scope(id zkkex.RegistryID, e zkkex.Epoch) zkkex.Scope {
	return zkkex.VenueScope{Venue: v.venue, Registry: id, ChainID: v.chainID, Epoch: e, Generation: v.generation}.Scope()
}

// Roots knows the registry's checkpoints; [registry.Roots] is one.
type Roots interface {
	// Find returns the checkpoint of a sequence number, which must have the
	// root, or an error wrapping [zkkex.ErrRejected] with the reason
	// [zkkex.UnknownRoot].
	Find(sequence uint64, root zkkex.Root) (*registry.Checkpoint, error)
	// Registry returns the identifier of the registry.
	Registry() zkkex.RegistryID
}

// namedRoot accepts the one root that the venue named for an epoch.
type namedRoot struct {
	Roots
	terms descriptor.EpochTerms
}

var _ registry.RootPolicy = namedRoot{}

// Accept implements [registry.RootPolicy]. A root of the registry that was not
// named is stale, be it older or newer.
func (n namedRoot) Accept(sequence uint64, root zkkex.Root, _ time.Time) (*registry.Checkpoint, error) {
	checkpoint, err := n.Find(sequence, root)
	if err != nil {
		return nil, err
	}
	if sequence != n.terms.Sequence || root != n.terms.Root {
		return nil, zkkex.Reject(zkkex.StaleRoot, "the root is that of sequence %d, and epoch %d has the one of sequence %d",
			sequence, n.terms.Number, n.terms.Sequence)
	}
	return checkpoint, nil
}

// newEpoch prepares what is needed to decide about an epoch's certificates.
func (c *Config) newEpoch(t Terms, named descriptor.EpochTerms) (*epoch, error) {
	e := &epoch{Epoch: zkkex.Epoch{Schedule: c.Schedule, Number: named.Number}}
	var err error
	if e.begin, err = e.Start(); err != nil {
		return nil, err
	}
	if e.end, err = e.End(); err != nil {
		return nil, err
	}
	rule := c.scopeRule(t.Generation)
	e.scope = rule.Scope(c.Registry, e.Epoch)
	e.shard = Shard{Scope: e.scope, End: e.end}
	if _, err := e.shard.key(); err != nil {
		return nil, err
	}
	e.from = e.begin.Add(-c.EpochLead - c.skew())
	e.until = e.end.Add(c.EpochGrace + c.skew())
	e.verifier, err = c.NewVerifier(verifier.Config{
		Params:     c.accepted(t.Circuits),
		Registry:   c.Registry,
		Roots:      namedRoot{c.Roots, named},
		Scope:      rule,
		Limit:      named.Limit,
		Spent:      verifier.NoSpend, // the gate's own store records
		MinMembers: c.MinMembers,
		ClockSkew:  c.ClockSkew,
		EpochGrace: c.EpochGrace,
		EpochLead:  c.EpochLead,
		Pool:       c.Pool,
		Now:        c.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("admission: terms of epoch %d: %w", named.Number, err)
	}
	return e, nil
}

func (c *Config) scopeRule(generation uint32) venueScope {
	return venueScope{venue: c.Venue, chainID: c.ChainID, schedule: c.Schedule, generation: generation}
}

// accepted returns the gate's parameter sets that the venue accepts.
func (c *Config) accepted(circuits []descriptor.Circuit) (out []*params.Verifying) {
	if len(circuits) == 0 {
		return c.Params
	}
	for _, set := range c.Params {
		if slices.Contains(circuits, descriptor.Circuit{ID: set.Circuit(), Params: set.Digest()}) {
			out = append(out, set)
		}
	}
	return out
}

func (e *epoch) accepts(now time.Time) bool { return !now.Before(e.from) && now.Before(e.until) }
