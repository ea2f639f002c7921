package zkkex_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

// The vectors are derived by testdata/derive.py, from the texts in docs/spec.

// vector is an encoding and what reading it gives: "ok", or the class of the
// error and a part of its message, which names the single reason.
type vector struct {
	Name    string `json:"name"`
	Expect  string `json:"expect"`
	Reason  string `json:"reason"`
	Encoded string `json:"encoded"`
}

// check compares an error with what the vector expects, and reports whether the
// vector is one that is accepted.
func (v vector) check(t *testing.T, err error) (ok bool) {
	t.Helper()
	if v.Expect == "ok" {
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		return err == nil
	}
	classes := map[string]error{"malformed": zkkex.ErrMalformed, "unsupported": zkkex.ErrUnsupported}
	if classes[v.Expect] == nil {
		t.Fatalf("%s: unknown class %q", v.Name, v.Expect)
	}
	for name, class := range classes {
		if errors.Is(err, class) != (name == v.Expect) {
			t.Errorf("%s: %v, want an error of class %s alone", v.Name, err, v.Expect)
		}
	}
	if err != nil && !strings.Contains(err.Error(), v.Reason) {
		t.Errorf("%s: %v, want an error that says %q", v.Name, err, v.Reason)
	}
	return false
}

func readJSON(t testing.TB, path string, out any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(b)))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hex32(t testing.TB, s string) [32]byte {
	t.Helper()
	v, err := zkkex.ParseHex(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inSpec fails unless the specification shows the sample in a code block,
// broken into lines or not.
func inSpec(t *testing.T, path, what, sample string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if !strings.Contains(squeeze(string(b)), squeeze(sample)) {
		t.Errorf("%s does not show %s, %s", path, what, sample)
	}
}
