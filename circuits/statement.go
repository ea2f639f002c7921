package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// PublicInputs are the public inputs of every relation, in the order of
// internal/public. A relation embeds them first.
type PublicInputs struct {
	Root      frontend.Variable `gnark:",public"`
	Scope     frontend.Variable `gnark:",public"`
	Limit     frontend.Variable `gnark:",public"`
	Nullifier frontend.Variable `gnark:",public"`
	Binding   frontend.Variable `gnark:",public"`
}

// MemberWires are what a member knows beside the key, the same in every
// relation. A relation embeds them last. Make them with [newMemberWires].
type MemberWires struct {
	NullifierKey frontend.Variable
	Slot         SlotWires
	// Groups are the children of the nodes on the path, from the leaves up.
	Groups [][8]frontend.Variable
	// Top are the children of the root.
	Top [4]frontend.Variable
}

// newMemberWires returns the wires for a registry of capacity 2^capacityBits,
// 20 or 32: the number of groups tells the two apart.
func newMemberWires(capacityBits int) (MemberWires, error) {
	if capacityBits != 20 && capacityBits != 32 {
		return MemberWires{}, fmt.Errorf("%w: capacity 2^%d, expected 2^20 or 2^32", zkkex.ErrUnsupported, capacityBits)
	}
	return MemberWires{Groups: make([][8]frontend.Variable, levels(capacityBits))}, nil
}

// levels returns the number of 8-ary levels below the 4-ary top.
func levels(capacityBits int) int { return (capacityBits - 2) / 3 }

// assertStatement makes the assertions that every relation shares, once k, the
// coordinate that the leaf takes of a key, is known to belong to a key that the
// prover may use: leaf, membership, slot, nullifier, public.
func assertStatement(api frontend.API, h *hasher, in *PublicInputs, m *MemberWires, keyType zkkex.KeyType, k frontend.Variable) error {
	leaf, err := leafOf(h, keyType, k, m.NullifierKey)
	if err != nil {
		return err
	}
	if err := assertMember(api, h, leaf, in.Root, m.Groups, m.Top); err != nil {
		return err
	}
	slot := slotBelow(api, &m.Slot, in.Limit)
	if err := assertNullifier(api, h, slot, in.Scope, m.NullifierKey, in.Nullifier); err != nil {
		return err
	}
	squarePublicInputs(api, in)
	return nil
}

func leafOf(h *hasher, keyType zkkex.KeyType, k, nullifierKey frontend.Variable) (frontend.Variable, error) {
	nkHash, err := h.compress(domain.NullifierKey, nullifierKey)
	if err != nil {
		return nil, err
	}
	return h.compress(domain.Leaf|uint64(keyType)<<16, k, nkHash)
}

func assertNullifier(api frontend.API, h *hasher, slot, scope, nullifierKey, nullifier frontend.Variable) error {
	lane := api.Add(constant(field.NullifierTag()), slot)
	computed, err := h.compress(lane, scope, nullifierKey)
	if err != nil {
		return err
	}
	assertEqual(api, "nullifier: computed from slot, scope and nk", computed, nullifier)
	return nil
}

func squarePublicInputs(api frontend.API, in *PublicInputs) {
	inputs := [public.Count]frontend.Variable{
		public.Root:      in.Root,
		public.Scope:     in.Scope,
		public.Limit:     in.Limit,
		public.Nullifier: in.Nullifier,
		public.Binding:   in.Binding,
	}
	for i, name := range public.Names() {
		square(api, "public: "+name+" is squared", inputs[i])
	}
}
