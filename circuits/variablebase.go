package circuits

import (
	"github.com/consensys/gnark/frontend"
)

// ChallengeBits is the number of bits of a signature's challenge in the circuit.
const ChallengeBits = 254

// incompleteSteps is how many of the multiplication's first steps use the chord
// formula; the rest use the complete one. See [multiplyKey].
const incompleteSteps = 249

// montgomeryPoint is a point of B*v^2 = u^3 + A*u^2 + u.
type montgomeryPoint struct{ u, v frontend.Variable }

// multiplyKey returns n*A for a point A of the subgroup's prime order l, with
//
//	n = 2^253 + sum(bit_i * 2^i, i < 254)
//
// and lowest bits first. From 2*A on, each bit from the highest down to the second
// doubles and adds A or -A, by which n_0 = 2 becomes n_(i+1) = 2*n_i +- 1. The
// last n_i is n or, if n is even, n + 1; one A is taken off then.
//
// # Why incomplete additions are complete here
//
// A step computes (P + Q) + P with two chords, for P = n_i*A and Q = +-A. The
// first is degenerate if n_i = +-1 modulo l, the second if n_i +- 1 = +-n_i. Now
// 2^i + 1 <= n_i <= 3*2^i - 1, n_0 = 2, so as integers n_i > 1 and
// 2*n_i + 1 < 6*2^i, and 6*2^i < l holds up to i = 248. So in the first 249 steps
// none of n_i - 1, n_i + 1 and 2*n_i +- 1 is 0 modulo l, and neither are the
// multiples that come out: the chord formula never meets 0/0 or the identity,
// whatever the bits. Later steps could wrap around l: they use the Edwards
// formula, which is complete. A is of order l because the circuit asserts so,
// whatever a registrar admitted.
func multiplyKey(api frontend.API, a edwardsPoint, bits *[ChallengeBits]frontend.Variable) edwardsPoint {
	base := toMontgomeryForm(api, a)
	sum := doubleMontgomery(api, base)
	top := ChallengeBits - 1
	for i := top; i > top-incompleteSteps; i-- {
		sum = doubleAndAdd(api, sum, montgomeryPoint{u: base.u, v: api.Mul(plusOrMinusOne(api, bits[i]), base.v)})
	}
	out := toEdwards(api, sum.u, sum.v)
	for i := top - incompleteSteps; i > 0; i-- {
		out = addEdwards(api, doubleEdwards(api, out), edwardsPoint{x: api.Mul(plusOrMinusOne(api, bits[i]), a.x), y: a.y})
	}
	even := api.Sub(1, bits[0])
	// The identity is (0, 1).
	return addEdwards(api, out, edwardsPoint{
		x: api.Neg(api.Mul(even, a.x)),
		y: api.Add(1, api.Mul(even, api.Sub(a.y, 1))),
	})
}

// toMontgomeryForm maps a point of odd order. For the identity, (0, 1), the first
// division has no solution, so that no witness gets past it; every other point of
// odd order has x other than 0.
func toMontgomeryForm(api frontend.API, p edwardsPoint) montgomeryPoint {
	u := api.DivUnchecked(api.Add(1, p.y), api.Sub(1, p.y))
	return montgomeryPoint{u: u, v: api.DivUnchecked(u, p.x)}
}

// doubleMontgomery returns 2*p, for p other than the identity and with v other than 0:
//
//	slope = (3*u^2 + 2*A*u + 1)/(2*B*v)   u3 = B*slope^2 - A - 2*u   v3 = slope*(u - u3) - v
func doubleMontgomery(api frontend.API, p montgomeryPoint) montgomeryPoint {
	a, b := constant(table().form.a), constant(table().form.b)
	num := api.Add(api.Mul(api.Mul(p.u, p.u), 3), api.Mul(p.u, a, 2), 1)
	slope := api.DivUnchecked(num, api.Mul(p.v, b, 2))
	u := api.Sub(api.Mul(api.Mul(slope, slope), b), a, p.u, p.u)
	return montgomeryPoint{u: u, v: api.Sub(api.Mul(slope, api.Sub(p.u, u)), p.v)}
}

// doubleAndAdd returns (p + q) + p, without the second coordinate of p + q
// (Eisenträger, Lauter, Montgomery: Fast elliptic curve arithmetic, section 2):
//
//	s1 = (v2 - v1)/(u2 - u1)     u12 = B*s1^2 - A - u1 - u2
//	s2 = 2*v1/(u1 - u12) - s1    u3  = B*s2^2 - A - u1 - u12    v3 = s2*(u1 - u3) - v1
//
// The divisions are unchecked: see [multiplyKey] for why their divisors are not 0.
func doubleAndAdd(api frontend.API, p, q montgomeryPoint) montgomeryPoint {
	a, b := constant(table().form.a), constant(table().form.b)
	s1 := api.DivUnchecked(api.Sub(q.v, p.v), api.Sub(q.u, p.u))
	between := api.Sub(api.Mul(api.Mul(s1, s1), b), a, p.u, q.u)
	s2 := api.Sub(api.DivUnchecked(api.Mul(p.v, 2), api.Sub(p.u, between)), s1)
	u := api.Sub(api.Mul(api.Mul(s2, s2), b), a, p.u, between)
	return montgomeryPoint{u: u, v: api.Sub(api.Mul(s2, api.Sub(p.u, u)), p.v)}
}

// plusOrMinusOne returns 1 for a bit that is set, and -1 for one that is not.
func plusOrMinusOne(api frontend.API, bit frontend.Variable) frontend.Variable {
	return api.Sub(api.Mul(bit, 2), 1)
}
