package plonk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	gnark "github.com/consensys/gnark/backend/plonk/bn254"

	"github.com/zkkex/zkkex/internal/point"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
)

const commitments = 8

// VerifyingKeySize is the size of an encoded verifying key in bytes.
const VerifyingKeySize = 4 + point.G2Size + commitments*point.G1Size

// MaxDomain bounds the domain of a circuit: the lowest power of two that is not
// below the number of its constraints and public inputs.
const MaxDomain = 1 << 20

// minDomain leaves room for the public inputs, and keeps away from sizes that
// gnark's prover treats differently.
const minDomain = 8

// Reasons why a verifying key or a structured reference string is refused. Each is
// wrapped with what was expected.
var (
	// ErrDomain reports a domain that is no power of two, out of bounds, or not
	// the circuit's.
	ErrDomain = errors.New("wrong domain")
	// ErrTrivial reports a secret of the setup that everybody knows: anybody can
	// forge.
	ErrTrivial = errors.New("trivial secret: anybody can forge")
)

// Points are what a verifying key consists of, in the notation of ePrint
// 2019/953, section 8.1.
type Points struct {
	// Domain is the size n of the domain.
	Domain int
	// Tau is the setup's secret, in G2.
	Tau curve.G2Affine
	// Permutation are the commitments to the permutation.
	Permutation [3]curve.G1Affine
	// Left, Right, Product, Out and Constant are the commitments to the
	// selectors. The first rows of Left are the public inputs'.
	Left, Right, Product, Out, Constant curve.G1Affine
}

func (p *Points) named() [commitments]namedPoint {
	return [commitments]namedPoint{
		{"s1", &p.Permutation[0]}, {"s2", &p.Permutation[1]}, {"s3", &p.Permutation[2]},
		{"qL", &p.Left}, {"qR", &p.Right}, {"qM", &p.Product}, {"qO", &p.Out}, {"qC", &p.Constant},
	}
}

// ParsePoints decodes a verifying key: the domain (uint32, big-endian), tau in G2,
// and the eight commitments in the order of [Points], compressed. Every point is
// on the curve, in the subgroup and finite. It returns an error wrapping
// [ErrLength], [ErrDomain], [ErrTrivial] or one of package point's.
func ParsePoints(b []byte) (*Points, error) {
	if len(b) != VerifyingKeySize {
		return nil, fmt.Errorf("%w: expected %d bytes, got %d", ErrLength, VerifyingKeySize, len(b))
	}
	p := Points{Domain: int(binary.BigEndian.Uint32(b))}
	if err := checkDomain(p.Domain); err != nil {
		return nil, err
	}
	b = b[4:]
	if err := point.ParseG2(&p.Tau, b[:point.G2Size]); err != nil {
		return nil, fmt.Errorf("tau in G2: %w", err)
	}
	if err := checkTau(&p.Tau); err != nil {
		return nil, err
	}
	b = b[point.G2Size:]
	for _, part := range p.named() {
		if err := point.ParseG1(part.point, b[:point.G1Size]); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		b = b[point.G1Size:]
	}
	return &p, nil
}

// Bytes returns the encoding that [ParsePoints] reads.
func (p *Points) Bytes() []byte {
	out := binary.BigEndian.AppendUint32(make([]byte, 0, VerifyingKeySize), uint32(p.Domain))
	tau := p.Tau.Bytes()
	out = append(out, tau[:]...)
	for _, part := range p.named() {
		b := part.point.Bytes()
		out = append(out, b[:]...)
	}
	return out
}

func checkDomain(n int) error {
	if n < minDomain || n > MaxDomain || bits.OnesCount(uint(n)) != 1 {
		return fmt.Errorf("%w: %d, expected a power of two from %d to %d", ErrDomain, n, minDomain, MaxDomain)
	}
	return nil
}

// checkTau refuses a tau of 1 or -1.
func checkTau(tau *curve.G2Affine) error {
	_, _, _, g2 := curve.Generators()
	if tau.X.Equal(&g2.X) {
		return fmt.Errorf("%w: tau is the generator", ErrTrivial)
	}
	return nil
}

// DomainFor returns the domain of a circuit with so many constraints.
func DomainFor(constraints int) int {
	return int(fft.NewDomain(uint64(constraints+public.Count), fft.WithoutPrecompute()).Cardinality)
}

// VerifyingKey checks proofs of one circuit. It is safe for concurrent use.
type VerifyingKey struct {
	points Points
	key    gnark.VerifyingKey
}

// NewVerifyingKey prepares a verifying key from points that [ParsePoints] or
// [NewProvingKey] gave.
func NewVerifyingKey(p *Points) *VerifyingKey {
	quiet.Gnark()
	domain := fft.NewDomain(uint64(p.Domain), fft.WithoutPrecompute())
	_, _, g1, g2 := curve.Generators()
	vk := &VerifyingKey{points: *p}
	vk.key = gnark.VerifyingKey{
		Size:              domain.Cardinality,
		SizeInv:           domain.CardinalityInv,
		Generator:         domain.Generator,
		NbPublicVariables: public.Count,
		Kzg:               kzgVerifyingKey(g1, g2, p.Tau),
		CosetShift:        domain.FrMultiplicativeGen,
		S:                 p.Permutation,
		Ql:                p.Left,
		Qr:                p.Right,
		Qm:                p.Product,
		Qo:                p.Out,
		Qk:                p.Constant,
	}
	return vk
}

func kzgVerifyingKey(g1 curve.G1Affine, g2, tau curve.G2Affine) kzg.VerifyingKey {
	return kzg.VerifyingKey{
		G1: g1, G2: [2]curve.G2Affine{g2, tau},
		Lines: [2][2][len(curve.LoopCounter)]curve.LineEvaluationAff{curve.PrecomputeLines(g2), curve.PrecomputeLines(tau)},
	}
}

// Points returns a copy of the key's points.
func (vk *VerifyingKey) Points() Points { return vk.points }
