package groth16

import (
	"encoding/binary"
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/point"
	"github.com/zkkex/zkkex/internal/public"
)

// VerifyingKeySize is the size of an encoded verifying key in bytes.
const VerifyingKeySize = 2*g1Size + 2*g2Size + g1Size + g2Size + 4 + (public.Count+1)*g1Size + 4 + 4

// ErrUnsafeKey reports a verifying key that is well-formed and with which
// proofs can be forged, or which leaves a public input out of the proof.
var ErrUnsafeKey = errors.New("unsafe verifying key")

// Points are the points of a verifying key, in the notation of ePrint
// 2018/691, figure 4.
type Points struct {
	Alpha1, Beta1, Delta1 curve.G1Affine
	Beta2, Gamma2, Delta2 curve.G2Affine
	// K holds the point of the constant wire, then one for each public input,
	// in the order of package public.
	K [public.Count + 1]curve.G1Affine
}

// ParsePoints decodes the points of a verifying key: Alpha1, Beta1, Beta2,
// Gamma2, Delta1 and Delta2, the number of K's (uint32) and the K's, and the
// numbers of lists of committed wires and of commitment keys (uint32), both 0.
// Points are compressed, integers big-endian; this is what gnark writes for a
// circuit without commitments. Every point is on the curve, in the subgroup and
// finite. What the points mean for a verifier is checked by [NewVerifyingKey].
func ParsePoints(b []byte) (*Points, error) {
	if len(b) != VerifyingKeySize {
		return nil, fmt.Errorf("%w: expected %d bytes, for %d public inputs and no commitments, got %d",
			ErrLength, VerifyingKeySize, public.Count, len(b))
	}
	var p Points
	r := reader{rest: b}
	r.g1("alpha in G1", &p.Alpha1)
	r.g1("beta in G1", &p.Beta1)
	r.g2("beta in G2", &p.Beta2)
	r.g2("gamma in G2", &p.Gamma2)
	r.g1("delta in G1", &p.Delta1)
	r.g2("delta in G2", &p.Delta2)
	r.count("K", public.Count+1)
	for i := range p.K {
		r.g1(fmt.Sprintf("K[%d]", i), &p.K[i])
	}
	r.count("committed wires", 0)
	r.count("commitment keys", 0)
	if r.err != nil {
		return nil, r.err
	}
	return &p, nil
}

// Bytes returns the encoding that [ParsePoints] reads.
func (p *Points) Bytes() []byte {
	out := make([]byte, 0, VerifyingKeySize)
	g1 := func(q *curve.G1Affine) { b := q.Bytes(); out = append(out, b[:]...) }
	g2 := func(q *curve.G2Affine) { b := q.Bytes(); out = append(out, b[:]...) }
	g1(&p.Alpha1)
	g1(&p.Beta1)
	g2(&p.Beta2)
	g2(&p.Gamma2)
	g1(&p.Delta1)
	g2(&p.Delta2)
	out = binary.BigEndian.AppendUint32(out, uint32(len(p.K)))
	for i := range p.K {
		g1(&p.K[i])
	}
	return append(out, make([]byte, 8)...)
}

// check refuses keys that let anybody forge: a setup that stopped before its
// second phase leaves delta equal to gamma or to the generator, and then C
// cancels any public input.
func (p *Points) check() error {
	_, _, g1, g2 := curve.Generators()
	switch {
	case sameUpToSign1(&p.Alpha1, &g1):
		return fmt.Errorf("%w: alpha is the generator: no contribution to the first phase", ErrUnsafeKey)
	case sameUpToSign2(&p.Beta2, &g2):
		return fmt.Errorf("%w: beta is the generator: no contribution to the first phase", ErrUnsafeKey)
	case sameUpToSign2(&p.Delta2, &p.Gamma2):
		return fmt.Errorf("%w: delta equals gamma: anybody can forge", ErrUnsafeKey)
	case sameUpToSign2(&p.Delta2, &g2):
		return fmt.Errorf("%w: delta is the generator: no contribution to the second phase", ErrUnsafeKey)
	}
	for _, pair := range []struct {
		name string
		g1   *curve.G1Affine
		g2   *curve.G2Affine
	}{{"beta", &p.Beta1, &p.Beta2}, {"delta", &p.Delta1, &p.Delta2}} {
		if err := sameScalar(pair.g1, pair.g2); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnsafeKey, pair.name, err)
		}
	}
	return nil
}

// sameScalar checks that p and q are the same multiple of their generators.
func sameScalar(p *curve.G1Affine, q *curve.G2Affine) error {
	_, _, g1, g2 := curve.Generators()
	g1.Neg(&g1)
	equal, err := curve.PairingCheck([]curve.G1Affine{*p, g1}, []curve.G2Affine{g2, *q})
	if err != nil {
		return err
	}
	if !equal {
		return errors.New("the points in G1 and G2 are not the same multiple of the generators")
	}
	return nil
}

func sameUpToSign1(p, q *curve.G1Affine) bool { return p.X.Equal(&q.X) }

func sameUpToSign2(p, q *curve.G2Affine) bool { return p.X.Equal(&q.X) }

// reader takes points off a buffer that is long enough, and keeps the first
// error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) take(n int) []byte {
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) g1(name string, p *curve.G1Affine) {
	r.keep(name, point.ParseG1(p, r.take(g1Size)))
}

func (r *reader) g2(name string, p *curve.G2Affine) {
	r.keep(name, point.ParseG2(p, r.take(g2Size)))
}

func (r *reader) count(name string, want uint32) {
	if got := binary.BigEndian.Uint32(r.take(4)); got != want {
		r.keep("number of "+name, fmt.Errorf("%w: expected %d, got %d", ErrLength, want, got))
	}
}

func (r *reader) keep(name string, err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%s: %w", name, err)
	}
}
