package groth16prover

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// adder2 is adder1 for G2, over vectors of Fp2.
type adder2 struct {
	x1, y1, x2, y2   vector2
	rise, run, slope vector2
	norm, inverse    fp.Vector
	scratch          fp.Vector
	skip             [batch]bool
}

func newAdder2() *adder2 {
	v := make(fp.Vector, 16*batch+max(scratchSize, 2*batch))
	cut2 := func() vector2 { return vector2{cut(&v), cut(&v)} }
	return &adder2{
		x1: cut2(), y1: cut2(), x2: cut2(), y2: cut2(),
		rise: cut2(), run: cut2(), slope: cut2(),
		norm: cut(&v), inverse: cut(&v), scratch: v,
	}
}

func (a *adder2) add(points []curve.G2Affine, pairs []pair) {
	n := len(pairs)
	if n == 0 {
		return
	}
	x1, y1, x2, y2 := a.x1.first(n), a.y1.first(n), a.x2.first(n), a.y2.first(n)
	rise, run, slope := a.rise.first(n), a.run.first(n), a.slope.first(n)
	for i, pair := range pairs {
		p, q := &points[pair.to], &points[pair.from]
		x1.set(i, &p.X)
		y1.set(i, &p.Y)
		x2.set(i, &q.X)
		y2.set(i, &q.Y)
	}
	rise.sub(y2, y1)
	run.sub(x2, x1)
	for i, pair := range pairs {
		p, q := &points[pair.to], &points[pair.from]
		a.skip[i] = false
		if run.isZero(i) || p.IsInfinity() || q.IsInfinity() {
			a.skip[i] = special2(rise, run, i, p, q)
		}
	}
	a.invert(slope, run)
	slope.mul(slope, rise, a.scratch)
	x3, y3 := rise, run // no longer needed
	x3.square(slope, a.scratch)
	x3.sub(x3, x1)
	x3.sub(x3, x2)
	y3.sub(x1, x3)
	y3.mul(y3, slope, a.scratch)
	y3.sub(y3, y1)
	for i, pair := range pairs {
		if !a.skip[i] {
			points[pair.to] = curve.G2Affine{X: x3.at(i), Y: y3.at(i)}
		}
	}
}

// invert sets out to 1/in: the conjugate over the norm, which is in Fp.
func (a *adder2) invert(out, in vector2) {
	n := len(in.a0)
	norm, inverse, square := a.norm[:n], a.inverse[:n], a.scratch[:n]
	norm.Mul(in.a0, in.a0)
	square.Mul(in.a1, in.a1)
	norm.Add(norm, square)
	invert(inverse, norm, a.scratch)
	out.a0.Mul(in.a0, inverse)
	out.a1.Mul(in.a1, inverse)
	for i := range out.a1 {
		out.a1[i].Neg(&out.a1[i])
	}
}

// special2 is special1 for G2.
func special2(rise, run vector2, i int, p, q *curve.G2Affine) bool {
	var r curve.E2
	if !p.IsInfinity() && p.Equal(q) { // no point of G2 has order 2, so y is not 0
		var twice curve.E2
		r.Square(&p.X)
		twice.Double(&r)
		r.Add(&r, &twice)
		rise.set(i, &r)
		run.set(i, r.Double(&p.Y))
		return false
	}
	switch {
	case q.IsInfinity():
	case p.IsInfinity():
		*p = *q
	default:
		p.SetInfinity()
	}
	run.set(i, r.SetOne())
	return true
}

func (a *adder2) wipe() {
	for _, v := range []vector2{a.x1, a.y1, a.x2, a.y2, a.rise, a.run, a.slope, {a.norm, a.inverse}} {
		clear(v.a0)
		clear(v.a1)
	}
	clear(a.scratch)
}
