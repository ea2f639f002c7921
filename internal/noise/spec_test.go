package noise

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

const specFile = "../../docs/spec/noise.md"

// The specification's tables and its sample are what the code does.
func TestSpecification(t *testing.T) {
	text, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	for what, part := range map[string]string{"names": specNames(), "lengths": specLengths(t), "sample": specSample(t)} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s does not have these %s:\n%s", specFile, what, part)
		}
	}
}

func specNames() string {
	return "    " + strings.Join(hybridNames(), "\n    ") + "\n"
}

func specLengths(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| pattern | message 1 | message 2 | both |\n|---|---|---|---|\n")
	for _, pattern := range []string{PatternIKhfs, PatternIKhfsPrekey} {
		p := parse(t, "Noise_"+pattern+"_25519+MLKEM768_AESGCM_SHA256")
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d |\n", pattern, p.Overhead(0), p.Overhead(1), p.Overhead(0)+p.Overhead(1))
	}
	return b.String()
}

// specSample is every step of one vector, by the straight-line implementation;
// that the state machine gives the same messages, other tests say.
func specSample(t *testing.T) string {
	t.Helper()
	out := straightFor(t, prekeyName, prekeyName).run(t)
	return fmt.Sprintf("%sSHA-256 of message 1   %x\nSHA-256 of message 2   %x\n", out.trace, sha256.Sum256(out.message1), sha256.Sum256(out.message2))
}
