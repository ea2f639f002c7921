package groth16prover

import curve "github.com/consensys/gnark-crypto/ecc/bn254"

// adder2 adds pairs of points in G2 by the chord and tangent formulas, with one
// inversion for all of them (Montgomery's trick). Its arrays are for reuse.
type adder2 struct {
	slopes   [batch]curve.E2 // denominators, first
	products [batch]curve.E2 // of the denominators before
	kinds    [batch]kind
}

func (a *adder2) add(points []curve.G2Affine, pairs []pair) {
	if len(pairs) == 0 {
		return
	}
	var product, inverse curve.E2
	product.SetOne()
	for i, pair := range pairs {
		a.kinds[i] = denominator2(&a.slopes[i], &points[pair.to], &points[pair.from])
		a.products[i] = product
		product.Mul(&product, &a.slopes[i])
	}
	inverse.Inverse(&product)
	for i := len(pairs) - 1; i >= 0; i-- {
		var over curve.E2
		over.Mul(&inverse, &a.products[i])
		inverse.Mul(&inverse, &a.slopes[i])
		if a.kinds[i] != done {
			add2(&points[pairs[i].to], &points[pairs[i].from], &over, a.kinds[i])
		}
	}
}

// denominator2 sets d to the denominator of the slope, or, if there is none,
// sets p to the sum and d to 1.
func denominator2(d *curve.E2, p, q *curve.G2Affine) kind {
	d.Sub(&q.X, &p.X)
	if !d.IsZero() && !p.IsInfinity() && !q.IsInfinity() {
		return chord
	}
	switch {
	case q.IsInfinity():
	case p.IsInfinity():
		*p = *q
	case p.Y.Equal(&q.Y): // no point of G2 has order 2, so y is not 0
		d.Double(&p.Y)
		return tangent
	default:
		p.SetInfinity()
	}
	d.SetOne()
	return done
}

// add2 sets p to p+q, given the inverse of the slope's denominator.
func add2(p, q *curve.G2Affine, over *curve.E2, k kind) {
	var slope, x curve.E2
	if k == tangent {
		x.Square(&p.X)
		slope.Double(&x).Add(&slope, &x)
	} else {
		slope.Sub(&q.Y, &p.Y)
	}
	slope.Mul(&slope, over)
	x.Square(&slope).Sub(&x, &p.X).Sub(&x, &q.X)
	p.X.Sub(&p.X, &x)
	slope.Mul(&slope, &p.X)
	p.Y.Sub(&slope, &p.Y)
	p.X = x
}
