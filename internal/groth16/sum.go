package groth16

import (
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

const (
	windowBits  = 4
	windowCount = 8 * fr.Bytes / windowBits
	windowSize  = 1<<windowBits - 1 // the multiple 0 is left out
)

// sumTable computes K[0] + sum of x[i]*K[i+1] for fixed K. It holds every
// multiple d*16^w*K[i+1] of every window, 307 kB in all, so that a public input
// costs at most 64 additions. It is not constant time: public inputs are
// public.
type sumTable struct {
	constant  curve.G1Affine
	multiples []curve.G1Affine // by input, window and digit-1
}

func newSumTable(k [public.Count + 1]curve.G1Affine) *sumTable {
	jac := make([]curve.G1Jac, 0, public.Count*windowCount*windowSize)
	for i := range public.Count {
		var base curve.G1Jac
		base.FromAffine(&k[i+1])
		for range windowCount {
			multiple := base
			for range windowSize {
				jac = append(jac, multiple)
				multiple.AddAssign(&base)
			}
			base = multiple
		}
	}
	return &sumTable{constant: k[0], multiples: curve.BatchJacobianToAffineG1(jac)}
}

func (t *sumTable) eval(inputs *[public.Count]field.Element) curve.G1Affine {
	var sum curve.G1Jac
	sum.FromAffine(&t.constant)
	for i := range inputs {
		digits := inputs[i].Bytes()
		for w := range windowCount {
			b := digits[fr.Bytes-1-w/2]
			if d := b >> (windowBits * (w % 2)) & windowSize; d != 0 {
				sum.AddMixed(&t.multiples[(i*windowCount+w)*windowSize+int(d)-1])
			}
		}
	}
	var affine curve.G1Affine
	return *affine.FromJacobian(&sum)
}
