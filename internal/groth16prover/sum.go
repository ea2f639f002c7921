package groth16prover

import (
	"slices"
	"sync"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
)

// affine is what a sum needs of a point in affine coordinates.
type affine[P any] interface {
	*P
	Neg(*P) *P
	IsInfinity() bool
}

// jacobian is what it needs of one in Jacobian coordinates, whose zero value is
// the point at infinity.
type jacobian[J, P any] interface {
	*J
	AddMixed(*P) *J
	AddAssign(*J) *J
	DoubleAssign() *J
}

// adder adds pairs of points in affine coordinates: points[p.to] becomes
// points[p.to] + points[p.from]. No point is in two pairs. Points may be equal,
// opposite or at infinity.
type adder[P any] interface {
	add(points []P, pairs []pair)
	// wipe clears what the adder has last worked with.
	wipe()
}

type pair struct{ to, from uint32 }

// batch is the number of pairs that share an inversion.
const batch = 512

// blockSize is the number of points that are copied to be summed at a time, so
// that they stay in the processor's cache.
const blockSize = 4096

// term says that the point at index point, or its negative, goes to a bucket.
type term struct {
	bucket uint32
	point  uint32 // index shifted left by one, the lowest bit is the sign
}

// sums adds terms up by bucket. Terms of one bucket are added as a tree, those
// of all buckets of a block in the same batches.
// Its slices are for reuse, and all zero between one multiSum and the next.
type sums[P any, PP affine[P]] struct {
	adder          adder[P]
	terms          []term
	starts, sorted []uint32
	counts         []uint32
	block          []P
	buckets, lines []P
	pairs          []pair
}

func newSums[P any, PP affine[P]](a adder[P]) *sums[P, PP] {
	return &sums[P, PP]{adder: a, pairs: make([]pair, 0, batch)}
}

type (
	sums1 = sums[curve.G1Affine, *curve.G1Affine]
	sums2 = sums[curve.G2Affine, *curve.G2Affine]
)

// What sums work with is kept from proof to proof.
var (
	pool1 = sync.Pool{New: func() any { return newSums[curve.G1Affine](newAdder1()) }}
	pool2 = sync.Pool{New: func() any { return newSums[curve.G2Affine](newAdder2()) }}
)

// sumG1 is multiSum in G1.
func sumG1(m *multiples[curve.G1Affine], rows []int32, d *digits) curve.G1Jac {
	s := pool1.Get().(*sums1)
	defer pool1.Put(s)
	return multiSum[curve.G1Affine, curve.G1Jac](s, m, rows, d)
}

// sumG2 is multiSum in G2.
func sumG2(m *multiples[curve.G2Affine], rows []int32, d *digits) curve.G2Jac {
	s := pool2.Get().(*sums2)
	defer pool2.Put(s)
	return multiSum[curve.G2Affine, curve.G2Jac](s, m, rows, d)
}

// wipe clears everything that followed from scalars.
func (s *sums[P, PP]) wipe() {
	for _, points := range [][]P{s.block, s.buckets, s.lines} {
		clear(points[:cap(points)])
	}
	for _, numbers := range [][]uint32{s.starts, s.sorted, s.counts} {
		clear(numbers[:cap(numbers)])
	}
	clear(s.terms[:cap(s.terms)])
	clear(s.pairs[:cap(s.pairs)])
	s.adder.wipe()
}

// resized returns a slice of n elements, the given one if it is large enough.
func resized[T any](slice []T, n int) []T {
	if cap(slice) >= n {
		return slice[:n]
	}
	clear(slice[:cap(slice)])
	return make([]T, n)
}

// into sets buckets, which are all at infinity, to the sums of their terms.
func (s *sums[P, PP]) into(buckets []P, points []P, terms []term) {
	s.sort(len(buckets), terms)
	for first := 0; first < len(buckets); {
		last := first + 1
		for last < len(buckets) && s.starts[last+1]-s.starts[first] <= blockSize {
			last++
		}
		s.sumBlock(buckets[first:last], points, s.starts[first:last+1])
		first = last
	}
}

// sort sorts the terms' points by bucket: those of bucket b become
// sorted[starts[b]:starts[b+1]].
func (s *sums[P, PP]) sort(buckets int, terms []term) {
	s.starts, s.sorted = resized(s.starts, buckets+2), resized(s.sorted, len(terms))
	clear(s.starts)
	for _, t := range terms {
		s.starts[t.bucket+2]++
	}
	for b := range buckets {
		s.starts[b+2] += s.starts[b+1]
	}
	for _, t := range terms {
		s.sorted[s.starts[t.bucket+1]] = t.point
		s.starts[t.bucket+1]++
	}
}

func (s *sums[P, PP]) sumBlock(buckets []P, points []P, starts []uint32) {
	offset := starts[0]
	refs := s.sorted[offset:starts[len(buckets)]]
	s.block = resized(s.block, len(refs))
	for i, p := range refs { // apart from the signs, so that the processor reads ahead
		s.block[i] = points[p>>1]
	}
	for i, p := range refs {
		if p&1 == 1 {
			PP(&s.block[i]).Neg(&s.block[i])
		}
	}
	s.counts = resized(s.counts, len(buckets))
	counts := s.counts
	for b := range buckets {
		counts[b] = starts[b+1] - starts[b]
	}
	for s.halve(starts, counts) {
	}
	for b := range buckets {
		if counts[b] > 0 {
			buckets[b] = s.block[starts[b]-offset]
		}
	}
}

// halve adds the second half of each bucket to its first, and reports whether
// there was anything to add.
func (s *sums[P, PP]) halve(starts, counts []uint32) bool {
	added := false
	for b, n := range counts {
		if n < 2 {
			continue
		}
		added = true
		start := starts[b] - starts[0]
		for i := range n / 2 {
			s.pairs = append(s.pairs, pair{to: start + i, from: start + n - 1 - i})
			if len(s.pairs) == batch {
				s.flush()
			}
		}
		counts[b] = (n + 1) / 2
	}
	s.flush()
	return added
}

func (s *sums[P, PP]) flush() {
	s.adder.add(s.block, s.pairs)
	s.pairs = s.pairs[:0]
}

// multiSum returns sum(scalar[rows[i]] * base[i]), where d has the scalars, by
// Pippenger's algorithm: each digit sends a base to the bucket of its value. A
// negative row leaves a base out. Windows at the same place of different spans
// share a set of buckets.
func multiSum[P, J any, PP affine[P], PJ jacobian[J, P]](s *sums[P, PP], m *multiples[P], rows []int32, d *digits) J {
	defer s.wipe()
	sets := setsOf(d.c, m.span)
	perSet := 1 << (d.c - 1)
	s.terms = slices.Grow(s.terms[:0], len(rows)*d.windows)
	for i, row := range rows {
		if row < 0 {
			continue
		}
		for w, digit := range d.of(int(row)) {
			if digit == 0 {
				continue
			}
			t := term{point: uint32(i*m.stride+w/sets) << 1}
			if digit < 0 {
				t.point |= 1
				digit = -digit
			}
			t.bucket = uint32(w%sets*perSet + int(digit) - 1)
			s.terms = append(s.terms, t)
		}
	}
	s.buckets = resized(s.buckets, sets*perSet)
	s.into(s.buckets, m.points, s.terms)
	return weigh[P, J, PP, PJ](s, sets, d.c)
}

// weigh returns the sum of 2^(c*set) * digit * bucket. The buckets of a set are
// summed by the rows and columns of a grid, so that few points are left to be
// weighed one after the other.
func weigh[P, J any, PP affine[P], PJ jacobian[J, P]](s *sums[P, PP], sets, c int) J {
	rows, columns := grid(c)
	perSet, lines := 1<<(c-1), rows+columns
	s.terms = slices.Grow(s.terms[:0], 2*len(s.buckets))
	for i := range s.buckets {
		if PP(&s.buckets[i]).IsInfinity() {
			continue
		}
		digit, line := i%perSet+1, i/perSet*lines
		if row := digit / columns; row > 0 {
			s.terms = append(s.terms, term{bucket: uint32(line + row), point: uint32(i) << 1})
		}
		if column := digit % columns; column > 0 {
			s.terms = append(s.terms, term{bucket: uint32(line + rows + column), point: uint32(i) << 1})
		}
	}
	s.lines = resized(s.lines, sets*lines)
	s.into(s.lines, s.buckets, s.terms)
	var total J
	for set := sets - 1; set >= 0; set-- {
		for range c {
			PJ(&total).DoubleAssign()
		}
		line := s.lines[set*lines : (set+1)*lines]
		byRow := ladder[P, J, PJ](line[:rows])
		for range c / 2 { // log2 of columns
			PJ(&byRow).DoubleAssign()
		}
		byColumn := ladder[P, J, PJ](line[rows:])
		PJ(&total).AddAssign(&byRow)
		PJ(&total).AddAssign(&byColumn)
	}
	return total
}

// ladder returns the sum of i * points[i].
func ladder[P, J any, PJ jacobian[J, P]](points []P) (total J) {
	var running J
	for i := len(points) - 1; i > 0; i-- {
		PJ(&running).AddMixed(&points[i])
		PJ(&total).AddAssign(&running)
	}
	return total
}
