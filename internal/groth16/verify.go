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
	sum        *sumTable
	alphaBeta  curve.GT
	gammaLines lines
	deltaLines lines
}

type lines = [2][len(curve.LoopCounter)]curve.LineEvaluationAff

// NewVerifyingKey checks the points of a key and prepares it. It returns an
// error wrapping [ErrUnsafeKey] if delta equals gamma up to sign, if alpha, beta
// or delta is trivial, or if beta or delta is not the same in both groups. No
// point can be at infinity: [ParsePoints] refuses that.
func NewVerifyingKey(p *Points) (*VerifyingKey, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	alphaBeta, err := curve.Pair([]curve.G1Affine{p.Alpha1}, []curve.G2Affine{p.Beta2})
	if err != nil {
		return nil, fmt.Errorf("pairing of alpha and beta: %w", err)
	}
	var gammaNeg, deltaNeg curve.G2Affine
	gammaNeg.Neg(&p.Gamma2)
	deltaNeg.Neg(&p.Delta2)
	return &VerifyingKey{
		points:     *p,
		sum:        newSumTable(p.K),
		alphaBeta:  alphaBeta,
		gammaLines: curve.PrecomputeLines(gammaNeg),
		deltaLines: curve.PrecomputeLines(deltaNeg),
	}, nil
}

// Points returns a copy of the key's points.
func (vk *VerifyingKey) Points() Points { return vk.points }

// Verify returns nil if p proves the relation for the public inputs, and
// [ErrNoProof] if it does not. With L = K[0] + sum of inputs[i]*K[i+1], it
// checks e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta) by one Miller loop
// over three pairs and one final exponentiation.
func (vk *VerifyingKey) Verify(p *Proof, inputs [public.Count]field.Element) error {
	// MillerLoopFixedQ overwrites the lines it is given, so each call gets
	// copies.
	pairs := []lines{curve.PrecomputeLines(p.B), vk.deltaLines, vk.gammaLines}
	f, err := curve.MillerLoopFixedQ([]curve.G1Affine{p.A, p.C, vk.sum.eval(&inputs)}, pairs)
	if err != nil {
		return fmt.Errorf("pairing: %w", err)
	}
	if f = curve.FinalExponentiation(&f); !f.Equal(&vk.alphaBeta) {
		return ErrNoProof
	}
	return nil
}
