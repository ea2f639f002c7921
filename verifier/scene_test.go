package verifier_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier"
	"github.com/zkkex/zkkex/verifier/spent"
)

// Times of the scene. The epoch is the day.
var (
	day       = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	signed    = day.Add(8 * time.Hour)
	renewed   = day.Add(13*time.Hour + 30*time.Minute)
	revokedAt = day.Add(14 * time.Hour)
	noon      = day.Add(12 * time.Hour)
)

const (
	members   = 9
	limit     = 4
	scopeName = "rfq.example/2026"
)

// scene is a registry with nine members of whom one proves twice, before it is
// revoked. Nothing in it changes any more.
type scene struct {
	*world.World
	set           *params.Proving
	signed        *registry.Checkpoint // what they were proved against
	first, second *zkkex.Presentation  // of one member, by slots 0 and 1
	authorized    zkkex.Authorization
}

type sharedScene struct {
	once  sync.Once
	scene *scene
}

var scenes = map[zkkex.CircuitID]*sharedScene{zkkex.BabyJubjub20: {}, zkkex.BabyJubjub32: {}, zkkex.EdDSA20: {}}

// load returns a circuit's scene, which the tests share.
func load(t testing.TB, id zkkex.CircuitID) *scene {
	t.Helper()
	shared := scenes[id]
	shared.once.Do(func() { shared.scene = newScene(t, id) })
	if shared.scene == nil {
		t.Fatal("the scene could not be set")
	}
	return shared.scene
}

func newScene(t testing.TB, id zkkex.CircuitID) *scene {
	t.Helper()
	s := &scene{World: world.New(t, id.CapacityBits()), set: world.Params(t, id)}
	config := prover.HolderConfig{Paths: s, Slots: new(world.Slots)}
	var member *keys.Public
	for i := range members {
		public, found := s.join(t, id.KeyType())
		if i == 4 {
			member, config.Secret, config.Owner = public, found.Secret, found.Owner
		}
	}
	s.signed = s.Checkpoint(t, signed)
	p, err := prover.Open(s.set)
	must(t, err)
	config.Prover, config.Registry = p, s.Roots.Registry()
	h, err := prover.NewHolder(config)
	must(t, err)
	s.authorized, err = zkkex.Message(strings.NewReader("an offer"))
	must(t, err)
	claim := zkkex.Claim{Scope: s.rule().Scope(s.Roots.Registry(), s.epoch(t)), Epoch: s.epoch(t), Limit: limit, Authorization: s.authorized}
	s.first, err = h.Prove(context.Background(), claim)
	must(t, err)
	if id == zkkex.BabyJubjub20 {
		s.second, err = h.Prove(context.Background(), claim)
		must(t, err)
	}
	s.Checkpoint(t, renewed)
	s.RevokePublic(t, member)
	s.Checkpoint(t, revokedAt)
	return s
}

// join admits a new member with a key of a type, and returns how it proves.
func (s *scene) join(t testing.TB, keyType zkkex.KeyType) (*keys.Public, prover.HolderConfig) {
	t.Helper()
	if keyType == zkkex.KeyBabyJubjub {
		secret := s.Member(t)
		return secret.Public(), prover.HolderConfig{Secret: secret}
	}
	signer := s.Signer(t)
	return signer.Public, prover.HolderConfig{Owner: &prover.Owner{
		Public: signer.Public, NullifierKey: signer.Nullifiers.RevealNullifierKey(), Sign: signer.Sign,
	}}
}

func (s *scene) rule() verifier.NamedScope {
	return verifier.NamedScope{Name: scopeName, Epochs: zkkex.DefaultSchedule()}
}

func (s *scene) epoch(t testing.TB) zkkex.Epoch {
	t.Helper()
	e, err := zkkex.DefaultSchedule().At(noon)
	must(t, err)
	return e
}

// config is a policy that accepts the scene's presentations. Its root policy
// takes their root for ever: the tests about roots set another.
func (s *scene) config() verifier.Config {
	return verifier.Config{
		Params:     []*params.Verifying{s.set.Verifying},
		Registry:   s.Roots.Registry(),
		Roots:      registry.Pinned(s.signed),
		Scope:      s.rule(),
		Limit:      limit,
		Spent:      spent.NewMemory(),
		MinMembers: members,
		Now:        func() time.Time { return noon },
	}
}

func (s *scene) verifier(t testing.TB, change func(c *verifier.Config)) *verifier.Verifier {
	t.Helper()
	c := s.config()
	if change != nil {
		change(&c)
	}
	v, err := verifier.New(c)
	must(t, err)
	return v
}

// copyOf returns a copy that shares no memory with p.
func copyOf(p *zkkex.Presentation) *zkkex.Presentation {
	out := *p
	out.Proof = slices.Clone(p.Proof)
	return &out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
