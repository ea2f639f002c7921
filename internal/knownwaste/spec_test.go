package knownwaste

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The specification shows secrets of the circuit digest 0.
func TestSpecSample(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/params.md")
	if err != nil {
		t.Fatal(err)
	}
	w := Of([32]byte{})
	for name, e := range map[string][32]byte{"tau": w.Tau.Bytes(), "sigma": w.Sigma.Bytes()} {
		if row := fmt.Sprintf("| `%s` | `%x` |", name, e); !strings.Contains(string(spec), row) {
			t.Errorf("it has no row %s", row)
		}
	}
}
