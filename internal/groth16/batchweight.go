package groth16

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// The endomorphism of G1 of Gallant, Lambert and Vanstone (CRYPTO 2001):
// (x, y) -> (cubeRoot*x, y) multiplies by lambda. Both are third roots of
// unity, so that P + lambda*P = -lambda^2*P = (cubeRoot^2*x, -y).
var (
	cubeRoot   = *new(fp.Element).SetBigInt(decimal("2203960485148121921418603742825762020974279258880205651966"))
	cubeRootSq = *new(fp.Element).Square(&cubeRoot)
	lambda     = *new(fr.Element).SetBigInt(decimal("4407920970296243842393367215006156084916469457145843978461"))
)

func decimal(digits string) *big.Int {
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		panic("groth16: not a decimal number: " + digits)
	}
	return n
}

// weightBits is the length of each half of a weight.
const weightBits = 64

// weight is the scalar low + high*lambda. All 2^128 weights are different
// scalars: a shortest vector of the lattice of (x, y) with x + y*lambda = 0 has
// about 127 bits. Multiplying by one takes half the doublings of a number of
// 128 bits.
type weight struct{ low, high uint64 }

// randomWeight returns one of the 2^128 weights, each as likely as any other.
func randomWeight() weight {
	var b [16]byte
	rand.Read(b[:]) // never fails: it ends the program where there is no randomness
	return weight{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (w weight) scalar() fr.Element {
	var low, high fr.Element
	low.SetUint64(w.low)
	high.SetUint64(w.high)
	high.Mul(&high, &lambda)
	return *low.Add(&low, &high)
}

// weigh returns the sum of w[i]*p[i]. The points share the doublings. It is not
// constant time: a weight is used for one batch, and nothing is left to learn
// from it once the batch is made up.
func weigh(p []curve.G1Affine, w []weight) curve.G1Jac {
	multiples := make([][3]curve.G1Affine, len(p)) // by digit-1: P, lambda*P, P + lambda*P
	for i := range p {
		multiples[i] = [3]curve.G1Affine{p[i], p[i], p[i]}
		multiples[i][1].X.Mul(&p[i].X, &cubeRoot)
		multiples[i][2].X.Mul(&p[i].X, &cubeRootSq)
		multiples[i][2].Y.Neg(&p[i].Y)
	}
	var sum curve.G1Jac // with X = Y = 1 and Z = 0, the point at infinity
	sum.X.SetOne()
	sum.Y.SetOne()
	for bit := weightBits - 1; bit >= 0; bit-- {
		sum.DoubleAssign()
		for i := range w {
			if digit := w[i].low>>bit&1 | w[i].high>>bit&1<<1; digit != 0 {
				sum.AddMixed(&multiples[i][digit-1])
			}
		}
	}
	return sum
}
