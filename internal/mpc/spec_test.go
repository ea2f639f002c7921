package mpc

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/relation"
)

const specification = "../../docs/spec/ceremony-payload.md"

// The factors of the samples, which everybody knows.
var (
	sampleFactors = &factors1{tau: *number(3), alpha: *number(5), beta: *number(7)}
	sampleDelta   = number(13)
	sampleSize    = relation.Size{Constraints: 2, Public: 1, Secret: 1}
)

// sampleBegin is a beginning of phase 2 that no circuit is needed for.
func sampleBegin() *Phase2 {
	_, _, g1, g2 := curve.Generators()
	times := func(v int64) []curve.G1Affine { return []curve.G1Affine{timesG1(&g1, number(v))} }
	return &Phase2{delta1: g1, delta2: g2, k: times(13 * 17), z: times(13 * 19)}
}

// sample returns the bytes of a block of hexadecimal digits in the specification,
// by the name in its first line.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "```text\n"+name+"\n")
	if !found {
		t.Fatalf("%s has no sample %q", specification, name)
	}
	block, _, _ = strings.Cut(block, "```")
	b, err := hex.DecodeString(strings.Join(strings.Fields(block), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// show returns bytes as the specification has them.
func show(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		n := min(len(b), 32)
		fmt.Fprintf(&out, "%x\n", b[:n])
		b = b[n:]
	}
	return out.String()
}

// TestSamples makes the contributions of the specification again, and reads them.
func TestSamples(t *testing.T) {
	first, err := NewPhase1(MinDomain).contribute(t.Context(), sampleFactors, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := sample(t, "phase 1"); !bytes.Equal(first.Bytes(), want) {
		t.Errorf("phase 1:\n%s", show(first.Bytes()))
	}
	read1, err := ParsePhase1(sample(t, "phase 1"), MinDomain)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewPhase1(MinDomain).Verify(t.Context(), read1); err != nil {
		t.Error(err)
	}

	second, err := sampleBegin().contribute(t.Context(), sampleDelta, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := sample(t, "phase 2"); !bytes.Equal(second.Bytes(), want) {
		t.Errorf("phase 2:\n%s", show(second.Bytes()))
	}
	read2, err := ParsePhase2(sample(t, "phase 2"), sampleSize)
	if err != nil {
		t.Fatal(err)
	}
	if err := sampleBegin().Verify(t.Context(), read2); err != nil {
		t.Error(err)
	}
	if err := phase2AsGnark(t, sampleBegin()).Verify(phase2AsGnark(t, read2)); err != nil {
		t.Errorf("gnark: %v", err)
	}
}

// TestSampleSecrets makes the SRS of the samples' factors from the powers.
func TestSampleSecrets(t *testing.T) {
	read, err := ParsePhase1(sample(t, "phase 1"), MinDomain)
	if err != nil {
		t.Fatal(err)
	}
	_, _, g1, g2 := curve.Generators()
	is := func(p curve.G1Affine, v int64) bool {
		want := timesG1(&g1, number(v))
		return p.Equal(&want)
	}
	beta2 := timesG2(&g2, number(7))
	switch srs := read.srs; {
	case !is(srs.G1.Tau[1], 3), !is(srs.G1.Tau[2], 9), !is(srs.G1.AlphaTau[0], 5), !is(srs.G1.AlphaTau[1], 15),
		!is(srs.G1.BetaTau[0], 7), !is(srs.G1.BetaTau[1], 21), !srs.G2.Beta.Equal(&beta2):
		t.Error("not the powers of 3 times 1, 5 and 7")
	}
}

// TestSpecificationNamesTheChecks compares with the constants.
func TestSpecificationNamesTheChecks(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	c := held(t)
	names := []string{CheckEncoding}
	for _, checks := range [][]check{c.phase1[0].checks(c.phase1[1]), c.phase2[0].checks(c.phase2[1]), srsChecks(c.srs)} {
		for _, check := range checks {
			names = append(names, check.name)
		}
	}
	for _, name := range names {
		if !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("%s does not have the check %q", specification, name)
		}
	}
	for _, size := range []string{
		fmt.Sprintf("%d bytes", Phase1Size(1<<12)), fmt.Sprintf("%d bytes", Phase1Size(1<<13)),
		fmt.Sprintf("%d bytes", Phase2Size(relation.Size{Constraints: 3931, Secret: 3980 - 6})),
		fmt.Sprintf("%d bytes", Phase2Size(relation.Size{Constraints: 5415, Secret: 5492 - 6})),
		fmt.Sprintf("%d bytes", SRSSize(1<<12)), fmt.Sprintf("%d bytes", SRSSize(1<<13)),
	} {
		if !strings.Contains(string(text), size) {
			t.Errorf("%s does not say %q", specification, size)
		}
	}
}
