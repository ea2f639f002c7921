// Package groth16 checks Groth16 proofs over BN254 (ePrint 2016/260) on
// gnark-crypto alone: strict codecs for proofs and verifying keys, and the
// pairing equation.
//
// Points are compressed, as package point reads them.
//
// A circuit has no commitment, or one: a Pedersen commitment to private wires,
// from which a challenge for the circuit is hashed (ePrint 2022/1072, as gnark
// has it). Its proofs have two points more.
package groth16

import (
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/point"
)

const (
	// ProofSize is the size of an encoded proof without a commitment in bytes: A
	// (32), B (64) and C (32), all compressed.
	ProofSize = g1Size + g2Size + g1Size
	// CommittedProofSize is the size of one with a commitment: D (32) and E (32)
	// follow.
	CommittedProofSize = ProofSize + 2*g1Size
)

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
	// Commitment is nil for a circuit without one.
	Commitment *Commitment
}

// Commitment is a commitment to private wires, and a proof that whoever made it
// knows what is in it.
type Commitment struct {
	// D is the commitment.
	D curve.G1Affine
	// E is D to the commitment key's secret exponent, which only a combination
	// of the key's bases can be raised to.
	E curve.G1Affine
}

// ParseProof decodes a proof without a commitment. It accepts exactly what
// [Proof.Bytes] returns for proofs with finite points of the right subgroups, and
// returns an error wrapping one of the package's reasons for anything else.
func ParseProof(b []byte) (*Proof, error) {
	if len(b) != ProofSize {
		return nil, fmt.Errorf("%w: expected %d bytes, got %d", ErrLength, ProofSize, len(b))
	}
	return parseProof(b)
}

// ParseCommittedProof is [ParseProof] for a proof with a commitment.
func ParseCommittedProof(b []byte) (*Proof, error) {
	if len(b) != CommittedProofSize {
		return nil, fmt.Errorf("%w: expected %d bytes, got %d", ErrLength, CommittedProofSize, len(b))
	}
	p, err := parseProof(b[:ProofSize])
	if err != nil {
		return nil, err
	}
	p.Commitment = new(Commitment)
	if err := point.ParseG1(&p.Commitment.D, b[ProofSize:ProofSize+g1Size]); err != nil {
		return nil, fmt.Errorf("point D: %w", err)
	}
	if err := point.ParseG1(&p.Commitment.E, b[ProofSize+g1Size:]); err != nil {
		return nil, fmt.Errorf("point E: %w", err)
	}
	return p, nil
}

func parseProof(b []byte) (*Proof, error) {
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

// Bytes returns the encoding of p: [ProofSize] bytes, or [CommittedProofSize]
// with a commitment.
func (p *Proof) Bytes() []byte {
	out := make([]byte, 0, CommittedProofSize)
	a, b, c := p.A.Bytes(), p.B.Bytes(), p.C.Bytes()
	out = append(out, a[:]...)
	out = append(out, b[:]...)
	out = append(out, c[:]...)
	if p.Commitment == nil {
		return out
	}
	d, e := p.Commitment.D.Bytes(), p.Commitment.E.Bytes()
	return append(append(out, d[:]...), e[:]...)
}
