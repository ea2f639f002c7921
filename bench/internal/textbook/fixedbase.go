package textbook

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
	tedwards "github.com/consensys/gnark-crypto/ecc/twistededwards"
	"github.com/consensys/gnark/frontend"
	edwards "github.com/consensys/gnark/std/algebra/native/twistededwards"

	"github.com/zkkex/zkkex/internal/field"
)

const (
	// scalarBits is the length of the subgroup's order.
	scalarBits = 251
	windowBits = 2
	windowSize = 1 << windowBits
)

// fixedBaseY returns the y coordinate of key*G for a key below 2^scalarBits. A
// window's term may be the identity and may equal the running sum: the Edwards
// addition is complete.
func fixedBaseY(api frontend.API, key frontend.Variable) (frontend.Variable, error) {
	curve, err := edwards.NewEdCurve(api, tedwards.BN254)
	if err != nil {
		return nil, err
	}
	bits := api.ToBinary(key, scalarBits)
	terms := windowTables()
	sum := window(api, &terms[0], bits)
	for i := 1; i < len(terms); i++ {
		sum = curve.Add(sum, window(api, &terms[i], bits[windowBits*i:]))
	}
	return sum.Y, nil
}

// table holds 0, 1, 2 and 3 times a power of four of the generator.
type table [windowSize]twistededwards.PointAffine

// windowTables returns a table for every two bits of a scalar.
func windowTables() []table {
	curve := twistededwards.GetEdwardsCurve()
	tables := make([]table, (scalarBits+windowBits-1)/windowBits)
	step := curve.Base
	for i := range tables {
		tables[i][0].Y.SetOne()
		for m := 1; m < windowSize; m++ {
			tables[i][m].Add(&tables[i][m-1], &step)
		}
		step.ScalarMultiplication(&step, big.NewInt(windowSize))
	}
	return tables
}

// window returns the table's entry for the first two of the bits, or for the
// one that is left, low bit first.
func window(api frontend.API, t *table, bits []frontend.Variable) edwards.Point {
	if len(bits) == 1 {
		return edwards.Point{
			X: api.Select(bits[0], t[1].X, t[0].X),
			Y: api.Select(bits[0], t[1].Y, t[0].Y),
		}
	}
	both := api.Mul(bits[0], bits[1])
	return edwards.Point{
		X: interpolate(api, [windowSize]field.Element{t[0].X, t[1].X, t[2].X, t[3].X}, bits[0], bits[1], both),
		Y: interpolate(api, [windowSize]field.Element{t[0].Y, t[1].Y, t[2].Y, t[3].Y}, bits[0], bits[1], both),
	}
}

// interpolate returns e[low + 2*high], where both is low*high. It costs no
// constraint.
func interpolate(api frontend.API, e [windowSize]field.Element, low, high, both frontend.Variable) frontend.Variable {
	var c1, c2, c3 field.Element
	c1.Sub(&e[1], &e[0])
	c2.Sub(&e[2], &e[0])
	c3.Sub(&e[3], &e[2]).Sub(&c3, &c1)
	return api.Add(e[0], api.Mul(low, c1), api.Mul(high, c2), api.Mul(both, c3))
}
