package zkkex_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
)

// TestElementsAreCanonical reads commitments, nullifiers and roots: 32 bytes
// below the order, and nothing else.
func TestElementsAreCanonical(t *testing.T) {
	order := canonical.Order()
	below, above := order, order
	below[31]--
	above[31]++
	parsers := map[string]func([]byte) ([]byte, error){
		"commitment": func(b []byte) ([]byte, error) { v, err := zkkex.ParseCommitment(b); return v[:], err },
		"nullifier":  func(b []byte) ([]byte, error) { v, err := zkkex.ParseNullifier(b); return v[:], err },
		"root":       func(b []byte) ([]byte, error) { v, err := zkkex.ParseRoot(b); return v[:], err },
	}
	for what, parse := range parsers {
		for name, good := range map[string][]byte{"zero": make([]byte, 32), "one below the order": below[:]} {
			if v, err := parse(good); err != nil || !bytes.Equal(v, good) {
				t.Errorf("%s, %s: %x, %v", what, name, v, err)
			}
		}
		for name, bad := range map[string][]byte{
			"the order": order[:], "one above the order": above[:], "ones": bytes.Repeat([]byte{0xff}, 32),
			"short": make([]byte, 31), "long": make([]byte, 33), "empty": nil,
		} {
			v, err := parse(bad)
			var parse *zkkex.ParseError
			if !errors.Is(err, zkkex.ErrMalformed) || !errors.As(err, &parse) || parse.Format != what {
				t.Errorf("%s, %s: %v, want a *ParseError of that format", what, name, err)
			}
			if !bytes.Equal(v, make([]byte, 32)) {
				t.Errorf("%s, %s: the value %x beside the error", what, name, v)
			}
		}
	}
}

func TestHexHasOneForm(t *testing.T) {
	const good = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	v, err := zkkex.ParseHex(good)
	if err != nil || zkkex.Scope(v).String() != good {
		t.Fatalf("%x, %v", v, err)
	}
	for name, bad := range map[string]string{
		"empty": "", "short": good[1:], "long": good + "0", "upper case": strings.ToUpper(good),
		"one upper-case digit": good[:63] + "F", "no digit": good[:63] + "g", "space": good[:63] + " ", "0x": "0x" + good[2:],
	} {
		if _, err := zkkex.ParseHex(bad); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, zkkex.ErrMalformed)
		}
	}
	for _, s := range []string{
		zkkex.Commitment(v).String(), zkkex.Nullifier(v).String(), zkkex.Root(v).String(), zkkex.Binding(v).String(),
		zkkex.RegistryID(v).String(), zkkex.ParamsDigest(v).String(),
	} {
		if s != good {
			t.Errorf("%q, want %q", s, good)
		}
	}
}

func TestEmptyLeaf(t *testing.T) {
	if !(zkkex.Commitment{}).IsEmpty() || (zkkex.Commitment{31: 1}).IsEmpty() {
		t.Error("the empty leaf is zero, and only zero")
	}
}

func TestCircuitNames(t *testing.T) {
	for _, id := range zkkex.Circuits() {
		got, err := zkkex.ParseCircuit(id.String())
		if err != nil || got != id || !id.Known() || !id.KeyType().Known() {
			t.Errorf("%v: %v, %v", id, got, err)
		}
	}
	if zkkex.BabyJubjub20.CapacityBits() != 20 || zkkex.EdDSA32.CapacityBits() != 32 {
		t.Error("capacities")
	}
	if zkkex.BabyJubjub20Plonk.KeyType() != zkkex.KeyBabyJubjub || zkkex.EdDSA20.KeyType() != zkkex.KeyEdDSA {
		t.Error("key types")
	}
	unknown := zkkex.CircuitID(0x0301)
	if unknown.Known() || unknown.KeyType() != 0 || unknown.CapacityBits() != 0 || unknown.ProofSize() != 0 || unknown.String() != "circuit-0x0301" {
		t.Errorf("an unknown circuit is %v", unknown)
	}
	for _, name := range []string{"", "babyjubjub", "BabyJubjub-20", "circuit-0x0101"} {
		if _, err := zkkex.ParseCircuit(name); !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("%q: %v, want %v", name, err, zkkex.ErrUnsupported)
		}
	}
}

// Keys on other curves take a commitment with Groth16, and nothing else does.
func TestCommitments(t *testing.T) {
	for _, id := range zkkex.Circuits() {
		want := 0
		if t := id.KeyType(); t == zkkex.KeyP256 || t == zkkex.KeySecp256k1 {
			want = 1
		}
		if got := id.Commitments(); got != want || want == 1 && id.ProofSystem() != zkkex.Groth16 {
			t.Errorf("%v: %d commitments, expected %d", id, got, want)
		}
	}
	for id, want := range map[zkkex.CircuitID]int{zkkex.BabyJubjub20: 128, zkkex.EdDSA32: 128, zkkex.P256Key20: 192, zkkex.BabyJubjub20Plonk: 512, 0x01ff: 0} {
		if got := id.ProofSize(); got != want {
			t.Errorf("%v: proofs of %d bytes, expected %d", id, got, want)
		}
	}
}

func TestProofSystems(t *testing.T) {
	sizes := map[zkkex.ProofSystem]int{zkkex.Groth16: 128, zkkex.Plonk: 512}
	count := 0
	for _, s := range zkkex.ProofSystems() {
		if got, err := zkkex.ParseProofSystem(s.String()); err != nil || got != s || !s.Known() {
			t.Errorf("%v: %v, %v", s, got, err)
		}
		for _, id := range s.Circuits() {
			count++
			if id.ProofSystem() != s || byte(id>>8) != byte(s) || id.ProofSize() != sizes[s]+64*id.Commitments() {
				t.Errorf("%v is of %v, with proofs of %d bytes", id, id.ProofSystem(), id.ProofSize())
			}
			got, err := s.Circuit(id.KeyType(), id.CapacityBits())
			if err != nil || got > id || got.KeyType() != id.KeyType() || got.CapacityBits() != id.CapacityBits() {
				t.Errorf("%v for %d bits: %v, %v", s, id.CapacityBits(), got, err)
			}
		}
		if _, err := s.Circuit(zkkex.KeyBabyJubjub, 21); !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("%v for 21 bits: %v, want %v", s, err, zkkex.ErrUnsupported)
		}
	}
	if count != len(zkkex.Circuits()) {
		t.Errorf("%d circuits in proof systems, %d circuits", count, len(zkkex.Circuits()))
	}
	if unknown := zkkex.ProofSystem(3); unknown.Known() || unknown.String() != "proofsystem-0x03" || zkkex.CircuitID(0x0301).ProofSystem() != 0 {
		t.Errorf("an unknown proof system is %v", unknown)
	}
	if _, err := zkkex.ParseProofSystem("stark"); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("%v, want %v", err, zkkex.ErrUnsupported)
	}
}

func TestKeyTypeNames(t *testing.T) {
	for _, k := range zkkex.KeyTypes() {
		if got, err := zkkex.ParseKeyType(k.String()); err != nil || got != k || !k.Known() {
			t.Errorf("%v: %v, %v", k, got, err)
		}
	}
	if unknown := zkkex.KeyType(9); unknown.Known() || unknown.String() != "keytype-0x0009" {
		t.Errorf("an unknown key type is %v", unknown)
	}
	if _, err := zkkex.ParseKeyType("rsa"); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("%v, want %v", err, zkkex.ErrUnsupported)
	}
}
