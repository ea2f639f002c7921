// Package groth16 checks Groth16 proofs over BN254 (ePrint 2016/260) on
// gnark-crypto alone: strict codecs for proofs and verifying keys, and the
// pairing equation.
//
// Encodings of points are gnark-crypto's. A compressed point is its x
// coordinate, big-endian, with the sign of y in the two highest bits of the
// first byte: 0b10 for the lexicographically smaller y, 0b11 for the larger
// one. Elements of Fp2 have their imaginary part first.
//
// Only circuits without commitments are supported: a proof is three points and
// nothing else.
package groth16

import (
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
)

// ProofSize is the size of an encoded proof in bytes: A (32), B (64) and C
// (32), all compressed.
const ProofSize = g1Size + g2Size + g1Size

// Reasons why bytes are no point, and so no proof and no key. Each is wrapped
// with the name of the point.
var (
	// ErrLength reports an encoding of another size.
	ErrLength = errors.New("wrong length")
	// ErrInfinity reports the point at infinity.
	ErrInfinity = errors.New("point at infinity")
	// ErrEncoding reports a point that is not in the one accepted encoding: its
	// flags are not those of a compressed point, or a coordinate is not below
	// the order of the base field.
	ErrEncoding = errors.New("not in the accepted encoding")
	// ErrNotOnCurve reports a coordinate without a point on the curve.
	ErrNotOnCurve = errors.New("not on the curve")
	// ErrSubgroup reports a point outside of the subgroup of prime order.
	ErrSubgroup = errors.New("not in the subgroup of prime order")
)

// Proof is a decoded proof. Its points are on the curve, in the subgroup and
// finite.
type Proof struct {
	A curve.G1Affine
	B curve.G2Affine
	C curve.G1Affine
}

// ParseProof decodes a proof. It accepts exactly what [Proof.Bytes] returns for
// proofs with finite points of the right subgroups, and returns an error
// wrapping one of the package's reasons for anything else.
func ParseProof(b []byte) (*Proof, error) {
	if len(b) != ProofSize {
		return nil, fmt.Errorf("%w: expected %d bytes, got %d", ErrLength, ProofSize, len(b))
	}
	var p Proof
	if err := parseG1(&p.A, b[:g1Size]); err != nil {
		return nil, fmt.Errorf("point A: %w", err)
	}
	if err := parseG2(&p.B, b[g1Size:g1Size+g2Size]); err != nil {
		return nil, fmt.Errorf("point B: %w", err)
	}
	if err := parseG1(&p.C, b[g1Size+g2Size:]); err != nil {
		return nil, fmt.Errorf("point C: %w", err)
	}
	return &p, nil
}

// Bytes returns the encoding of p, [ProofSize] bytes.
func (p *Proof) Bytes() []byte {
	out := make([]byte, 0, ProofSize)
	a, b, c := p.A.Bytes(), p.B.Bytes(), p.C.Bytes()
	out = append(out, a[:]...)
	out = append(out, b[:]...)
	return append(out, c[:]...)
}
