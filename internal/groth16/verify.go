package groth16

import (
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// ErrNoProof reports that the pairing equation does not hold.
var ErrNoProof = errors.New("the pairing equation does not hold")

// VerifyingKey is a checked verifying key with what can be computed once. It is
// safe for concurrent use.
type VerifyingKey struct {
	points     Points
	sum        *sumTable // over the public inputs, and the challenge if there is one
	alphaBeta  curve.GT
	gammaLines lines
	deltaLines lines
	knowledge  *knowledgeLines // nil without a commitment
}

// knowledgeLines are the lines of a commitment key's points, GSigmaNeg and G.
type knowledgeLines struct{ sigma, g lines }

type lines = [2][len(curve.LoopCounter)]curve.LineEvaluationAff

// NewVerifyingKey checks the points of a key and prepares it. It returns an
// error wrapping [ErrUnsafeKey] if delta equals gamma up to sign, if alpha, beta
// or delta is trivial, if beta or delta is not the same in both groups, or if the
// commitment key's exponent is 1 up to sign. No point can be at infinity:
// [ParsePoints] refuses that.
func NewVerifyingKey(p *Points) (*VerifyingKey, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return prepare(p)
}

// prepare computes what can be computed once for a key.
func prepare(p *Points) (*VerifyingKey, error) {
	alphaBeta, err := curve.Pair([]curve.G1Affine{p.Alpha1}, []curve.G2Affine{p.Beta2})
	if err != nil {
		return nil, fmt.Errorf("pairing of alpha and beta: %w", err)
	}
	var gammaNeg, deltaNeg curve.G2Affine
	gammaNeg.Neg(&p.Gamma2)
	deltaNeg.Neg(&p.Delta2)
	vk := &VerifyingKey{
		points:     *p,
		alphaBeta:  alphaBeta,
		gammaLines: curve.PrecomputeLines(gammaNeg),
		deltaLines: curve.PrecomputeLines(deltaNeg),
	}
	bases := append([]curve.G1Affine(nil), p.K[1:]...)
	if c := p.Commitment; c != nil {
		bases = append(bases, c.Challenge)
		vk.knowledge = &knowledgeLines{sigma: curve.PrecomputeLines(c.GSigmaNeg), g: curve.PrecomputeLines(c.G)}
	}
	vk.sum = newSumTable(p.K[0], bases)
	return vk, nil
}

// Points returns a copy of the key's points.
func (vk *VerifyingKey) Points() Points {
	p := vk.points
	if p.Commitment != nil {
		c := *p.Commitment
		p.Commitment = &c
	}
	return p
}

// ParseProof decodes a proof of the key's circuit: [ParseProof], or
// [ParseCommittedProof] with a commitment.
func (vk *VerifyingKey) ParseProof(b []byte) (*Proof, error) {
	if vk.knowledge != nil {
		return ParseCommittedProof(b)
	}
	return ParseProof(b)
}

// Verify returns nil if p proves the relation for the public inputs, and an error
// wrapping [ErrNoProof] if it does not. With L = K[0] + sum of inputs[i]*K[i+1],
// it checks
//
//	e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta)
//
// by one Miller loop over three pairs and one final exponentiation. With a
// commitment, D and challenge*K[6] are added to L, and two more pairs check that
// the prover knows what is committed:
//
//	e(D, GSigmaNeg) e(E, G) = 1
//
// Both equations are checked as one, the second to the power of a random weight.
// If one of them does not hold, at most one of 2^128 weights lets the product
// hold, and the weight is drawn after the proof was made.
func (vk *VerifyingKey) Verify(p *Proof, inputs [public.Count]field.Element) error {
	if err := vk.fits(p); err != nil {
		return err
	}
	// MillerLoopFixedQ overwrites the lines it is given, so each call gets
	// copies.
	points := []curve.G1Jac{vk.publicSum(p, inputs)}
	pairs := []lines{vk.gammaLines}
	if c := p.Commitment; c != nil {
		w := []weight{randomWeight()}
		points = append(points, weigh([]curve.G1Affine{c.D}, w), weigh([]curve.G1Affine{c.E}, w))
		pairs = append(pairs, vk.knowledge.sigma, vk.knowledge.g)
	}
	g1 := append(curve.BatchJacobianToAffineG1(points), p.A, p.C)
	pairs = append(pairs, curve.PrecomputeLines(p.B), vk.deltaLines)
	f, err := curve.MillerLoopFixedQ(g1, pairs)
	if err != nil {
		return fmt.Errorf("pairing: %w", err)
	}
	if f = curve.FinalExponentiation(&f); !f.Equal(&vk.alphaBeta) {
		return ErrNoProof
	}
	return nil
}

// fits returns an error if p is not of the key's form.
func (vk *VerifyingKey) fits(p *Proof) error {
	if (p.Commitment == nil) != (vk.knowledge == nil) {
		return fmt.Errorf("%w: expected a proof with %d commitments", ErrNoProof, vk.points.Commitments())
	}
	return nil
}

// publicSum returns what meets gamma: the sum over the public inputs, and the
// commitment with its challenge.
func (vk *VerifyingKey) publicSum(p *Proof, inputs [public.Count]field.Element) curve.G1Jac {
	if p.Commitment == nil {
		return vk.sum.eval(inputs[:])
	}
	sum := vk.sum.eval(append(inputs[:], Challenge(&p.Commitment.D)))
	return *sum.AddMixed(&p.Commitment.D)
}
