package circuits

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

const vectorsFile = "../testdata/circuit/babyjubjub.json"

// circuitVectors are a member of a small registry, one statement per circuit,
// and changed public inputs that each violate one assertion.
type circuitVectors struct {
	Scalar       string            `json:"scalar"`
	NullifierKey string            `json:"nullifier_key"`
	Y            string            `json:"y"`
	Leaf         string            `json:"leaf"`
	Members      []string          `json:"members"` // the leaves, in order
	Index        uint64            `json:"index"`
	Slot         uint32            `json:"slot"`
	Scope        string            `json:"scope"`   // a hash, to be reduced
	Binding      string            `json:"binding"` // a hash, to be reduced
	Nullifier    string            `json:"nullifier"`
	Limit        uint32            `json:"limit"`
	Roots        map[string]string `json:"roots"` // by circuit
	Refused      []refusedVector   `json:"refused"`
}

type refusedVector struct {
	Input string `json:"input"` // the public input that is changed
	Value string `json:"value"`
	Fails string `json:"fails"` // the one assertion that refuses it
}

func TestVectors(t *testing.T) {
	var v circuitVectors
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	secret, err := keys.ParseSecret(hex32(t, v.Scalar), hex32(t, v.NullifierKey))
	if err != nil {
		t.Fatal(err)
	}
	if leaf := secret.Commitment().String(); leaf != v.Leaf || v.Members[v.Index] != v.Leaf {
		t.Errorf("leaf is %s", leaf)
	}
	if y := secret.Public().Coordinate(); y != hex32(t, v.Y) {
		t.Errorf("y is %x", y)
	}
	if len(v.Refused) < 3 {
		t.Fatalf("%d refused vectors, expected 3 or more", len(v.Refused))
	}
	for _, id := range []zkkex.CircuitID{zkkex.BabyJubjub20, zkkex.BabyJubjub32} {
		t.Run(id.String(), func(t *testing.T) { v.check(t, id, secret) })
	}
}

// assign returns the wires of the vectors' proof in a circuit.
func (v *circuitVectors) assign(t *testing.T, id zkkex.CircuitID, root string, secret *keys.Secret) frontend.Circuit {
	t.Helper()
	tree, err := registry.NewTree(id.CapacityBits())
	if err != nil {
		t.Fatal(err)
	}
	for i, leaf := range v.Members {
		op := registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: uint64(i), Leaf: hex32(t, leaf)}
		if err := tree.Apply(op); err != nil {
			t.Fatal(err)
		}
	}
	path, err := tree.Path(v.Index)
	if err != nil {
		t.Fatal(err)
	}
	st := &zkkex.Statement{
		Circuit: id, Limit: v.Limit, Root: hex32(t, root), Scope: hex32(t, v.Scope),
		Nullifier: hex32(t, v.Nullifier), Binding: hex32(t, v.Binding),
	}
	assigned, err := Assign(st, &Witness{Secret: secret, Path: path, Slot: v.Slot})
	if err != nil {
		t.Fatal(err)
	}
	return assigned
}

func (v *circuitVectors) check(t *testing.T, id zkkex.CircuitID, secret *keys.Secret) {
	assigned := v.assign(t, id, v.Roots[id.String()], secret)
	full, _ := compileWithout(t, id)
	if !solves(t, full, assigned) {
		t.Fatal("the vector does not satisfy the circuit")
	}
	for _, r := range v.Refused {
		changed := *assigned.(*BabyJubjub)
		r.apply(t, &changed)
		if solves(t, full, &changed) {
			t.Errorf("%s = %s is accepted", r.Input, r.Value)
		}
		without, _ := compileWithout(t, id, r.Fails)
		if !solves(t, without, &changed) {
			t.Errorf("%s = %s: %q is not the one reason", r.Input, r.Value, r.Fails)
		}
	}
}

func (r *refusedVector) apply(t *testing.T, c *BabyJubjub) {
	t.Helper()
	value, err := field.Parse(hex32(t, r.Value))
	if err != nil {
		t.Fatal(err)
	}
	names := public.Names()
	switch r.Input {
	case names[public.Root]:
		c.Root = value
	case names[public.Limit]:
		c.Limit = value
	case names[public.Nullifier]:
		c.Nullifier = value
	case names[public.Scope]:
		c.Scope = value
	default:
		t.Fatalf("no public input %q", r.Input)
	}
}

func hex32(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("expected 64 hexadecimal digits, got %q", s)
	}
	return [32]byte(b)
}
