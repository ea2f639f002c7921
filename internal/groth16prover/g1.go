package groth16prover

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// adder1 adds pairs of points in G1 by the chord and tangent formulas, with one
// inversion for all of them. It works coordinate by coordinate, as gnark-crypto
// multiplies vectors at half the cost where the processor can.
type adder1 struct {
	x1, y1, x2, y2   fp.Vector
	rise, run, slope fp.Vector // slope = rise / run
	scratch          fp.Vector
	skip             [batch]bool
}

func newAdder1() *adder1 {
	v := make(fp.Vector, 7*batch+scratchSize)
	return &adder1{
		x1: cut(&v), y1: cut(&v), x2: cut(&v), y2: cut(&v),
		rise: cut(&v), run: cut(&v), slope: cut(&v), scratch: v,
	}
}

// cut takes a batch of elements off a vector.
func cut(v *fp.Vector) fp.Vector {
	out := (*v)[:batch:batch]
	*v = (*v)[batch:]
	return out
}

func (a *adder1) add(points []curve.G1Affine, pairs []pair) {
	n := len(pairs)
	if n == 0 {
		return
	}
	x1, y1, x2, y2 := a.x1[:n], a.y1[:n], a.x2[:n], a.y2[:n]
	rise, run, slope := a.rise[:n], a.run[:n], a.slope[:n]
	for i, pair := range pairs {
		p, q := &points[pair.to], &points[pair.from]
		x1[i], y1[i], x2[i], y2[i] = p.X, p.Y, q.X, q.Y
	}
	rise.Sub(y2, y1)
	run.Sub(x2, x1)
	for i, pair := range pairs {
		p, q := &points[pair.to], &points[pair.from]
		a.skip[i] = false
		if run[i].IsZero() || p.IsInfinity() || q.IsInfinity() {
			a.skip[i] = special1(&rise[i], &run[i], p, q)
		}
	}
	invert(slope, run, a.scratch)
	slope.Mul(slope, rise)
	x3, y3 := rise, run // no longer needed
	x3.Mul(slope, slope)
	x3.Sub(x3, x1)
	x3.Sub(x3, x2)
	y3.Sub(x1, x3)
	y3.Mul(y3, slope)
	y3.Sub(y3, y1)
	for i, pair := range pairs {
		if !a.skip[i] {
			points[pair.to] = curve.G1Affine{X: x3[i], Y: y3[i]}
		}
	}
}

// special1 sets the slope of the tangent for equal points. For others that have
// no chord it sets p to the sum, the slope to something finite, and reports true.
func special1(rise, run *fp.Element, p, q *curve.G1Affine) bool {
	if !p.IsInfinity() && p.Equal(q) { // no point of G1 has order 2, so y is not 0
		rise.Square(&p.X)
		run.Double(rise)
		rise.Add(rise, run)
		run.Double(&p.Y)
		return false
	}
	switch {
	case q.IsInfinity():
	case p.IsInfinity():
		*p = *q
	default:
		p.SetInfinity()
	}
	run.SetOne()
	return true
}

func (a *adder1) wipe() {
	for _, v := range []fp.Vector{a.x1, a.y1, a.x2, a.y2, a.rise, a.run, a.slope, a.scratch} {
		clear(v)
	}
}
