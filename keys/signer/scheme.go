package signer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/zkkex/zkkex"
)

// MaxURI bounds the URI of a key, in bytes.
const MaxURI = 4096

// Scheme is a kind of keys, named by what stands before the colon of a URI.
type Scheme struct {
	// Name is what stands before the colon, such as "file".
	Name string
	// Usage is the form of the URI, such as "file:PATH", and what it is, in a line. For
	// a scheme that is not available it says what to do about it.
	Usage string
	// Example is a URI that could be one.
	Example string
	// Available reports whether this program can open such keys: what needs cgo is
	// left out of programs that are built without it.
	Available bool
}

// Opener opens a key. rest is the URI after the colon: not empty, valid UTF-8 of at most
// [MaxURI] bytes, without control characters. Its errors are returned by [Open] with the
// scheme's name before them; they hold no secret that rest may have.
type Opener func(ctx context.Context, rest string, o *Options) (Signer, error)

type registered struct {
	scheme Scheme
	open   Opener
}

var (
	mu    sync.RWMutex
	table = map[string]registered{}
)

// Register adds a kind of keys. It is called by the packages that implement signers, as
// they are initialised, and panics if the name is taken or not of lower-case letters,
// digits and hyphens. open is not called, and may be nil, if s is not available.
func Register(s Scheme, open Opener) {
	if s.Name == "" || strings.Trim(s.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || s.Available && open == nil {
		panic("zkkex: internal error: scheme " + s.Name)
	}
	mu.Lock()
	defer mu.Unlock()
	if _, taken := table[s.Name]; taken {
		panic("zkkex: internal error: scheme " + s.Name + " is registered twice")
	}
	table[s.Name] = registered{s, open}
}

// Schemes returns the kinds of keys that are registered, by name.
func Schemes() []Scheme {
	mu.RLock()
	defer mu.RUnlock()
	all := make([]Scheme, 0, len(table))
	for _, r := range table {
		all = append(all, r.scheme)
	}
	slices.SortFunc(all, func(a, b Scheme) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Open opens the key that a URI names. It returns an error wrapping
// [zkkex.ErrMalformed] for what is no URI of a key, [zkkex.ErrUnsupported] for a scheme
// that is unknown or not available, or one of this package's. An error holds nothing of
// the URI that may be secret.
func Open(ctx context.Context, uri string, o Options) (Signer, error) {
	name, rest, err := split(uri)
	if err != nil {
		return nil, err
	}
	mu.RLock()
	r, ok := table[name]
	mu.RUnlock()
	if !ok {
		return nil, fmt.Errorf("%w: keys of the kind %q; known are %s", zkkex.ErrUnsupported, name, known())
	}
	if !r.scheme.Available {
		return nil, fmt.Errorf("%w: this program cannot open keys of the kind %q: %s", zkkex.ErrUnsupported, name, r.scheme.Usage)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := r.open(ctx, rest, o.once())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// split returns what stands before and after the colon of a URI.
func split(uri string) (name, rest string, err error) {
	name, rest, found := strings.Cut(uri, ":")
	switch {
	case len(uri) > MaxURI:
		err = fmt.Errorf("expected at most %d bytes, got %d", MaxURI, len(uri))
	case !utf8.ValidString(uri) || strings.ContainsFunc(uri, unicode.IsControl):
		err = fmt.Errorf("expected UTF-8 without control characters")
	case !found || name == "" || rest == "":
		err = fmt.Errorf("expected KIND:KEY, where KIND is one of %s", known())
	}
	if err != nil {
		return "", "", &zkkex.ParseError{Format: "key URI", Err: err}
	}
	return name, rest, nil
}

func known() string {
	var names []string
	for _, s := range Schemes() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}
