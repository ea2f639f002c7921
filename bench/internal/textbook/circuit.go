package textbook

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/permutation/poseidon2"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
)

// Name is the circuit's name in testdata/constraints.csv and in reports.
const Name = "textbook-20"

// Depth is the number of levels of the binary member tree.
const Depth = 20

// slotBits is the width of a slot, the same as in package circuits.
const slotBits = 32

// Circuit is the relation.
type Circuit struct {
	// Public inputs, in the order of internal/public.
	Root      frontend.Variable `gnark:",public"`
	Scope     frontend.Variable `gnark:",public"`
	Limit     frontend.Variable `gnark:",public"`
	Nullifier frontend.Variable `gnark:",public"`
	Binding   frontend.Variable `gnark:",public"`

	Key          frontend.Variable
	NullifierKey frontend.Variable
	Slot         frontend.Variable
	// Right says, from the leaf up, whether the running hash is the right
	// child.
	Right    [Depth]frontend.Variable
	Siblings [Depth]frontend.Variable
}

// Compile compiles the circuit.
func Compile() (*cs.R1CS, error) {
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &Circuit{})
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", Name, err)
	}
	system, ok := compiled.(*cs.R1CS)
	if !ok {
		return nil, fmt.Errorf("compiling %s: unexpected constraint system %T", Name, compiled)
	}
	return system, nil
}

// Define builds the constraints.
func (c *Circuit) Define(api frontend.API) error {
	h := hasher{api}
	y, err := fixedBaseY(api, c.Key)
	if err != nil {
		return err
	}
	nkHash, err := h.compress(domain.NullifierKey, c.NullifierKey)
	if err != nil {
		return err
	}
	leaf, err := h.compress(domain.Leaf|uint64(zkkex.KeyBabyJubjub)<<16, y, nkHash)
	if err != nil {
		return err
	}
	if err := c.assertMember(api, h, leaf); err != nil {
		return err
	}
	c.assertSlotBelowLimit(api)
	nullifier, err := h.compress(api.Add(field.NullifierTag(), c.Slot), c.Scope, c.NullifierKey)
	if err != nil {
		return err
	}
	api.AssertIsEqual(nullifier, c.Nullifier)
	for _, input := range []frontend.Variable{c.Root, c.Scope, c.Limit, c.Nullifier, c.Binding} {
		api.Mul(input, input) // an input that no product touches is malleable
	}
	return nil
}

func (c *Circuit) assertMember(api frontend.API, h hasher, leaf frontend.Variable) error {
	running := leaf
	for level, sibling := range c.Siblings {
		api.AssertIsBoolean(c.Right[level])
		left := api.Select(c.Right[level], sibling, running)
		right := api.Sub(api.Add(running, sibling), left)
		var err error
		if running, err = h.compress(left, right); err != nil {
			return err
		}
	}
	api.AssertIsEqual(running, c.Root)
	return nil
}

// assertSlotBelowLimit asserts that slot and limit - 1 - slot are both numbers
// of slotBits bits, so that neither is negative modulo the field's order.
func (c *Circuit) assertSlotBelowLimit(api frontend.API) {
	api.ToBinary(c.Slot, slotBits)
	api.ToBinary(api.Sub(c.Limit, 1, c.Slot), slotBits)
}

// hasher is the circuit twin of internal/field's compressions.
type hasher struct{ api frontend.API }

func (h hasher) compress(x ...frontend.Variable) (frontend.Variable, error) {
	width := len(x)
	p, err := poseidon2.NewPoseidon2FromParameters(h.api, width, field.FullRounds, field.PartialRounds(width))
	if err != nil {
		return nil, fmt.Errorf("poseidon2 of width %d: %w", width, err)
	}
	state := append([]frontend.Variable(nil), x...)
	if err := p.Permutation(state); err != nil {
		return nil, fmt.Errorf("poseidon2 of width %d: %w", width, err)
	}
	return h.api.Add(state[0], x[0]), nil
}
