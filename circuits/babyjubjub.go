package circuits

import (
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
)

// BabyJubjub is the relation for a Baby Jubjub identity key, for both
// capacities: the number of Groups tells them apart. Make one with
// [NewBabyJubjub].
type BabyJubjub struct {
	PublicInputs
	Key KeyWires
	MemberWires
}

// NewBabyJubjub returns the relation, to be compiled, for a registry of
// capacity 2^capacityBits: 20 or 32.
func NewBabyJubjub(capacityBits int) (*BabyJubjub, error) {
	m, err := newMemberWires(capacityBits)
	if err != nil {
		return nil, err
	}
	return &BabyJubjub{MemberWires: m}, nil
}

// Define builds the constraints, in the order of the specification.
func (c *BabyJubjub) Define(api frontend.API) error {
	h, err := newHasher(api)
	if err != nil {
		return err
	}
	y := fixedBaseY(api, "key", &c.Key)
	return assertStatement(api, h, &c.PublicInputs, &c.MemberWires, zkkex.KeyBabyJubjub, y)
}

// assignment holds the values of every input of [BabyJubjub], natively.
type assignment struct {
	statementValues
	digits digitValues
}

// assignBabyJubjub is [Assign] for the babyjubjub relation.
func assignBabyJubjub(st *zkkex.Statement, w *Witness) (frontend.Circuit, error) {
	if w.Secret == nil {
		return nil, &WitnessError{"key", "expected Secret, the key whose scalar is proved"}
	}
	nk := w.Secret.RevealNullifierKey()
	defer clear(nk[:])
	if err := check(st, w, w.Secret.Commitment(), nk); err != nil {
		return nil, err
	}
	var a assignment
	defer a.wipe()
	if err := a.setKey(w.Secret); err != nil {
		return nil, err
	}
	if err := a.set(st, w, nk); err != nil {
		return nil, err
	}
	return a.circuit(), nil
}

func (a *assignment) setKey(s *keys.Secret) error {
	scalar := s.RevealScalar()
	defer clear(scalar[:])
	digits, err := Recode(scalar)
	if err != nil {
		return err
	}
	defer digits.wipe()
	digits.setValues(&a.digits)
	return nil
}

// wipe forgets the secrets.
func (a *assignment) wipe() {
	a.statementValues.wipe()
	a.digits = digitValues{}
}

// circuit returns the values as gnark takes them.
func (a *assignment) circuit() *BabyJubjub {
	return &BabyJubjub{PublicInputs: a.publicInputs(), Key: a.digits.wires(), MemberWires: a.memberWires()}
}
