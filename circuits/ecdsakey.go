package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
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

// ecKeyRelation is the relation for a type of key.
func ecKeyRelation(keyType zkkex.KeyType) *relation {
	newCircuit := func(capacityBits int) (*ECKey, error) { return NewECKey(keyType, capacityBits) }
	return &relation{circuit: constructor(newCircuit), assign: assignECKey(keyType), checkOwner: checkECKey(keyType)}
}

// ecKeyAssignment holds the values of every input of [ECKey], natively.
type ecKeyAssignment struct {
	statementValues
	keyType zkkex.KeyType
	digits  ECDigits
}

// assignECKey is [Assign] for the relation of a type of key.
func assignECKey(keyType zkkex.KeyType) func(*zkkex.Statement, *Witness) (frontend.Circuit, error) {
	return func(st *zkkex.Statement, w *Witness) (frontend.Circuit, error) {
		a := &ecKeyAssignment{keyType: keyType}
		defer a.wipe()
		if err := a.setOwner(w.Owner); err != nil {
			return nil, err
		}
		if err := check(st, w, w.Owner.Public.Commitment(), w.Owner.NullifierKey); err != nil {
			return nil, err
		}
		if err := a.set(st, w, w.Owner.NullifierKey); err != nil {
			return nil, err
		}
		return a.circuit(), nil
	}
}

// checkECKey is [CheckOwner] for the relation of a type of key.
func checkECKey(keyType zkkex.KeyType) func(*zkkex.Statement, *Owner) error {
	return func(_ *zkkex.Statement, o *Owner) error {
		a := &ecKeyAssignment{keyType: keyType}
		defer a.wipe()
		return a.setOwner(o)
	}
}

// setOwner takes the digits of the owner's scalar, which must be that of the
// public key.
func (a *ecKeyAssignment) setOwner(o *Owner) error {
	if err := checkOwner(o, a.keyType); err != nil {
		return err
	}
	base := baseOf(a.keyType)
	digits, err := recodeEC(o.Scalar, base.curve.n)
	if err != nil {
		return &WitnessError{"key", err.Error()}
	}
	defer digits.wipe()
	if field.Bytes(base.coordinate(digits)) != o.Public.Coordinate() {
		return &WitnessError{"key", "the scalar is not that of the public key"}
	}
	a.digits = *digits
	return nil
}

// wipe forgets the secrets.
func (a *ecKeyAssignment) wipe() {
	a.statementValues.wipe()
	a.digits.wipe()
}

// circuit returns the values as gnark takes them.
func (a *ecKeyAssignment) circuit() *ECKey {
	return &ECKey{
		PublicInputs: a.publicInputs(),
		Key:          *a.digits.wires(),
		MemberWires:  a.memberWires(),
		keyType:      a.keyType,
	}
}
