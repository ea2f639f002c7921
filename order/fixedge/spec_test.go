package fixedge

import (
	"encoding/hex"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// sample returns a sample of the specification.
func sample(t *testing.T, kind string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../docs/spec/fix-journal.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + kind + "\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatalf("no sample of %s", kind)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(string(found[1]), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSpecification(t *testing.T) {
	t.Parallel()
	want := &record{state: state{next: 8, base: 2, receive: 4, delivered: 5}, messages: [][]byte{[]byte("8="), []byte("9=")}}
	got, err := parseRecord(sample(t, "record"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || got.number() != 6 {
		t.Errorf("got %+v", got)
	}
	names, err := parseNames(sample(t, "names"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []name{{tagClOrdID, "a 1", kindNewOrderSingle}}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %+v", names)
	}
}

// Each of these is wrong in one way, and is refused.
func TestMalformedRecords(t *testing.T) {
	t.Parallel()
	good := sample(t, "record")
	for name, b := range map[string][]byte{
		"it is empty":                    {},
		"version 2, expected 1":          change(good, 0, 2),
		"expected at least 33":           good[:32],
		"a message is cut":               good[:len(good)-1],
		"its numbers do not fit: next 2": change(good, 8, 2),
		"receive 0":                      change(good, 24, 0),
	} {
		if _, err := parseRecord(b); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
	names := sample(t, "names")
	for name, b := range map[string][]byte{
		"expected a tag":                        names[:1],
		"a name ends early":                     names[:3],
		"other characters than printable ASCII": change(names, 5, 0x7f),
	} {
		if _, err := parseNames(b); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}

func change(b []byte, at int, to byte) []byte {
	out := append([]byte(nil), b...)
	out[at] = to
	return out
}
