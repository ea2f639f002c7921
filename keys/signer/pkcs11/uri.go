package pkcs11

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/zkkex/zkkex"
)

// Bounds of what a URI names, in bytes. Those of a token are fields of fixed length in
// PKCS#11.
const (
	maxToken        = 32
	maxManufacturer = 32
	maxModel        = 16
	maxSerial       = 16
	maxObject       = 256
	maxID           = 256
	maxPath         = 4096
)

// uri is a parsed pkcs11 URI (RFC 7512). What is empty selects nothing.
type uri struct {
	token, manufacturer, model, serial string
	object, id                         string // id has any bytes
	module                             string // absolute path
	pinSource                          string // absolute path
}

// uriAttribute is one of a URI's: where it is kept, and its bound.
type uriAttribute struct {
	name  string
	value func(*uri) *string
	max   int
}

// Attributes before the question mark and after it, in the order in which they are
// written.
var (
	pathAttributes = []uriAttribute{
		{"token", func(u *uri) *string { return &u.token }, maxToken},
		{"manufacturer", func(u *uri) *string { return &u.manufacturer }, maxManufacturer},
		{"model", func(u *uri) *string { return &u.model }, maxModel},
		{"serial", func(u *uri) *string { return &u.serial }, maxSerial},
		{"object", func(u *uri) *string { return &u.object }, maxObject},
		{"id", func(u *uri) *string { return &u.id }, maxID},
	}
	queryAttributes = []uriAttribute{
		{"module-path", func(u *uri) *string { return &u.module }, maxPath},
		{"pin-source", func(u *uri) *string { return &u.pinSource }, maxPath},
	}
)

// refused are attributes of RFC 7512 that are not taken, and why.
var refused = map[string]string{
	"pin-value":            "a PIN in a URI is seen by everybody who sees the command: name a file by pin-source, or type it when asked",
	"slot-id":              "numbers of slots change: name the token by token or serial",
	"slot-description":     "name the token by token or serial",
	"slot-manufacturer":    "name the token by token or serial",
	"module-name":          "name the library by module-path",
	"library-description":  "name the library by module-path",
	"library-manufacturer": "name the library by module-path",
	"library-version":      "name the library by module-path",
}

// moduleVariable names the variable of the environment that has the path of the library
// where a URI does not.
const moduleVariable = "ZKKEX_PKCS11_MODULE"

// parseURI reads what stands after "pkcs11:", with the library to use where it names
// none. It returns an error wrapping [zkkex.ErrMalformed].
func parseURI(rest, module string) (*uri, error) {
	u, err := readURI(rest, module)
	if err != nil {
		return nil, &zkkex.ParseError{Format: "pkcs11 URI", Err: err}
	}
	return u, nil
}

func readURI(rest, module string) (*uri, error) {
	path, query, _ := strings.Cut(rest, "?")
	u := new(uri)
	if err := u.read(path, ";", pathAttributes); err != nil {
		return nil, err
	}
	if err := u.read(query, "&", queryAttributes); err != nil {
		return nil, err
	}
	var err error
	if u.module == "" {
		u.module = module
	}
	if u.module == "" {
		return nil, fmt.Errorf("expected ?module-path=, the absolute path of the library that came with the token, such as /usr/lib/softhsm/libsofthsm2.so; or the same in $%s", moduleVariable)
	}
	if u.module, err = absolute("module-path", u.module); err != nil {
		return nil, err
	}
	if u.pinSource == "" {
		return u, nil
	}
	u.pinSource, err = absolute("pin-source", u.pinSource)
	return u, err
}

// read reads one part of a URI.
func (u *uri) read(part, separator string, attributes []uriAttribute) error {
	if part == "" {
		return nil
	}
	seen := map[string]bool{}
	for _, pair := range strings.Split(part, separator) {
		name, encoded, found := strings.Cut(pair, "=")
		if !found {
			return fmt.Errorf("expected NAME=VALUE between each two %q", separator)
		}
		if seen[name] {
			return fmt.Errorf("%s is given twice", quote(name))
		}
		seen[name] = true
		value, err := decode(encoded, separator)
		if err != nil {
			return fmt.Errorf("%s: %w", quote(name), err)
		}
		if err := u.set(name, value, attributes); err != nil {
			return err
		}
	}
	return nil
}

func (u *uri) set(name, value string, attributes []uriAttribute) error {
	for _, a := range attributes {
		if a.name != name {
			continue
		}
		if value == "" || len(value) > a.max {
			return fmt.Errorf("%s: expected 1 to %d bytes, got %d", name, a.max, len(value))
		}
		*a.value(u) = value
		return nil
	}
	if name == "type" {
		if value == "private" {
			return nil // tools write it; nothing else signs
		}
		return errors.New("type: expected private, since nothing else signs, or no type")
	}
	if why, known := refused[name]; known {
		return fmt.Errorf("%s is not taken: %s", name, why)
	}
	return fmt.Errorf("unknown attribute %s, expected token, manufacturer, model, serial, object, id or type before the question mark, and module-path or pin-source after it", quote(name))
}

// absolute checks a path, which may be a URI of a file.
func absolute(name, path string) (string, error) {
	path = strings.TrimPrefix(path, "file:")
	if strings.HasPrefix(path, "///") { // no host, then the path
		path = path[2:]
	}
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return "", fmt.Errorf("%s: expected an absolute path without . or .. in it", name)
	}
	return path, nil
}

// plain are the characters that stand for themselves everywhere in a pkcs11 URI; those
// in neither "&" nor ";" beside them do so where that does not separate (RFC 7512,
// section 2.3).
const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:[]@!$'()*+,="

// allowed reports whether a character stands for itself in the part of a URI whose
// attributes are separated like this.
func allowed(c byte, separator string) bool {
	if strings.IndexByte(plain, c) >= 0 {
		return true
	}
	if separator == ";" {
		return c == '&'
	}
	return c == '/' || c == '?' || c == '|'
}

func decode(s, separator string) (string, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || !hexadecimal(s[i+1]) || !hexadecimal(s[i+2]) {
				return "", errors.New("expected two hexadecimal digits after %")
			}
			out = append(out, nibble(s[i+1])<<4|nibble(s[i+2]))
			i += 2
		case allowed(c, separator):
			out = append(out, c)
		default:
			return "", fmt.Errorf("write %%%02X for %q", c, c)
		}
	}
	return string(out), nil
}

func hexadecimal(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func nibble(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}

// encode writes a value so that [decode] reads it: readably where that is possible, but
// for id, which is bytes.
func encode(s, separator string, binary bool) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; !binary && allowed(c, separator) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// String returns the URI, with its scheme, in one form.
func (u *uri) String() string {
	return "pkcs11:" + u.join(";", pathAttributes) + "?" + u.join("&", queryAttributes)
}

func (u *uri) join(separator string, attributes []uriAttribute) string {
	var parts []string
	for _, a := range attributes {
		if v := *a.value(u); v != "" {
			parts = append(parts, a.name+"="+encode(v, separator, a.name == "id"))
		}
	}
	return strings.Join(parts, separator)
}

// quote shows a name that somebody wrote, bounded.
func quote(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%.40q...", s)
	}
	return fmt.Sprintf("%q", s)
}
