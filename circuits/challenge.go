package circuits

import (
	"fmt"
	"math/big"
	"math/bits"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/field"
)

// window says which numbers of ChallengeBits bits stand for a challenge.
//
// [multiplyKey] multiplies by n = 2^253 + V, for the number V of 254 bits. A
// challenge e between 0 and r, the field's order, has n = e + 6*l, which is the
// same multiple of a point of order l; so V = e + offset with
// offset = 6*l - 2^253, and V is between offset and offset + r.
//
// As V has more bits than r, the equation V = e + offset in the field has a second
// solution for some e: the challenge e +- r, which is another multiple (trap C5).
// The circuit compares V's highest 64 bits with those of both ends and takes what is
// strictly between. That leaves one solution at most, and none for the
// challenges in the outermost 2^190 at either end, one in 2^62 of all: who
// meets one signs again.
type window struct {
	offset       field.Element
	offsetInt    *big.Int
	lower, upper uint64
}

// edgeBits is the number of V's highest bits that are compared.
const edgeBits = 64

var challengeWindow = sync.OnceValue(func() *window {
	offset := new(big.Int).Mul(babyjubjub.Order(), big.NewInt(6))
	offset.Sub(offset, new(big.Int).Lsh(big.NewInt(1), ChallengeBits-1))
	last := new(big.Int).Add(offset, fr.Modulus())
	last.Sub(last, big.NewInt(1))
	w := &window{offsetInt: offset, lower: edge(offset), upper: edge(last)}
	w.offset.SetBigInt(offset)
	return w
})

// edge returns the highest bits of a number of ChallengeBits bits.
func edge(v *big.Int) uint64 { return new(big.Int).Rsh(v, ChallengeBits-edgeBits).Uint64() }

// challengeOf returns the element e that the bits stand for, lowest first, and
// asserts that they are the bits of e + offset, as an integer below offset + r.
func challengeOf(api frontend.API, wires *[ChallengeBits]frontend.Variable) frontend.Variable {
	sum, weight, two := frontend.Variable(0), field.FromUint64(1), field.FromUint64(2)
	for i, bit := range wires {
		assertBoolean(api, fmt.Sprintf("challenge: bit %d is boolean", i), bit)
		sum = api.Add(sum, api.Mul(bit, constant(weight)))
		weight.Mul(&weight, &two)
	}
	w := challengeWindow()
	assertBetween(api, "challenge: within the window", wires[ChallengeBits-edgeBits:], w.lower, w.upper)
	return api.Sub(sum, constant(w.offset))
}

// assertBetween asserts lower < number < upper for a number of 64 bits, lowest
// first, that are known to be boolean.
func assertBetween(api frontend.API, label string, wires []frontend.Variable, lower, upper uint64) {
	inverted := make([]frontend.Variable, len(wires))
	for i, bit := range wires {
		inverted[i] = api.Sub(1, bit)
	}
	tooLarge, tooSmall := reaches(api, wires, upper), reaches(api, inverted, ^lower)
	assertEqual(api, label, api.Add(tooLarge, tooSmall), 0)
}

// reaches returns 0 if the number is below the bound, and else a number from 1 to
// 65: how many bits stand out above the bound where all bits before, as far as the
// bound has them set, are set too, and one more if the number has all of them.
func reaches(api frontend.API, wires []frontend.Variable, bound uint64) frontend.Variable {
	prefix, count := frontend.Variable(1), frontend.Variable(0)
	for i := edgeBits - 1; i >= 0; {
		if bound>>i&1 == 1 {
			prefix = api.Mul(prefix, wires[i])
			i--
			continue
		}
		run := bits.LeadingZeros64(bound << (edgeBits - 1 - i))
		run = min(run, i+1)
		above := frontend.Variable(0)
		for range run {
			above = api.Add(above, wires[i])
			i--
		}
		count = api.Add(count, api.Mul(prefix, above))
	}
	return api.Add(count, prefix)
}

// challengeBits returns the bits of e + offset, lowest first, or false for the one
// e in 2^62 that the circuit leaves out.
func challengeBits(e field.Element) (out [ChallengeBits]field.Element, ok bool) {
	w := challengeWindow()
	v := e.BigInt(new(big.Int))
	v.Add(v, w.offsetInt)
	for i := range out {
		out[i] = field.FromUint64(uint64(v.Bit(i)))
	}
	top := edge(v)
	return out, w.lower < top && top < w.upper
}
