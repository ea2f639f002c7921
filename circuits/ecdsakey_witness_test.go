package circuits

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys"
)

// ecKeyIDs are the circuits of the relation, by type of key, at 2^20.
var ecKeyIDs = map[zkkex.KeyType]zkkex.CircuitID{
	zkkex.KeyP256: zkkex.P256Key20, zkkex.KeySecp256k1: zkkex.Secp256k1Key20,
}

// ecKeyMember returns a statement and its witness, from a real key and registry.
func ecKeyMember(t *testing.T, id zkkex.CircuitID) (*zkkex.Statement, *Witness) {
	t.Helper()
	nullifiers := newSecret(t)
	owner := newECOwner(t, id.KeyType(), nullifiers.RevealNullifierKey())
	return statementOf(t, id, nullifiers, owner.Public.Commitment(), &Witness{Owner: owner})
}

func newECOwner(t *testing.T, keyType zkkex.KeyType, nk [32]byte) *Owner {
	t.Helper()
	k := randomScalar(t, primeCurveOf(keyType).n)
	e, err := field.Parse(nk)
	if err != nil {
		t.Fatal(err)
	}
	encoded := append([]byte{2}, publicX(t, keyType, k).FillBytes(make([]byte, 32))...)
	public, err := keys.ParsePublic(keyType, encoded, field.Bytes(field.HashNullifierKey(e)))
	if err != nil {
		t.Fatal(err)
	}
	return &Owner{Public: public, NullifierKey: nk, Scalar: [32]byte(k.FillBytes(make([]byte, 32)))}
}

func TestAssignECKeyRefuses(t *testing.T) {
	for keyType, id := range ecKeyIDs {
		other := zkkex.KeyP256 + zkkex.KeySecp256k1 - keyType
		n := primeCurveOf(keyType).n
		for name, c := range map[string]struct {
			check  string
			change func(st *zkkex.Statement, w *Witness)
		}{
			"no owner":            {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner = nil }},
			"no public key":       {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner.Public = nil }},
			"the other curve":     {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner = newECOwner(t, other, w.Owner.NullifierKey) }},
			"another scalar":      {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner.Scalar[31] ^= 2 }},
			"a scalar of 0":       {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner.Scalar = [32]byte{} }},
			"the order":           {"key", func(_ *zkkex.Statement, w *Witness) { n.FillBytes(w.Owner.Scalar[:]) }},
			"another member":      {"membership", func(_ *zkkex.Statement, w *Witness) { w.Owner = newECOwner(t, keyType, w.Owner.NullifierKey) }},
			"another nk":          {"nullifier", func(_ *zkkex.Statement, w *Witness) { w.Owner.NullifierKey[31] ^= 1 }},
			"another slot":        {"nullifier", func(_ *zkkex.Statement, w *Witness) { w.Slot = 0 }},
			"a slot at the limit": {"slot", func(st *zkkex.Statement, w *Witness) { w.Slot = st.Limit }},
		} {
			st, w := ecKeyMember(t, id)
			c.change(st, w)
			_, err := Assign(st, w)
			var witnessErr *WitnessError
			if !errors.As(err, &witnessErr) || witnessErr.Check != c.check {
				t.Errorf("%v: %s: got %v, expected the check %q", id, name, err, c.check)
				continue
			}
			if w.Owner != nil && strings.Contains(err.Error(), new(big.Int).SetBytes(w.Owner.Scalar[:]).Text(16)) && w.Owner.Scalar != [32]byte{} {
				t.Errorf("%v: %s: the error holds the scalar", id, name)
			}
		}
	}
}

// A key and its negative are one member: whoever knows either scalar proves its leaf.
func TestAssignECKeyTakesTheNegative(t *testing.T) {
	for keyType, id := range ecKeyIDs {
		st, w := ecKeyMember(t, id)
		k := new(big.Int).SetBytes(w.Owner.Scalar[:])
		k.Sub(primeCurveOf(keyType).n, k).FillBytes(w.Owner.Scalar[:])
		a, err := Assign(st, w)
		if err != nil {
			t.Fatal(err)
		}
		if !solvesWith(t, ecKeySystem(t, keyType), a) {
			t.Errorf("%v: the negative of a key cannot be proved", id)
		}
	}
}

func TestECKeyAssignmentWipe(t *testing.T) {
	_, w := ecKeyMember(t, zkkex.P256Key20)
	a := &ecKeyAssignment{keyType: zkkex.KeyP256}
	if err := a.setOwner(w.Owner); err != nil {
		t.Fatal(err)
	}
	if a.digits == (ECDigits{}) {
		t.Fatal("no digits were taken")
	}
	if a.wipe(); a.digits != (ECDigits{}) {
		t.Error("digits are left")
	}
}
