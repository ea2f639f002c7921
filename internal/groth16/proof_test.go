package groth16

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"
)

func TestProofEncodesAsGnarkDoes(t *testing.T) {
	f := load(t)
	var gnarks bytes.Buffer
	if _, err := f.proof.WriteTo(&gnarks); err != nil {
		t.Fatal(err)
	}
	if got := gnarks.Bytes()[:ProofSize]; !bytes.Equal(got, f.enc) {
		t.Fatalf("gnark writes %x, we write %x", got, f.enc)
	}
	p, err := ParseProof(f.enc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Bytes(), f.enc) {
		t.Fatal("the encoding changed on the way")
	}
}

// proofVector is the encoding of a proof with so many commitments, and the single
// reason it is refused for.
type proofVector struct {
	Name        string `json:"name"`
	Commitments int    `json:"commitments,omitempty"`
	Expect      string `json:"expect"`
	Proof       string `json:"proof"`
}

// parse reads the vector as a proof of its form.
func (v *proofVector) parse(b []byte) (*Proof, error) {
	if v.Commitments > 0 {
		return ParseCommittedProof(b)
	}
	return ParseProof(b)
}

func reasons() map[string]error {
	return map[string]error{
		"length":    ErrLength,
		"infinity":  ErrInfinity,
		"encoding":  ErrEncoding,
		"off-curve": ErrNotOnCurve,
		"subgroup":  ErrSubgroup,
	}
}

func readVectors(t testing.TB) []proofVector {
	t.Helper()
	b, err := os.ReadFile("../../testdata/proof/points.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []proofVector
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

func TestProofVectors(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range readVectors(t) {
		b, err := hex.DecodeString(v.Proof)
		if err != nil {
			t.Fatal(err)
		}
		seen[v.Expect] = true
		_, err = v.parse(b)
		if v.Expect == "ok" {
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
			continue
		}
		for name, reason := range reasons() {
			if got, want := errors.Is(err, reason), name == v.Expect; got != want {
				t.Errorf("%s: error %v: is %s: %v, want %v", v.Name, err, name, got, want)
			}
		}
	}
	for name := range reasons() {
		if !seen[name] {
			t.Errorf("no vector for reason %q", name)
		}
	}
	if !seen["ok"] {
		t.Error("no vector that is accepted")
	}
}

// TestProofParserAllocatesLittle is trap P1: no length field in the input
// drives an allocation, and no input but one of the right size is looked at.
func TestProofParserAllocatesLittle(t *testing.T) {
	f := load(t)
	long := append(bytes.Clone(f.enc), bytes.Repeat([]byte{0xff}, 1<<20)...)
	for name, b := range map[string][]byte{
		"empty": nil, "truncated": f.enc[:ProofSize-1], "trailing": append(bytes.Clone(f.enc), 0), "long": long,
		"gnark's length field": append(bytes.Clone(f.enc), 0x00, 0x40, 0x00, 0x00),
	} {
		var err error
		if n := testing.AllocsPerRun(5, func() { _, err = ParseProof(b) }); n > 10 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if !errors.Is(err, ErrLength) {
			t.Errorf("%s: %v, want %v", name, err, ErrLength)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	for _, v := range readVectors(f) {
		b, err := hex.DecodeString(v.Proof)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, parse := range []func([]byte) (*Proof, error){ParseProof, ParseCommittedProof} {
			if p, err := parse(b); err == nil && !bytes.Equal(p.Bytes(), b) {
				t.Fatalf("%x is accepted and encoded as %x", b, p.Bytes())
			}
		}
	})
}
