package groth16

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

var update = flag.Bool("update", false, "write testdata/proof/points.json anew")

// TestVectorsAreCurrent derives every vector from the generators, so that the
// file holds no bytes whose origin cannot be checked.
func TestVectorsAreCurrent(t *testing.T) {
	vectors := deriveVectors(t)
	want, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	const path = "../../testdata/proof/points.json"
	if *update {
		if err := os.MkdirAll("../../testdata/proof", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the file is not what the derivation gives; run the test with -update and review the difference")
	}
}

// TestSpecListsVectors compares docs/spec/proof.md with the vectors.
func TestSpecListsVectors(t *testing.T) {
	b, err := os.ReadFile("../../docs/spec/proof.md")
	if err != nil {
		t.Fatal(err)
	}
	spec := strings.Join(strings.Fields(string(b)), " ")
	for _, text := range []string{
		fmt.Sprintf("%d bytes: A in G1", ProofSize), fmt.Sprintf("commitment %d bytes: D in G1", CommittedProofSize),
		fmt.Sprintf("%d bytes, what gnark", VerifyingKeySize), fmt.Sprintf("%d bytes with a commitment", CommittedKeySize),
		challengeTag, challengeOfG1,
	} {
		if !strings.Contains(spec, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	for _, v := range readVectors(t) {
		if v.Expect == "ok" {
			if sample := strings.ReplaceAll(spec, " ", ""); !strings.Contains(sample, v.Proof) {
				t.Errorf("it does not show the proof %s", v.Proof)
			}
			continue
		}
		if row := fmt.Sprintf("| %s | `%s` |", v.Name, v.Expect); !strings.Contains(spec, row) {
			t.Errorf("it has no row %s", row)
		}
	}
}

func deriveVectors(t *testing.T) []proofVector {
	t.Helper()
	_, _, g1, g2 := curve.Generators()
	a, second, third := g1, 0, 0
	b, c := g2, g1
	for ; second == 0 || !fits(b.X.A0) || !fits(b.X.A1); second++ {
		b.Add(&b, &g2)
	}
	for ; third == 0 || !fits(c.X); third++ {
		c.Add(&c, &g1)
	}
	origin := fmt.Sprintf("A = G1, B = %d*G2, C = %d*G1", second+1, third+1)
	good := (&Proof{A: a, B: b, C: c}).Bytes()

	const atA, atB, atC = 0, g1Size, g1Size + g2Size
	with := func(at int, part []byte) []byte { return spliced(good, at, part) }
	infinity := make([]byte, g2Size)
	infinity[0] = flagInfinity
	offCurve1, offCurve2, outside := badPoints(t)
	wrapped := func(at int) []byte { return with(at, plusOrder(t, good[at:at+fp.Bytes])) }
	rawB := b.RawBytes()

	cases := []struct {
		name, expect string
		proof        []byte
	}{
		{origin, "ok", good},
		{"empty", "length", nil},
		{"last byte missing", "length", good[:ProofSize-1]},
		{"one byte too many", "length", append(bytes.Clone(good), 0)},
		{"gnark's form, with no commitments", "length", append(append(bytes.Clone(good), 0, 0, 0, 0), infinity[:g1Size]...)},
		{"A at infinity", "infinity", with(atA, infinity[:g1Size])},
		{"B at infinity", "infinity", with(atB, infinity)},
		{"C at infinity", "infinity", with(atC, infinity[:g1Size])},
		{"A with the flags of an uncompressed point", "encoding", with(atA, []byte{good[atA] &^ flagMask})},
		{"B begins as an uncompressed point", "encoding", with(atB, rawB[:g2Size])},
		{"C with the flags of an uncompressed point", "encoding", with(atC, []byte{good[atC] &^ flagMask})},
		{"A with x plus the order of the base field", "encoding", wrapped(atA)},
		{"B with the real part of x plus the order of the base field", "encoding", wrapped(atB + fp.Bytes)},
		{"B with the imaginary part of x plus the order of the base field", "encoding", wrapped(atB)},
		{"C with x plus the order of the base field", "encoding", wrapped(atC)},
		{"A with an x that has no point", "off-curve", with(atA, offCurve1)},
		{"B with an x that has no point", "off-curve", with(atB, offCurve2)},
		{"C with an x that has no point", "off-curve", with(atC, offCurve1)},
		{"B on the curve and outside of the subgroup", "subgroup", with(atB, outside)},
	}
	vectors := make([]proofVector, len(cases))
	for i, c := range cases {
		vectors[i] = proofVector{Name: c.name, Expect: c.expect, Proof: hex.EncodeToString(c.proof)}
	}
	return append(vectors, committedVectors(t, origin, good)...)
}

// committedVectors adds a commitment to a proof.
func committedVectors(t *testing.T, origin string, plain []byte) []proofVector {
	t.Helper()
	_, _, g1, _ := curve.Generators()
	d, multiple := g1, 1
	for ; multiple < 2 || !fits(d.X); multiple++ {
		d.Add(&d, &g1)
	}
	e, second := d, multiple
	for ; second == multiple || !fits(e.X); second++ {
		e.Add(&e, &g1)
	}
	db, eb := d.Bytes(), e.Bytes()
	good := append(append(bytes.Clone(plain), db[:]...), eb[:]...)
	const atD, atE = ProofSize, ProofSize + g1Size
	infinity := make([]byte, g1Size)
	infinity[0] = flagInfinity
	offCurve, _, _ := badPoints(t)
	var vectors []proofVector
	for _, c := range []struct {
		name, expect string
		proof        []byte
	}{
		{fmt.Sprintf("%s, D = %d*G1, E = %d*G1", origin, multiple, second), "ok", good},
		{"no commitment where one is expected", "length", plain},
		{"one byte too many after E", "length", append(bytes.Clone(good), 0)},
		{"gnark's form, with one commitment", "length", append(append(append(bytes.Clone(plain), 0, 0, 0, 1), db[:]...), eb[:]...)},
		{"A at infinity, with a commitment", "infinity", spliced(good, 0, infinity)},
		{"D at infinity", "infinity", spliced(good, atD, infinity)},
		{"E at infinity", "infinity", spliced(good, atE, infinity)},
		{"D with the flags of an uncompressed point", "encoding", spliced(good, atD, []byte{good[atD] &^ flagMask})},
		{"E with the flags of an uncompressed point", "encoding", spliced(good, atE, []byte{good[atE] &^ flagMask})},
		{"D with x plus the order of the base field", "encoding", spliced(good, atD, plusOrder(t, db[:]))},
		{"E with x plus the order of the base field", "encoding", spliced(good, atE, plusOrder(t, eb[:]))},
		{"D with an x that has no point", "off-curve", spliced(good, atD, offCurve)},
		{"E with an x that has no point", "off-curve", spliced(good, atE, offCurve)},
	} {
		vectors = append(vectors, proofVector{Name: c.name, Commitments: 1, Expect: c.expect, Proof: hex.EncodeToString(c.proof)})
	}
	return vectors
}

// spliced returns a copy of b with a part at an offset.
func spliced(b []byte, at int, part []byte) []byte {
	out := bytes.Clone(b)
	copy(out[at:], part)
	return out
}

// badPoints returns the smallest x without a point on the curve, the smallest
// on the twist, and the smallest on the twist whose point is outside of the
// subgroup.
func badPoints(t *testing.T) (offCurve1, offCurve2, outside []byte) {
	t.Helper()
	for x := byte(0); offCurve1 == nil; x++ {
		b := make([]byte, g1Size)
		b[0], b[g1Size-1] = flagSmallestY, x
		var p curve.G1Affine
		if _, err := p.SetBytes(b); err != nil {
			offCurve1 = b
		}
	}
	for x := byte(0); offCurve2 == nil || outside == nil; x++ {
		b := make([]byte, g2Size)
		b[0], b[g2Size-1] = flagSmallestY, x
		var p curve.G2Affine
		err := curve.NewDecoder(bytes.NewReader(b), curve.NoSubgroupChecks()).Decode(&p)
		switch {
		case err != nil && offCurve2 == nil:
			offCurve2 = b
		case err == nil && !p.IsInSubGroup() && outside == nil:
			outside = b
		}
	}
	return offCurve1, offCurve2, outside
}

// fits reports whether x plus the order of the base field is below 2^254, so
// that the flags leave room for it.
func fits(x fp.Element) bool {
	sum := x.BigInt(new(big.Int))
	return sum.Add(sum, fp.Modulus()).BitLen() <= 254
}

// plusOrder adds the order of the base field to a coordinate and keeps the
// flags.
func plusOrder(t *testing.T, coordinate []byte) []byte {
	t.Helper()
	flags := coordinate[0] & flagMask
	plain := bytes.Clone(coordinate)
	plain[0] &= coordinateMask
	sum := new(big.Int).SetBytes(plain)
	sum.Add(sum, fp.Modulus())
	if sum.BitLen() > 254 {
		t.Fatalf("%x plus the order does not fit", coordinate)
	}
	out := sum.FillBytes(make([]byte, len(coordinate)))
	out[0] |= flags
	return out
}
