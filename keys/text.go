package keys

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/lines"
)

// PublicMagic is the first line of a public key's text form.
const PublicMagic = "zkkex/v1 public key"

// MaxPublicText bounds the text form of a public key, in bytes.
const MaxPublicText = 512

const (
	lineType          = "type"
	linePublicKey     = "public-key"
	lineNullifierHash = "nullifier-key-hash"
)

// MarshalText returns the text form: the line [PublicMagic], then the key type,
// the public key and H(nk), a line each. It never fails; the error is there for
// [encoding.TextMarshaler].
func (p *Public) MarshalText() ([]byte, error) {
	return p.appendLines([]byte(PublicMagic + "\n")), nil
}

// ParsePublicText decodes the text form, strictly: it accepts exactly what
// [Public.MarshalText] writes. It returns an error wrapping
// [zkkex.ErrMalformed] or [zkkex.ErrUnsupported], as [ParsePublic] does.
func ParsePublicText(text []byte) (*Public, error) {
	const format = "public key"
	if len(text) > MaxPublicText {
		return nil, malformed(format, "expected at most %d bytes, got %d", MaxPublicText, len(text))
	}
	rest, err := lines.CutFirst(text, PublicMagic)
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	p, rest, err := cutPublic(format, rest)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 {
		return nil, malformed(format, "expected the end after the line %q", lineNullifierHash)
	}
	return p, nil
}

func (p *Public) appendLines(b []byte) []byte {
	b = lines.Append(b, lineType, p.KeyType().String())
	b = lines.Append(b, linePublicKey, hex.EncodeToString(p.key[:PublicSize(p.keyType)]))
	return lines.Append(b, lineNullifierHash, hex.EncodeToString(p.nullifierHash[:]))
}

// cutPublic reads the lines that appendLines writes.
func cutPublic(format string, text []byte) (p *Public, rest []byte, err error) {
	values, rest, err := lines.Cut(text, lineType, linePublicKey, lineNullifierHash)
	if err != nil {
		return nil, nil, malformed(format, "%w", err)
	}
	keyType, err := zkkex.ParseKeyType(values[0])
	if err != nil {
		return nil, nil, err
	}
	key, err := parseHexKey(keyType, values[1])
	if err != nil {
		return nil, nil, malformed(format, "%s: %w", linePublicKey, err)
	}
	hash, err := zkkex.ParseHex(values[2])
	if err != nil {
		return nil, nil, malformed(format, "%s: %w", lineNullifierHash, err)
	}
	p, err = ParsePublic(keyType, key, hash)
	if err != nil {
		return nil, nil, err
	}
	return p, rest, nil
}

// parseHexKey decodes the lower-case hexadecimal digits of a key of a type.
func parseHexKey(t zkkex.KeyType, digits string) ([]byte, error) {
	if want := hex.EncodedLen(PublicSize(t)); len(digits) != want {
		return nil, fmt.Errorf("expected %d hexadecimal digits, got %d", want, len(digits))
	}
	key, err := hex.DecodeString(digits)
	if err != nil || hex.EncodeToString(key) != digits {
		return nil, errors.New("expected lower-case hexadecimal digits")
	}
	return key, nil
}

// appendSecret appends the two secrets, a line each.
func appendSecret(b []byte, s *Secret) []byte {
	sk, nk := s.RevealScalar(), s.RevealNullifierKey()
	defer clear(sk[:])
	defer clear(nk[:])
	b = lines.Append(b, lineScalar, hex.EncodeToString(sk[:]))
	return lines.Append(b, lineNullifierKey, hex.EncodeToString(nk[:]))
}

// parseSecret reads what appendSecret writes, up to the end of text, and checks
// that it belongs to public.
func parseSecret(format string, text []byte, public *Public) (*Secret, error) {
	values, rest, err := lines.Cut(text, lineScalar, lineNullifierKey)
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	if len(rest) != 0 {
		return nil, malformed(format, "expected the end after the line %q", lineNullifierKey)
	}
	sk, err := zkkex.ParseHex(values[0])
	if err != nil {
		return nil, malformed(format, "%s: %w", lineScalar, err)
	}
	defer clear(sk[:])
	nk, err := zkkex.ParseHex(values[1])
	if err != nil {
		return nil, malformed(format, "%s: %w", lineNullifierKey, err)
	}
	defer clear(nk[:])
	s, err := ParseSecret(sk, nk)
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	if derived := s.Public(); !bytes.Equal(derived.appendLines(nil), public.appendLines(nil)) {
		return nil, malformed(format, "%w", ErrKeyMismatch)
	}
	return s, nil
}
