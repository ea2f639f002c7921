package venue

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// pathsAt finds paths at the root that a venue named.
type pathsAt struct {
	mirror   *mirror.Mirror
	sequence uint64
}

func (p pathsAt) Path(leaf zkkex.Commitment) (registry.Path, *registry.Checkpoint, error) {
	return p.mirror.PathAt(leaf, p.sequence)
}

// A member who synced only after the venue had named a root, and never saw its
// checkpoint, accepts that root and proves at it; and the venue, restarted without
// its copy of the registry, admits it. Keys, proofs and parameters are real.
func TestNamedRootThatWasNeverSynced(t *testing.T) {
	s, ctx := newScene(t), context.Background()
	set := world.Params(t, zkkex.BabyJubjub20)
	s.must(s.venue.Close())
	s.configure(func(c *Config) { c.Circuits[0].Params = set.Digest() })
	s.options.Params = func(zkkex.CircuitID, zkkex.ParamsDigest) (*params.Verifying, error) { return set.Verifying, nil }
	s.open()
	secret := s.admit()
	s.turn()
	for range 3 { // the registry goes on, and so does the member's first sync
		s.clock.add(10 * time.Minute)
		s.admit()
		s.publish()
	}

	copied, err := mirror.Open(t.TempDir(), mirror.Config{URL: "file://" + s.folder, VerifierKey: s.registrar.VerifierKey(), Now: s.clock.now})
	s.must(err)
	defer copied.Close()
	_, err = copied.Sync(ctx)
	s.must(err)
	chain := s.chain()
	_, err = s.client(s.serve().URL).Update(ctx, chain)
	s.must(err)
	d, err := chain.Current(s.clock.now())
	s.must(err)
	policy := descriptor.Policy{
		Identity: s.venue.Identity(), Registry: s.registrar.VerifierKey(), Circuit: zkkex.BabyJubjub20,
		Params: []zkkex.ParamsDigest{set.Digest()}, MinMembers: 4, Roots: copied.Named(registry.DefaultMaxAge),
	}
	choice, err := policy.Check(&d.Descriptor, d.Epochs[0].Number, s.clock.now())
	s.must(err)
	if choice.Members != 4 {
		t.Errorf("%d members under the named root, expected the 4 of then", choice.Members)
	}
	if _, err := copied.Roots().Find(choice.Terms.Sequence, choice.Terms.Root); !rejected(err, zkkex.UnknownRoot) {
		t.Fatalf("the member knows the checkpoint (%v); the test shows nothing", err)
	}

	proving, err := prover.Open(set)
	s.must(err)
	holder, err := prover.NewHolder(prover.HolderConfig{
		Prover: proving, Secret: secret, Registry: s.registrar.ID(), Paths: pathsAt{copied, choice.Terms.Sequence}, Slots: new(world.Slots),
	})
	s.must(err)
	defer holder.Close()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	s.must(err)
	p, err := holder.Prove(ctx, zkkex.Claim{
		Scope: choice.Scope, Epoch: zkkex.Epoch{Schedule: d.Schedule, Number: choice.Terms.Number}, Limit: choice.Terms.Limit,
		Authorization: zkkex.SessionKey([32]byte(key.PublicKey().Bytes())),
	})
	s.must(err)

	s.must(s.venue.Close())
	s.forgetRegistry()
	s.open()
	if _, err := s.venue.Gate().Admit(ctx, p); err == nil {
		t.Error("admitted without a copy of the registry")
	}
	_, err = s.venue.Sync(ctx)
	s.must(err)
	a, err := s.venue.Gate().Admit(ctx, p)
	s.must(err)
	if a.Statement.Nullifier != p.Statement.Nullifier {
		t.Error("another certificate was admitted")
	}
	s.checkVerified(1)
}

// A venue opens with the parameters of its configuration, or not at all.
func TestParameters(t *testing.T) {
	s := newScene(t)
	set := world.Params(t, zkkex.BabyJubjub20)
	s.must(s.venue.Close())
	defer s.open()
	missing := errors.New("no such set")
	for _, c := range []struct {
		params func(zkkex.CircuitID, zkkex.ParamsDigest) (*params.Verifying, error)
		want   error
	}{
		{func(zkkex.CircuitID, zkkex.ParamsDigest) (*params.Verifying, error) { return nil, missing }, missing},
		{func(zkkex.CircuitID, zkkex.ParamsDigest) (*params.Verifying, error) { return set.Verifying, nil }, zkkex.ErrParamsMismatch},
	} {
		if _, err := Open(s.dir, Options{Now: s.clock.now, Params: c.params}); !errors.Is(err, c.want) {
			t.Errorf("%v, expected %v", err, c.want)
		}
	}
}
