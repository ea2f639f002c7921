package eddsa

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
	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/canonical"
)

var update = flag.Bool("update", false, "write the known-answer vectors again")

const vectorsFile = "../../testdata/eddsa/eddsa.json"

// vector is one known answer. "valid" ones have every value; the others are
// refused for the single reason that "expect" names.
type vector struct {
	Name       string `json:"name"`
	Expect     string `json:"expect"`
	PrivateKey string `json:"private_key,omitempty"`
	Hedge      string `json:"hedge,omitempty"` // the 32 random bytes of the nonce
	PublicKey  string `json:"public_key"`
	Message    string `json:"message"`
	Challenge  string `json:"challenge,omitempty"`
	Signature  string `json:"signature"`
}

var reasons = map[string]error{
	"point_encoding":   babyjubjub.ErrEncoding,
	"not_on_curve":     babyjubjub.ErrNotOnCurve,
	"identity":         babyjubjub.ErrIdentity,
	"small_order":      babyjubjub.ErrSmallOrder,
	"not_in_subgroup":  babyjubjub.ErrNotInSubgroup,
	"signature_scalar": ErrSignatureScalar,
	"not_canonical":    canonical.ErrNotCanonical,
	"signature":        ErrSignature,
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	used := map[string]bool{}
	for _, v := range readVectors(t) {
		used[v.Expect] = true
		err := Verify(bytes32(t, v.PublicKey), bytes32(t, v.Message), [64]byte(unhex(t, v.Signature, 64)))
		if v.Expect == "valid" {
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
			checkSigned(t, v)
			continue
		}
		for name, reason := range reasons {
			want := name == v.Expect || name == "not_canonical" && v.Expect == "point_encoding" && errors.Is(err, canonical.ErrNotCanonical)
			if errors.Is(err, reason) != want {
				t.Errorf("%s: %v; want %s alone", v.Name, err, v.Expect)
			}
		}
	}
	for name := range reasons {
		if !used[name] {
			t.Errorf("no vector is refused for %s", name)
		}
	}
}

// checkSigned makes the signature again.
func checkSigned(t *testing.T, v vector) {
	t.Helper()
	k, err := ParsePrivateKey(bytes32(t, v.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := k.sign(bytes.NewReader(unhex(t, v.Hedge, 32)), bytes32(t, v.Message))
	if err != nil || k.Public() != bytes32(t, v.PublicKey) || hex.EncodeToString(sig[:]) != v.Signature {
		t.Errorf("%s: signed %x, %v", v.Name, sig, err)
	}
	e, err := Challenge([32]byte(sig[:32]), k.Public(), bytes32(t, v.Message))
	if err != nil || e != bytes32(t, v.Challenge) {
		t.Errorf("%s: challenge %x, %v", v.Name, e, err)
	}
}

// The specification shows the first vector.
func TestSpecification(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/eddsa.md")
	if err != nil {
		t.Fatal(err)
	}
	v := readVectors(t)[0]
	want := fmt.Sprintf("```\nprivate key         %s\nrandom bytes        %s\npublic key          %s\nmessage             %s\nchallenge           %s\nR                   %s\ns                   %s\n```\n",
		v.PrivateKey, v.Hedge, v.PublicKey, v.Message, v.Challenge, v.Signature[:64], v.Signature[64:])
	if !strings.Contains(string(spec), want) {
		t.Errorf("docs/spec/eddsa.md has no sample\n%s", want)
	}
}

func readVectors(t *testing.T) (out []vector) {
	t.Helper()
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("%d vectors", len(out))
	}
	return out
}

func writeVectors(t *testing.T) {
	t.Helper()
	var out []vector
	valid := func(name string, seed byte, message [32]byte) vector {
		k, hedge := newKey(t, seed), bytes.Repeat([]byte{seed + 1}, 32)
		sig, err := k.sign(bytes.NewReader(hedge), message)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Challenge([32]byte(sig[:32]), k.Public(), message)
		if err != nil {
			t.Fatal(err)
		}
		private, public := k.Reveal(), k.Public()
		return vector{
			Name: name, Expect: "valid", PrivateKey: hex.EncodeToString(private[:]), Hedge: hex.EncodeToString(hedge),
			PublicKey: hex.EncodeToString(public[:]), Message: hex.EncodeToString(message[:]),
			Challenge: hex.EncodeToString(e[:]), Signature: hex.EncodeToString(sig[:]),
		}
	}
	good := valid("key a, a reduced hash", 1, Message([32]byte{0xff, 0xfe, 31: 1}))
	out = append(out, good, valid("key b, message 0", 3, [32]byte{}), valid("key a, message 1", 1, [32]byte{31: 1}))
	sig, public := unhex(t, good.Signature, 64), unhex(t, good.PublicKey, 32)
	refuse := func(name, expect string, change func(public, message, sig []byte)) {
		a, m, s := bytes.Clone(public), unhex(t, good.Message, 32), bytes.Clone(sig)
		change(a, m, s)
		out = append(out, vector{Name: name, Expect: expect, PublicKey: hex.EncodeToString(a), Message: hex.EncodeToString(m), Signature: hex.EncodeToString(s)})
	}
	order := order()
	identity := append([]byte{1}, make([]byte, 31)...)
	refuse("s + order", "signature_scalar", func(_, _, s []byte) {
		v := new(big.Int).SetBytes(s[32:])
		v.Add(v, babyjubjub.Order()).FillBytes(s[32:])
	})
	refuse("s = order", "signature_scalar", func(_, _, s []byte) { babyjubjub.Order().FillBytes(s[32:]) })
	refuse("s = 0", "signature", func(_, _, s []byte) { clear(s[32:]) })
	refuse("another s", "signature", func(_, _, s []byte) { s[63] ^= 1 })
	refuse("-R", "signature", func(_, _, s []byte) { s[31] ^= 0x80 })
	refuse("-A", "signature", func(a, _, _ []byte) { a[31] ^= 0x80 })
	refuse("another message", "signature", func(_, m, _ []byte) { m[31] ^= 1 })
	refuse("another key", "signature", func(a, _, _ []byte) { other := newKey(t, 9).Public(); copy(a, other[:]) })
	refuse("a message of the field's order", "not_canonical", func(_, m, _ []byte) { copy(m, order[:]) })
	refuse("R with all bits set", "point_encoding", func(_, _, s []byte) { copy(s, bytes.Repeat([]byte{0xff}, 32)) })
	refuse("R off the curve", "not_on_curve", func(_, _, s []byte) { copy(s, offCurve(t)) })
	refuse("A off the curve", "not_on_curve", func(a, _, _ []byte) { copy(a, offCurve(t)) })
	refuse("R is the identity", "identity", func(_, _, s []byte) { copy(s, identity) })
	refuse("A is the identity", "identity", func(a, _, _ []byte) { copy(a, identity) })
	refuse("A has order 4", "small_order", func(a, _, _ []byte) { clear(a) })
	refuse("R has order 4", "small_order", func(_, _, s []byte) { clear(s[:32]) })
	refuse("R plus a point of order 4", "not_in_subgroup", func(_, _, s []byte) { plusTorsion(t, s[:32]) })
	refuse("A plus a point of order 4", "not_in_subgroup", func(a, _, _ []byte) { plusTorsion(t, a) })
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorsFile, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// plusTorsion adds the point with y = 0, of order 4, to an encoded point.
func plusTorsion(t *testing.T, b []byte) {
	t.Helper()
	var p, small babyjubjub.Point
	if _, err := p.SetBytes(b); err != nil {
		t.Fatal(err)
	}
	if _, err := small.SetBytes(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	copy(b, p.Add(&p, &small).Marshal())
}

// offCurve returns an encoding of a y that no point has.
func offCurve(t *testing.T) []byte {
	t.Helper()
	for y := byte(2); ; y++ {
		b := append([]byte{y}, make([]byte, 31)...)
		if _, err := babyjubjub.Parse([32]byte(b)); errors.Is(err, babyjubjub.ErrNotOnCurve) {
			return b
		}
	}
}

// What is malformed has no challenge.
func TestChallengeRefusesWhatVerifyRefuses(t *testing.T) {
	for _, v := range readVectors(t) {
		_, err := Challenge([32]byte(unhex(t, v.Signature, 64)), bytes32(t, v.PublicKey), bytes32(t, v.Message))
		fine := v.Expect == "valid" || v.Expect == "signature" || v.Expect == "signature_scalar"
		if fine != (err == nil) || !fine && !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func unhex(t *testing.T, s string, size int) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != size {
		t.Fatalf("expected %d bytes in hexadecimal, got %q", size, s)
	}
	return b
}

func bytes32(t *testing.T, s string) [32]byte { t.Helper(); return [32]byte(unhex(t, s, 32)) }
