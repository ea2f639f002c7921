package descriptor

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

var update = flag.Bool("update", false, "write the vectors in testdata/descriptor anew")

const vectorsDir = "../../testdata/descriptor"

// vectors reads a file of vectors, or writes it if -update is given.
func vectors[T any](t *testing.T, name string, fresh []T) []T {
	t.Helper()
	path := filepath.Join(vectorsDir, name)
	if *update {
		b, err := json.MarshalIndent(fresh, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(vectorsDir, 0o755), os.WriteFile(path, append(b, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	out := readVectors[T](t, name)
	if !reflect.DeepEqual(out, fresh) {
		t.Errorf("%s holds %d vectors and differs from the %d that this test derives", name, len(out), len(fresh))
	}
	return out
}

// readVectors reads a file of vectors.
func readVectors[T any](t *testing.T, name string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no vectors", name)
	}
	return out
}

// sample is the descriptor of docs/spec/descriptor.md.
func sample(c *testChain) *Descriptor {
	d := c.draft()
	d.Suites, d.Prekeys.MLKEM768 = d.Suites[1:], nil
	return d
}

func TestSpecSamples(t *testing.T) {
	c := newTestChain(t)
	s := c.sign(sample(c))
	inSpec(t, "the signed descriptor", string(s.Note()))
	inSpec(t, "its digest", s.Digest().String())
	inSpec(t, "the scope of its first epoch", s.Scope(20778).String())
	inSpec(t, "the prekey file", string(testPrekeys(t, 1, s.Prekeys.Expires, false).encode()))
	for _, suite := range Suites() {
		inSpec(t, "a suite", string(suite))
	}
	for _, b := range brokenRules() {
		inSpec(t, "a rule", "`"+string(b.rule)+"`")
	}
	for _, rule := range []Rule{OneNumber, OneLog} {
		inSpec(t, "a rule", "`"+string(rule)+"`")
	}
	c.all = append(c.all, s)
	file, err := c.client().MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "the beginning of the chain file", string(file[:bytes.Index(file, s.Note())]))
}

type textVector struct {
	Name   string `json:"name"`
	Expect string `json:"expect"` // "valid", or the error's class
	Reason string `json:"reason"` // part of the error's message
	Text   string `json:"text"`
	Digest string `json:"digest,omitempty"`
}

func TestTextVectors(t *testing.T) {
	c := newTestChain(t)
	good, bad := refusals(t)
	valid := func(name string, text []byte) textVector {
		return textVector{Name: name, Expect: "valid", Text: string(text), Digest: DigestOf(text).String()}
	}
	fresh := []textVector{valid("with an ML-KEM-768 prekey", good), valid("sample of the specification", mustText(t, sample(c)))}
	for _, r := range bad {
		if len(r.text) > MaxText {
			continue // in TestParseRefuses: zeros alone
		}
		expect := "malformed"
		if r.class == zkkex.ErrUnsupported {
			expect = "unsupported"
		}
		fresh = append(fresh, textVector{Name: r.name, Expect: expect, Reason: r.reason, Text: string(r.text)})
	}
	classes := map[string]error{"malformed": zkkex.ErrMalformed, "unsupported": zkkex.ErrUnsupported}
	for _, v := range vectors(t, "texts.json", fresh) {
		text := []byte(v.Text)
		_, err := Parse(text)
		switch {
		case v.Expect == "valid":
			if err != nil || DigestOf(text).String() != v.Digest {
				t.Errorf("%s: digest %v, %v", v.Name, DigestOf(text), err)
			}
		case classes[v.Expect] == nil || v.Reason == "" || !errors.Is(err, classes[v.Expect]) || !strings.Contains(err.Error(), v.Reason):
			t.Errorf("%s: %.200v; want %s with %q", v.Name, err, v.Expect, v.Reason)
		}
	}
}

// chainVector is a venue's descriptors, of which the last one breaks a rule.
type chainVector struct {
	Name     string   `json:"name"`
	Rule     Rule     `json:"rule"` // "" if none is broken
	Identity string   `json:"identity"`
	Signed   []string `json:"signed"`
}

func TestChainVectors(t *testing.T) {
	var fresh []chainVector
	vector := func(name string, rule Rule, c *testChain, last *Signed) {
		v := chainVector{Name: name, Rule: rule, Identity: c.identity().String()}
		for _, s := range append(c.all[max(0, len(c.all)-2):len(c.all):len(c.all)], last) {
			v.Signed = append(v.Signed, string(s.Note()))
		}
		fresh = append(fresh, v)
	}
	good := newTestChain(t)
	good.next()
	good.next()
	vector("three that follow", "", good, good.sign(good.draft()))
	raised := good.draft()
	raise(raised)
	vector("the third raises the generation", "", good, good.sign(raised))
	twin := *good.all[1]
	twin.MaxOpens++
	vector("two under one number", OneNumber, good, good.sign(&twin.Descriptor))
	for _, b := range brokenRules() {
		c := newTestChain(t)
		b.setup(c)
		d := c.draft()
		b.change(d)
		vector(b.name, b.rule, c, c.sign(d))
	}
	for _, v := range vectors(t, "chains.json", fresh) {
		identity, err := ParseIdentity(v.Identity)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := NewChain(ChainConfig{Identity: identity})
		if err != nil {
			t.Fatal(err)
		}
		for i, signed := range v.Signed {
			_, err := chain.Add([]byte(signed), nil, testTime)
			var fork *ForkError
			switch {
			case i < len(v.Signed)-1 || v.Rule == "":
				if err != nil {
					t.Errorf("%s: descriptor %d: %v", v.Name, i+1, err)
				}
			case !errors.As(err, &fork) || fork.Rule != v.Rule:
				t.Errorf("%s: %v; want a fork by the rule %s", v.Name, err, v.Rule)
			}
		}
	}
}
