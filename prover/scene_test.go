package prover_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/prover"
)

var (
	openOnce sync.Once
	opened   *prover.Prover
)

// open returns the small circuit's prover, which the tests share.
func open(t testing.TB) *prover.Prover {
	t.Helper()
	openOnce.Do(func() {
		p, err := prover.Open(world.Params(t, zkkex.BabyJubjub20))
		if err != nil {
			t.Fatal(err)
		}
		opened = p
	})
	if opened == nil {
		t.Fatal("the prover could not be opened")
	}
	return opened
}

// scene is a registry with nine members, and one of them with its holder. For a
// circuit of signatures, that one has the key, and the secret's nullifier key.
type scene struct {
	*world.World
	secret *keys.Secret
	key    *eddsa.PrivateKey
	slots  *world.Slots
	config prover.HolderConfig
}

func newScene(t testing.TB, p *prover.Prover) *scene {
	t.Helper()
	s := &scene{World: world.New(t, p.Circuit().CapacityBits()), slots: new(world.Slots)}
	s.config = prover.HolderConfig{Prover: p, Paths: s, Slots: s.slots}
	for i := range 9 {
		switch {
		case i != 4:
			s.Member(t)
		case p.Circuit().KeyType() == zkkex.KeyEdDSA:
			s.config.Owner, s.config.MinMembers = s.signer(t), 1
		default:
			s.secret = s.Member(t)
			s.config.Secret, s.config.MinMembers = s.secret, 9
		}
	}
	s.Checkpoint(t, time.Now())
	s.config.Registry = s.Roots.Registry()
	return s
}

// signer admits a key that signs.
func (s *scene) signer(t testing.TB) *prover.Owner {
	t.Helper()
	signer := s.Signer(t)
	s.secret, s.key = signer.Nullifiers, signer.Key
	return &prover.Owner{Public: signer.Public, NullifierKey: s.secret.RevealNullifierKey(), Sign: signer.Sign}
}

func (s *scene) holder(t testing.TB) *prover.Holder {
	t.Helper()
	h, err := prover.NewHolder(s.config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (s *scene) claim(t testing.TB, limit uint32) zkkex.Claim {
	t.Helper()
	epoch, err := zkkex.DefaultSchedule().At(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a, err := zkkex.Message(strings.NewReader("a message"))
	if err != nil {
		t.Fatal(err)
	}
	scope := zkkex.NamedScope{Name: "test", Registry: s.Roots.Registry(), Epoch: epoch}.Scope()
	return zkkex.Claim{Scope: scope, Epoch: epoch, Limit: limit, Authorization: a}
}

// witness returns a statement with a limit of 3, and its witness for a slot.
func (s *scene) witness(t testing.TB, slot uint32) (*zkkex.Statement, *circuits.Witness) {
	t.Helper()
	path, checkpoint, err := s.Path(s.secret.Commitment())
	if err != nil {
		t.Fatal(err)
	}
	scope := zkkex.Scope{0xff, 1} // above the order of the field, as any hash may be
	return &zkkex.Statement{
		Circuit:   s.config.Prover.Circuit(),
		Limit:     3,
		Root:      checkpoint.Root,
		Scope:     scope,
		Nullifier: s.secret.Nullifier(scope, slot),
		Binding:   zkkex.Binding{0xfe, 2},
	}, &circuits.Witness{Secret: s.secret, Path: path, Slot: slot}
}
