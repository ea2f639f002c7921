package all

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

// What docs/spec/signers.md says about each of its examples holds.
func TestSpecExamples(t *testing.T) {
	text, err := os.ReadFile("../../../docs/spec/signers.md")
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]error{
		"no such key": signer.ErrNoKey, "no such device": signer.ErrNoDevice,
		"malformed": zkkex.ErrMalformed, "unsupported": zkkex.ErrUnsupported,
	}
	_, after, _ := strings.Cut(string(text), "\n## Examples\n")
	section, _, _ := strings.Cut(after, "\n## ")
	seen := map[string]int{}
	for row := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(row), "|")
		if len(cells) != 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		uri, class := strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2])
		want, ok := classes[class]
		if !ok {
			t.Fatalf("%s: no class %q", uri, class)
		}
		seen[class]++
		s, err := signer.Open(context.Background(), uri, signer.Options{})
		if s != nil || !errors.Is(err, want) {
			t.Errorf("%s: %v, expected %v", uri, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: the error tells what is secret: %v", uri, err)
		}
	}
	for class := range classes {
		if seen[class] < 2 {
			t.Errorf("%d examples of %q", seen[class], class)
		}
	}
}

// Every kind is here, and says how it is used.
func TestSchemes(t *testing.T) {
	have := map[string]signer.Scheme{}
	for _, s := range signer.Schemes() {
		have[s.Name] = s
		if s.Usage == "" || !strings.HasPrefix(s.Example, s.Name+":") {
			t.Errorf("%s: usage %q, example %q", s.Name, s.Usage, s.Example)
		}
	}
	for _, name := range []string{"file", "eth", "eip155", "ssh-agent", "threshold"} {
		if !have[name].Available {
			t.Errorf("%s is not available", name)
		}
	}
	for _, name := range []string{"pkcs11", "tpm"} { // not on every system
		if _, ok := have[name]; !ok {
			t.Errorf("%s is not registered", name)
		}
	}
}
