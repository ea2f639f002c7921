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
// [ErrNoProof]. It multiplies the equations of the claims, each to the power of
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
// If the product does not hold, halves of the batch are checked by the factors
// that are there already, down to groups of at most 8; the claims of a group
// that does not hold are checked alone. For n claims, 3 or more, that is n + 2
// pairs and one equation if all hold. In the worst case it is one by one and
// beside that n pairs, and n/2 equations of two pairs each.
func (vk *VerifyingKey) VerifyBatch(claims []Claim) ([]error, Work) {
	return vk.verifyBatch(claims, randomWeight)
}

func (vk *VerifyingKey) verifyBatch(claims []Claim, draw func() weight) ([]error, Work) {
	b := batch{vk: vk, claims: claims, verdicts: make([]error, len(claims))}
	if len(claims) < minBatch {
		b.alone(0, len(claims))
	} else {
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
}

// part is a run of claims. It is a group, or it has two halves.
type part struct {
	from, to    int
	left, right *part
	factors
}

// factors are what a run of claims brings into the equation.
type factors struct {
	miller curve.GT                 // the Miller loop over (r[i]*A[i], B[i])
	c      curve.G1Jac              // the sum of r[i]*C[i]
	s      fr.Element               // the sum of r[i]
	inputs [public.Count]fr.Element // the sums of r[i]*inputs[i]
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
		for j := range f.inputs {
			var term fr.Element
			term.Mul(&r, &claims[i].Inputs[j])
			f.inputs[j].Add(&f.inputs[j], &term)
		}
	}
	f.c = weigh(cs, weights)
	// The only error is for lists of different lengths. It would leave 0, with
	// which no equation holds.
	f.miller, _ = curve.MillerLoop(curve.BatchJacobianToAffineG1(as), bs)
	b.work.Pairs += len(claims)
	return f
}

func (f factors) times(g *factors) factors {
	f.miller.Mul(&f.miller, &g.miller)
	f.c.AddAssign(&g.c)
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
	b.work.Pairs += 2
	b.work.Equations++
	g1 := curve.BatchJacobianToAffineG1([]curve.G1Jac{f.c, b.vk.sum.weighted(f)})
	fixed, err := curve.MillerLoopFixedQ(g1, []lines{b.vk.deltaLines, b.vk.gammaLines})
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

// weighted returns s*K[0] + sum of inputs[i]*K[i+1].
func (t *sumTable) weighted(f *factors) curve.G1Jac {
	var sum, constant curve.G1Jac
	var less fr.Element
	one := fr.One()
	less.Sub(&f.s, &one) // eval adds K[0] once
	constant.FromAffine(&t.constant)
	constant.ScalarMultiplication(&constant, less.BigInt(new(big.Int)))
	rest := t.eval(&f.inputs)
	sum.FromAffine(&rest)
	return *sum.AddAssign(&constant)
}

// alone checks claims one by one.
func (b *batch) alone(from, to int) {
	for i := from; i < to; i++ {
		b.work.Pairs += 3
		b.work.Equations++
		b.verdicts[i] = b.vk.Verify(b.claims[i].Proof, b.claims[i].Inputs)
	}
}
