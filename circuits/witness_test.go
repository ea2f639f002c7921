package circuits

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/registry"
)

// member returns a statement and its witness, from the real keys and registry.
func member(t *testing.T, id zkkex.CircuitID) (*zkkex.Statement, *Witness) {
	t.Helper()
	secret := newSecret(t)
	return statementOf(t, id, secret, secret.Commitment(), &Witness{Secret: secret})
}

// memberOf is member for a circuit of any relation.
func memberOf(t *testing.T, id zkkex.CircuitID) (*zkkex.Statement, *Witness) {
	t.Helper()
	if envelope.OfCircuit(id) != 0 {
		return signatureMember(t, id)
	}
	switch id.KeyType() {
	case zkkex.KeyBabyJubjub:
		return member(t, id)
	case zkkex.KeyEdDSA:
		return eddsaMember(t, id)
	case zkkex.KeyP256, zkkex.KeySecp256k1:
		return ecKeyMember(t, id)
	default:
		t.Fatalf("no member for %v", id)
		return nil, nil
	}
}

func newSecret(t *testing.T) *keys.Secret {
	t.Helper()
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// statementOf returns the statement that a member with this leaf and the nullifier
// key of the secret proves, and adds path and slot to the witness.
func statementOf(t *testing.T, id zkkex.CircuitID, nullifiers *keys.Secret, leaf zkkex.Commitment, w *Witness) (*zkkex.Statement, *Witness) {
	t.Helper()
	tree, err := registry.NewTree(id.CapacityBits())
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(10) {
		op := registry.Operation{Kind: registry.Admit, KeyType: id.KeyType(), Index: i, Leaf: leaf}
		if i != 7 {
			op.Leaf = newSecret(t).Commitment()
		}
		if err := tree.Apply(op); err != nil {
			t.Fatal(err)
		}
	}
	if w.Path, err = tree.Path(7); err != nil {
		t.Fatal(err)
	}
	st := &zkkex.Statement{Circuit: id, Limit: 3, Root: tree.Root(), Scope: zkkex.Scope{0xff, 1}, Binding: zkkex.Binding{0xff, 2}}
	w.Slot = 2
	st.Nullifier = nullifiers.Nullifier(st.Scope, w.Slot)
	return st, w
}

func TestAssignSatisfiesTheCircuit(t *testing.T) {
	for _, id := range quickCircuits() {
		system, err := Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		st, w := memberOf(t, id)
		a, err := Assign(st, w)
		if err != nil {
			t.Fatal(err)
		}
		if !solves(t, system, a) {
			t.Errorf("%v: the assignment of a real member does not satisfy the circuit", id)
		}
	}
}

// Two neighbours with one value, as a dishonest registrar might place them.
func TestTwinLeavesProve(t *testing.T) {
	system, err := Compile(zkkex.BabyJubjub20)
	if err != nil {
		t.Fatal(err)
	}
	a := newAssignment(t, zkkex.BabyJubjub20)
	a.groups[0][2] = a.leaf()
	a.groups[0][6] = a.leaf()
	running := field.Compress8(a.groups[0])
	a.groups[1][4] = running // where completePath put the running hash
	running = field.Compress8(a.groups[1])
	a.completePath(t, 2, running)
	if !solves(t, system, a.circuit()) {
		t.Error("a leaf that stands twice cannot be proved")
	}
}

func TestAssignRefuses(t *testing.T) {
	other, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		check  string
		change func(st *zkkex.Statement, w *Witness)
	}{
		"limit of zero":      {"limit", func(st *zkkex.Statement, w *Witness) { st.Limit = 0 }},
		"slot at the limit":  {"slot", func(st *zkkex.Statement, w *Witness) { w.Slot = st.Limit }},
		"slot beyond":        {"slot", func(st *zkkex.Statement, w *Witness) { w.Slot = ^uint32(0) }},
		"another slot":       {"nullifier", func(st *zkkex.Statement, w *Witness) { w.Slot = 0 }},
		"another scope":      {"nullifier", func(st *zkkex.Statement, w *Witness) { st.Scope[3]++ }},
		"another nullifier":  {"nullifier", func(st *zkkex.Statement, w *Witness) { st.Nullifier[31]++ }},
		"another key":        {"nullifier", func(st *zkkex.Statement, w *Witness) { w.Secret = other }},
		"another root":       {"membership", func(st *zkkex.Statement, w *Witness) { st.Root[31]++ }},
		"a shorter path":     {"membership", func(st *zkkex.Statement, w *Witness) { w.Path.Groups = w.Path.Groups[1:] }},
		"another capacity":   {"membership", func(st *zkkex.Statement, w *Witness) { st.Circuit = zkkex.BabyJubjub32 }},
		"another position":   {"membership", func(st *zkkex.Statement, w *Witness) { w.Path.Index++ }},
		"a changed sibling":  {"membership", func(st *zkkex.Statement, w *Witness) { w.Path.Groups[0][0][31]++ }},
		"a node of r":        {"membership", func(st *zkkex.Statement, w *Witness) { w.Path.Groups[0][0] = registry.Node(canonical.Order()) }},
		"a changed top node": {"membership", func(st *zkkex.Statement, w *Witness) { w.Path.Top[3][31]++ }},
	}
	for name, c := range cases {
		st, w := member(t, zkkex.BabyJubjub20)
		c.change(st, w)
		_, err := Assign(st, w)
		var witnessErr *WitnessError
		if !errors.As(err, &witnessErr) {
			t.Errorf("%s: got %v, expected a WitnessError", name, err)
			continue
		}
		if witnessErr.Check != c.check || !strings.Contains(err.Error(), c.check) {
			t.Errorf("%s: got %v, expected the check %q", name, err, c.check)
		}
	}
	st, w := member(t, zkkex.BabyJubjub20)
	st.Circuit = 0x7777
	if _, err := Assign(st, w); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("unknown circuit: got %v", err)
	}
}

// TestWipe looks at the memory that secrets were in.
func TestWipe(t *testing.T) {
	x := new(big.Int).Lsh(big.NewInt(0x5ec7e7), 200)
	words := x.Bits()
	x.Rsh(x, 190) // leaves words beyond its length
	wipe(x)
	if slices.ContainsFunc(words[:cap(words)], func(w big.Word) bool { return w != 0 }) || x.Sign() != 0 {
		t.Errorf("an integer: %v is left", words[:cap(words)])
	}

	st, w := member(t, zkkex.BabyJubjub20)
	var a assignment
	if err := a.setKey(w.Secret); err != nil {
		t.Fatal(err)
	}
	if err := a.set(st, w, w.Secret.RevealNullifierKey()); err != nil {
		t.Fatal(err)
	}
	groups := a.groups
	a.wipe()
	if a.nk != (field.Element{}) || a.digits != (digitValues{}) || a.groups != nil {
		t.Error("an assignment keeps keys or path")
	}
	if slices.ContainsFunc(groups, func(g [8]field.Element) bool { return g != [8]field.Element{} }) {
		t.Error("the path of an assignment is left")
	}
	digits, err := Recode(w.Secret.RevealScalar())
	if err != nil {
		t.Fatal(err)
	}
	if digits.wipe(); *digits != (Digits{}) {
		t.Error("digits are left")
	}
}
