package circuits

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/eddsa"
)

// eddsaAssignment holds the values of every input of [EdDSA], natively.
type eddsaAssignment struct {
	statementValues
	eighth    point
	digits    digitValues
	plus      field.Element // 1 if the digits are s, 0 if they are order - s
	challenge [ChallengeBits]field.Element
}

// assignEdDSA is [Assign] for the eddsa relation.
func assignEdDSA(st *zkkex.Statement, w *Witness) (frontend.Circuit, error) {
	if err := checkEdDSA(st, w.Owner); err != nil {
		return nil, err
	}
	if err := check(st, w, w.Owner.Public.Commitment(), w.Owner.NullifierKey); err != nil {
		return nil, err
	}
	var a eddsaAssignment
	defer a.wipe()
	if err := a.setSignature(w.Owner, eddsa.Message(st.Binding)); err != nil {
		return nil, err
	}
	if err := a.set(st, w, w.Owner.NullifierKey); err != nil {
		return nil, err
	}
	return a.circuit(), nil
}

// checkEdDSA is [CheckOwner] for the eddsa relation.
func checkEdDSA(st *zkkex.Statement, o *Owner) error {
	if err := checkOwner(o, zkkex.KeyEdDSA); err != nil {
		return err
	}
	var a eddsaAssignment
	defer a.wipe()
	return a.setSignature(o, eddsa.Message(st.Binding))
}

// checkOwner returns nil if the owner has a key of this type, and the nullifier key
// that belongs to it.
func checkOwner(o *Owner, t zkkex.KeyType) error {
	if o == nil || o.Public == nil {
		return &WitnessError{"key", "expected Owner, with a public key"}
	}
	if got := o.Public.KeyType(); got != t {
		return &WitnessError{"key", fmt.Sprintf("expected one of type %v, got %v", t, got)}
	}
	nk, err := field.Parse(o.NullifierKey)
	if err != nil {
		return &WitnessError{"nullifier", "the nullifier key is " + err.Error()}
	}
	if field.Bytes(field.HashNullifierKey(nk)) != o.Public.NullifierKeyHash() {
		return &WitnessError{"nullifier", "the nullifier key is not the one whose hash is in the leaf"}
	}
	return nil
}

func (a *eddsaAssignment) setSignature(o *Owner, message [eddsa.MessageSize]byte) error {
	public := [eddsa.PublicSize]byte(o.Public.Bytes())
	if err := eddsa.Verify(public, message, o.Signature); err != nil {
		return &WitnessError{"signature", err.Error()}
	}
	key, err := babyjubjub.Parse(public)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	a.eighth = eighthOf(&key)
	e, err := eddsa.Challenge([eddsa.PublicSize]byte(o.Signature[:]), public, message)
	if err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	if err := a.setChallenge(e); err != nil {
		return err
	}
	return a.setResponse([keys.ScalarSize]byte(o.Signature[eddsa.PublicSize:]))
}

// errSignAgain is what a signature meets whose challenge the circuit leaves out, or
// whose s is 0. Nobody will ever see it, but it is not to be a proof that fails.
var errSignAgain = errors.New("its challenge or s is one of those that are left out, less than one in 2^62: sign again")

func (a *eddsaAssignment) setChallenge(e [32]byte) (err error) {
	element, err := field.Parse(e)
	if err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	var ok bool
	if a.challenge, ok = challengeBits(element); !ok {
		return &WitnessError{"signature", errSignAgain.Error()}
	}
	return nil
}

func (a *eddsaAssignment) setResponse(s [keys.ScalarSize]byte) error {
	digits, err := Recode(s)
	if err != nil {
		return &WitnessError{"signature", errSignAgain.Error()}
	}
	digits.setValues(&a.digits)
	a.plus = field.FromUint64(uint64(s[keys.ScalarSize-1] & 1))
	return nil
}

// eighthOf returns the point of the subgroup of which p is the eightfold.
func eighthOf(p *babyjubjub.Point) point {
	var q babyjubjub.Point
	q.ScalarMultiplication(p, new(big.Int).ModInverse(big.NewInt(8), babyjubjub.Order()))
	return point{x: q.X, y: q.Y}
}

// wipe forgets the signature, which tells whose it is, and the secrets.
func (a *eddsaAssignment) wipe() {
	a.statementValues.wipe()
	*a = eddsaAssignment{}
}

// circuit returns the values as gnark takes them.
func (a *eddsaAssignment) circuit() *EdDSA {
	c := &EdDSA{
		PublicInputs: a.publicInputs(),
		Eighth:       PointWires{X: a.eighth.x, Y: a.eighth.y},
		Response:     ResponseWires{Digits: a.digits.wires(), Sign: a.plus},
		MemberWires:  a.memberWires(),
	}
	for i, bit := range a.challenge {
		c.Challenge[i] = bit
	}
	return c
}
