package plonk_test

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

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/point"
)

var update = flag.Bool("update", false, "write testdata/plonk/proofs.json anew")

const vectorsFile = "../../testdata/plonk/proofs.json"

// proofVector is a proof encoding and the single reason it is refused for.
type proofVector struct {
	Name   string `json:"name"`
	Expect string `json:"expect"`
	Proof  string `json:"proof"`
}

func reasons() map[string]error {
	return map[string]error{
		"length":    plonk.ErrLength,
		"infinity":  point.ErrInfinity,
		"encoding":  point.ErrEncoding,
		"off-curve": point.ErrNotOnCurve,
		"scalar":    plonk.ErrScalar,
	}
}

// names of the parts, in their order.
var (
	pointNames  = []string{"a", "b", "c", "z", "t_lo", "t_mid", "t_hi", "W_zeta", "W_zeta_omega"}
	scalarNames = []string{"r(zeta)", "a(zeta)", "b(zeta)", "c(zeta)", "s1(zeta)", "s2(zeta)", "z(zeta omega)"}
)

// deriveVectors makes every vector from the generator, so that the file holds no
// bytes whose origin cannot be checked.
func deriveVectors(t *testing.T) []proofVector {
	t.Helper()
	good := sample()
	with := func(at int, part []byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], part)
		return out
	}
	infinity := append([]byte{0x40}, make([]byte, 31)...)
	order := fr.Modulus().FillBytes(make([]byte, 32))
	cases := []proofVector{
		{"sample", "ok", hex.EncodeToString(good)},
		{"empty", "length", ""},
		{"last byte missing", "length", hex.EncodeToString(good[:511])},
		{"one byte too many", "length", hex.EncodeToString(append(bytes.Clone(good), 0))},
	}
	add := func(name, expect string, b []byte) {
		cases = append(cases, proofVector{name, expect, hex.EncodeToString(b)})
	}
	for i, name := range pointNames {
		at := 32 * i
		add(name+" at infinity", "infinity", with(at, infinity))
		add(name+" with the flags of an uncompressed point", "encoding", with(at, []byte{good[at] & 0x3f}))
		add(name+" with x plus the order of the base field", "encoding", with(at, plusOrder(good[at:at+32])))
		add(name+" with an x that has no point", "off-curve", with(at, offCurve()))
	}
	for i, name := range scalarNames {
		at := 32 * (len(pointNames) + i)
		value := new(big.Int).SetBytes(good[at : at+32])
		add(name+" is the order", "scalar", with(at, order))
		add(name+" plus the order", "scalar", with(at, value.Add(value, fr.Modulus()).FillBytes(make([]byte, 32))))
	}
	return cases
}

// sample is the first multiples of the generator whose x leaves room for the order
// of the base field, and the numbers from 1 on. It proves nothing.
func sample() []byte {
	_, _, g1, _ := curve.Generators()
	var out []byte
	for p := g1; len(out) < 32*len(pointNames); p.Add(&p, &g1) {
		x := p.X.BigInt(new(big.Int))
		if x.Add(x, fp.Modulus()).BitLen() <= 254 {
			b := p.Bytes()
			out = append(out, b[:]...)
		}
	}
	for i := range scalarNames {
		scalar := fr.NewElement(uint64(i + 1))
		b := scalar.Bytes()
		out = append(out, b[:]...)
	}
	return out
}

func plusOrder(b []byte) []byte {
	plain := bytes.Clone(b)
	plain[0] &= 0x3f
	x := new(big.Int).SetBytes(plain)
	out := x.Add(x, fp.Modulus()).FillBytes(make([]byte, 32))
	out[0] |= b[0] & 0xc0
	return out
}

// offCurve returns the smallest x without a point.
func offCurve() []byte {
	for x := byte(0); ; x++ {
		b := append([]byte{0x80}, make([]byte, 31)...)
		b[31] = x
		if _, err := new(curve.G1Affine).SetBytes(b); err != nil {
			return b
		}
	}
}

func TestVectorsAreCurrent(t *testing.T) {
	want, err := json.MarshalIndent(deriveVectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(vectorsFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file is not what the derivation gives (%v); run the test with -update and review the difference", err)
	}
}

func readVectors(t testing.TB) (vectors []proofVector) {
	t.Helper()
	b, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

// Each bad encoding is refused for its one reason, with the part's name.
func TestProofVectors(t *testing.T) {
	vectors := readVectors(t)
	if len(vectors) < 50 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		b, err := hex.DecodeString(v.Proof)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plonk.ParseProof(b)
		if v.Expect == "ok" {
			if err != nil || !bytes.Equal(p.Bytes(), b) {
				t.Errorf("%s: %v", v.Name, err)
			}
			continue
		}
		for name, reason := range reasons() {
			if errors.Is(err, reason) != (name == v.Expect) {
				t.Errorf("%s: %v, expected %s alone", v.Name, err, v.Expect)
			}
		}
		if part, _, found := strings.Cut(v.Name, " "); found && v.Expect != "length" && !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v does not name the part", v.Name, err)
		}
	}
}

// The specification shows the sample, and lists the reasons with their numbers.
func TestSpecification(t *testing.T) {
	b, err := os.ReadFile("../../docs/spec/plonk.md")
	if err != nil {
		t.Fatal(err)
	}
	spec := string(b)
	vectors := readVectors(t)
	if !strings.Contains(strings.Join(strings.Fields(spec), ""), vectors[0].Proof) {
		t.Errorf("it does not show the proof %s", vectors[0].Proof)
	}
	counts := make(map[string]int)
	for _, v := range vectors[1:] {
		counts[v.Expect]++
	}
	for reason, n := range counts {
		if row := fmt.Sprintf("| `%s` | %d |", reason, n); !strings.Contains(spec, row) {
			t.Errorf("it has no row %s", row)
		}
	}
	f := load(t)
	points := f.proving.Points()
	for _, want := range []string{
		fmt.Sprintf("%d bytes", plonk.ProofSize), fmt.Sprintf("%d bytes", plonk.VerifyingKeySize),
		hex.EncodeToString(points.Bytes()),
	} {
		if !strings.Contains(strings.ReplaceAll(strings.Join(strings.Fields(spec), " "), " ", ""), strings.ReplaceAll(want, " ", "")) {
			t.Errorf("it does not say %s", want)
		}
	}
	for _, check := range []string{
		plonk.CheckSize, plonk.CheckDomain, plonk.CheckPoints, plonk.CheckGenerator, plonk.CheckTau,
		plonk.CheckUnity, plonk.CheckPowers, plonk.CheckLagrange,
	} {
		if !strings.Contains(spec, "`"+check+"`") {
			t.Errorf("it does not name the check `%s`", check)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	for _, v := range readVectors(f) {
		if b, err := hex.DecodeString(v.Proof); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := plonk.ParseProof(b)
		if err != nil {
			for _, reason := range reasons() {
				if errors.Is(err, reason) {
					return
				}
			}
			t.Fatalf("an error without a reason: %v", err)
		}
		if !bytes.Equal(p.Bytes(), b) {
			t.Fatalf("%x is accepted and encoded as %x", b, p.Bytes())
		}
	})
}
