package groth16prover

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// adder1 adds pairs of points in G1 by the chord and tangent formulas, with one
// inversion for all of them (Montgomery's trick). Its arrays are for reuse.
type adder1 struct {
	slopes   [batch]fp.Element // denominators, first
	products [batch]fp.Element // of the denominators before
	kinds    [batch]kind
}

// kind says how two points are added.
type kind uint8

const (
	chord   kind = iota
	tangent      // the points are equal
	done         // one is the point at infinity, or they are opposite
)

func (a *adder1) add(points []curve.G1Affine, pairs []pair) {
	if len(pairs) == 0 {
		return
	}
	var product, inverse fp.Element
	product.SetOne()
	for i, pair := range pairs {
		a.kinds[i] = denominator1(&a.slopes[i], &points[pair.to], &points[pair.from])
		a.products[i] = product
		product.Mul(&product, &a.slopes[i])
	}
	inverse.Inverse(&product)
	for i := len(pairs) - 1; i >= 0; i-- {
		var over fp.Element
		over.Mul(&inverse, &a.products[i])
		inverse.Mul(&inverse, &a.slopes[i])
		if a.kinds[i] != done {
			add1(&points[pairs[i].to], &points[pairs[i].from], &over, a.kinds[i])
		}
	}
}

// denominator1 sets d to the denominator of the slope, or, if there is none,
// sets p to the sum and d to 1.
func denominator1(d *fp.Element, p, q *curve.G1Affine) kind {
	d.Sub(&q.X, &p.X)
	if !d.IsZero() && !p.IsInfinity() && !q.IsInfinity() {
		return chord
	}
	switch {
	case q.IsInfinity():
	case p.IsInfinity():
		*p = *q
	case p.Y.Equal(&q.Y): // no point of G1 has order 2, so y is not 0
		d.Double(&p.Y)
		return tangent
	default:
		p.SetInfinity()
	}
	d.SetOne()
	return done
}

// add1 sets p to p+q, given the inverse of the slope's denominator.
func add1(p, q *curve.G1Affine, over *fp.Element, k kind) {
	var slope, x fp.Element
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
