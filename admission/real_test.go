package admission_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
)

// realScene is a registry with real keys and real proofs. The venue names the
// root of its first checkpoint.
type realScene struct {
	*world.World
	set          *params.Proving
	named, newer *registry.Checkpoint
	holder       *prover.Holder
}

func newRealScene(t *testing.T) *realScene {
	t.Helper()
	const circuit = zkkex.BabyJubjub20
	s := &realScene{World: world.New(t, circuit.CapacityBits()), set: world.Params(t, circuit)}
	var secret *keys.Secret
	for range 3 {
		secret = s.Member(t)
	}
	s.named = s.Checkpoint(t, day.Add(-time.Hour))
	p, err := prover.Open(s.set)
	must(t, err)
	s.holder, err = prover.NewHolder(prover.HolderConfig{
		Prover: p, Secret: secret, Registry: s.Roots.Registry(), Paths: s, Slots: new(world.Slots),
	})
	must(t, err)
	return s
}

func (s *realScene) prove(t *testing.T, limit uint32) *zkkex.Presentation {
	t.Helper()
	epoch := zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: today}
	p, err := s.holder.Prove(context.Background(), zkkex.Claim{
		Scope: zkkex.VenueScope{Venue: venueID, Registry: s.Roots.Registry(), Epoch: epoch}.Scope(),
		Epoch: epoch, Limit: limit, Authorization: zkkex.SessionKey(newKey(t)),
	})
	must(t, err)
	return p
}

func (s *realScene) config(t *testing.T) admission.Config {
	t.Helper()
	pool, err := verifier.NewPool(verifier.PoolConfig{Workers: 1})
	must(t, err)
	t.Cleanup(func() { must(t, pool.Close()) })
	return admission.Config{
		Store: openDir(t, t.TempDir()),
		Terms: admission.Terms{
			Epochs:   []descriptor.EpochTerms{{Number: today, Limit: 4, Sequence: s.named.Sequence, Root: s.named.Root}},
			MaxOpens: 1, MaxChannels: 1,
			Circuits: []descriptor.Circuit{{ID: s.set.Circuit(), Params: s.set.Digest()}},
		},
		Venue: venueID, Schedule: zkkex.DefaultSchedule(),
		Registry: s.Roots.Registry(), Roots: s.Roots, MinMembers: 3,
		Params: []*params.Verifying{s.set.Verifying}, Pool: pool,
		Now: func() time.Time { return noon },
	}
}

// TestRealProofs admits real certificates to a durable store, and refuses each
// kind of wrong one for its reason.
func TestRealProofs(t *testing.T) {
	ctx := context.Background()
	s := newRealScene(t)
	first, second, otherLimit := s.prove(t, 4), s.prove(t, 4), s.prove(t, 5)
	s.Member(t)
	s.newer = s.Checkpoint(t, day)
	edited := func(change func(p *zkkex.Presentation)) *zkkex.Presentation {
		p := copyOf(second)
		change(p)
		return p
	}
	key := newKey(t)
	for name, test := range map[string]struct {
		p      *zkkex.Presentation
		change func(c *admission.Config)
		reason zkkex.Reason
	}{
		"proof of another certificate": {edited(func(p *zkkex.Presentation) { p.Proof = first.Proof }), nil, zkkex.BadProof},
		"a burnt slot":                 {edited(func(p *zkkex.Presentation) { p.Statement.Nullifier = first.Statement.Nullifier }), nil, zkkex.BadProof},
		"another limit":                {otherLimit, nil, zkkex.WrongLimit},
		"another key":                  {edited(func(p *zkkex.Presentation) { p.Authorization = zkkex.SessionKey(key) }), nil, zkkex.WrongBinding},
		"another key, and its binding": {edited(func(p *zkkex.Presentation) { rebind(t, p, key) }), nil, zkkex.BadProof},
		"another venue":                {second, func(c *admission.Config) { c.Venue[31] ^= 1 }, zkkex.WrongScope},
		"another chain":                {second, func(c *admission.Config) { c.ChainID++ }, zkkex.WrongScope},
		"not the named root": {second, func(c *admission.Config) {
			c.Terms.Epochs[0].Sequence, c.Terms.Epochs[0].Root = s.newer.Sequence, s.newer.Root
		}, zkkex.StaleRoot},
		"no root of the registry":   {edited(func(p *zkkex.Presentation) { p.Statement.Root = zkkex.Root{31: 1} }), nil, zkkex.UnknownRoot},
		"too few members":           {second, func(c *admission.Config) { c.MinMembers = 4 }, zkkex.TooFewMembers},
		"nullifier above the order": {edited(func(p *zkkex.Presentation) { p.Statement.Nullifier[0] = 0xff }), nil, zkkex.BadProof},
	} {
		c := s.config(t)
		c.Terms.Epochs = slices.Clone(c.Terms.Epochs)
		if test.change != nil {
			test.change(&c)
		}
		g, err := admission.New(c)
		must(t, err)
		a, err := g.Admit(ctx, test.p)
		wantReject(t, name, err, test.reason)
		if found, err := g.Admitted(ctx, test.p.Authorization.Value); a != nil || found != nil || err != nil {
			t.Errorf("%s: admitted %+v, found %+v, %v", name, a, found, err)
		}
	}

	g, err := admission.New(s.config(t))
	must(t, err)
	// -A and -B prove what A and B prove: the copy and the original are one
	// certificate, whichever comes first.
	again := edited(func(p *zkkex.Presentation) { p.Proof[0] ^= signBit; p.Proof[32] ^= signBit })
	for _, p := range []*zkkex.Presentation{first, again, second} {
		a, err := g.Admit(ctx, p)
		if err != nil || a.Statement != p.Statement {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	if got := g.Stats(); got.Admitted != 2 || got.Again != 1 {
		t.Errorf("stats: %+v", got)
	}

	c := s.config(t)
	c.Terms.Circuits[0].Params[0] ^= 1
	if _, err := admission.New(c); err == nil {
		t.Error("terms with parameters that the gate does not have were taken")
	}
}

// signBit says, in the first byte of a compressed point, which of y and -y it has.
const signBit = 0x40

// rebind makes the presentation's statement one for another key.
func rebind(t *testing.T, p *zkkex.Presentation, key [32]byte) {
	t.Helper()
	p.Authorization = zkkex.SessionKey(key)
	binding, err := p.Authorization.Binding(zkkex.BindingContext{
		Circuit: p.Statement.Circuit, Params: p.Params, Registry: p.Registry, RootSequence: p.RootSequence,
		Scope: p.Statement.Scope, Limit: p.Statement.Limit,
	})
	must(t, err)
	p.Statement.Binding = binding
}

// copyOf returns a copy that shares no memory with p.
func copyOf(p *zkkex.Presentation) *zkkex.Presentation {
	out := *p
	out.Proof = slices.Clone(p.Proof)
	return &out
}

func TestTermsOf(t *testing.T) {
	d := func(generation uint32, first uint64, limit uint32) *descriptor.Descriptor {
		return &descriptor.Descriptor{
			Generation: generation, MaxOpens: 8 + uint32(first), MaxChannels: 4,
			Epochs:   [2]descriptor.EpochTerms{{Number: first, Limit: limit}, {Number: first + 1, Limit: limit}},
			Circuits: []descriptor.Circuit{{ID: zkkex.BabyJubjub20, Params: zkkex.ParamsDigest{byte(first)}}},
		}
	}
	for name, test := range map[string]struct {
		valid  []*descriptor.Descriptor
		epochs []uint64
		err    error
	}{
		"one":                   {[]*descriptor.Descriptor{d(0, 7, 4)}, []uint64{7, 8}, nil},
		"two of one epoch":      {[]*descriptor.Descriptor{d(0, 7, 4), d(0, 7, 4)}, []uint64{7, 8}, nil},
		"across an epoch":       {[]*descriptor.Descriptor{d(0, 6, 4), d(0, 7, 4)}, []uint64{6, 7, 8}, nil},
		"across a generation":   {[]*descriptor.Descriptor{d(0, 7, 5), d(1, 7, 4)}, []uint64{7, 8}, nil},
		"they do not agree":     {[]*descriptor.Descriptor{d(0, 7, 5), d(0, 7, 4)}, nil, admission.ErrTerms},
		"there is none of them": {nil, nil, admission.ErrTerms},
	} {
		terms, err := admission.TermsOf(test.valid...)
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", name, err, test.err)
		}
		var got []uint64
		for _, e := range terms.Epochs {
			got = append(got, e.Number)
		}
		if !slices.Equal(got, test.epochs) {
			t.Errorf("%s: epochs %v, want %v", name, got, test.epochs)
		}
		if err != nil {
			continue
		}
		newest := test.valid[len(test.valid)-1]
		if terms.Generation != newest.Generation || terms.MaxOpens != newest.MaxOpens || terms.MaxChannels != newest.MaxChannels {
			t.Errorf("%s: %+v, want what the newest says", name, terms)
		}
		if !slices.Contains(terms.Circuits, newest.Circuits[0]) {
			t.Errorf("%s: circuits %v", name, terms.Circuits)
		}
	}
}
