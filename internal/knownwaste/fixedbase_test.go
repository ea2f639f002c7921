package knownwaste

import (
	"math/big"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Multiples are those that gnark-crypto computes, at the edges, too.
func TestMultiples(t *testing.T) {
	var scalars []fr.Element
	for _, v := range []int64{0, 1, 2, 255, 256, 257, 65535, -1, -2, -256} {
		scalars = append(scalars, *new(fr.Element).SetInt64(v))
	}
	for range 20 {
		scalars = append(scalars, *new(fr.Element).MustSetRandom())
	}
	_, _, g1, g2 := curve.Generators()
	got1, got2 := inG1().times(scalars), inG2().times(scalars)
	for i := range scalars {
		k := scalars[i].BigInt(new(big.Int))
		if want := new(curve.G1Affine).ScalarMultiplication(&g1, k); !got1[i].Equal(want) {
			t.Errorf("%v in G1: another point", k)
		}
		if want := new(curve.G2Affine).ScalarMultiplication(&g2, k); !got2[i].Equal(want) {
			t.Errorf("%v in G2: another point", k)
		}
	}
	many := make([]fr.Element, 3000)
	for i := range many {
		many[i].SetUint64(uint64(i))
	}
	var sum curve.G1Jac
	for i, p := range inG1().times(many) {
		if want := new(curve.G1Affine).FromJacobian(&sum); !p.Equal(want) {
			t.Fatalf("%d times the generator: another point", i)
		}
		sum.AddMixed(&g1)
	}
}
