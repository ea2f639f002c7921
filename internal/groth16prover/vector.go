package groth16prover

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// scratchSize is the number of elements that invert needs beside a batch.
const scratchSize = 2*batch + 64

// invert sets out to the inverses of in, none of which is 0, with one inversion:
// it multiplies elements in pairs, inverts the products, and takes each factor's
// inverse off them. The three products per element are those of Montgomery's
// trick, but in vectors.
func invert(out, in, scratch fp.Vector) {
	n := len(in)
	if n == 1 {
		out[0].Inverse(&in[0])
		return
	}
	half, odd := n/2, n%2
	left, right := in[:half], in[half+odd:]
	products, inverses := scratch[:half+odd], scratch[half+odd:2*(half+odd)]
	pairs := products[:half]
	pairs.Mul(left, right)
	if odd == 1 {
		products[half] = in[half]
	}
	invert(inverses, products, scratch[2*(half+odd):])
	outLeft, outRight := out[:half], out[half+odd:]
	outLeft.Mul(inverses[:half], right)
	outRight.Mul(inverses[:half], left)
	if odd == 1 {
		out[half] = inverses[half]
	}
}

// vector2 is a vector of elements a0 + a1*u of Fp2, where u^2 = -1. Methods set
// the receiver, which may be an argument.
type vector2 struct{ a0, a1 fp.Vector }

func (v vector2) first(n int) vector2 { return vector2{v.a0[:n], v.a1[:n]} }

func (v vector2) at(i int) curve.E2 { return curve.E2{A0: v.a0[i], A1: v.a1[i]} }

func (v vector2) set(i int, e *curve.E2) { v.a0[i], v.a1[i] = e.A0, e.A1 }

func (v vector2) isZero(i int) bool { return v.a0[i].IsZero() && v.a1[i].IsZero() }

func (v vector2) sub(x, y vector2) {
	v.a0.Sub(x.a0, y.a0)
	v.a1.Sub(x.a1, y.a1)
}

// mul multiplies with three products (Karatsuba).
func (v vector2) mul(x, y vector2, scratch fp.Vector) {
	n := len(v.a0)
	cross, low := scratch[:n], scratch[n:2*n]
	cross.Add(x.a0, x.a1)
	low.Add(y.a0, y.a1)
	cross.Mul(cross, low)
	low.Mul(x.a0, y.a0)
	v.a1.Mul(x.a1, y.a1)
	v.a0.Sub(low, v.a1)
	cross.Sub(cross, low)
	v.a1.Sub(cross, v.a1)
}

// square squares with two products.
func (v vector2) square(x vector2, scratch fp.Vector) {
	n := len(v.a0)
	sum, product := scratch[:n], scratch[n:2*n]
	sum.Add(x.a0, x.a1)
	product.Mul(x.a0, x.a1)
	v.a0.Sub(x.a0, x.a1)
	v.a0.Mul(v.a0, sum)
	v.a1.Add(product, product)
}
