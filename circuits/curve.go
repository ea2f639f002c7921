package circuits

import (
	"math/big"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex/internal/field"
)

// montgomery holds Baby Jubjub's Montgomery form B*v^2 = u^3 + A*u^2 + u, which
// is birationally equivalent to a*x^2 + y^2 = 1 + d*x^2*y^2 by
//
//	u = (1+y)/(1-y)   v = u/x   A = 2(a+d)/(a-d)   B = 4/(a-d)
//
// (Bernstein, Birkner, Joye, Lange, Peters: Twisted Edwards Curves, theorem 3.2).
type montgomery struct{ a, b field.Element }

// point is an affine point in either form.
type point struct{ x, y field.Element }

// baseTable holds the constants of the fixed-base multiplication.
type baseTable struct {
	form montgomery
	// windows[i][m] is (2m+1)*8^i*G in Montgomery form.
	windows [Windows][4]point
	// top[m] is (2m+1)*8^Windows*G in Edwards form.
	top [2]point
	d   field.Element
}

// table computes the constants once, from the generator.
var table = sync.OnceValue(func() *baseTable {
	curve := twistededwards.GetEdwardsCurve()
	t := &baseTable{form: montgomeryForm(&curve), d: curve.D}
	var step twistededwards.PointAffine
	step.Set(&curve.Base)
	eight := big.NewInt(8)
	for i := range t.windows {
		for m := range t.windows[i] {
			t.windows[i][m] = toMontgomery(oddMultiple(&step, m))
		}
		step.ScalarMultiplication(&step, eight)
	}
	for m := range t.top {
		p := oddMultiple(&step, m)
		t.top[m] = point{x: p.X, y: p.Y}
	}
	return t
})

func oddMultiple(p *twistededwards.PointAffine, m int) *twistededwards.PointAffine {
	return new(twistededwards.PointAffine).ScalarMultiplication(p, big.NewInt(int64(2*m+1)))
}

func montgomeryForm(curve *twistededwards.CurveParams) (m montgomery) {
	var sum, diff field.Element
	sum.Add(&curve.A, &curve.D)
	diff.Sub(&curve.A, &curve.D)
	m.a.Double(&sum).Div(&m.a, &diff)
	four := field.FromUint64(4)
	m.b.Div(&four, &diff)
	return m
}

// toMontgomery maps a point other than the identity and the point of order 2.
func toMontgomery(p *twistededwards.PointAffine) (out point) {
	one := field.FromUint64(1)
	var num, den field.Element
	num.Add(&one, &p.Y)
	den.Sub(&one, &p.Y)
	out.x.Div(&num, &den)
	out.y.Div(&out.x, &p.X)
	return out
}
