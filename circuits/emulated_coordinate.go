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
	x := newResidue()
	lo = f.half(label+": lower chunks", x, out[:n], 0)
	hi = f.half(label+": upper chunks", x, out[n:2*n], coordinateHalf)
	f.assertZero(label, f.add(value, -1, widened(x)))
	f.assertBelowModulus(label, hi, lo, out[2*n:])
	return hi, lo
}

// halfChunks returns the number of chunks in 128 bits, the last one narrower.
func (f *residueField) halfChunks() int {
	return (coordinateHalf + f.layout.chunkBits - 1) / f.layout.chunkBits
}

// half returns the number of 128 bits that the chunks make, and adds it to x at a
// bit.
func (f *residueField) half(label string, x *residue, chunks []frontend.Variable, bit int) frontend.Variable {
	last := len(chunks) - 1
	width := coordinateHalf - last*f.layout.chunkBits
	f.chunks.check(label, chunks[:last])
	f.chunks.checkNarrow(label+": last", chunks[last], width)
	for i, chunk := range chunks {
		f.place(x, chunk, bit+i*f.layout.chunkBits, power2(f.layout.chunkBits))
	}
	return f.chunks.recompose(chunks)
}

// assertBelowModulus asserts that a number in halves is below p: what it lacks to
// p - 1 is a number in halves too. The borrow is 1 if the lower half is above that
// of p - 1.
func (f *residueField) assertBelowModulus(label string, hi, lo frontend.Variable, rest []frontend.Variable) {
	n, unit := f.halfChunks(), power2(coordinateHalf)
	restLo := f.half(label+": lower chunks of the rest", newResidue(), rest[:n], 0)
	restHi := f.half(label+": upper chunks of the rest", newResidue(), rest[n:2*n], 0)
	borrow := rest[2*n]
	assertBoolean(f.api, label+": borrow is boolean", borrow)
	most := new(big.Int).Sub(f.p, big.NewInt(1))
	upper, lower := new(big.Int).DivMod(most, unit, new(big.Int))
	assertEqual(f.api, label+": lower half and rest", f.api.Add(lo, restLo), f.api.Add(lower, f.api.Mul(borrow, unit)))
	assertEqual(f.api, label+": upper half and rest", f.api.Add(hi, restHi, borrow), upper)
}

// canonicalHint returns an expression modulo p in two halves of chunks, what it
// lacks to p - 1 likewise, and the borrow.
func canonicalHint(q *big.Int, inputs, outputs []*big.Int) error {
	h := readHint(q, inputs)
	x := h.integer(h.values)
	x.Mod(x, h.p)
	rest := new(big.Int).Sub(h.p, big.NewInt(1))
	rest.Sub(rest, x)
	n := (len(outputs) - 1) / 4
	for i, v := range []*big.Int{x, rest} {
		upper, lower := new(big.Int).DivMod(v, power2(coordinateHalf), new(big.Int))
		h.write(lower, outputs[2*i*n:(2*i+1)*n])
		h.write(upper, outputs[(2*i+1)*n:(2*i+2)*n])
	}
	lower := new(big.Int).Mod(x, power2(coordinateHalf))
	most := new(big.Int).Sub(h.p, big.NewInt(1))
	if lower.Cmp(most.Mod(most, power2(coordinateHalf))) > 0 {
		outputs[4*n].SetInt64(1)
	}
	return nil
}

// ecCoordinate returns what the leaf takes of a key on another curve, the twin of
// field.ECKey.
func ecCoordinate(h *hasher, hi, lo frontend.Variable) (frontend.Variable, error) {
	return h.compress(domain.ECKey, hi, lo)
}
