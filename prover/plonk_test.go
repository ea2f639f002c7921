//go:build !race

// PLONK is gnark's own prover: under the race detector it takes minutes, and what is
// concurrent here is tested with Groth16.

package prover_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/params"
)

const plonkCircuit = zkkex.BabyJubjub20Plonk

// openPlonk returns the small circuit's prover of PLONK, which the tests share.
func openPlonk(t testing.TB) *prover.Prover {
	t.Helper()
	plonkOnce.Do(func() { plonkProver, plonkErr = prover.Open(plonktest.Params(t, plonkCircuit)) })
	if plonkErr != nil || plonkProver == nil {
		t.Fatalf("the prover could not be opened: %v", plonkErr)
	}
	return plonkProver
}

var (
	plonkOnce   sync.Once
	plonkProver *prover.Prover
	plonkErr    error
)

// TestPlonk proves with PLONK by a holder: twice at once in one session, with proofs
// that have nothing in common, for what the statement says and nothing else.
func TestPlonk(t *testing.T) {
	p := openPlonk(t)
	set := plonktest.Params(t, plonkCircuit)
	s := newScene(t, p)
	holder := s.holder(t)
	defer holder.Close()
	claim := s.claim(t, 2)
	var made [2]*zkkex.Presentation
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			var err error
			if made[i], err = holder.Prove(context.Background(), claim); err != nil {
				t.Error(err)
			}
		})
	}
	if wg.Wait(); t.Failed() {
		return
	}
	first, second := made[0], made[1]
	if first.Statement.Circuit != plonkCircuit || first.Params != set.Digest() || len(first.Proof) != plonkCircuit.ProofSize() {
		t.Errorf("circuit %v, parameters %v, a proof of %d bytes", first.Statement.Circuit, first.Params, len(first.Proof))
	}
	encoded, err := first.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zkkex.ParsePresentation(encoded); err != nil {
		t.Error(err)
	}
	if first.Statement.Nullifier == second.Statement.Nullifier || shared(first.Proof, second.Proof) != 0 {
		t.Error("two proofs have a part in common")
	}
	verdicts, _ := set.VerifyProofs([]params.Claim{
		{Statement: &first.Statement, Proof: first.Proof}, {Statement: &first.Statement, Proof: second.Proof},
		{Statement: &second.Statement, Proof: second.Proof}, {Statement: &second.Statement, Proof: second.Proof[:511]},
	})
	for i, want := range []bool{true, false, true, false} {
		if got := verdicts[i] == nil; got != want || !want && reasonOf(verdicts[i]) != zkkex.BadProof {
			t.Errorf("claim %d: %v", i, verdicts[i])
		}
	}
	bindsEverything(t, set, &first.Statement, first.Proof)
}

// shared counts the parts of 32 bytes that two proofs share.
func shared(a, b []byte) (n int) {
	for i := 0; i+32 <= len(a); i += 32 {
		if bytes.Equal(a[i:i+32], b[i:i+32]) {
			n++
		}
	}
	return n
}

// bindsEverything changes each part of a statement, and bytes all over its proof.
func bindsEverything(t *testing.T, set *params.Proving, st *zkkex.Statement, proof zkkex.Proof) {
	t.Helper()
	if err := set.VerifyProof(st, proof); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*zkkex.Statement){
		"root":      func(st *zkkex.Statement) { st.Root[31] ^= 1 },
		"scope":     func(st *zkkex.Statement) { st.Scope[31] ^= 1 },
		"limit":     func(st *zkkex.Statement) { st.Limit++ },
		"nullifier": func(st *zkkex.Statement) { st.Nullifier[31] ^= 1 },
		"binding":   func(st *zkkex.Statement) { st.Binding[31] ^= 1 },
	} {
		changed := *st
		change(&changed)
		if err := set.VerifyProof(&changed, proof); reasonOf(err) != zkkex.BadProof {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for at := 0; at < len(proof); at += 13 {
		changed := bytes.Clone(proof)
		changed[at] ^= 1 << (at % 8)
		if err := set.VerifyProof(st, changed); reasonOf(err) != zkkex.BadProof {
			t.Errorf("byte %d changed: %v", at, err)
		}
	}
	for name, changed := range map[string][]byte{
		"nothing": nil, "a byte less": proof[:len(proof)-1], "a byte more": append(bytes.Clone(proof), 0),
		"of Groth16's length": proof[:128],
	} {
		if err := set.VerifyProof(st, changed); reasonOf(err) != zkkex.BadProof {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := *st
	other.Circuit = zkkex.BabyJubjub20
	if err := set.VerifyProof(&other, proof); reasonOf(err) != zkkex.WrongCircuit {
		t.Errorf("the statement of Groth16: %v", err)
	}
}

// TestPlonkChecksWitnessFirst gives it what belongs to no statement.
func TestPlonkChecksWitnessFirst(t *testing.T) {
	p := openPlonk(t)
	s := newScene(t, p)
	for name, spoil := range map[string]func(*zkkex.Statement, *circuits.Witness){
		"slot":       func(st *zkkex.Statement, w *circuits.Witness) { w.Slot = st.Limit },
		"nullifier":  func(st *zkkex.Statement, _ *circuits.Witness) { st.Nullifier[31] ^= 1 },
		"membership": func(st *zkkex.Statement, _ *circuits.Witness) { st.Root[31] ^= 1 },
		"limit":      func(st *zkkex.Statement, _ *circuits.Witness) { st.Limit = 0 },
	} {
		st, w := s.witness(t, 1)
		spoil(st, w)
		_, err := p.Prove(context.Background(), st, w)
		var refused *circuits.WitnessError
		if !errors.As(err, &refused) || refused.Check != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	st, w := s.witness(t, 0)
	st.Circuit = zkkex.BabyJubjub20
	if _, err := p.Prove(context.Background(), st, w); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a statement of Groth16: %v", err)
	}
}

// reasonOf returns the reason of a rejection, or "".
func reasonOf(err error) zkkex.Reason {
	var rejected *zkkex.RejectError
	if errors.As(err, &rejected) {
		return rejected.Reason
	}
	return ""
}
