package circuits

import (
	"math/big"

	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex/internal/domain"
)

func init() { solver.RegisterHint(canonicalHint) }

// coordinateHalf is the width of each half of a coordinate in its leaf.
const coordinateHalf = 128

// assertCoordinate returns the two halves of the one integer x below p that the
// expression is congruent to. Two integers for one coordinate would be two leaves.
func assertCoordinate(f *residueField, label string, value *expression) (hi, lo frontend.Variable) {
	n := f.halfChunks()
	out := f.hint(canonicalHint, 4*n+1, value.coefficients[:]...)
	lower, upper, rest := out[:n], out[n:2*n], out[2*n:]
	f.chunks.check(label+": lower chunks", lower[:n-1])
	f.chunks.checkNarrow(label+": highest of the lower chunks", lower[n-1], coordinateHalf-(n-1)*f.layout.chunkBits)
	f.chunks.check(label+": upper chunks", upper)
	x := newResidue()
	for i := range n {
		f.place(x, lower[i], i*f.layout.chunkBits, power2(f.layout.chunkBits))
		f.place(x, upper[i], i*f.layout.chunkBits+coordinateHalf, power2(f.layout.chunkBits))
	}
	f.assertZero(label, f.add(value, -1, widened(x)))
	hi, lo = f.chunks.recompose(upper), f.chunks.recompose(lower)
	f.assertBelowModulus(label, hi, lo, rest[:n], rest[n:2*n], rest[2*n])
	return hi, lo
}

// halfChunks returns the number of chunks that hold 128 bits.
func (f *residueField) halfChunks() int {
	return (coordinateHalf + f.layout.chunkBits - 1) / f.layout.chunkBits
}

// assertBelowModulus asserts that x = hi*2^128 + lo is below p: with a rest that is
// not negative it makes p - 1. The borrow is 1 if lo is above the lower half of
// p - 1. Only lo needs to be below 2^128: the other three are bounded by the sums,
// being sums of chunks and so not negative.
func (f *residueField) assertBelowModulus(label string, hi, lo frontend.Variable, restLower, restUpper []frontend.Variable, borrow frontend.Variable) {
	f.chunks.check(label+": lower chunks of the rest", restLower)
	f.chunks.check(label+": upper chunks of the rest", restUpper)
	assertBoolean(f.api, label+": borrow is boolean", borrow)
	unit := power2(coordinateHalf)
	most := new(big.Int).Sub(f.p, big.NewInt(1))
	upper, lower := new(big.Int).DivMod(most, unit, new(big.Int))
	assertEqual(f.api, label+": lower half and rest", f.api.Add(lo, f.chunks.recompose(restLower)), f.api.Add(lower, f.api.Mul(borrow, unit)))
	assertEqual(f.api, label+": upper half and rest", f.api.Add(hi, f.chunks.recompose(restUpper), borrow), upper)
}

// canonicalHint returns an expression modulo p in two halves of chunks, what it
// lacks to p - 1 likewise, and the borrow.
func canonicalHint(q *big.Int, inputs, outputs []*big.Int) error {
	h := readHint(q, inputs)
	x := h.integer(h.values)
	h.writeCanonical(x.Mod(x, h.p), outputs)
	return nil
}

func (h *hinted) writeCanonical(x *big.Int, outputs []*big.Int) {
	n, unit := (len(outputs)-1)/4, power2(coordinateHalf)
	most := new(big.Int).Sub(h.p, big.NewInt(1))
	upper, lower := new(big.Int).DivMod(x, unit, new(big.Int))
	restUpper, restLower := new(big.Int).DivMod(new(big.Int).Sub(most, x), unit, new(big.Int))
	for i, v := range []*big.Int{lower, upper, restLower, restUpper} {
		h.write(v, outputs[i*n:(i+1)*n])
	}
	outputs[4*n].SetUint64(0)
	if lower.Cmp(most.Mod(most, unit)) > 0 {
		outputs[4*n].SetUint64(1)
	}
}

// ecCoordinate returns what the leaf takes of a key on another curve, the twin of
// field.ECKey.
func ecCoordinate(h *hasher, hi, lo frontend.Variable) (frontend.Variable, error) {
	return h.compress(domain.ECKey, hi, lo)
}
