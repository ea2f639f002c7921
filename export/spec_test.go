package export_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/export/internal/exporttest"
)

// TestSpecSamples finds the exported sample in docs/spec/export.md, byte for byte.
func TestSpecSamples(t *testing.T) {
	spec, err := os.ReadFile("../docs/spec/export.md")
	if err != nil {
		t.Fatal(err)
	}
	key, p := exporttest.Sample(t, "testdata")
	proof := exporttest.Proof(t, key, p)
	contract, err := key.Solidity()
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(contract)
	for name, want := range map[string]string{
		"verification_key.json": fenced(key.Snarkjs()),
		"public.json":           fenced(proof.SnarkjsPublic()),
		"proof.json":            fenced(proof.Snarkjs()),
		"calldata":              indented(proof.Calldata()),
		"the contract's digest": indented(digest[:]),
		"the selector":          fmt.Sprintf("`%x`", proof.Calldata()[:4]),
	} {
		if !strings.Contains(string(spec), want) {
			t.Errorf("docs/spec/export.md does not have the sample of %s:\n%s", name, want)
		}
	}
}

// fenced returns a file as a block of JSON.
func fenced(b []byte) string { return "```json\n" + string(b) + "```\n" }

// indented returns bytes as an indented block of hexadecimal digits, 80 to a line.
func indented(b []byte) string {
	var out strings.Builder
	for line := range slices.Chunk([]byte(hex.EncodeToString(b)), 80) {
		fmt.Fprintf(&out, "    %s\n", line)
	}
	return "\n" + out.String() + "\n"
}
