package circuits

import (
	"os"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/public"
)

// One real proof per circuit, and the attack that squaring the binding stops.
func TestProofs(t *testing.T) {
	for _, id := range quickCircuits() {
		if id.Commitments() != 0 && id != zkkex.P256Key20 && os.Getenv("ZKKEX_DEEP") == "" {
			continue // their setups take seconds each
		}
		system, _ := compileWithout(t, id)
		pk, vk := setup(t, system)
		a := newSubject(t, id)
		proof := prove(t, system, pk, a)
		if err := groth16.Verify(proof, vk, publicWitness(a)); err != nil {
			t.Fatalf("%v: %v", id, err)
		}
		for i, name := range public.Names() {
			if vk.G1.K[i+1].IsInfinity() {
				t.Errorf("%v: %s does not enter the verification", id, name)
			}
			changed := a.shared().inputs
			changed[i] = randomElement(t)
			if groth16.Verify(proof, vk, changed[:]) == nil {
				t.Errorf("%v: the proof verifies for another %s", id, name)
			}
		}
		if n := len(proof.Commitments); n != id.Commitments() || n != len(vk.CommitmentKeys) {
			t.Errorf("%v: %d commitments and %d keys for them, expected %d", id, n, len(vk.CommitmentKeys), id.Commitments())
		}
	}
}

// The planted fault of trap C11: with the binding's square gone, gnark compiles
// and proves without a word, and the proof is good for any binding.
func TestUnsquaredBindingIsAnyones(t *testing.T) {
	system, _ := compileWithout(t, zkkex.BabyJubjub20, squareLabel("binding"))
	pk, vk := setup(t, system)
	if !vk.G1.K[public.Binding+1].IsInfinity() {
		t.Fatal("expected the binding's point of the verifying key at infinity")
	}
	a := newAssignment(t, zkkex.BabyJubjub20)
	proof := prove(t, system, pk, a)
	a.inputs[public.Binding] = randomElement(t)
	if err := groth16.Verify(proof, vk, publicWitness(a)); err != nil {
		t.Fatalf("expected the forgery to pass, got %v", err)
	}
}

func setup(t *testing.T, system *cs.R1CS) (*groth16.ProvingKey, *groth16.VerifyingKey) {
	t.Helper()
	var pk groth16.ProvingKey
	var vk groth16.VerifyingKey
	if err := groth16.Setup(system, &pk, &vk); err != nil {
		t.Fatal(err)
	}
	return &pk, &vk
}

func prove(t *testing.T, system *cs.R1CS, pk *groth16.ProvingKey, a subject) *groth16.Proof {
	t.Helper()
	w := fullWitness(t, a)
	proof, err := groth16.Prove(system, pk, w)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func fullWitness(t *testing.T, a subject) witness.Witness {
	t.Helper()
	w, err := frontend.NewWitness(a.full(), ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func publicWitness(a subject) fr.Vector { return fr.Vector(a.shared().inputs[:]) }
