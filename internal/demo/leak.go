package demo

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
)

// checkLeaks looks for the member in what the verifier saw and in what it
// stored about it. The verifier's copy of the registry is left out: it holds
// every member's commitment.
func (p *play) checkLeaks(received *zkkex.Presentation) error {
	text, err := received.MarshalText()
	if err != nil {
		return err
	}
	binary, err := received.AppendBinary(text)
	if err != nil {
		return err
	}
	stored, err := everything(os.DirFS(p.path(spentFolder)))
	if err != nil {
		return err
	}
	for where, b := range map[string][]byte{"the presentation": binary, "what the verifier stored": stored} {
		if what := leak(b, p.person.secret); what != "" {
			return fmt.Errorf("%w: %s holds the member's %s", ErrUnexpected, where, what)
		}
	}
	p.story.line("Neither key, nor commitment, nor leaf, nor slot is in it, nor in what the")
	p.story.line("verifier stored.")
	return nil
}

// leak names what of a member is in b, in binary or hexadecimal, or returns "".
func leak(b []byte, secret *keys.Secret) string {
	public := secret.Public()
	for _, value := range []struct {
		name  string
		bytes [32]byte
	}{
		{"public key", public.Bytes()},
		{"public key's y coordinate", public.Y()},
		{"hash of the nullifier key", public.NullifierKeyHash()},
		{"commitment", public.Commitment()},
		{"identity key", secret.RevealScalar()},
		{"nullifier key", secret.RevealNullifierKey()},
	} {
		backwards := slices.Clone(value.bytes[:])
		slices.Reverse(backwards)
		for _, form := range [][]byte{value.bytes[:], backwards} {
			if bytes.Contains(b, form) || bytes.Contains(b, []byte(hex.EncodeToString(form))) {
				return value.name
			}
		}
	}
	return ""
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
