package knownwaste

import (
	"runtime"
	"sync"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// digitValues is the number of values of a digit, a byte, that is not 0.
const digitValues = 255

// jacobian is what a multiplication needs of a point, whose zero value is the point
// at infinity.
type jacobian[J, P any] interface {
	*J
	AddMixed(*P) *J
	AddAssign(*J) *J
}

// multiplier multiplies a generator: it has every multiple of it by a digit times a
// power of 256, so that a multiplication is an addition for each byte of the scalar.
type multiplier[J, P any, PJ jacobian[J, P]] struct {
	multiples []P // by digit's place and value
	affine    func([]J) []P
}

var (
	inG1 = sync.OnceValue(func() *multiplier[curve.G1Jac, curve.G1Affine, *curve.G1Jac] {
		g1, _, _, _ := curve.Generators()
		return newMultiplier[curve.G1Jac, curve.G1Affine](g1, curve.BatchJacobianToAffineG1)
	})
	inG2 = sync.OnceValue(func() *multiplier[curve.G2Jac, curve.G2Affine, *curve.G2Jac] {
		_, g2, _, _ := curve.Generators()
		return newMultiplier[curve.G2Jac, curve.G2Affine](g2, affineG2)
	})
)

func affineG2(points []curve.G2Jac) []curve.G2Affine {
	out := make([]curve.G2Affine, len(points))
	for i := range points {
		out[i].FromJacobian(&points[i])
	}
	return out
}

func newMultiplier[J, P any, PJ jacobian[J, P]](base J, affine func([]J) []P) *multiplier[J, P, PJ] {
	all := make([]J, 0, fr.Bytes*digitValues)
	for range fr.Bytes {
		multiple := base
		for range digitValues {
			all = append(all, multiple)
			PJ(&multiple).AddAssign(&base)
		}
		base = multiple // 256 times what it was
	}
	return &multiplier[J, P, PJ]{multiples: affine(all), affine: affine}
}

// times returns the multiples of the generator by scalars, computed on all
// processors.
func (m *multiplier[J, P, PJ]) times(scalars []fr.Element) []P {
	const chunk = 1024
	out := make([]P, len(scalars))
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for start := 0; start < len(scalars); start += chunk {
		end := min(start+chunk, len(scalars))
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			copy(out[start:end], m.affine(m.sums(scalars[start:end])))
		})
	}
	group.Wait()
	return out
}

func (m *multiplier[J, P, PJ]) sums(scalars []fr.Element) []J {
	out := make([]J, len(scalars))
	for i := range scalars {
		for place, digit := range scalars[i].Bytes() { // the highest first
			if digit != 0 {
				PJ(&out[i]).AddMixed(&m.multiples[(fr.Bytes-1-place)*digitValues+int(digit)-1])
			}
		}
	}
	return out
}
