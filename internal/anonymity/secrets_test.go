package anonymity

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/big"
	"slices"

	"github.com/zkkex/zkkex/keys"
)

// identity is what nobody but the registrar may tie to a session.
type identity struct {
	secret *keys.Secret
	index  uint64 // of the leaf
}

// found names what of a member is in b, in binary or as text, or returns "".
func (id *identity) found(b []byte) string {
	public := id.secret.Public()
	for _, value := range []struct {
		name  string
		bytes [32]byte
	}{
		{"public key", [32]byte(public.Bytes())},
		{"public key's y coordinate", public.Coordinate()},
		{"hash of the nullifier key", public.NullifierKeyHash()},
		{"commitment", public.Commitment()},
		{"identity key", id.secret.RevealScalar()},
		{"nullifier key", id.secret.RevealNullifierKey()},
	} {
		backwards := slices.Clone(value.bytes[:])
		slices.Reverse(backwards)
		for _, form := range [][]byte{value.bytes[:], backwards} {
			for _, text := range []string{
				string(form), hex.EncodeToString(form), fmt.Sprintf("%X", form), base64.RawStdEncoding.EncodeToString(form),
				base64.RawURLEncoding.EncodeToString(form), new(big.Int).SetBytes(form).String(), fmt.Sprint(form),
			} {
				if bytes.Contains(b, []byte(text)) {
					return value.name
				}
			}
		}
	}
	return ""
}

// everything returns the names and contents of all files of a folder.
func everything(fsys fs.FS) (out []byte, err error) {
	err = fs.WalkDir(fsys, ".", func(path string, entry fs.DirEntry, err error) error {
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
