package groth16

import (
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

const (
	// minBatch is the number of claims from which a batch takes less time than
	// one proof after another: as measured, two take the same, three 0.7 times.
	minBatch = 3
	// groupSize is the largest number of claims that share a Miller loop, and
	// that are checked one by one if one of them is bad. Larger groups save
	// squarings: 64 of them, or a twentieth of a pair's work, per group.
	groupSize = 8
)

// Claim is a proof, and the public inputs that it is to be checked for.
type Claim struct {
	Proof  *Proof
	Inputs [public.Count]field.Element
}

// Work counts what checking a batch took. It depends on the number of claims
// and on where the bad ones are, not on the machine.
type Work struct {
	// Pairs is the number of pairs of points in Miller loops.
	Pairs int
	// Equations is the number of final exponentiations.
	Equations int
	// Failed is the number of equations over several claims that did not hold.
	Failed int
}

// VerifyBatch returns for each claim what [VerifyingKey.Verify] returns: nil or
// an error wrapping [ErrNoProof]. It multiplies the equations of the claims, each to the power of
// a random weight r[i], and checks
//
//	product of e(r[i]*A[i], B[i]) = e(alpha, beta)^s e(L, gamma) e(C, delta)
//
// with s the sum of the r[i], and L and C the weighted sums of the claims' L and
// C. If all claims hold, so does the product. If one does not, at most one of
// 2^128 values of its weight lets the product hold, whatever the other weights
// are; whoever made the proofs must not know the weights, and these are drawn
// afterwards.
//
// With commitments, the sums of r[i]*D[i] and of the challenges go into L, and
// those of r[i]*D[i] and r[i]*E[i] check the proofs of knowledge, by two more
// pairs, to the power of one more random weight z for the batch. If one proof of
// knowledge does not hold, their product to the r[i] does with one of 2^128
// weights; if that does not, the whole does with one z of 2^128, at most.
//
// If the product does not hold, halves of the batch are checked by the factors
// that are there already, down to groups of at most 8; the claims of a group
// that does not hold are checked alone. For n claims, 3 or more, that is n + 2
// pairs and one equation if all hold. In the worst case it is one by one and
// beside that n pairs, and n/2 equations of two pairs each. With commitments each
// equation has two pairs more.
func (vk *VerifyingKey) VerifyBatch(claims []Claim) ([]error, Work) {
	return vk.verifyBatch(claims, randomWeight)
}

func (vk *VerifyingKey) verifyBatch(claims []Claim, draw func() weight) ([]error, Work) {
	b := batch{vk: vk, claims: claims, verdicts: make([]error, len(claims))}
	if len(claims) < minBatch || !b.fit() {
		b.alone(0, len(claims))
	} else {
		b.z = draw()
		b.settle(b.build(0, len(claims), draw), false)
	}
	return b.verdicts, b.work
}

// batch is one call of VerifyBatch.
type batch struct {
	vk       *VerifyingKey
	claims   []Claim
	verdicts []error
	work     Work
	z        weight // of the proofs of knowledge
}

// fit reports whether every proof is of the key's form.
func (b *batch) fit() bool {
	for i := range b.claims {
		if b.vk.fits(b.claims[i].Proof) != nil {
			return false
		}
	}
	return true
}

// part is a run of claims. It is a group, or it has two halves.
type part struct {
	from, to    int
	left, right *part
	factors
}

// factors are what a run of claims brings into the equation.
type factors struct {
	miller curve.GT                     // the Miller loop over (r[i]*A[i], B[i])
	c      curve.G1Jac                  // the sum of r[i]*C[i]
	s      fr.Element                   // the sum of r[i]
	inputs [public.Count + 1]fr.Element // the sums of r[i]*inputs[i], and of the challenges
	d, e   curve.G1Jac                  // the sums of r[i]*D[i] and r[i]*E[i]
}

func (b *batch) build(from, to int, draw func() weight) *part {
	if to-from <= groupSize {
		return &part{from: from, to: to, factors: b.group(b.claims[from:to], draw)}
	}
	middle := (from + to) / 2
	left, right := b.build(from, middle, draw), b.build(middle, to, draw)
	return &part{from: from, to: to, left: left, right: right, factors: left.times(&right.factors)}
}

func (b *batch) group(claims []Claim, draw func() weight) factors {
	var f factors
	weights := make([]weight, len(claims))
	as := make([]curve.G1Jac, len(claims))
	bs := make([]curve.G2Affine, len(claims))
	cs := make([]curve.G1Affine, len(claims))
	for i := range claims {
		weights[i] = draw()
		as[i] = weigh([]curve.G1Affine{claims[i].Proof.A}, weights[i:i+1])
		bs[i], cs[i] = claims[i].Proof.B, claims[i].Proof.C
		r := weights[i].scalar()
		f.s.Add(&f.s, &r)
		for j := range claims[i].Inputs {
			f.weigh(j, &r, &claims[i].Inputs[j])
		}
	}
	f.c = weigh(cs, weights)
	// The only error is for lists of different lengths. It would leave 0, with
	// which no equation holds.
	f.miller, _ = curve.MillerLoop(curve.BatchJacobianToAffineG1(as), bs)
	b.work.Pairs += len(claims)
	if b.vk.knowledge != nil {
		f.commit(claims, weights)
	}
	return f
}

// weigh adds r*input to a sum of inputs.
func (f *factors) weigh(j int, r, input *fr.Element) {
	var term fr.Element
	term.Mul(r, input)
	f.inputs[j].Add(&f.inputs[j], &term)
}

// commit adds what the claims' commitments bring.
func (f *factors) commit(claims []Claim, weights []weight) {
	ds, es := make([]curve.G1Affine, len(claims)), make([]curve.G1Affine, len(claims))
	for i := range claims {
		c := claims[i].Proof.Commitment
		ds[i], es[i] = c.D, c.E
		r := weights[i].scalar()
		challenge := Challenge(&c.D)
		f.weigh(public.Count, &r, &challenge)
	}
	f.d, f.e = weigh(ds, weights), weigh(es, weights)
}

func (f factors) times(g *factors) factors {
	f.miller.Mul(&f.miller, &g.miller)
	f.c.AddAssign(&g.c)
	f.d.AddAssign(&g.d)
	f.e.AddAssign(&g.e)
	f.s.Add(&f.s, &g.s)
	for j := range f.inputs {
		f.inputs[j].Add(&f.inputs[j], &g.inputs[j])
	}
	return f
}

// settle gives the claims of p their verdicts, and reports whether the equation
// of p holds. If it is known not to, refuted is true.
func (b *batch) settle(p *part, refuted bool) bool {
	if !refuted && b.holds(&p.factors) {
		return true
	}
	if p.left == nil {
		b.alone(p.from, p.to)
		return false
	}
	// The equation of p is the product of its halves', and does not hold.
	left := b.settle(p.left, false)
	b.settle(p.right, left)
	return false
}

func (b *batch) holds(f *factors) bool {
	g1, pairs := b.fixed(f)
	b.work.Pairs += len(pairs)
	b.work.Equations++
	fixed, err := curve.MillerLoopFixedQ(g1, pairs)
	if err == nil {
		fixed.Mul(&fixed, &f.miller)
		var want curve.GT
		want.ExpGLV(b.vk.alphaBeta, f.s.BigInt(new(big.Int)))
		if fixed = curve.FinalExponentiation(&fixed); fixed.Equal(&want) {
			return true
		}
	}
	b.work.Failed++
	return false
}

// fixed returns the pairs of an equation whose points in G2 are the key's.
func (b *batch) fixed(f *factors) ([]curve.G1Affine, []lines) {
	points := []curve.G1Jac{f.c, b.vk.weighted(f)}
	pairs := []lines{b.vk.deltaLines, b.vk.gammaLines}
	if b.vk.knowledge != nil {
		points[1].AddAssign(&f.d)
		known := curve.BatchJacobianToAffineG1([]curve.G1Jac{f.d, f.e})
		points = append(points, weigh(known[:1], []weight{b.z}), weigh(known[1:], []weight{b.z}))
		pairs = append(pairs, b.vk.knowledge.sigma, b.vk.knowledge.g)
	}
	return curve.BatchJacobianToAffineG1(points), pairs
}

// weighted returns s*K[0] + sum of inputs[i]*K[i+1].
func (vk *VerifyingKey) weighted(f *factors) curve.G1Jac {
	var constant curve.G1Jac
	var less fr.Element
	one := fr.One()
	less.Sub(&f.s, &one) // eval adds K[0] once
	constant.FromAffine(&vk.sum.constant)
	constant.ScalarMultiplication(&constant, less.BigInt(new(big.Int)))
	sum := vk.sum.eval(f.inputs[:public.Count+vk.points.Commitments()])
	return *sum.AddAssign(&constant)
}

// alone checks claims one by one.
func (b *batch) alone(from, to int) {
	for i := from; i < to; i++ {
		b.work.Pairs += 3
		if b.vk.knowledge != nil {
			b.work.Pairs += 2
		}
		b.work.Equations++
		b.verdicts[i] = b.vk.Verify(b.claims[i].Proof, b.claims[i].Inputs)
	}
}
