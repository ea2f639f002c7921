package circuits

import (
	"math/big"

	"github.com/consensys/gnark/frontend"
)

// productSize is the number of coefficients of a product of two residues.
const productSize = 2*residueLimbs - 1

// expression is a sum of products of elements, not reduced: the integer
// sum(coefficients[i]*2^(i*limbBits)).
type expression struct {
	coefficients [productSize]frontend.Variable
	// bound[i] is at least the absolute value of coefficients[i], as an
	// integer.
	bound [productSize]*big.Int
}

// term is coefficient*a or, if b is there, coefficient*a*b.
type term struct {
	coefficient int64
	a, b        *residue
}

// times returns coefficient times a residue, or times the product of two.
func times(coefficient int64, a *residue, b ...*residue) term {
	t := term{coefficient: coefficient, a: a}
	if len(b) > 0 {
		t.b = b[0]
	}
	return t
}

// expression returns the sum of terms. A product costs productSize constraints.
func (f *residueField) expression(terms ...term) *expression {
	x := new(expression)
	for i := range x.coefficients {
		x.coefficients[i], x.bound[i] = 0, new(big.Int)
	}
	for _, t := range terms {
		if t.b == nil {
			x = f.add(x, t.coefficient, widened(t.a))
		} else {
			x = f.add(x, t.coefficient, f.product(t.a, t.b))
		}
	}
	return x
}

// add returns x + coefficient*y.
func (f *residueField) add(x *expression, coefficient int64, y *expression) *expression {
	out := new(expression)
	size := new(big.Int).Abs(big.NewInt(coefficient))
	for i := range out.coefficients {
		out.coefficients[i] = f.api.Add(x.coefficients[i], f.api.Mul(y.coefficients[i], coefficient))
		out.bound[i] = new(big.Int).Mul(size, y.bound[i])
		out.bound[i].Add(out.bound[i], x.bound[i])
	}
	return out
}

// widened returns a residue as an expression.
func widened(a *residue) *expression {
	x := new(expression)
	for i := range x.coefficients {
		if i < residueLimbs {
			x.coefficients[i], x.bound[i] = a.limbs[i], a.bound[i]
		} else {
			x.coefficients[i], x.bound[i] = 0, new(big.Int)
		}
	}
	return x
}

// product returns a*b, coefficient by coefficient: the polynomials with the
// limbs as coefficients are multiplied at productSize points, one of them at
// infinity, and interpolated, which is linear and free (Toom-Cook). A
// polynomial of degree 2*residueLimbs-2 over the native field is given by its
// values at so many points, so the coefficients are those of the integers'
// product modulo q, and by their bounds the integers.
func (f *residueField) product(a, b *residue) *expression {
	var values [productSize]frontend.Variable
	for i, at := range toomPoints {
		values[i] = f.api.Mul(f.evaluate(a, at), f.evaluate(b, at))
	}
	infinity := residueLimbs - 1
	values[productSize-1] = f.api.Mul(a.limbs[infinity], b.limbs[infinity])
	x := f.interpolated(values)
	for i := range x.bound {
		x.bound[i] = new(big.Int)
	}
	for i, p := range a.bound {
		for j, q := range b.bound {
			x.bound[i+j].Add(x.bound[i+j], new(big.Int).Mul(p, q))
		}
	}
	return x
}

// evaluate returns the polynomial of a residue's limbs at a small integer.
func (f *residueField) evaluate(a *residue, at int64) frontend.Variable {
	sum, power := a.limbs[0], big.NewInt(1)
	for _, limb := range a.limbs[1:] {
		power = new(big.Int).Mul(power, big.NewInt(at))
		sum = f.api.Add(sum, f.api.Mul(limb, power))
	}
	return sum
}

func (f *residueField) interpolated(values [productSize]frontend.Variable) *expression {
	x := new(expression)
	for i, row := range toomMatrix(f.q) {
		x.coefficients[i] = 0
		for j, weight := range row {
			x.coefficients[i] = f.api.Add(x.coefficients[i], f.api.Mul(values[j], weight))
		}
	}
	return x
}

// toomPoints are where products are evaluated, beside infinity.
var toomPoints = [productSize - 1]int64{0, 1, -1, 2, -2, 3}

// toomMatrix returns the matrix modulo q that takes a polynomial's values at
// toomPoints, and its leading coefficient, to its coefficients: with the
// leading term taken off, Lagrange's interpolation.
func toomMatrix(q *big.Int) (m [productSize][productSize]*big.Int) {
	const lead = productSize - 1
	for j := range toomPoints {
		for i, c := range lagrange(q, j) {
			m[i][j] = c
		}
		m[lead][j] = new(big.Int)
	}
	for i := range lead {
		m[i][lead] = new(big.Int)
		for j, at := range toomPoints {
			power := new(big.Int).Exp(big.NewInt(at), big.NewInt(lead), nil)
			m[i][lead].Sub(m[i][lead], power.Mul(power, m[i][j]))
		}
		m[i][lead].Mod(m[i][lead], q)
	}
	m[lead][lead] = big.NewInt(1)
	return m
}

// lagrange returns the coefficients modulo q of the polynomial that is 1 at
// toomPoints[j] and 0 at the others.
func lagrange(q *big.Int, j int) []*big.Int {
	coefficients, scale := []*big.Int{big.NewInt(1)}, big.NewInt(1)
	for k, at := range toomPoints {
		if k == j {
			continue
		}
		scale.Mul(scale, big.NewInt(toomPoints[j]-at))
		next := append([]*big.Int{new(big.Int)}, coefficients...) // times X
		for i, c := range coefficients {
			next[i] = new(big.Int).Sub(next[i], new(big.Int).Mul(c, big.NewInt(at)))
		}
		coefficients = next
	}
	scale.ModInverse(scale.Mod(scale, q), q)
	for _, c := range coefficients {
		c.Mul(c, scale).Mod(c, q)
	}
	return coefficients
}

// magnitude returns a bound of the expression's absolute value.
func (x *expression) magnitude(limbBits int) *big.Int {
	sum := new(big.Int)
	for i := productSize - 1; i >= 0; i-- {
		sum.Lsh(sum, uint(limbBits)).Add(sum, x.bound[i])
	}
	return sum
}

// native returns the expression modulo q.
func (x *expression) native(f *residueField) frontend.Variable {
	sum := frontend.Variable(0)
	for i, c := range x.coefficients {
		sum = f.api.Add(sum, f.api.Mul(c, power2(i*f.layout.limbBits())))
	}
	return sum
}

// timesConstant returns a*c for a constant c below 2^(residueLimbs*limbBits); no
// constraint.
func (f *residueField) timesConstant(a *residue, c *big.Int) *expression {
	x := f.expression()
	for j, limb := range f.limbsOf(c) {
		for i := range a.limbs {
			x.coefficients[i+j] = f.api.Add(x.coefficients[i+j], f.api.Mul(a.limbs[i], limb))
			x.bound[i+j] = new(big.Int).Add(x.bound[i+j], new(big.Int).Mul(a.bound[i], limb))
		}
	}
	return x
}
