package keys

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
)

var update = flag.Bool("update", false, "write the known-answer vectors again")

// leafVector is one known answer. "valid" ones have every value; the others
// have what is parsed, and the single reason why it is refused.
type leafVector struct {
	Name             string `json:"name"`
	Expect           string `json:"expect"`
	IdentityKey      string `json:"identity_key,omitempty"`
	NullifierKey     string `json:"nullifier_key,omitempty"`
	PublicKey        string `json:"public_key,omitempty"`
	Y                string `json:"y,omitempty"`
	NullifierKeyHash string `json:"nullifier_key_hash,omitempty"`
	Leaf             string `json:"leaf,omitempty"`
}

type nullifierVector struct {
	Name         string `json:"name"`
	Expect       string `json:"expect"`
	IdentityKey  string `json:"identity_key,omitempty"`
	NullifierKey string `json:"nullifier_key,omitempty"`
	Scope        string `json:"scope,omitempty"`
	Slot         uint32 `json:"slot"`
	Nullifier    string `json:"nullifier"`
}

// reasons are the values that "expect" has beside "valid".
var reasons = map[string]error{
	"point_encoding":  ErrPointEncoding,
	"not_on_curve":    ErrNotOnCurve,
	"identity":        ErrIdentity,
	"small_order":     ErrSmallOrder,
	"not_in_subgroup": ErrNotInSubgroup,
	"scalar_range":    ErrScalarRange,
	"nullifier_key":   ErrNullifierKey,
	"not_canonical":   canonical.ErrNotCanonical,
}

func TestLeafVectors(t *testing.T) {
	const path = "../testdata/leaf/leaf.json"
	if *update {
		writeVectors(t, path, makeLeafVectors(t))
	}
	used := map[string]bool{}
	for _, v := range readVectors[leafVector](t, path) {
		used[v.Expect] = true
		err := checkLeafVector(t, v)
		if v.Expect == "valid" {
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
			continue
		}
		if reason := reasons[v.Expect]; reason == nil || !errors.Is(err, reason) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want %s", v.Name, err, v.Expect)
		}
		for name, reason := range reasons {
			other := name != v.Expect && !(v.Expect == "point_encoding" && name == "not_canonical")
			if other && errors.Is(err, reason) {
				t.Errorf("%s: refused for %s as well", v.Name, name)
			}
		}
	}
	for name := range reasons {
		if !used[name] {
			t.Errorf("no vector is refused for %s", name)
		}
	}
}

func checkLeafVector(t *testing.T, v leafVector) error {
	if v.IdentityKey != "" {
		s, err := ParseSecret(fromHex(t, v.IdentityKey), fromHex(t, v.NullifierKey))
		if err != nil {
			return err
		}
		if got := [PointSize]byte(s.Public().Bytes()); got != fromHex(t, v.PublicKey) {
			return fmt.Errorf("public key %x, want %s", got, v.PublicKey)
		}
		if got := s.Public().NullifierKeyHash(); got != fromHex(t, v.NullifierKeyHash) {
			return fmt.Errorf("H(nk) %x, want %s", got, v.NullifierKeyHash)
		}
	}
	key := fromHex(t, v.PublicKey)
	p, err := ParsePublic(zkkex.KeyBabyJubjub, key[:], fromHex(t, v.NullifierKeyHash))
	if err != nil {
		return err
	}
	if got := p.Coordinate(); got != fromHex(t, v.Y) {
		return fmt.Errorf("y %x, want %s", got, v.Y)
	}
	if got := p.Commitment(); got != zkkex.Commitment(fromHex(t, v.Leaf)) {
		return fmt.Errorf("leaf %v, want %s", got, v.Leaf)
	}
	return nil
}

func TestNullifierVectors(t *testing.T) {
	const path = "../testdata/nullifier/nullifier.json"
	if *update {
		writeVectors(t, path, makeNullifierVectors(t))
	}
	refused := 0
	for _, v := range readVectors[nullifierVector](t, path) {
		n := fromHex(t, v.Nullifier)
		parsed, err := zkkex.ParseNullifier(n[:])
		if v.Expect == "not_canonical" {
			if refused++; !errors.Is(err, canonical.ErrNotCanonical) {
				t.Errorf("%s: %v; want not_canonical", v.Name, err)
			}
			continue
		}
		if err != nil || v.Expect != "valid" {
			t.Errorf("%s: %v; want %s", v.Name, err, v.Expect)
			continue
		}
		s, err := ParseSecret(fromHex(t, v.IdentityKey), fromHex(t, v.NullifierKey))
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if got := s.Nullifier(fromHex(t, v.Scope), v.Slot); got != parsed {
			t.Errorf("%s: %v, want %v", v.Name, got, parsed)
		}
	}
	if refused == 0 {
		t.Error("no vector is refused")
	}
}

func makeLeafVectors(t *testing.T) (out []leafVector) {
	valid := func(name string, s *Secret) leafVector {
		sk, nk, y, leaf := s.RevealScalar(), s.RevealNullifierKey(), s.Public().Coordinate(), s.Commitment()
		key, hash := [PointSize]byte(s.Public().Bytes()), s.Public().NullifierKeyHash()
		return leafVector{
			Name: name, Expect: "valid", IdentityKey: toHex(sk), NullifierKey: toHex(nk),
			PublicKey: toHex(key), Y: toHex(y), NullifierKeyHash: toHex(hash), Leaf: toHex(leaf),
		}
	}
	secret := func(sk *big.Int, nk [32]byte) *Secret {
		s, err := ParseSecret([32]byte(sk.FillBytes(make([]byte, 32))), nk)
		mustNot(t, err)
		return s
	}
	a, b := vectorSecret(t, "a"), vectorSecret(t, "b")
	one := [32]byte{31: 1}
	out = append(out,
		valid("a", a),
		valid("b", b),
		valid("the negative of a: the same leaf", secret(new(big.Int).Sub(refOrder, scalarOf(a)), a.RevealNullifierKey())),
		valid("the identity key of a with the nullifier key of b: another leaf", secret(scalarOf(a), b.RevealNullifierKey())),
		valid("both keys 1: the base point", secret(big.NewInt(1), one)),
		valid("both keys maximal", secret(new(big.Int).Sub(refOrder, big.NewInt(1)),
			[32]byte(new(big.Int).Sub(refP, big.NewInt(1)).FillBytes(make([]byte, 32))))),
	)
	good := out[0]
	key := [PointSize]byte(a.Public().Bytes())
	point, err := parsePoint(key)
	mustNot(t, err)
	plus := func(order int64) string {
		q := torsion(t, order)
		return hex.EncodeToString(encoded(*q.Add(&q, &point)))
	}
	refuseKey := func(name, expect, key string) {
		out = append(out, leafVector{Name: name, Expect: expect, PublicKey: key, NullifierKeyHash: good.NullifierKeyHash, Y: good.Y, Leaf: good.Leaf})
	}
	refuseKey("y not below the field's order", "point_encoding", hex.EncodeToString(nonCanonical(key[:])))
	refuseKey("y = order of the field", "point_encoding", hex.EncodeToString(nonCanonical(make([]byte, 32))))
	refuseKey("all bits set", "point_encoding", strings.Repeat("ff", 32))
	refuseKey("x is 0 and its sign is set", "point_encoding", hex.EncodeToString(flipped(encoded(torsion(t, 2)), 31, 0x80)))
	refuseKey("no point has this y", "not_on_curve", hex.EncodeToString(offCurve(t)))
	refuseKey("identity element", "identity", hex.EncodeToString(encoded(identity())))
	for _, order := range []int64{2, 4, 8} {
		refuseKey(fmt.Sprint("point of order ", order), "small_order", hex.EncodeToString(encoded(torsion(t, order))))
		refuseKey(fmt.Sprint("a plus a point of order ", order), "not_in_subgroup", plus(order))
	}
	hash := a.Public().NullifierKeyHash()
	aliased := leafVector{Name: "H(nk) not below the field's order", Expect: "not_canonical", PublicKey: good.PublicKey, Y: good.Y, Leaf: good.Leaf}
	aliased.NullifierKeyHash = toHex([32]byte(plusInt(hash, refP)))
	out = append(out, aliased)
	refuseSecret := func(name, expect string, sk, nk [32]byte) {
		v := good
		v.Name, v.Expect, v.IdentityKey, v.NullifierKey = name, expect, toHex(sk), toHex(nk)
		out = append(out, v)
	}
	sk, nk := a.RevealScalar(), a.RevealNullifierKey()
	refuseSecret("identity key plus order: the same point", "scalar_range", plusInt(sk, refOrder), nk)
	refuseSecret("identity key 0", "scalar_range", [32]byte{}, nk)
	refuseSecret("identity key = order", "scalar_range", plusInt([32]byte{}, refOrder), nk)
	refuseSecret("nullifier key plus the field's order", "nullifier_key", sk, plusInt(nk, refP))
	refuseSecret("nullifier key 0", "nullifier_key", sk, [32]byte{})
	return out
}

func makeNullifierVectors(t *testing.T) (out []nullifierVector) {
	a, b := vectorSecret(t, "a"), vectorSecret(t, "b")
	mixed, err := ParseSecret(b.RevealScalar(), a.RevealNullifierKey())
	mustNot(t, err)
	scope := zkkex.NamedScope{Name: "rfq.example", Epoch: zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: 20455}}.Scope()
	add := func(name string, s *Secret, scope zkkex.Scope, slot uint32) {
		sk, nk, n := s.RevealScalar(), s.RevealNullifierKey(), s.Nullifier(scope, slot)
		out = append(out, nullifierVector{
			Name: name, Expect: "valid", IdentityKey: toHex(sk), NullifierKey: toHex(nk),
			Scope: toHex(scope), Slot: slot, Nullifier: toHex(n),
		})
	}
	add("a, slot 0", a, scope, 0)
	add("a, slot 1", a, scope, 1)
	add("a, last slot", a, scope, 1<<32-1)
	add("b, slot 0", b, scope, 0)
	add("the identity key of b with the nullifier key of a: as a, slot 0", mixed, scope, 0)
	add("a scope above the field's order is reduced", a, zkkex.Scope(bytes.Repeat([]byte{0xff}, 32)), 0)
	add("scope 0", a, zkkex.Scope{}, 0)
	aliased := out[0]
	n := fromHex(t, aliased.Nullifier)
	aliased.Name, aliased.Expect, aliased.Nullifier = "a, slot 0, plus the field's order", "not_canonical", toHex(plusInt(n, refP))
	atOrder := aliased
	atOrder.Name, atOrder.Nullifier = "the field's order", toHex(plusInt([32]byte{}, refP))
	return append(out, aliased, atOrder)
}

func plusInt(b [32]byte, m *big.Int) (out [32]byte) {
	v := new(big.Int).SetBytes(b[:])
	v.Add(v, m).FillBytes(out[:])
	return out
}

func toHex(b [32]byte) string { return hex.EncodeToString(b[:]) }

func fromHex(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := zkkex.ParseHex(s)
	mustNot(t, err)
	return b
}

func readVectors[T any](t *testing.T, path string) []T {
	t.Helper()
	text, err := os.ReadFile(path)
	mustNot(t, err)
	var file struct {
		Comment string `json:"comment"`
		Vectors []T    `json:"vectors"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	mustNot(t, d.Decode(&file))
	if len(file.Vectors) == 0 {
		t.Fatalf("%s has no vectors", path)
	}
	return file.Vectors
}

func writeVectors(t *testing.T, path string, vectors any) {
	t.Helper()
	text, err := json.MarshalIndent(map[string]any{
		"comment": "Bytes are hexadecimal; field elements and scalars big-endian, public keys compressed (docs/spec/leaf.md). " +
			"Keys a and b: seed = SHA-256(\"zkkex test seed a\"), nullifier key = SHA-256(\"zkkex test nk a\") with the top three bits cleared.",
		"vectors": vectors,
	}, "", "  ")
	mustNot(t, err)
	mustNot(t, os.WriteFile(path, append(text, '\n'), 0o644))
}
