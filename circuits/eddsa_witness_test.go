package circuits

import (
	"errors"
	"math/big"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/eddsa"
)

// eddsaMember is member for a key that signs.
func eddsaMember(t *testing.T, id zkkex.CircuitID) (*zkkex.Statement, *Witness) {
	t.Helper()
	nullifiers := newSecret(t)
	key := newEdDSAKey(t)
	encoded := key.Public()
	public, err := keys.ParsePublic(zkkex.KeyEdDSA, encoded[:], nullifiers.Public().NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	owner := &Owner{Public: public, NullifierKey: nullifiers.RevealNullifierKey()}
	st, w := statementOf(t, id, nullifiers, public.Commitment(), &Witness{Owner: owner})
	if owner.Signature, err = key.Sign(eddsa.Message(st.Binding)); err != nil {
		t.Fatal(err)
	}
	return st, w
}

func TestAssignRefusesForEdDSA(t *testing.T) {
	cases := map[string]struct {
		check  string
		change func(st *zkkex.Statement, w *Witness)
	}{
		"no owner":          {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner = nil }},
		"a secret instead":  {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner, w.Secret = nil, newSecret(t) }},
		"no public key":     {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner.Public = nil }},
		"a key of type 1":   {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner.Public = newSecret(t).Public() }},
		"another nk":        {"nullifier", func(_ *zkkex.Statement, w *Witness) { w.Owner.NullifierKey[31] ^= 1 }},
		"nk of all ones":    {"nullifier", func(_ *zkkex.Statement, w *Witness) { w.Owner.NullifierKey = [32]byte{0: 0xff} }},
		"another nullifier": {"nullifier", func(st *zkkex.Statement, _ *Witness) { st.Nullifier[31] ^= 1 }},
		"another slot":      {"nullifier", func(_ *zkkex.Statement, w *Witness) { w.Slot = 1 }},
		"slot at the limit": {"slot", func(st *zkkex.Statement, w *Witness) { w.Slot = st.Limit }},
		"limit of zero":     {"limit", func(st *zkkex.Statement, _ *Witness) { st.Limit = 0 }},
		"another root":      {"membership", func(st *zkkex.Statement, _ *Witness) { st.Root[31] ^= 1 }},
		"another binding":   {"signature", func(st *zkkex.Statement, _ *Witness) { st.Binding[31] ^= 1 }},
		"another s":         {"signature", func(_ *zkkex.Statement, w *Witness) { w.Owner.Signature[63] ^= 1 }},
		"-R":                {"signature", func(_ *zkkex.Statement, w *Witness) { w.Owner.Signature[31] ^= 0x80 }},
		"s + order": {"signature", func(_ *zkkex.Statement, w *Witness) {
			s := new(big.Int).SetBytes(w.Owner.Signature[32:])
			s.Add(s, babyjubjub.Order()).FillBytes(w.Owner.Signature[32:])
		}},
	}
	for name, c := range cases {
		st, w := eddsaMember(t, zkkex.EdDSA20)
		c.change(st, w)
		_, err := Assign(st, w)
		var witnessErr *WitnessError
		if !errors.As(err, &witnessErr) || witnessErr.Check != c.check {
			t.Errorf("%s: got %v, expected the check %q", name, err, c.check)
		}
	}
	st, w := member(t, zkkex.BabyJubjub20)
	w.Secret = nil
	var witnessErr *WitnessError
	if _, err := Assign(st, w); !errors.As(err, &witnessErr) || witnessErr.Check != "key" {
		t.Errorf("babyjubjub without a secret: %v", err)
	}
}

// The challenges at both ends of the window are left out, and said to be.
func TestSignAgain(t *testing.T) {
	var a eddsaAssignment
	minusOne := field.FromUint64(1)
	minusOne.Neg(&minusOne)
	for _, e := range []field.Element{{}, field.FromUint64(1), minusOne} {
		var witnessErr *WitnessError
		if err := a.setChallenge(field.Bytes(e)); !errors.As(err, &witnessErr) || witnessErr.Check != "signature" {
			t.Errorf("challenge %v: %v", &e, err)
		}
	}
	var witnessErr *WitnessError
	if err := a.setResponse([32]byte{}); !errors.As(err, &witnessErr) || witnessErr.Check != "signature" {
		t.Errorf("s = 0: %v", err)
	}
}

func TestWipeEdDSA(t *testing.T) {
	a := newEdDSAAssignment(t, zkkex.EdDSA20)
	groups := a.groups
	a.wipe()
	if a.nk != (field.Element{}) || a.digits != (digitValues{}) || a.eighth != (point{}) || a.groups != nil || groups[0][0] != (field.Element{}) {
		t.Error("an assignment keeps key, signature or path")
	}
}
