// Package keyfile reads ECDSA private keys from files that others wrote, as signers:
// PKCS#8 and SEC 1 in PEM, OpenSSH's own format, and JWK. It registers the scheme "file".
//
// These formats are not zkkex's, and have many encodings of one key. What is read is
// read strictly all the same: one key to a file, scalars at their full length, points
// that fit the scalar, no explicit curves, no trailing bytes.
package keyfile

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/keys/signer/internal/softkey"
)

// MaxFile bounds a file with a key, in bytes.
const MaxFile = 64 << 10

const format = "key file"

func init() {
	signer.Register(signer.Scheme{
		Name:      "file",
		Usage:     "file:PATH, a P-256 or secp256k1 private key as PEM (PKCS#8, SEC 1), OpenSSH key or JWK",
		Example:   "file:/home/mm/key.pem",
		Available: true,
	}, func(_ context.Context, path string, o *signer.Options) (signer.Signer, error) { return open(path, o) })
}

// open reads the key in a file. It returns an error wrapping [keys.ErrFileMode] if
// others than the owner may read or write the file, and those of parse.
func open(path string, o *signer.Options) (signer.Signer, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	base := filepath.Base(path)
	k, err := parse(text, func() (string, error) { return o.AskPIN("the passphrase of " + strconv.Quote(base)) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer clear(k.scalar)
	return softkey.New(k.curve, k.scalar, envelope.Raw, "file "+strconv.Quote(base))
}

// read returns a file's bytes.
func read(path string) ([]byte, error) {
	text, mode, err := softkey.ReadFile(path, MaxFile)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && mode&0o077 != 0 {
		clear(text)
		return nil, fmt.Errorf("%w: its mode is %04o, expected 0600: run chmod 600 %s, and consider the key known to them", keys.ErrFileMode, mode, path)
	}
	return text, nil
}

// private is a private key that was read.
type private struct {
	curve  eckey.Curve
	scalar []byte // 32 bytes, checked against the public key beside it
}

// parse reads a key in any of the formats. passphrase is asked once, and only for a key
// that is encrypted. It returns an error wrapping [zkkex.ErrMalformed],
// [signer.ErrWrongCurve], [signer.ErrUnsupportedKey], [signer.ErrPIN] or
// [signer.ErrAmbiguous], or that of passphrase.
func parse(text []byte, passphrase func() (string, error)) (*private, error) {
	trimmed := bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(trimmed, []byte("{")):
		return parseJWK(trimmed)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return parsePEM(text, passphrase)
	case bytes.HasPrefix(text, []byte{0x30}):
		return nil, malformed("this is DER, expected PEM: openssl pkey -inform DER -in FILE -out FILE.pem")
	case bytes.HasPrefix(trimmed, []byte("ecdsa-sha2-")), bytes.HasPrefix(trimmed, []byte("ssh-")):
		return nil, malformed("this is an SSH public key, expected a private key; for one that an agent holds, use ssh-agent:")
	case bytes.HasPrefix(trimmed, []byte("zkkex/")):
		return nil, malformed("this is a file of zkkex, expected a key that another program made")
	}
	return nil, malformed("expected PEM that begins with -----BEGIN, or a JWK that begins with {")
}

// checked returns the key of a scalar, if it is in range and fits the encodings of the
// public key beside it.
func checked(curve eckey.Curve, scalar []byte, publics ...[]byte) (*private, error) {
	key, err := softkey.New(curve, scalar, envelope.Raw, "")
	if err != nil {
		return nil, err
	}
	defer key.Close()
	for _, b := range publics {
		beside, err := parsePoint(curve, b)
		if err != nil {
			return nil, err
		}
		if beside != key.Public() {
			return nil, malformed("the public key in it is not that of the private key")
		}
	}
	return &private{curve, bytes.Clone(scalar)}, nil
}

// parsePoint reads a compressed or uncompressed point.
func parsePoint(curve eckey.Curve, b []byte) (eckey.PublicKey, error) {
	if len(b) == eckey.KeySize {
		return curve.Parse(b)
	}
	return curve.FromUncompressed(b)
}

func malformed(msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
