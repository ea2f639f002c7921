// Package groth16 checks Groth16 proofs over BN254 (ePrint 2016/260) on
// gnark-crypto alone: strict codecs for proofs and verifying keys, and the
// pairing equation.
//
// Points are compressed, as package point reads them.
//
// Only circuits without commitments are supported: a proof is three points and
// nothing else.
package groth16

import (
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/point"
)

// ProofSize is the size of an encoded proof in bytes: A (32), B (64) and C
// (32), all compressed.
const ProofSize = g1Size + g2Size + g1Size

// Sizes of compressed points in bytes.
const (
	g1Size = point.G1Size
	g2Size = point.G2Size
)

// ErrLength reports an encoding of another size.
var ErrLength = errors.New("wrong length")

// Reasons why bytes are no point, and so no proof and no key: those of package
// point. Each is wrapped with the name of the point.
var (
	ErrInfinity   = point.ErrInfinity
	ErrEncoding   = point.ErrEncoding
	ErrNotOnCurve = point.ErrNotOnCurve
	ErrSubgroup   = point.ErrSubgroup
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
	if err := point.ParseG1(&p.A, b[:g1Size]); err != nil {
		return nil, fmt.Errorf("point A: %w", err)
	}
	if err := point.ParseG2(&p.B, b[g1Size:g1Size+g2Size]); err != nil {
		return nil, fmt.Errorf("point B: %w", err)
	}
	if err := point.ParseG1(&p.C, b[g1Size+g2Size:]); err != nil {
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
