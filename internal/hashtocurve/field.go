package hashtocurve

import "math/big"

// field is the integers modulo a prime, for public values.
type field struct{ p *big.Int }

func (f field) element(a *big.Int) *big.Int { return new(big.Int).Mod(a, f.p) }

func (f field) add(a, b *big.Int) *big.Int { return f.element(new(big.Int).Add(a, b)) }

func (f field) sub(a, b *big.Int) *big.Int { return f.element(new(big.Int).Sub(a, b)) }

func (f field) mul(a, b *big.Int) *big.Int { return f.element(new(big.Int).Mul(a, b)) }

// inv returns 1/a, and 0 for 0.
func (f field) inv(a *big.Int) *big.Int {
	if a.Sign() == 0 {
		return new(big.Int)
	}
	return new(big.Int).ModInverse(a, f.p)
}

// sqrt returns a square root of a, or nil.
func (f field) sqrt(a *big.Int) *big.Int { return new(big.Int).ModSqrt(a, f.p) }

// polynomial evaluates one, with the constant coefficient first.
func (f field) polynomial(coefficients []*big.Int, x *big.Int) *big.Int {
	sum := new(big.Int)
	for i := len(coefficients) - 1; i >= 0; i-- {
		sum = f.add(f.mul(sum, x), coefficients[i])
	}
	return sum
}
