package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
)

// ECKey is the relation for the scalar of a key on P-256 or secp256k1, for both
// capacities. Make one with [NewECKey].
type ECKey struct {
	PublicInputs
	Key ECKeyWires
	MemberWires

	keyType zkkex.KeyType
}

// NewECKey returns the relation, to be compiled, for keys of type KeyP256 or
// KeySecp256k1 in a registry of capacity 2^capacityBits: 20 or 32.
func NewECKey(keyType zkkex.KeyType, capacityBits int) (*ECKey, error) {
	if baseOf(keyType) == nil {
		return nil, fmt.Errorf("%w: key type %v, expected %v or %v", zkkex.ErrUnsupported, keyType, zkkex.KeyP256, zkkex.KeySecp256k1)
	}
	member, err := newMemberWires(capacityBits)
	if err != nil {
		return nil, err
	}
	return &ECKey{MemberWires: member, keyType: keyType}, nil
}

// Define builds the constraints, in the order of the specification.
func (c *ECKey) Define(api frontend.API) error {
	h, err := newHasher(api)
	if err != nil {
		return err
	}
	base := baseOf(c.keyType)
	f := newResidueField(api, newChunkTable(api, keyLayout.chunkBits), keyLayout, base.curve.p)
	hi, lo := assertCoordinate(f, "key: x", fixedBaseX(f, base, &c.Key))
	k, err := ecCoordinate(h, hi, lo)
	if err != nil {
		return err
	}
	return assertStatement(api, h, &c.PublicInputs, &c.MemberWires, c.keyType, k)
}
