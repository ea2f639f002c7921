package lines

import (
	"slices"
	"testing"
)

func TestCutReadsWhatAppendWrites(t *testing.T) {
	text := Append(Append([]byte("first line\n"), "a", "1: 2"), "b", "")
	text = append(text, "rest"...)
	rest, err := CutFirst(text, "first line")
	if err != nil {
		t.Fatal(err)
	}
	values, rest, err := Cut(rest, "a", "b")
	if err != nil || !slices.Equal(values, []string{"1: 2", ""}) || string(rest) != "rest" {
		t.Fatalf("got %q, %q, %v", values, rest, err)
	}
}

func TestCutRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"no newline":    "a: 1",
		"no space":      "a:1\nb: 2\n",
		"other order":   "b: 2\na: 1\n",
		"one missing":   "a: 1\n",
		"leading space": " a: 1\nb: 2\n",
	} {
		if values, _, err := Cut([]byte(text), "a", "b"); err == nil {
			t.Errorf("%s: got %q; want an error", name, values)
		}
	}
	if _, err := CutFirst([]byte("zkkex/v2 key\n"), "zkkex/v1 key"); err == nil {
		t.Error("another first line: no error")
	}
}
