package circuits

import (
	"errors"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
)

// quickCircuits are all circuits of Groth16 with ZKKEX_DEEP=1, and otherwise one of
// those for signatures on digests: they are large, and differ in constants.
func quickCircuits() []zkkex.CircuitID {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return zkkex.Groth16.Circuits()
	}
	return slices.DeleteFunc(zkkex.Groth16.Circuits(), func(id zkkex.CircuitID) bool {
		return envelope.OfCircuit(id) != 0 && id != zkkex.P256Sig20
	})
}

// signatureSubject is a member who signed, with what follows from it.
type signatureSubject struct {
	statementValues
	curve  eckey.Curve
	key    curvePoint
	digest *big.Int
	wires  ECDSAWires
}

func newSignatureSubject(t *testing.T, id zkkex.CircuitID) subject {
	t.Helper()
	curve := eckey.CurveOf(id.KeyType())
	c := sigCurveOf(curve)
	sig, o := c.opened(t, 0, 1)
	s := &signatureSubject{
		statementValues: newStatementValues(t, id.CapacityBits()),
		curve:           curve, key: sig.key, digest: sig.e, wires: c.wires(o, sig.e),
	}
	s.inputs[public.Binding] = hashHalves(domain.SignedDigest, sig.e)
	s.complete(t)
	return s
}

func (s *signatureSubject) full() frontend.Circuit {
	return &ECDSASignature{PublicInputs: s.publicInputs(), Signature: s.wires, MemberWires: s.memberWires()}
}

func (s *signatureSubject) shared() *statementValues { return &s.statementValues }

func (s *signatureSubject) complete(t *testing.T) {
	t.Helper()
	k := hashHalves(domain.ECKey, s.key.x)
	s.completeStatement(t, field.Leaf(uint16(s.curve.KeyType()), k, field.HashNullifierKey(s.nk)))
}

// signatureMember returns a statement and its witness, from a real key, envelope and
// registry.
func signatureMember(t *testing.T, id zkkex.CircuitID) (*zkkex.Statement, *Witness) {
	t.Helper()
	nullifiers := newSecret(t)
	curve := eckey.CurveOf(id.KeyType())
	d := randomBelow(t, sigCurveOf(curve).n)
	owner := &Owner{Public: signatureKey(t, curve, d, nullifiers), NullifierKey: nullifiers.RevealNullifierKey()}
	st, w := statementOf(t, id, nullifiers, owner.Public.Commitment(), &Witness{Owner: owner})
	owner.Signature = signBinding(t, st, curve, d)
	return st, w
}

func signatureKey(t *testing.T, curve eckey.Curve, d *big.Int, nullifiers *keys.Secret) *keys.Public {
	t.Helper()
	c := sigCurveOf(curve)
	encoded, _, _ := (&rawSignature{key: c.times(c.base, d), e: new(big.Int), r: big.NewInt(1), s: big.NewInt(1)}).encoded(t, curve)
	compressed := encoded.Bytes()
	public, err := keys.ParsePublic(curve.KeyType(), compressed[:], nullifiers.Public().NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// signBinding signs what stands for a statement's binding.
func signBinding(t *testing.T, st *zkkex.Statement, curve eckey.Curve, d *big.Int) [64]byte {
	t.Helper()
	digest, err := public.SignedDigest(st)
	if err != nil {
		t.Fatal(err)
	}
	c, e, k := sigCurveOf(curve), new(big.Int).SetBytes(digest[:]), randomBelow(t, sigCurveOf(curve).n)
	r := new(big.Int).Mod(c.times(c.base, k).x, c.n)
	s := new(big.Int).Mul(r, d)
	sig, err := curve.Normalize(r, c.divide(s.Add(s, e), k))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestAssignSignatureRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		check  string
		change func(st *zkkex.Statement, w *Witness)
	}{
		"no owner":            {"key", func(_ *zkkex.Statement, w *Witness) { w.Owner = nil }},
		"another binding":     {"signature", func(st *zkkex.Statement, _ *Witness) { st.Binding[0]++ }},
		"another envelope":    {"signature", func(st *zkkex.Statement, _ *Witness) { st.Circuit = zkkex.P256SSH20 }},
		"the other curve":     {"key", func(st *zkkex.Statement, _ *Witness) { st.Circuit = zkkex.Secp256k1Sig20 }},
		"another capacity":    {"membership", func(st *zkkex.Statement, _ *Witness) { st.Circuit = zkkex.P256Sig32 }},
		"another s":           {"signature", func(_ *zkkex.Statement, w *Witness) { w.Owner.Signature[63] ^= 1 }},
		"r = 0":               {"signature", func(_ *zkkex.Statement, w *Witness) { clear(w.Owner.Signature[:32]) }},
		"s = 0":               {"signature", func(_ *zkkex.Statement, w *Witness) { clear(w.Owner.Signature[32:]) }},
		"another nk":          {"nullifier", func(_ *zkkex.Statement, w *Witness) { w.Owner.NullifierKey[31] ^= 1 }},
		"another slot":        {"nullifier", func(_ *zkkex.Statement, w *Witness) { w.Slot = 0 }},
		"a slot at the limit": {"slot", func(st *zkkex.Statement, w *Witness) { w.Slot = st.Limit }},
		"another root":        {"membership", func(st *zkkex.Statement, _ *Witness) { st.Root[31]++ }},
	} {
		st, w := signatureMember(t, zkkex.P256Sig20)
		c.change(st, w)
		_, err := Assign(st, w)
		var witnessErr *WitnessError
		if !errors.As(err, &witnessErr) || witnessErr.Check != c.check {
			t.Errorf("%s: got %v, expected the check %q", name, err, c.check)
		}
	}
}

// The specification states the counts, of both curves.
func TestSignatureSpecification(t *testing.T) {
	spec, err := os.ReadFile("../docs/spec/circuit-ecdsa-sig.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := goldenRows(t)
	want := "| constraints |"
	for _, name := range []string{"p256-sig-20", "p256-sig-32", "secp256k1-sig-20", "secp256k1-sig-32"} {
		if len(rows[name]) == 0 {
			t.Fatalf("no row for %s", name)
		}
		n := big.NewInt(int64(rows[name][0])).String()
		want += " " + n[:len(n)-3] + "," + n[len(n)-3:] + " |"
	}
	if !strings.Contains(string(spec), want) {
		t.Errorf("expected the row %q", want)
	}
	for _, siblings := range [][2]string{{"p256-sig-", "p256-ssh-"}, {"secp256k1-sig-", "secp256k1-eip712-"}} {
		for _, bits := range []string{"20", "32"} {
			if !slices.Equal(rows[siblings[0]+bits], rows[siblings[1]+bits]) {
				t.Errorf("%s%s and %s%s are one relation and have two counts", siblings[0], bits, siblings[1], bits)
			}
		}
	}
	if !strings.Contains(string(spec), "`"+offsetTag+"`") {
		t.Error("the offset's tag is not in the specification")
	}
}
