package slots

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/lines"
)

// sample is the state that docs/spec/slots.md shows.
func sample(t testing.TB) *state {
	at := int64(1767225601)
	key := [32]byte{31: 7}
	s := newState()
	s.generation = 3
	s.place = place{inode: 131, birth: 1767225600123456789}
	s.key = &key
	s.slots = Range{First: 8, Count: 4}
	s.recovered = &at
	s.over[zkkex.DefaultSchedule()] = 20453
	e := zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: 20455}
	s.scopes[zkkex.NamedScope{Name: "rfq.example", Epoch: e}.Scope()] = record{epoch: e, next: 10}
	return s
}

func TestSpecSample(t *testing.T) {
	text, err := os.ReadFile("../docs/spec/slots.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```\n"+Magic)
	body, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatal("no sample in the specification")
	}
	got := Magic + body
	if want := string(sample(t).encode()); got != want {
		t.Errorf("the specification shows\n%s\nwant\n%s", got, want)
	}
	if _, err := parseState([]byte(got)); err != nil {
		t.Error(err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(sample(t).encode())
	for name, text := range map[string]string{
		"other first line": strings.Replace(good, "v1", "v2", 1),
		"flipped digit":    strings.Replace(good, " 10\n", " 11\n", 1),
		"no checksum":      good[:strings.Index(good, "sum: ")],
		"something after":  good + "\n",
		"leading zero":     strings.Replace(good, "generation: 3", "generation: 03", 1),
		"unknown line":     strings.Replace(good, "sum: ", "more: 1\nsum: ", 1),
		"CRLF":             strings.ReplaceAll(good, "\n", "\r\n"),
		"twice":            good + good,
	} {
		if text == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		var parse *zkkex.ParseError
		if _, err := parseState([]byte(text)); !errors.Is(err, zkkex.ErrMalformed) || !errors.As(err, &parse) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
}

func FuzzParseState(f *testing.F) {
	f.Add(sample(f).encode())
	f.Add(newState().encode())
	bare := newState()
	bare.unchecked = true
	f.Add(bare.encode())
	f.Add([]byte(Magic + "\n"))
	f.Add([]byte(strings.Split(string(sample(f).encode()), lineSum)[0])) // the sum is added below
	f.Fuzz(func(t *testing.T, text []byte) {
		if !bytes.Contains(text, []byte(lineSum)) {
			sum := sha256.Sum256(text)
			text = lines.Append(text, lineSum, hex.EncodeToString(sum[:]))
		}
		s, err := parseState(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if again := s.encode(); !bytes.Equal(again, text) {
			t.Fatalf("read %q, wrote %q", text, again)
		}
	})
}
