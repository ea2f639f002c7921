package verifier_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
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

// committedScene is a registry with a member whose key is on P-256, so that its
// proofs have a commitment, and one with a native key.
type committedScene struct {
	*world.World
	sets   []*params.Verifying
	proofs []*zkkex.Presentation // three of the first member, then one of the second
	config verifier.Config
	shown  zkkex.Authorization
}

func newCommittedScene(t *testing.T) *committedScene {
	t.Helper()
	s := &committedScene{World: world.New(t, 20)}
	owner, native := s.p256(t), s.Member(t)
	checkpoint := s.Checkpoint(t, signed)
	epoch, err := zkkex.DefaultSchedule().At(noon)
	must(t, err)
	rule := verifier.NamedScope{Name: scopeName, Epochs: zkkex.DefaultSchedule()}
	s.shown, err = zkkex.Message(strings.NewReader("an offer"))
	must(t, err)
	claim := zkkex.Claim{Scope: rule.Scope(s.Roots.Registry(), epoch), Epoch: epoch, Limit: limit, Authorization: s.shown}
	for _, member := range []struct {
		circuit zkkex.CircuitID
		config  prover.HolderConfig
		proofs  int
	}{{zkkex.P256Key20, prover.HolderConfig{Owner: owner}, 3}, {zkkex.BabyJubjub20, prover.HolderConfig{Secret: native}, 1}} {
		set := world.Params(t, member.circuit)
		s.sets = append(s.sets, set.Verifying)
		c := member.config
		c.Registry, c.Paths, c.Slots = s.Roots.Registry(), s, new(world.Slots)
		c.Prover, err = prover.Open(set)
		must(t, err)
		h, err := prover.NewHolder(c)
		must(t, err)
		for range member.proofs { // from the second on, they build upon the first
			p, err := h.Prove(context.Background(), claim)
			must(t, err)
			s.proofs = append(s.proofs, p)
		}
		h.Close()
	}
	s.config = verifier.Config{
		Params: s.sets, Registry: s.Roots.Registry(), Roots: registry.Pinned(checkpoint), Scope: rule, Limit: limit,
		Spent: spent.NewMemory(), Now: func() time.Time { return noon },
	}
	return s
}

// p256 admits a new key on P-256.
func (s *committedScene) p256(t *testing.T) *prover.Owner {
	t.Helper()
	nullifiers, err := keys.Generate()
	must(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	scalar, err := key.Bytes()
	must(t, err)
	point := elliptic.MarshalCompressed(elliptic.P256(), key.X, key.Y)
	public, err := keys.ParsePublic(zkkex.KeyP256, point, nullifiers.Public().NullifierKeyHash())
	must(t, err)
	s.Admit(t, public)
	return &prover.Owner{
		Public: public, NullifierKey: nullifiers.RevealNullifierKey(),
		WithScalar: func(use func([]byte) error) error { return use(scalar) },
	}
}

// TestCommittedProofs takes proofs with a commitment through prover, batch and
// verifier, beside one without: each is accepted once, and each fault is refused
// alone.
func TestCommittedProofs(t *testing.T) {
	s := newCommittedScene(t)
	seen := make(map[string]bool)
	for i, p := range s.proofs[:3] {
		if len(p.Proof) != 192 || p.Statement.Circuit.Commitments() != 1 {
			t.Fatalf("%d: %v, a proof of %d bytes", i, p.Statement.Circuit, len(p.Proof))
		}
		for at := 0; at < 192; at += 32 {
			seen[string(p.Proof[at:at+32])] = true
		}
	}
	if len(seen) != 18 {
		t.Error("proofs share a point")
	}
	s.checkFaults(t)
	s.checkBatch(t)

	pool, err := verifier.NewPool(verifier.PoolConfig{})
	must(t, err)
	defer func() { must(t, pool.Close()) }()
	c := s.config
	c.Pool = pool
	v, err := verifier.New(c)
	must(t, err)
	var wg sync.WaitGroup
	for _, p := range s.proofs {
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), p, s.shown); err != nil {
				t.Errorf("%v: %v", p.Statement.Circuit, err)
			}
		})
	}
	wg.Wait()
	_, err = v.Verify(t.Context(), s.proofs[1], s.shown)
	wantReject(t, "the same again", err, zkkex.SlotUsed)
}

// checkFaults spoils one proof in one way each.
func (s *committedScene) checkFaults(t *testing.T) {
	t.Helper()
	set, good, other := s.sets[0], s.proofs[0], s.proofs[1]
	with := func(at int, part []byte) zkkex.Proof {
		out := bytes.Clone(good.Proof)
		copy(out[at:], part)
		return out
	}
	infinity := make([]byte, 32)
	infinity[0] = 0b01 << 6
	for name, proof := range map[string]zkkex.Proof{
		"of another slot":              other.Proof,
		"D and E of another proof":     with(128, other.Proof[128:]),
		"D of another proof":           with(128, other.Proof[128:160]),
		"E of another proof":           with(160, other.Proof[160:]),
		"D for E":                      with(160, good.Proof[128:160]),
		"D at infinity":                with(128, infinity),
		"D and E at infinity":          with(128, append(bytes.Clone(infinity), infinity...)),
		"without a commitment":         good.Proof[:128],
		"the native member's":          s.proofs[3].Proof,
		"with something after the end": append(bytes.Clone(good.Proof), 0),
	} {
		wantReject(t, name, set.VerifyProof(&good.Statement, proof), zkkex.BadProof)
	}
	must(t, set.VerifyProof(&good.Statement, good.Proof))
}

// checkBatch hides one bad proof among good ones.
func (s *committedScene) checkBatch(t *testing.T) {
	t.Helper()
	var claims []params.Claim
	for i := range 9 {
		p := s.proofs[i%3]
		claims = append(claims, params.Claim{Statement: &p.Statement, Proof: p.Proof})
	}
	claims[4].Proof = s.proofs[2].Proof // claim 4 is of the second
	verdicts, searched := s.sets[0].VerifyProofs(claims)
	for i, err := range verdicts {
		if errors.Is(err, zkkex.ErrRejected) != (i == 4) {
			t.Errorf("claim %d: %v", i, err)
		}
	}
	if !searched {
		t.Error("nothing was searched for")
	}
}
