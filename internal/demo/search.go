package demo

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"

	"github.com/zkkex/zkkex/keys"
)

// needle is something to search for.
type needle struct {
	name  string
	bytes []byte
}

// forms are how a needle may appear: as it is, backwards, and in hexadecimal. What is
// short is only sought as it is, since the others would appear by chance.
func (n needle) forms() [][]byte {
	if len(n.bytes) < 16 {
		return [][]byte{n.bytes}
	}
	backwards := slices.Clone(n.bytes)
	slices.Reverse(backwards)
	return [][]byte{n.bytes, backwards, []byte(hex.EncodeToString(n.bytes)), []byte(hex.EncodeToString(backwards))}
}

// find names what is in b, or returns "".
func find(b []byte, needles []needle) string {
	for _, n := range needles {
		for _, form := range n.forms() {
			if bytes.Contains(b, form) {
				return n.name
			}
		}
	}
	return ""
}

// searchFor searches b for what must not be there, and returns an error wrapping
// [ErrUnexpected] if it is. Before it believes that there is nothing, it plants each
// needle, in each form, and expects to find it.
func searchFor(where string, b []byte, needles []needle) (search, error) {
	if found := find(b, needles); found != "" {
		return search{}, fmt.Errorf("%w: %s holds the %s", ErrUnexpected, where, found)
	}
	done := search{Where: where, Bytes: len(b)}
	room := slices.Concat(b, make([]byte, 4096))
	for _, n := range needles {
		done.Sought = append(done.Sought, n.name)
		for _, form := range n.forms() {
			if len(form) == 0 || len(form) > len(room) {
				return search{}, fmt.Errorf("searching %s for the %s: %d bytes", where, n.name, len(form))
			}
			at := (len(room) - len(form)) / 2
			was := slices.Clone(room[at : at+len(form)])
			copy(room[at:], form)
			if find(room, []needle{n}) != n.name {
				return search{}, fmt.Errorf("%w: the search of %s does not find the %s that was planted", ErrUnexpected, where, n.name)
			}
			copy(room[at:], was)
			done.Planted++
		}
	}
	return done, nil
}

// identity is what would tell who a member is.
func identity(secret *keys.Secret) []needle {
	public := secret.Public()
	var all []needle
	for _, value := range []struct {
		name  string
		bytes [32]byte
	}{
		{"public key", [32]byte(public.Bytes())},
		{"public key's y coordinate", public.Coordinate()},
		{"hash of the nullifier key", public.NullifierKeyHash()},
		{"commitment", public.Commitment()},
		{"identity key", secret.RevealScalar()},
		{"nullifier key", secret.RevealNullifierKey()},
	} {
		all = append(all, needle{value.name, value.bytes[:]})
	}
	return all
}

// everything returns the names and contents of all files of a folder.
func everything(fsys fs.FS) ([]byte, error) {
	var out []byte
	err := fs.WalkDir(fsys, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		out = append(append(out, path...), '\n')
		if entry.IsDir() {
			return nil
		}
		content, err := fs.ReadFile(fsys, path)
		out = append(append(out, content...), '\n')
		return err
	})
	return out, err
}
