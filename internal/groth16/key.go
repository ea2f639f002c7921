package groth16

import (
	"encoding/binary"
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/point"
	"github.com/zkkex/zkkex/internal/public"
)

const (
	// VerifyingKeySize is the size of an encoded verifying key without a
	// commitment in bytes.
	VerifyingKeySize = 2*g1Size + 2*g2Size + g1Size + g2Size + 4 + (public.Count+1)*g1Size + 4 + 4
	// CommittedKeySize is the size of one with a commitment: the challenge's K,
	// the length of a list of committed public inputs, and two points in G2 more.
	CommittedKeySize = VerifyingKeySize + g1Size + 4 + 2*g2Size
)

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
	// Commitment is nil for a circuit without one.
	Commitment *CommitmentPoints
}

// CommitmentPoints are the points of a verifying key that a circuit's commitment
// adds.
type CommitmentPoints struct {
	// Challenge is the K of the wire that holds the challenge.
	Challenge curve.G1Affine
	// G and GSigmaNeg are a generator of G2, and the same to the negative of the
	// commitment key's secret exponent.
	G, GSigmaNeg curve.G2Affine
}

// ParsePoints decodes the points of a verifying key: Alpha1, Beta1, Beta2,
// Gamma2, Delta1 and Delta2, the number of K's (uint32) and the K's, and the
// numbers of lists of committed wires and of commitment keys (uint32), both 0.
// With a commitment the challenge's K is the last, both numbers are 1, the list
// between them is one of no public inputs (its length, uint32), and the commitment
// key's G and GSigmaNeg end it. Points are compressed, integers big-endian; this is
// what gnark writes. Every point is on the curve, in the subgroup and finite. What
// the points mean for a verifier is checked by [NewVerifyingKey].
func ParsePoints(b []byte) (*Points, error) {
	var p Points
	switch len(b) {
	case VerifyingKeySize:
	case CommittedKeySize:
		p.Commitment = new(CommitmentPoints)
	default:
		return nil, fmt.Errorf("%w: expected %d bytes, for %d public inputs and no commitment, or %d with one, got %d",
			ErrLength, VerifyingKeySize, public.Count, CommittedKeySize, len(b))
	}
	r := reader{rest: b}
	r.g1("alpha in G1", &p.Alpha1)
	r.g1("beta in G1", &p.Beta1)
	r.g2("beta in G2", &p.Beta2)
	r.g2("gamma in G2", &p.Gamma2)
	r.g1("delta in G1", &p.Delta1)
	r.g2("delta in G2", &p.Delta2)
	r.count("K", public.Count+1+p.Commitments())
	for i := range p.K {
		r.g1(fmt.Sprintf("K[%d]", i), &p.K[i])
	}
	r.commitment(p.Commitment)
	if r.err != nil {
		return nil, r.err
	}
	return &p, nil
}

// Commitments returns the number of commitments of the circuit, 0 or 1.
func (p *Points) Commitments() int {
	if p.Commitment == nil {
		return 0
	}
	return 1
}

// Bytes returns the encoding that [ParsePoints] reads.
func (p *Points) Bytes() []byte {
	out := make([]byte, 0, CommittedKeySize)
	g1 := func(q *curve.G1Affine) { b := q.Bytes(); out = append(out, b[:]...) }
	g2 := func(q *curve.G2Affine) { b := q.Bytes(); out = append(out, b[:]...) }
	g1(&p.Alpha1)
	g1(&p.Beta1)
	g2(&p.Beta2)
	g2(&p.Gamma2)
	g1(&p.Delta1)
	g2(&p.Delta2)
	out = binary.BigEndian.AppendUint32(out, uint32(len(p.K)+p.Commitments()))
	for i := range p.K {
		g1(&p.K[i])
	}
	if p.Commitment == nil {
		return append(out, make([]byte, 8)...)
	}
	g1(&p.Commitment.Challenge)
	for _, n := range []uint32{1, 0, 1} { // one list, of nothing, and one key
		out = binary.BigEndian.AppendUint32(out, n)
	}
	g2(&p.Commitment.G)
	g2(&p.Commitment.GSigmaNeg)
	return out
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
	if err := p.Commitment.check(); err != nil {
		return err
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

// check refuses a commitment key whose secret exponent everybody knows: then a
// commitment to anything has its proof of knowledge, to the public inputs' own
// points, too, and the public inputs mean nothing.
func (c *CommitmentPoints) check() error {
	if c != nil && sameUpToSign2(&c.G, &c.GSigmaNeg) {
		return fmt.Errorf("%w: the commitment key's exponent is 1: anybody can forge", ErrUnsafeKey)
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

// commitment reads what ends a key.
func (r *reader) commitment(c *CommitmentPoints) {
	if c == nil {
		r.count("committed wires", 0)
		r.count("commitment keys", 0)
		return
	}
	r.g1("the challenge's K", &c.Challenge)
	r.count("lists of committed wires", 1)
	r.count("committed public inputs", 0)
	r.count("commitment keys", 1)
	r.g2("the commitment key's G", &c.G)
	r.g2("the commitment key's G to the exponent", &c.GSigmaNeg)
}

func (r *reader) count(name string, want int) {
	if got := binary.BigEndian.Uint32(r.take(4)); got != uint32(want) {
		r.keep("number of "+name, fmt.Errorf("%w: expected %d, got %d", ErrLength, want, got))
	}
}

func (r *reader) keep(name string, err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%s: %w", name, err)
	}
}
