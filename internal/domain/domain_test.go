package domain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// tags reads the table from the source, so that a tag added there is checked
// without being listed twice.
func tags(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "domain.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
			out[spec.Names[0].Name] = lit.Value
		}
		return true
	})
	return out
}

func TestTagsAreDistinct(t *testing.T) {
	seen := make(map[string]string)
	table := tags(t)
	if len(table) < 10 {
		t.Fatalf("found %d tags, expected the whole table", len(table))
	}
	for name, value := range table {
		if other, ok := seen[value]; ok {
			t.Errorf("%s and %s share the tag %s", name, other, value)
		}
		seen[value] = name
		if s, err := strconv.Unquote(value); err == nil && !strings.HasPrefix(s, "zkkex/v1 ") {
			t.Errorf("%s: %q does not begin with the version", name, s)
		}
	}
}

// The specification lists the table, tag by tag.
func TestTagsAreSpecified(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/hashes.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range tags(t) {
		if s, err := strconv.Unquote(value); err == nil {
			value = s
		}
		if !strings.Contains(string(spec), "| `"+value+"` |") {
			t.Errorf("docs/spec/hashes.md does not list %s = %s", name, value)
		}
	}
}

func TestFrameIsInjective(t *testing.T) {
	lists := [][][]byte{
		{}, {{}}, {{}, {}}, {[]byte("ab")}, {[]byte("a"), []byte("b")}, {[]byte("ab"), {}}, {{}, []byte("ab")},
	}
	var frames [][]byte
	for _, tag := range []Tag{"a", "ab"} {
		for _, fields := range lists {
			frames = append(frames, Frame(tag, fields...))
		}
	}
	for i := range frames {
		for j := range i {
			if bytes.Equal(frames[i], frames[j]) {
				t.Errorf("lists %d and %d share the frame %x", i, j, frames[i])
			}
		}
	}
}

// The sample of docs/spec/hashes.md.
func TestFrameSample(t *testing.T) {
	frame := Frame("zkkex/v1 sample", []byte{1, 2, 3}, nil, Uint16(0x0405), Uint32(0x06070809), Uint64(1))
	const want = "\x00\x00\x00\x0fzkkex/v1 sample\x00\x00\x00\x03\x01\x02\x03\x00\x00\x00\x00\x00\x00\x00\x02\x04\x05\x00\x00\x00\x04\x06\x07\x08\x09\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01"
	if string(frame) != want {
		t.Fatalf("frame is %x", frame)
	}
	spec, err := os.ReadFile("../../docs/spec/hashes.md")
	if err != nil {
		t.Fatal(err)
	}
	dense := strings.Join(strings.Fields(string(spec)), "")
	if !strings.Contains(dense, hex.EncodeToString(frame)) {
		t.Errorf("docs/spec/hashes.md does not have the sample %x", frame)
	}
	if Hash("zkkex/v1 sample") != sha256.Sum256(Frame("zkkex/v1 sample")) {
		t.Fatal("Hash is not SHA-256 over Frame")
	}
}
