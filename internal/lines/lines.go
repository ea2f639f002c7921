// Package lines reads and writes texts of named lines, "name: value", in one
// fixed order. It is what the headers of our text formats have in common.
package lines

import (
	"bytes"
	"fmt"
)

// Append appends the line "name: value".
func Append(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), '\n')
}

// Cut reads one line for each of names, in that order, from the beginning of
// text, and returns their values and what follows. A value is what stands
// between ": " and the newline, unchanged; what it means is for the caller to
// check. It returns an error that says which line was expected.
func Cut(text []byte, names ...string) (values []string, rest []byte, err error) {
	for _, name := range names {
		line, after, found := bytes.Cut(text, []byte("\n"))
		value, named := bytes.CutPrefix(line, []byte(name+": "))
		if !found || !named {
			return nil, nil, fmt.Errorf("expected the line %q", name+": ...")
		}
		values = append(values, string(value))
		text = after
	}
	return values, text, nil
}

// CutFirst reads the first line of a format, which names it, and returns what
// follows. It returns an error if the first line is another.
func CutFirst(text []byte, first string) (rest []byte, err error) {
	rest, found := bytes.CutPrefix(text, []byte(first+"\n"))
	if !found {
		return nil, fmt.Errorf("expected the first line %q", first)
	}
	return rest, nil
}
