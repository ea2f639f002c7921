package plonk

import (
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	"github.com/consensys/gnark/backend"
	gnark "github.com/consensys/gnark/backend/plonk/bn254"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
)

// Errors of proving.
var (
	// ErrCircuit reports a constraint system that is not one of ours: with
	// commitments, with another number of public inputs, or without a use for
	// one of the selectors.
	ErrCircuit = errors.New("not a circuit of this package")
	// ErrWitnessSize reports a witness that is not one of the circuit.
	ErrWitnessSize = errors.New("wrong number of inputs")
	// ErrUnsatisfied reports inputs that do not satisfy the constraints, or a
	// prover that failed. It never says more, as gnark's messages hold secrets.
	ErrUnsatisfied = errors.New("the inputs do not satisfy the constraints")
)

// ProvingKey proves one circuit. It is safe for concurrent use.
type ProvingKey struct {
	system *cs.SparseR1CS
	key    *gnark.ProvingKey
	points Points
}

// NewProvingKey computes the keys of a circuit: they follow from it and from the
// structured reference string, which [SRS.Check] accepted. It returns an error
// wrapping [ErrCircuit], or [ErrDomain] for a string of another domain.
func NewProvingKey(system *cs.SparseR1CS, srs *SRS) (*ProvingKey, error) {
	quiet.Gnark()
	if n := len(system.CommitmentInfo.CommitmentIndexes()); n != 0 {
		return nil, fmt.Errorf("%w: %d commitments, expected none", ErrCircuit, n)
	}
	if n := system.GetNbPublicVariables(); n != public.Count {
		return nil, fmt.Errorf("%w: %d public inputs, expected %d", ErrCircuit, n, public.Count)
	}
	if n := DomainFor(system.GetNbConstraints()); n != srs.Domain() {
		return nil, fmt.Errorf("%w: of %d, the circuit needs %d", ErrDomain, srs.Domain(), n)
	}
	_, _, g1, g2 := curve.Generators()
	canonical := kzg.SRS{Pk: kzg.ProvingKey{G1: srs.Powers}, Vk: kzgVerifyingKey(g1, g2, srs.Tau)}
	key, vk, err := gnark.Setup(system, canonical, kzg.SRS{Pk: kzg.ProvingKey{G1: srs.Lagrange}})
	if err != nil {
		return nil, fmt.Errorf("computing the keys: %w", err)
	}
	k := &ProvingKey{system: system, key: key, points: Points{
		Domain: srs.Domain(), Tau: srs.Tau, Permutation: vk.S,
		Left: vk.Ql, Right: vk.Qr, Product: vk.Qm, Out: vk.Qo, Constant: vk.Qk,
	}}
	for _, part := range k.points.named() {
		if part.point.IsInfinity() { // a verifying key that nobody would read
			return nil, fmt.Errorf("%w: it does not use %s", ErrCircuit, part.name)
		}
	}
	return k, nil
}

// Points returns a copy of the points of the verifying key that goes with k.
func (k *ProvingKey) Points() Points { return k.points }

// Prove proves that a witness, all public and secret inputs, satisfies the
// constraints. It keeps nothing, and wipes nothing of what gnark leaves in
// memory. Each proof is blinded anew, also the quotient (gnark's statistical zero
// knowledge). It returns an error wrapping [ErrWitnessSize] or [ErrUnsatisfied].
// It does not verify the proof.
func (k *ProvingKey) Prove(w witness.Witness) (*Proof, error) {
	if w == nil {
		return nil, fmt.Errorf("%w: none given", ErrWitnessSize)
	}
	want := k.system.GetNbPublicVariables() + k.system.GetNbSecretVariables()
	if values, ok := w.Vector().(fr.Vector); !ok || len(values) != want {
		return nil, fmt.Errorf("%w: expected %d elements of BN254's scalar field", ErrWitnessSize, want)
	}
	proof, err := gnark.Prove(k.system, k.key, w, backend.WithStatisticalZeroKnowledge())
	if err != nil {
		return nil, ErrUnsatisfied
	}
	return fromGnark(proof)
}
