package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// BabyJubjub is the relation for a Baby Jubjub identity key, for both
// capacities: the number of Groups tells them apart. Make one with
// [NewBabyJubjub].
type BabyJubjub struct {
	// Public inputs, in the order of internal/public.
	Root      frontend.Variable `gnark:",public"`
	Scope     frontend.Variable `gnark:",public"`
	Limit     frontend.Variable `gnark:",public"`
	Nullifier frontend.Variable `gnark:",public"`
	Binding   frontend.Variable `gnark:",public"`

	Key          KeyWires
	NullifierKey frontend.Variable
	Slot         SlotWires
	// Groups are the children of the nodes on the path, from the leaves up.
	Groups [][8]frontend.Variable
	// Top are the children of the root.
	Top [4]frontend.Variable
}

// NewBabyJubjub returns the relation, to be compiled, for a registry of
// capacity 2^capacityBits: 20 or 32.
func NewBabyJubjub(capacityBits int) (*BabyJubjub, error) {
	if capacityBits != 20 && capacityBits != 32 {
		return nil, fmt.Errorf("%w: capacity 2^%d, expected 2^20 or 2^32", zkkex.ErrUnsupported, capacityBits)
	}
	return &BabyJubjub{Groups: make([][8]frontend.Variable, levels(capacityBits))}, nil
}

// levels returns the number of 8-ary levels below the 4-ary top.
func levels(capacityBits int) int { return (capacityBits - 2) / 3 }

// Define builds the constraints, in the order of the specification.
func (c *BabyJubjub) Define(api frontend.API) error {
	h, err := newHasher(api)
	if err != nil {
		return err
	}
	y := fixedBaseY(api, &c.Key)
	leaf, err := c.leaf(h, y)
	if err != nil {
		return err
	}
	if err := assertMember(api, h, leaf, c.Root, c.Groups, c.Top); err != nil {
		return err
	}
	slot := slotBelow(api, &c.Slot, c.Limit)
	if err := c.assertNullifier(api, h, slot); err != nil {
		return err
	}
	c.squarePublicInputs(api)
	return nil
}

func (c *BabyJubjub) leaf(h *hasher, y frontend.Variable) (frontend.Variable, error) {
	nkHash, err := h.compress(domain.NullifierKey, c.NullifierKey)
	if err != nil {
		return nil, err
	}
	return h.compress(domain.Leaf|uint64(zkkex.KeyBabyJubjub)<<16, y, nkHash)
}

func (c *BabyJubjub) assertNullifier(api frontend.API, h *hasher, slot frontend.Variable) error {
	lane := api.Add(constant(field.NullifierTag()), slot)
	computed, err := h.compress(lane, c.Scope, c.NullifierKey)
	if err != nil {
		return err
	}
	assertEqual(api, "nullifier: computed from slot, scope and nk", computed, c.Nullifier)
	return nil
}

func (c *BabyJubjub) squarePublicInputs(api frontend.API) {
	inputs := [public.Count]frontend.Variable{
		public.Root:      c.Root,
		public.Scope:     c.Scope,
		public.Limit:     c.Limit,
		public.Nullifier: c.Nullifier,
		public.Binding:   c.Binding,
	}
	for i, name := range public.Names() {
		square(api, "public: "+name+" is squared", inputs[i])
	}
}
