// Package admissiontest is the conformance suite of stores of admissions, and
// what stands in for proofs in tests of what is built on a gate.
package admissiontest

import (
	"context"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
)

// Members is the number of members that [Roots] says a registry has.
const Members = 1000

// Config returns the configuration of a gate that admits the members of a test
// registry to a venue, for the epoch that it is now and the next one: four slots
// each, eight opens and four channels per certificate. Store, terms and times can
// be changed.
func Config(r *provertest.Registry, venue [32]byte, schedule zkkex.Schedule, now func() time.Time) (admission.Config, error) {
	epoch, err := schedule.At(now())
	if err != nil {
		return admission.Config{}, err
	}
	return admission.Config{
		Store:       admission.NewMemory(),
		Terms:       Terms(r, epoch.Number, 0),
		Venue:       venue,
		Schedule:    schedule,
		Registry:    r.ID,
		Roots:       Roots{r},
		MinMembers:  Members,
		Now:         now,
		NewVerifier: NewVerifier(r),
	}, nil
}

// Terms returns the terms of [Config] for an epoch, the next one, and a
// generation.
func Terms(r *provertest.Registry, epoch uint64, generation uint32) admission.Terms {
	t := admission.Terms{Generation: generation, MaxOpens: 8, MaxChannels: 4}
	for _, number := range []uint64{epoch, epoch + 1} {
		t.Epochs = append(t.Epochs, descriptor.EpochTerms{Number: number, Limit: 4, Sequence: r.Sequence, Root: r.Root})
	}
	return t
}

// Roots knows a test registry's one root.
type Roots struct{ Of *provertest.Registry }

// Find implements [admission.Roots].
func (r Roots) Find(sequence uint64, root zkkex.Root) (*registry.Checkpoint, error) {
	if sequence != r.Of.Sequence || root != r.Of.Root {
		return nil, zkkex.Reject(zkkex.UnknownRoot, "no checkpoint has sequence %d and root %v", sequence, root)
	}
	return &registry.Checkpoint{
		Sequence: sequence, Root: root, Members: map[zkkex.KeyType]uint64{zkkex.KeyBabyJubjub: Members},
	}, nil
}

// Registry implements [admission.Roots].
func (r Roots) Registry() zkkex.RegistryID { return r.Of.ID }

// NewVerifier returns what [admission.Config.NewVerifier] takes: verifiers by the
// same policy as those of package verifier, for a test registry's proofs.
func NewVerifier(r *provertest.Registry) func(verifier.Config) (zkkex.Verifier, error) {
	return func(c verifier.Config) (zkkex.Verifier, error) { return &standIn{r, c}, nil }
}

// standIn checks what package verifier checks, but for the proof, which is a
// test registry's.
type standIn struct {
	registry *provertest.Registry
	config   verifier.Config
}

func (v *standIn) Verify(ctx context.Context, p *zkkex.Presentation, a zkkex.Authorization) (*zkkex.Decision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, check := range []struct {
		ok     bool
		reason zkkex.Reason
	}{
		{p.Params == v.registry.Params, zkkex.WrongParams},
		{p.Registry == v.config.Registry, zkkex.WrongRegistry},
		{p.Statement.Limit == v.config.Limit, zkkex.WrongLimit},
		{p.Epoch.Schedule == v.config.Scope.Schedule(), zkkex.WrongEpoch},
		{p.Statement.Scope == v.config.Scope.Scope(v.config.Registry, p.Epoch), zkkex.WrongScope},
	} {
		if !check.ok {
			return nil, zkkex.Reject(check.reason, "as the test wants it")
		}
	}
	checkpoint, err := v.config.Roots.Accept(p.RootSequence, p.Statement.Root, v.config.Now())
	if err != nil {
		return nil, err
	}
	if checkpoint.Members[zkkex.KeyBabyJubjub] < v.config.MinMembers {
		return nil, zkkex.Reject(zkkex.TooFewMembers, "as the test wants it")
	}
	if err := v.registry.Verify(p, a); err != nil {
		return nil, err
	}
	return &zkkex.Decision{Statement: p.Statement, Epoch: p.Epoch}, nil
}
