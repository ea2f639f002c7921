package circuits

import (
	"math/big"

	"github.com/consensys/gnark/frontend"
)

// Labels of the assertions about points. Each is made once per sum, so a label
// names a kind of assertion.
const (
	labelDistinct = "points: the x coordinates of a sum differ"
	labelChord    = "points: slope of a chord"
	labelTangent  = "points: slope of a tangent"
	labelX        = "points: x coordinate"
	labelY        = "points: y coordinate"
)

// ecPoint is a point of the curve in affine coordinates, never infinity. x is an
// integer from 0 to 2^256 - 1.
type ecPoint struct{ x, y *residue }

// ecLine is a point of the curve whose y coordinate is left as an expression,
//
//	y = slope*(x0 - x) - y0
//
// since (x0, y0) and (x, -y) are on one line of that slope.
type ecLine struct{ x, slope, x0, y0 *residue }

// pointAdder adds points of a curve, over the field of its coordinates. No slope is
// left free: a sum asserts that the x coordinates differ, and the denominator 2y of
// a doubling is not 0, since the curve's order is odd.
type pointAdder struct {
	*residueField
	curve *sigCurve
}

// point returns a fixed point.
func (c *pointAdder) point(p curvePoint) ecPoint { return ecPoint{c.constant(p.x), c.constant(p.y)} }

func (c *pointAdder) negative(p ecPoint) ecPoint { return ecPoint{p.x, c.negate(p.y)} }

// assertDistinct asserts that two x coordinates differ modulo p. Both are from 0 to
// 2^256 - 1 and p is above 2^255, so their difference d is between -2p and 2p, and
// a multiple of p only if it is -p, 0 or p. That is decided in the native field:
// then, d*(d^2 - p^2) has no inverse. (It has none for one other d in 2^252 or so,
// which costs an honest prover a proof and never lets one pass.)
func (c *pointAdder) assertDistinct(x1, x2 *residue) {
	d := c.integer(c.sub(x1, x2))
	square := new(big.Int).Mul(c.p, c.p)
	assertNotZero(c.api, labelDistinct, c.api.Mul(d, c.api.Sub(c.api.Mul(d, d), square.Mod(square, c.q))))
}

// assertOnCurve asserts y^2 = x^3 + ax + b.
func (c *pointAdder) assertOnCurve(label string, p ecPoint) {
	square := c.reduce(label+": square of x", c.expression(times(1, p.x, p.x)))
	c.assertZero(label, c.expression(
		times(1, p.y, p.y), times(-1, square, p.x), times(-c.curve.a.Int64(), p.x), times(-1, c.constant(c.curve.b))))
}

// line returns the point as one on a line of slope 0.
func (c *pointAdder) line(p ecPoint) ecLine {
	return ecLine{x: p.x, slope: newResidue(), x0: newResidue(), y0: c.negate(p.y)}
}

// y returns the terms of a point's y coordinate, times a sign.
func (c *pointAdder) y(sign int64, p ecLine) []term {
	return []term{times(sign, p.slope, c.sub(p.x0, p.x)), times(-sign, p.y0)}
}

// plus returns p + q, whose x coordinates are asserted to differ:
//
//	slope = (yq-yp)/(xq-xp)   x = slope^2 - xp - xq   y = slope*(xq-x) - yq
func (c *pointAdder) plus(p ecLine, q ecPoint) ecLine {
	c.assertDistinct(p.x, q.x)
	num := c.expression(append(c.y(-1, p), times(1, q.y))...)
	slope := c.divide(labelChord, num, c.sub(q.x, p.x))
	return ecLine{x: c.third(slope, p.x, q.x), slope: slope, x0: q.x, y0: q.y}
}

// double returns 2p:
//
//	slope = (3*xp^2 + a)/2yp   x = slope^2 - 2*xp   y = slope*(xp-x) - yp
func (c *pointAdder) double(p ecPoint) ecLine {
	num := c.expression(times(3, p.x, p.x), times(c.curve.a.Int64(), c.constant(big.NewInt(1))))
	slope := c.divide(labelTangent, num, c.sub(p.y, c.negate(p.y)))
	return ecLine{x: c.third(slope, p.x, p.x), slope: slope, x0: p.x, y0: p.y}
}

// third returns slope^2 - x1 - x2, from 0 to 2^256 - 1.
func (c *pointAdder) third(slope, x1, x2 *residue) *residue {
	x := c.expression(times(1, slope, slope), times(-1, x1), times(-1, x2))
	chunks := c.hint(remainderHint, c.layout.residueChunks, x.coefficients[:]...)
	out := c.fromChunks(labelX+": chunks", chunks)
	top := len(chunks) - 1
	c.chunks.checkNarrow(labelX+": 256 bits", chunks[top], scalarBits-top*c.layout.chunkBits)
	c.assertZero(labelX, c.add(x, -1, widened(out)))
	return out
}

// explicit computes the y coordinate.
func (c *pointAdder) explicit(p ecLine) ecPoint {
	return ecPoint{p.x, c.reduce(labelY, c.expression(c.y(1, p)...))}
}

// assertEqual asserts that p and q are one point.
func (c *pointAdder) assertEqual(label string, p ecLine, q ecPoint) {
	c.assertZero(label+": x", c.expression(times(1, p.x), times(-1, q.x)))
	c.assertZero(label+": y", c.expression(append(c.y(1, p), times(-1, q.y))...))
}

// constant returns a number from 0 to 2^256 - 1.
func (f *residueField) constant(v *big.Int) *residue {
	out := newResidue()
	for i, limb := range f.limbsOf(v) {
		out.limbs[i], out.bound[i] = limb, limb
	}
	return out
}

func (f *residueField) negate(a *residue) *residue { return f.sub(newResidue(), a) }

// integer returns the integer that a residue's limbs make, modulo the order of the
// native field.
func (f *residueField) integer(a *residue) frontend.Variable { return widened(a).native(f) }

// choose returns a if the bit is 1, and b if it is 0.
func (f *residueField) choose(bit frontend.Variable, a, b *residue) *residue {
	out := newResidue()
	for i := range out.limbs {
		out.limbs[i] = f.api.Select(bit, a.limbs[i], b.limbs[i])
		out.bound[i] = largest(a.bound[i], b.bound[i])
	}
	return out
}

// chooseOfFour returns the residue at index b0 + 2*b1.
func (f *residueField) chooseOfFour(b0, b1 frontend.Variable, of [4]*residue) *residue {
	out := newResidue()
	for i := range out.limbs {
		out.limbs[i] = f.api.Lookup2(b0, b1, of[0].limbs[i], of[1].limbs[i], of[2].limbs[i], of[3].limbs[i])
		out.bound[i] = largest(of[0].bound[i], of[1].bound[i], of[2].bound[i], of[3].bound[i])
	}
	return out
}

func largest(first *big.Int, others ...*big.Int) *big.Int {
	for _, v := range others {
		if v.Cmp(first) > 0 {
			first = v
		}
	}
	return first
}

// assertNotZero asserts that v has an inverse.
func assertNotZero(api frontend.API, label string, v frontend.Variable) {
	if kept(api, label) {
		api.Inverse(v)
	}
}
