package registry

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
)

const verifierKeyFormat = "registry verifier key"

// maxVerifierKey bounds a verifier key: a name of at most MaxName bytes, eight
// digits, 44 characters of key and two plus signs.
const maxVerifierKey = MaxName + 1 + 8 + 1 + 44

// MaxName is the longest name of a registry, in bytes.
const MaxName = 255

// NewVerifier parses a registry's verifier key, the text
// "name+hash+base64" of golang.org/x/mod/sumdb/note with an Ed25519 key,
// strictly: of the spellings that package accepts, only the one it writes. It
// returns an error wrapping [zkkex.ErrMalformed].
func NewVerifier(verifierKey string) (note.Verifier, error) {
	if len(verifierKey) > maxVerifierKey {
		return nil, malformed(verifierKeyFormat, "expected at most %d bytes, got %d", maxVerifierKey, len(verifierKey))
	}
	v, err := note.NewVerifier(verifierKey)
	if err != nil {
		return nil, malformed(verifierKeyFormat, "expected name+hash+key as written by the registrar: %w", err)
	}
	if err := CheckName(v.Name()); err != nil {
		return nil, malformed(verifierKeyFormat, "%w", err)
	}
	if err := checkKeySpelling(verifierKey, v); err != nil {
		return nil, malformed(verifierKeyFormat, "%w", err)
	}
	return v, nil
}

// checkKeySpelling refuses the other spellings of one key: upper-case digits,
// newlines within base64, trailing bits. Two spellings would be two registries.
func checkKeySpelling(verifierKey string, v note.Verifier) error {
	_, rest, _ := strings.Cut(verifierKey, "+")
	hash, key64, _ := strings.Cut(rest, "+")
	if hash != fmt.Sprintf("%08x", v.KeyHash()) {
		return fmt.Errorf("the key hash is %q, expected lower-case %08x", hash, v.KeyHash())
	}
	key, err := base64.StdEncoding.Strict().DecodeString(key64)
	if err != nil {
		return err
	}
	if base64.StdEncoding.EncodeToString(key) != key64 {
		return fmt.Errorf("the key is not in the one accepted base64 form, %s", hex.EncodeToString(key))
	}
	return nil
}

// CheckName returns an error wrapping [zkkex.ErrMalformed] unless name can name
// a registry, and so be the origin of its checkpoints: 1 to [MaxName] bytes of
// printable ASCII without space or plus, such as "registry.example/members".
func CheckName(name string) error {
	if name == "" || len(name) > MaxName {
		return malformed("registry name", "expected 1 to %d bytes, got %d", MaxName, len(name))
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c > '~' || c == '+' {
			return malformed("registry name", "byte %d is %q, expected printable ASCII without space or plus, as in registry.example/members", i, c)
		}
	}
	return nil
}

// ID returns the identifier of the registry whose checkpoints the key verifies:
// a hash of the key's text. It returns an error wrapping [zkkex.ErrMalformed]
// if [NewVerifier] refuses the key.
func ID(verifierKey string) (zkkex.RegistryID, error) {
	if _, err := NewVerifier(verifierKey); err != nil {
		return zkkex.RegistryID{}, err
	}
	return domain.Hash(domain.RegistryID, []byte(verifierKey)), nil
}
