package prover_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/prover"
)

// TestSession proves slot after slot, then at the next root, then for another
// member, and back: every proof verifies.
func TestSession(t *testing.T) {
	p, set := open(t), world.Params(t, zkkex.BabyJubjub20)
	s := newScene(t, p)
	session := p.Session()
	defer session.Close()
	prove := func(name string, slot uint32) zkkex.Proof {
		t.Helper()
		st, w := s.witness(t, slot)
		proof, err := session.Prove(context.Background(), st, w)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := set.VerifyProof(st, proof); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return proof
	}
	first := prove("first", 0)
	if again := prove("again", 0); string(first) == string(again) {
		t.Error("two proofs of one statement are equal")
	}
	prove("last slot", 2)
	member := s.secret
	other := s.Member(t)
	s.Checkpoint(t, time.Now())
	prove("next root", 1)
	s.secret = other
	prove("another member", 1)
	s.secret = member
	prove("the first member", 2)
}

// A witness that does not hold ends neither the session nor what it keeps.
func TestSessionRefusesWrongWitness(t *testing.T) {
	p := open(t)
	s := newScene(t, p)
	session := p.Session()
	defer session.Close()
	for range 2 {
		st, w := s.witness(t, 1)
		st.Nullifier[31] ^= 1
		var witnessErr *circuits.WitnessError
		if proof, err := session.Prove(context.Background(), st, w); !errors.As(err, &witnessErr) || proof != nil {
			t.Errorf("%v, %v; want a *WitnessError", proof, err)
		}
		st, w = s.witness(t, 1)
		if _, err := session.Prove(context.Background(), st, w); err != nil {
			t.Error(err)
		}
	}
}

// TestSessionConcurrently proves for two members at once, whose proofs keep
// wiping each other's sums.
func TestSessionConcurrently(t *testing.T) {
	p, set := open(t), world.Params(t, zkkex.BabyJubjub20)
	scenes := []*scene{newScene(t, p), newScene(t, p)}
	session := p.Session()
	defer session.Close()
	var wg sync.WaitGroup
	for i := range 6 {
		st, w := scenes[i/2%2].witness(t, uint32(i%3))
		wg.Go(func() {
			proof, err := session.Prove(context.Background(), st, w)
			if err != nil {
				t.Error(err)
			} else if err := set.VerifyProof(st, proof); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestClosed(t *testing.T) {
	p := open(t)
	s := newScene(t, p)
	session := p.Session()
	session.Close()
	session.Close()
	st, w := s.witness(t, 0)
	if proof, err := session.Prove(context.Background(), st, w); !errors.Is(err, prover.ErrClosed) || proof != nil {
		t.Errorf("session: %v, %v; want %v", proof, err, prover.ErrClosed)
	}
	h, claim := s.holder(t), s.claim(t, 1)
	h.Close()
	if got, err := h.Prove(context.Background(), claim); !errors.Is(err, prover.ErrClosed) || got != nil {
		t.Errorf("holder: %v, %v; want %v", got, err, prover.ErrClosed)
	}
	if n := s.slots.Taken(claim.Scope); n != 0 {
		t.Errorf("%d slots taken by a closed holder", n)
	}
}

// BenchmarkNext makes proofs after a session's first, with tables.
func BenchmarkNext(b *testing.B) {
	p := open(b)
	p.Precompute()
	s := newScene(b, p)
	session := p.Session()
	defer session.Close()
	st, w := s.witness(b, 0)
	for slot := uint32(0); b.Loop(); slot++ {
		w.Slot = slot % st.Limit
		st.Nullifier = s.secret.Nullifier(st.Scope, w.Slot)
		if _, err := session.Prove(context.Background(), st, w); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTabulated proves in full, with tables.
func BenchmarkTabulated(b *testing.B) {
	open(b).Precompute()
	BenchmarkProve(b)
}

func BenchmarkPrecompute(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		p, err := prover.Open(world.Params(b, zkkex.BabyJubjub20))
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		p.Precompute()
	}
}
