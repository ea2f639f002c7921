package groth16

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/field"
)

const (
	windowBits  = 6
	windowCount = (fr.Bits + windowBits) / windowBits // one bit more, for a carry
	windowSize  = 1 << (windowBits - 1)               // digits are -31 to 32, and 0 and signs need no table
)

// sumTable computes K[0] + sum of x[i]*K[i+1] for fixed K. It holds every
// multiple d*64^w*K[i+1] of every window, 88 kB for each input, so that one costs
// at most 43 additions. It is not constant time: public inputs are
// public.
type sumTable struct {
	constant  curve.G1Affine
	multiples []curve.G1Affine // by input, window and digit-1
}

func newSumTable(constant curve.G1Affine, bases []curve.G1Affine) *sumTable {
	jac := make([]curve.G1Jac, 0, len(bases)*windowCount*windowSize)
	for i := range bases {
		var base curve.G1Jac
		base.FromAffine(&bases[i])
		for range windowCount {
			multiple := base
			for range windowSize {
				jac = append(jac, multiple)
				multiple.AddAssign(&base)
			}
			base = jac[len(jac)-1]
			base.DoubleAssign()
		}
	}
	return &sumTable{constant: constant, multiples: curve.BatchJacobianToAffineG1(jac)}
}

// eval takes as many inputs as the table has bases.
func (t *sumTable) eval(inputs []field.Element) curve.G1Jac {
	var sum curve.G1Jac
	sum.FromAffine(&t.constant)
	for i := range inputs {
		for w, d := range signedDigits(&inputs[i]) {
			multiples := t.multiples[(i*windowCount+w)*windowSize:]
			switch {
			case d > 0:
				sum.AddMixed(&multiples[d-1])
			case d < 0:
				negated := multiples[-d-1]
				negated.Y.Neg(&negated.Y)
				sum.AddMixed(&negated)
			}
		}
	}
	return sum
}

// signedDigits returns the digits of x to the base 64, from -31 to 32, the
// lowest first.
func signedDigits(x *field.Element) (digits [windowCount]int) {
	limbs := x.Bits()
	carry := 0
	for w := range digits {
		limb, shift := w*windowBits/64, w*windowBits%64
		bits := limbs[limb] >> shift
		if shift > 64-windowBits && limb+1 < len(limbs) {
			bits |= limbs[limb+1] << (64 - shift)
		}
		digits[w] = int(bits&(1<<windowBits-1)) + carry
		carry = 0
		if digits[w] > windowSize {
			digits[w] -= 1 << windowBits
			carry = 1
		}
	}
	return digits
}
