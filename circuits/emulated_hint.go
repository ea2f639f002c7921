package circuits

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
)

func init() {
	solver.RegisterHint(remainderHint, ratioHint, quotientHint, lowerCarryHint, upperCarryHint, countHint)
}

// hint has the prover compute chunks from values; nothing is asserted of them.
// The hint's first inputs are the layout and the modulus.
func (f *residueField) hint(h solver.Hint, chunks int, values ...frontend.Variable) []frontend.Variable {
	half := power2(128)
	inputs := []frontend.Variable{
		f.layout.chunkBits, f.layout.limbBits(),
		new(big.Int).Rsh(f.p, 128), new(big.Int).Mod(f.p, half),
	}
	out, err := f.api.Compiler().NewHint(h, chunks, append(inputs, values...)...)
	if err != nil {
		panic(fmt.Sprintf("emulated arithmetic: %v", err)) // the circuit is wrong, not its input
	}
	return out
}

// hinted are the inputs of a hint, read.
type hinted struct {
	chunkBits, limbBits int
	p                   *big.Int
	values              []*big.Int
}

// readHint reads the inputs that [residueField.hint] writes. A value above half
// of the native order is negative.
func readHint(q *big.Int, inputs []*big.Int) *hinted {
	h := &hinted{chunkBits: int(inputs[0].Int64()), limbBits: int(inputs[1].Int64())}
	h.p = new(big.Int).Lsh(inputs[2], 128)
	h.p.Add(h.p, inputs[3])
	half := new(big.Int).Rsh(q, 1)
	for _, v := range inputs[4:] {
		signed := new(big.Int).Set(v)
		if signed.Cmp(half) > 0 {
			signed.Sub(signed, q)
		}
		h.values = append(h.values, signed)
	}
	return h
}

// integer returns the integer that limbs or coefficients stand for.
func (h *hinted) integer(limbs []*big.Int) *big.Int {
	sum := new(big.Int)
	for i := len(limbs) - 1; i >= 0; i-- {
		sum.Lsh(sum, uint(h.limbBits)).Add(sum, limbs[i])
	}
	return sum
}

// write cuts v into chunks. What does not fit is lost: then no witness exists,
// and an assertion says so.
func (h *hinted) write(v *big.Int, outputs []*big.Int) {
	rest := new(big.Int).Set(v)
	mask := new(big.Int).Sub(power2(h.chunkBits), big.NewInt(1))
	for _, out := range outputs {
		out.And(rest, mask)
		rest.Rsh(rest, uint(h.chunkBits))
	}
}

// writeSigned cuts v plus half of the chunks' range.
func (h *hinted) writeSigned(v *big.Int, outputs []*big.Int) {
	h.write(new(big.Int).Add(v, power2(len(outputs)*h.chunkBits-1)), outputs)
}

// remainderHint returns an expression modulo p.
func remainderHint(q *big.Int, inputs, outputs []*big.Int) error {
	h := readHint(q, inputs)
	x := h.integer(h.values)
	h.write(x.Mod(x, h.p), outputs)
	return nil
}

// quotientHint returns an expression divided by p, rounded down.
func quotientHint(q *big.Int, inputs, outputs []*big.Int) error {
	h := readHint(q, inputs)
	x := h.integer(h.values)
	h.writeSigned(x.Div(x, h.p), outputs)
	return nil
}

// ratioHint returns an expression divided by a residue, modulo p, or 0 where
// the residue is 0.
func ratioHint(q *big.Int, inputs, outputs []*big.Int) error {
	h := readHint(q, inputs)
	num, den := h.integer(h.values[:productSize]), h.integer(h.values[productSize:])
	den.Mod(den, h.p)
	if den.Sign() == 0 {
		h.write(den, outputs)
		return nil
	}
	num.Mul(num, den.ModInverse(den, h.p))
	h.write(num.Mod(num, h.p), outputs)
	return nil
}

// lowerCarryHint and upperCarryHint return a sum of two coefficients divided by the
// weight above them, rounded down. They are two so that each is asked in order.
func lowerCarryHint(q *big.Int, inputs, outputs []*big.Int) error {
	return carryOf(q, inputs, outputs)
}

func upperCarryHint(q *big.Int, inputs, outputs []*big.Int) error {
	return carryOf(q, inputs, outputs)
}

func carryOf(q *big.Int, inputs, outputs []*big.Int) error {
	h := readHint(q, inputs)
	h.writeSigned(new(big.Int).Rsh(h.values[0], uint(2*h.limbBits)), outputs)
	return nil
}
