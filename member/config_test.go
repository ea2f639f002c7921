package member

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
)

// sample returns the sample of config.json in the specification.
func sample(t testing.TB) []byte { return sampleNumber(t, 0) }

func sampleNumber(t testing.TB, n int) []byte {
	t.Helper()
	b, err := os.ReadFile("../docs/spec/state-directory.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(b), "```json\n")
	if len(parts) != 3 {
		t.Fatalf("%d samples, want 2", len(parts)-1)
	}
	text, _, _ := strings.Cut(parts[n+1], "```\n")
	return []byte(text)
}

func TestSpecificationSample(t *testing.T) {
	text := sample(t)
	c, err := parseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Registries) != 1 || c.Registries[0].Name() != "registry.example/members" || c.Registries[0].Quorum != 1 {
		t.Errorf("%+v", c)
	}
	if again := c.encode(); !bytes.Equal(again, text) {
		t.Errorf("encoded:\n%s", again)
	}
}

// Each text is wrong for one reason, which the error names.
func TestConfigIsStrict(t *testing.T) {
	good := string(sample(t))
	for name, c := range map[string]struct {
		old, new string
		want     error
		says     string
	}{
		"format":           {"zkkex/v1 member config", "zkkex/v2 member config", zkkex.ErrUnsupported, "expected \"zkkex/v1 member config\""},
		"unknown field":    {`"quorum"`, `"quorums"`, zkkex.ErrMalformed, "unknown field"},
		"white space":      {"  \"registries\"", "   \"registries\"", zkkex.ErrMalformed, "one accepted form"},
		"no final newline": {"]\n}\n", "]\n}", zkkex.ErrMalformed, "one accepted form"},
		"something after":  {"]\n}\n", "]\n}\n{}\n", zkkex.ErrMalformed, "one accepted form"},
		"address":          {"https://registry.example", "ftp://registry.example", zkkex.ErrMalformed, "registry URL"},
		"long address":     {"https://registry.example", "https://" + strings.Repeat("a", MaxURL), zkkex.ErrMalformed, "at most 1024 bytes"},
		"verifier key":     {"registry.example/members+", "registry.example+members+", zkkex.ErrMalformed, "verifier key"},
		"quorum":           {`"quorum": 1`, `"quorum": 2`, zkkex.ErrMalformed, "a quorum of 2"},
		"negative members": {`"min_members": 100`, `"min_members": -1`, zkkex.ErrMalformed, "cannot unmarshal"},
		"null":             {`"witnesses": [`, `"witnesses": null, "x": [`, zkkex.ErrMalformed, "unknown field"},
		"cut":              {"]\n}\n", "", zkkex.ErrMalformed, "unexpected EOF"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			t.Fatalf("%s: nothing was replaced", name)
		}
		_, err := parseConfig([]byte(text))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %v that says %q", name, err, c.want, c.says)
		}
	}
	if _, err := parseConfig(make([]byte, maxConfig+1)); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("too long: %v", err)
	}
}

func TestConfigHasLimits(t *testing.T) {
	var c config
	for i := range MaxRegistries {
		if err := c.put(Registry{URL: "https://registry.example", VerifierKey: newKey(t, i)}); err != nil {
			t.Fatal(err)
		}
	}
	before := c.encode()
	if err := c.put(Registry{URL: "https://registry.example", VerifierKey: newKey(t, MaxRegistries)}); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("one too many: %v", err)
	}
	if !bytes.Equal(c.encode(), before) {
		t.Error("an error changed the configuration")
	}
	if len(before) > maxConfig {
		t.Errorf("%d bytes, more than are read", len(before))
	}
	twice := config{Registries: []Registry{c.Registries[0], c.Registries[0]}}
	if _, err := parseConfig(twice.encode()); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), "two registries") {
		t.Errorf("one twice: %v", err)
	}
}

func newKey(t testing.TB, i int) string {
	t.Helper()
	_, key, err := note.GenerateKey(nil, fmt.Sprintf("registry-%d.example", i))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func FuzzConfig(f *testing.F) {
	f.Add(sample(f))
	f.Add((&config{}).encode())
	f.Add([]byte(`{"format": "zkkex/v1 member config", "registries": null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseConfig(text)
		if err != nil {
			return
		}
		if again := c.encode(); !bytes.Equal(again, text) {
			t.Errorf("parsed and encoded:\n%s", again)
		}
	})
}
