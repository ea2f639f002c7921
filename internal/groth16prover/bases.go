package groth16prover

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
)

// Numbers of bits from one tabulated multiple of a base to the next. Windows must
// not cross spans. The quotient is summed in every proof and its scalars are
// always random, so one set of buckets for windows of 13 bits is best for it.
// Of the wires a session sums few, in narrower windows: 24 has many divisors, and
// takes half the memory that 12 would, for a tenth more additions.
const (
	quotientSpan = 13
	wireSpan     = 24
)

// scalarBits is the number of bits of a scalar in signed digits.
const scalarBits = 255

// multiples are fixed bases with some of their multiples, base by base: stride
// points each, the t-th of which is 2^(span*t) times the base.
type multiples[P any] struct {
	points       []P
	stride, span int
}

// bases are the points of a proving key that scalars weigh.
type bases struct {
	a, b, k, z multiples[curve.G1Affine]
	b2         multiples[curve.G2Affine]
	d, e       multiples[curve.G1Affine] // of no points without a commitment
}

// plain returns a key's points as they are.
func plain(key *gnark.ProvingKey) *bases {
	d, e := commitmentBases(key)
	return &bases{
		a: single(key.G1.A), b: single(key.G1.B), k: single(key.G1.K), z: single(key.G1.Z), b2: single(key.G2.B),
		d: single(d), e: single(e),
	}
}

func single[P any](points []P) multiples[P] {
	return multiples[P]{points: points, stride: 1, span: 0}
}

// tabulated returns a key's points with their multiples.
func tabulated(key *gnark.ProvingKey) *bases {
	a := newAdder1()
	d, e := commitmentBases(key)
	return &bases{
		d: tabulate(a, d, wireSpan), e: tabulate(a, e, wireSpan),
		a: tabulate(a, key.G1.A, wireSpan), b: tabulate(a, key.G1.B, wireSpan), k: tabulate(a, key.G1.K, wireSpan),
		b2: tabulate(newAdder2(), key.G2.B, wireSpan),
		z:  tabulate(a, key.G1.Z, quotientSpan),
	}
}

// tabulate doubles all bases side by side: an adder takes a point and a copy of
// it for a doubling.
func tabulate[P any](a adder[P], points []P, span int) multiples[P] {
	stride := strideOf(span)
	m := multiples[P]{points: make([]P, stride*len(points)), stride: stride, span: span}
	var work [2 * batch]P
	var pairs [batch]pair
	for i := range pairs {
		pairs[i] = pair{to: uint32(i), from: uint32(batch + i)}
	}
	for first := 0; first < len(points); first += batch {
		n := copy(work[:batch], points[first:])
		for t := range stride {
			for i := range n {
				m.points[(first+i)*stride+t] = work[i]
			}
			if t == stride-1 {
				break
			}
			for range span {
				copy(work[batch:], work[:n])
				a.add(work[:], pairs[:n])
			}
		}
	}
	return m
}

// precomputeAfter is the number of proofs after which a key precomputes by
// itself: about as many as it takes until what tables would have saved is what
// they cost. Whoever proves a few times never pays for them, and nobody pays much
// more than twice the least.
const precomputeAfter = 20

// automaticTables is the largest [Key.TableSize] for which a key precomputes by
// itself. Tables of larger circuits take hundreds of megabytes, which somebody has
// to have decided on.
const automaticTables = 96 << 20

// Precompute tabulates multiples of the key's points, once, in about the time of
// ten proofs on one processor; it makes later proofs about a third cheaper. The
// tables take [Key.TableSize] bytes. A key precomputes by itself, in the
// background, once it has proved often, if the tables are of 96 MiB at most.
// Proofs never wait for it.
func (k *Key) Precompute() {
	k.precompute.Do(func() { k.bases.Store(tabulated(k.points)) })
}

// count counts a proof.
func (k *Key) count() {
	if k.proofs.Add(1) == precomputeAfter && k.TableSize() <= automaticTables {
		go k.Precompute()
	}
}

// TableSize returns the number of bytes that [Key.Precompute] takes for its
// tables.
func (k *Key) TableSize() int {
	g1, g2 := &k.points.G1, &k.points.G2
	return strideOf(quotientSpan)*curve.SizeOfG1AffineUncompressed*len(g1.Z) +
		strideOf(wireSpan)*(curve.SizeOfG1AffineUncompressed*(len(g1.A)+len(g1.B)+len(g1.K)+2*len(k.wiresD))+curve.SizeOfG2AffineUncompressed*len(g2.B))
}

// strideOf returns the number of multiples of each base.
func strideOf(span int) int { return (scalarBits + span - 1) / span }
