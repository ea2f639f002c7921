package threshold

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// sampleIdentity has a seed of one repeated byte.
func sampleIdentity(name string, b byte) *Identity {
	return identityOf(name, bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

// sampleSetup is the setup in the specification.
func sampleSetup() *Setup {
	return &Setup{
		Threshold:    2,
		Participants: []Member{sampleIdentity("alice", 1).Member(), sampleIdentity("bob", 2).Member()},
		Requesters:   []Member{sampleIdentity("prover", 3).Member()},
	}
}

// The samples in the specification are what the code makes.
func TestSpecSamples(t *testing.T) {
	spec, err := os.ReadFile("../docs/spec/threshold.md")
	if err != nil {
		t.Fatal(err)
	}
	setup := sampleSetup()
	digest := setup.Digest()
	p := plan{setup: setup, attempt: 1}
	context := p.context()
	abort := sampleIdentity("alice", 1).seal(kindAbort, 1, context, []byte{abortStopped, 0, 0})
	session := sessionContext([32]byte(bytes.Repeat([]byte{4}, 32)), firstRequester, [32]byte(bytes.Repeat([]byte{5}, 32)))
	for name, want := range map[string]string{
		"identity":        indent(sampleIdentity("alice", 1).encode()),
		"setup":           indent(setup.Encode()),
		"setup digest":    hex.EncodeToString(digest[:]),
		"attempt context": hex.EncodeToString(context[:]),
		"session context": hex.EncodeToString(session[:]),
		"message":         indent([]byte(wrap(hex.EncodeToString(abort.encode())))),
	} {
		if !strings.Contains(string(spec), want) {
			t.Errorf("docs/spec/threshold.md does not have the %s:\n%s", name, want)
		}
	}
}

// indent makes a block of a Markdown text.
func indent(text []byte) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", "\n    ") + "\n"
}

// wrap breaks digits into lines of 80.
func wrap(digits string) string {
	var b strings.Builder
	for len(digits) > 80 {
		b.WriteString(digits[:80] + "\n")
		digits = digits[80:]
	}
	return b.String() + digits + "\n"
}
