package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// Witness is what a member knows and a verifier does not.
type Witness struct {
	// Secret is the identity key and the nullifier key, for circuits of the
	// relation babyjubjub. Other circuits take Owner in its place.
	Secret *keys.Secret
	// Owner is what a member shows of a key that is not a [keys.Secret].
	Owner *Owner
	// Path leads from the member's leaf to the statement's root.
	Path registry.Path
	// Slot is the slot to use, below the statement's limit.
	Slot uint32
}

// Owner is a key of any type, its nullifier key, and what shows that the member
// may use it: a scalar or a signature, whichever the circuit proves.
type Owner struct {
	// Public is the public key, with H(nk).
	Public *keys.Public
	// NullifierKey is nk, a canonical field element.
	NullifierKey [32]byte
	// Scalar is the private key, big-endian, for circuits that prove a scalar.
	Scalar [32]byte
	// Signature is by the key on what the statement's binding stands for, for
	// circuits that prove a signature.
	Signature [64]byte
}

// Commitment returns the leaf of the key that the witness is about, or the empty
// leaf if it has none.
func (w *Witness) Commitment() zkkex.Commitment {
	switch {
	case w.Secret != nil:
		return w.Secret.Commitment()
	case w.Owner != nil && w.Owner.Public != nil:
		return w.Owner.Public.Commitment()
	default:
		return zkkex.Commitment{}
	}
}

// CheckOwner returns nil if an owner shows what the statement's circuit demands: a
// key of its type, the nullifier key that belongs to it, and the scalar or a
// signature for the statement's binding. It looks at nothing else, so that it
// can be asked before a slot is taken. It returns a [*WitnessError], or an error
// wrapping [zkkex.ErrUnsupported] for a circuit that is unknown or takes no Owner.
func CheckOwner(st *zkkex.Statement, o *Owner) error {
	r, err := relationOf(st.Circuit)
	if err != nil {
		return err
	}
	if r.checkOwner == nil {
		return fmt.Errorf("%w: %v proves a keys.Secret, and takes no other owner", zkkex.ErrUnsupported, st.Circuit)
	}
	return r.checkOwner(st, o)
}

// WitnessError reports that a witness does not belong to its statement. It
// names the check, and holds no secret.
type WitnessError struct {
	// Check is what failed: "key", "signature", "limit", "slot", "nullifier" or
	// "membership".
	Check string
	// Detail says what was expected.
	Detail string
}

// Error returns the check and the detail.
func (e *WitnessError) Error() string {
	return "witness does not satisfy the statement: " + e.Check + ": " + e.Detail
}

// Assign returns the full assignment of a statement and a witness, to be
// proved. It holds the secrets, in values that cannot be wiped; what Assign needs
// on the way is wiped. It checks the whole relation natively first, and returns a
// [*WitnessError] that names what does not hold, or an error wrapping
// [zkkex.ErrUnsupported] for an unknown circuit.
func Assign(st *zkkex.Statement, w *Witness) (frontend.Circuit, error) {
	r, err := relationOf(st.Circuit)
	if err != nil {
		return nil, err
	}
	return r.assign(st, w)
}

// check is what every relation asserts of a member with this leaf and nullifier
// key, natively.
func check(st *zkkex.Statement, w *Witness, leaf zkkex.Commitment, nullifierKey [32]byte) error {
	if st.Limit == 0 {
		return &WitnessError{"limit", "expected at least 1"}
	}
	if w.Slot >= st.Limit {
		return &WitnessError{"slot", fmt.Sprintf("expected a slot below the limit of %d", st.Limit)}
	}
	nk, err := field.Parse(nullifierKey)
	if err != nil {
		return &WitnessError{"nullifier", "the nullifier key is " + err.Error()}
	}
	if field.Bytes(field.Nullifier(field.FromHash(st.Scope), w.Slot, nk)) != st.Nullifier {
		return &WitnessError{"nullifier", "not this key's for the scope and slot"}
	}
	if want := levels(st.Circuit.CapacityBits()); len(w.Path.Groups) != want {
		return &WitnessError{"membership", fmt.Sprintf("expected a path of %d levels below the top, got %d", want, len(w.Path.Groups))}
	}
	root, err := w.Path.Root(leaf)
	if err != nil {
		return &WitnessError{"membership", "the path does not start at this key's commitment: " + err.Error()}
	}
	if root != st.Root {
		return &WitnessError{"membership", fmt.Sprintf("the path leads to root %v, the statement has %v", root, st.Root)}
	}
	return nil
}
