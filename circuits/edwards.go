package circuits

import (
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex/internal/field"
)

// edwardsPoint is a point of -x^2 + y^2 = 1 + d*x^2*y^2.
type edwardsPoint struct{ x, y frontend.Variable }

// The formulas below are complete (Hisil, Wong, Carter, Dawson: Twisted Edwards
// Curves Revisited, section 2): -1 is a square in the field and d is none, so
// 1 + d*x1*x2*y1*y2 and 1 - d*x1*x2*y1*y2 are not 0 for any two points of the
// curve. They hold for equal points, opposite ones, and those of small order.

// addEdwards returns p + q:
//
//	x3 = (x1*y2 + y1*x2)/(1 + d*x1*x2*y1*y2)   y3 = (y1*y2 + x1*x2)/(1 - d*x1*x2*y1*y2)
func addEdwards(api frontend.API, p, q edwardsPoint) edwardsPoint {
	xy := api.Mul(p.x, q.y)
	yx := api.Mul(p.y, q.x)
	all := api.Mul(api.Add(p.x, p.y), api.Add(q.x, q.y))
	product := api.Mul(api.Mul(xy, yx), constant(table().d))
	return edwardsPoint{
		x: api.DivUnchecked(api.Add(xy, yx), api.Add(1, product)),
		y: api.DivUnchecked(api.Sub(all, xy, yx), api.Sub(1, product)),
	}
}

// doubleEdwards returns 2*p. On the curve, 1 + d*x^2*y^2 is y^2 - x^2:
//
//	x3 = 2*x*y/(y^2 - x^2)   y3 = (y^2 + x^2)/(2 - (y^2 - x^2))
func doubleEdwards(api frontend.API, p edwardsPoint) edwardsPoint {
	xx, yy := api.Mul(p.x, p.x), api.Mul(p.y, p.y)
	xy := api.Mul(p.x, p.y)
	diff := api.Sub(yy, xx)
	return edwardsPoint{
		x: api.DivUnchecked(api.Mul(xy, 2), diff),
		y: api.DivUnchecked(api.Add(yy, xx), api.Sub(2, diff)),
	}
}

// assertOnCurve asserts that p is a point of the curve.
func assertOnCurve(api frontend.API, label string, p edwardsPoint) {
	xx, yy := api.Mul(p.x, p.x), api.Mul(p.y, p.y)
	product := api.Mul(xx, yy)
	assertEqual(api, label, api.Sub(yy, xx), api.Add(1, api.Mul(product, constant(table().d))))
}

// negate returns -p.
func negate(api frontend.API, p edwardsPoint) edwardsPoint {
	return edwardsPoint{x: api.Neg(p.x), y: p.y}
}

// toEdwards maps a point in Montgomery form to Edwards form. No point of the curve
// has u = -1, and those of odd order but the identity do not have v = 0.
func toEdwards(api frontend.API, u, v frontend.Variable) edwardsPoint {
	return edwardsPoint{
		x: api.DivUnchecked(u, v),
		y: api.DivUnchecked(api.Sub(u, 1), api.Add(u, 1)),
	}
}

// doublePoint is the native twin of [doubleEdwards]. It takes any values, also
// those of no point.
func doublePoint(p point) (out point) {
	var xx, yy, num, den field.Element
	xx.Square(&p.x)
	yy.Square(&p.y)
	den.Sub(&yy, &xx)
	num.Mul(&p.x, &p.y).Double(&num)
	out.x.Div(&num, &den)
	two := field.FromUint64(2)
	num.Add(&yy, &xx)
	den.Sub(&two, &den)
	out.y.Div(&num, &den)
	return out
}
