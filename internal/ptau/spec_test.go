package ptau_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/ptau"
)

func spec(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/spec/ptau.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSpecSample compares what docs/spec/ptau.md says of the sample.
func TestSpecSample(t *testing.T) {
	text, b := spec(t), sample(t)
	if err := examine(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	_, _, g1, _ := curve.Generators()
	generator := encodeG1(&g1)
	lines := []string{
		fmt.Sprintf("    %x", sha256.Sum256(b)),
		fmt.Sprintf("    %x\n    %x", generator[:32], generator[32:]),
		fmt.Sprintf("at most %s |", thousands(ptau.MaxChainSize)),
	}
	for number, s := range layout(b) {
		lines = append(lines, fmt.Sprintf("| %d | %d | %d |", number, s.at, s.size))
	}
	for _, c := range open(t, b).Chain().Contributions() {
		beacon := "none"
		if c.Beacon != nil {
			beacon = fmt.Sprintf("`%x`, 2^%d times", c.Beacon.Value, c.Beacon.Exponent)
		}
		lines = append(lines, fmt.Sprintf("| %d | %s | %s | `%x` |", c.Number, c.Name, beacon, c.Response))
	}
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("docs/spec/ptau.md lacks %q", line)
		}
	}
}

func thousands(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }

// TestSpecListsChecks compares the table of checks with the code.
func TestSpecListsChecks(t *testing.T) {
	text := spec(t)
	table := text[strings.Index(text, "## Checks"):strings.Index(text, "## What this shows")]
	for _, check := range []ptau.Check{
		ptau.CheckFormat, ptau.CheckCurve, ptau.CheckPower, ptau.CheckCanonical, ptau.CheckInfinity, ptau.CheckOnCurve,
		ptau.CheckSubgroup, ptau.CheckContributed, ptau.CheckEffort, ptau.CheckBeacon, ptau.CheckKey, ptau.CheckStep,
		ptau.CheckGenerator, ptau.CheckLast, ptau.CheckChallenge, ptau.CheckTrivial, ptau.CheckPowers,
	} {
		class := map[error]string{zkkex.ErrMalformed: "malformed", zkkex.ErrUnsupported: "unsupported", zkkex.ErrRejected: "rejected"}[class(check)]
		row, rest, found := strings.Cut(table, "\n| `"+string(check)+"` | ")
		if !found {
			t.Errorf("no row for %q", check)
			continue
		}
		line, after, _ := strings.Cut(rest, "\n")
		if !strings.HasSuffix(line, "| "+class+" |") {
			t.Errorf("%q is said to be %q, it is %s", check, line, class)
		}
		table = row + "\n" + after
	}
	if n := strings.Count(table, "\n| `"); n != 0 {
		t.Errorf("%d rows for checks that there are none of", n)
	}
}
