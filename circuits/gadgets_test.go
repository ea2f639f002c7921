package circuits

import (
	"math"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/test"

	"github.com/zkkex/zkkex/internal/field"
)

type compressCircuit struct {
	X    []frontend.Variable
	Want frontend.Variable `gnark:",public"`
}

func (c *compressCircuit) Define(api frontend.API) error {
	h, err := newHasher(api)
	if err != nil {
		return err
	}
	got, err := h.compress(c.X...)
	if err != nil {
		return err
	}
	api.AssertIsEqual(got, c.Want)
	return nil
}

func TestCompressAgreesWithItsNativeTwin(t *testing.T) {
	native := map[int]func(x []field.Element) field.Element{
		2: func(x []field.Element) field.Element { return field.Compress2([2]field.Element(x)) },
		3: func(x []field.Element) field.Element { return field.Compress3([3]field.Element(x)) },
		4: func(x []field.Element) field.Element { return field.Compress4([4]field.Element(x)) },
		8: func(x []field.Element) field.Element { return field.Compress8([8]field.Element(x)) },
	}
	for width, f := range native {
		for _, x := range edgeInputs(t, width) {
			want := f(append([]field.Element(nil), x...))
			valid := &compressCircuit{X: variables(x), Want: want}
			empty := &compressCircuit{X: make([]frontend.Variable, width)}
			if err := test.IsSolved(empty, valid, ecc.BN254.ScalarField()); err != nil {
				t.Errorf("width %d: %v", width, err)
			}
			want.Double(&want)
			if err := test.IsSolved(empty, &compressCircuit{X: variables(x), Want: want}, ecc.BN254.ScalarField()); err == nil {
				t.Errorf("width %d: a wrong hash is accepted", width)
			}
		}
	}
}

// The added lane is the output lane: f_t(x) - x[0] is lane 0 of the permutation
// and of no other. A lane too far would be invertible.
func TestCompressAddsTheOutputLane(t *testing.T) {
	x := [2]field.Element{field.FromUint64(5), field.FromUint64(6)}
	plain := field.Compress2(x)
	swapped := field.Compress2([2]field.Element{x[1], x[0]})
	if plain.Equal(&swapped) {
		t.Fatal("the compression is symmetric")
	}
	if x[0] != field.FromUint64(5) {
		t.Fatal("the compression overwrites its argument")
	}
}

type keyCircuit struct {
	Key KeyWires
	Y   frontend.Variable `gnark:",public"`
}

func (c *keyCircuit) Define(api frontend.API) error {
	api.AssertIsEqual(fixedBaseY(api, "key", &c.Key), c.Y)
	return nil
}

func TestFixedBaseAgreesWithItsNativeTwin(t *testing.T) {
	for _, k := range edgeScalars(t) {
		a := &assignment{digits: *valuesOf(recode(t, k))}
		valid := &keyCircuit{Key: a.circuit().Key, Y: a.digits.fixedBaseY()}
		if err := test.IsSolved(&keyCircuit{}, valid, ecc.BN254.ScalarField()); err != nil {
			t.Errorf("k = %v: %v", k, err)
		}
	}
}

type slotCircuit struct {
	Slot  SlotWires
	Limit frontend.Variable `gnark:",public"`
	Want  frontend.Variable `gnark:",public"`
}

func (c *slotCircuit) Define(api frontend.API) error {
	api.AssertIsEqual(slotBelow(api, &c.Slot, c.Limit), c.Want)
	return nil
}

func TestSlotIsBelowTheLimit(t *testing.T) {
	values := []uint32{0, 1, 2, 1 << 31, math.MaxUint32 - 1, math.MaxUint32}
	for _, limit := range values[1:] {
		for _, slot := range values {
			v := &statementValues{slot: slotValues(slot), rest: slotValues(limit - 1 - slot)}
			c := &slotCircuit{Slot: v.memberWires().Slot, Limit: uint64(limit), Want: uint64(slot)}
			err := test.IsSolved(&slotCircuit{}, c, ecc.BN254.ScalarField())
			if below := slot < limit; below != (err == nil) {
				t.Errorf("slot %d, limit %d: %v", slot, limit, err)
			}
		}
	}
}

type amongCircuit struct {
	X          frontend.Variable
	Candidates [8]frontend.Variable
}

func (c *amongCircuit) Define(api frontend.API) error {
	assertAmong(api, "among", c.X, c.Candidates[:])
	return nil
}

func TestAmong(t *testing.T) {
	var c amongCircuit
	for i := range c.Candidates {
		c.Candidates[i] = 10 * i
	}
	for x := range 75 {
		c.X = x
		err := test.IsSolved(&amongCircuit{}, &c, ecc.BN254.ScalarField())
		if member := x%10 == 0; member != (err == nil) {
			t.Errorf("%d among %v: %v", x, c.Candidates, err)
		}
	}
}

// edgeInputs are inputs of zeros, ones, minus ones and random elements.
func edgeInputs(t *testing.T, width int) [][]field.Element {
	t.Helper()
	minusOne := field.FromUint64(1)
	minusOne.Neg(&minusOne)
	out := [][]field.Element{
		make([]field.Element, width),
		repeat(field.FromUint64(1), width),
		repeat(minusOne, width),
	}
	for range 4 {
		x := make([]field.Element, width)
		for i := range x {
			x[i] = randomElement(t)
		}
		out = append(out, x)
	}
	return out
}

func repeat(e field.Element, n int) []field.Element {
	out := make([]field.Element, n)
	for i := range out {
		out[i] = e
	}
	return out
}

func variables(x []field.Element) []frontend.Variable {
	out := make([]frontend.Variable, len(x))
	for i := range x {
		out[i] = x[i]
	}
	return out
}
