// Package sshsig makes and verifies SSH signatures of files, as
// "ssh-keygen -Y sign" and "ssh-keygen -Y verify" do (OpenSSH PROTOCOL.sshsig),
// with ssh-ed25519 keys and SHA-512 alone.
package sshsig

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
)

// MaxSize bounds a signature, in bytes.
const MaxSize = 512

// ErrSignature reports a signature that is not by its key, or not of the message
// or namespace.
var ErrSignature = errors.New("signature does not verify")

const (
	magic      = "SSHSIG"
	version    = 1
	hashName   = "sha512"
	formatName = "SSH signature"
)

// Signature is a decoded signature.
type Signature struct {
	// Key is the key that the signature says it is by.
	Key ssh.PublicKey
	// Namespace is the purpose that the signature was made for.
	Namespace string

	value []byte // of ssh-ed25519, 64 bytes
}

// body is a signature without its magic. Field order and types are the format.
type body struct {
	Version   uint32
	Key       string
	Namespace string
	Reserved  string
	Hash      string
	Signature string
}

// signed is what the key signs, without the magic.
type signed struct {
	Namespace string
	Reserved  string
	Hash      string
	Digest    string
}

// Sign signs the message for a purpose, the namespace, which must not be empty.
// It returns an error wrapping [zkkex.ErrUnsupported] for a key that is not of
// ssh-ed25519.
func Sign(signer ssh.Signer, namespace string, message []byte) (*Signature, error) {
	key := signer.PublicKey()
	if err := supported(key.Type()); err != nil {
		return nil, err
	}
	if namespace == "" {
		return nil, malformed("expected a namespace")
	}
	made, err := signer.Sign(rand.Reader, preimage(namespace, message))
	if err != nil {
		return nil, fmt.Errorf("signing with the SSH key: %w", err)
	}
	s := &Signature{Key: key, Namespace: namespace, value: made.Blob}
	// An agent's answer is seen here for the first time.
	if err := s.Verify(key, namespace, message); err != nil {
		return nil, fmt.Errorf("signing with the SSH key: %w", err)
	}
	return s, nil
}

// Verify returns nil if s is by the key, of the message, for the namespace, and
// an error wrapping [ErrSignature] otherwise.
func (s *Signature) Verify(key ssh.PublicKey, namespace string, message []byte) error {
	switch {
	case !bytes.Equal(s.Key.Marshal(), key.Marshal()):
		return fmt.Errorf("%w: made with the key %s, expected %s", ErrSignature, ssh.FingerprintSHA256(s.Key), ssh.FingerprintSHA256(key))
	case s.Namespace != namespace:
		return fmt.Errorf("%w: made for the namespace %q, expected %q", ErrSignature, s.Namespace, namespace)
	}
	if err := key.Verify(preimage(namespace, message), &ssh.Signature{Format: ssh.KeyAlgoED25519, Blob: s.value}); err != nil {
		return fmt.Errorf("%w: the signed text was changed, or was signed by another key than %s", ErrSignature, ssh.FingerprintSHA256(key))
	}
	return nil
}

func preimage(namespace string, message []byte) []byte {
	digest := sha512.Sum512(message)
	return append([]byte(magic), ssh.Marshal(signed{Namespace: namespace, Hash: hashName, Digest: string(digest[:])})...)
}

// Parse decodes a signature, strictly: it accepts exactly what [Signature.Bytes]
// returns. It returns an error wrapping [zkkex.ErrMalformed], or
// [zkkex.ErrUnsupported] for another type of key or hash.
func Parse(b []byte) (*Signature, error) {
	if len(b) > MaxSize {
		return nil, malformed("expected at most %d bytes, got %d", MaxSize, len(b))
	}
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok {
		return nil, malformed("expected it to begin with %q", magic)
	}
	var in body
	if err := ssh.Unmarshal(rest, &in); err != nil {
		return nil, malformed("%w", err)
	}
	s, err := in.signature()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(s.Bytes(), b) {
		return nil, malformed("not in the one accepted form")
	}
	return s, nil
}

func (in *body) signature() (*Signature, error) {
	switch {
	case in.Version != version:
		return nil, fmt.Errorf("%w: SSH signature of version %d, expected %d", zkkex.ErrUnsupported, in.Version, version)
	case in.Namespace == "":
		return nil, malformed("expected a namespace")
	case in.Hash != hashName:
		return nil, fmt.Errorf("%w: SSH signature with hash %q, expected %q", zkkex.ErrUnsupported, in.Hash, hashName)
	}
	key, err := ssh.ParsePublicKey([]byte(in.Key))
	if err != nil {
		return nil, malformed("key: %w", err)
	}
	if err := supported(key.Type()); err != nil {
		return nil, err
	}
	var value ssh.Signature
	if err := ssh.Unmarshal([]byte(in.Signature), &value); err != nil {
		return nil, malformed("value: %w", err)
	}
	if value.Format != ssh.KeyAlgoED25519 || len(value.Rest) != 0 {
		return nil, malformed("value of format %q, expected %q alone", value.Format, ssh.KeyAlgoED25519)
	}
	return &Signature{Key: key, Namespace: in.Namespace, value: value.Blob}, nil
}

// Bytes returns the encoding of s, what ssh-keygen writes between the lines of
// its armor in base64.
func (s *Signature) Bytes() []byte {
	value := ssh.Marshal(struct {
		Format string
		Blob   []byte
	}{ssh.KeyAlgoED25519, s.value})
	return append([]byte(magic), ssh.Marshal(body{
		Version:   version,
		Key:       string(s.Key.Marshal()),
		Namespace: s.Namespace,
		Hash:      hashName,
		Signature: string(value),
	})...)
}

const armorWidth = 70

// Armor returns s as a text, what ssh-keygen reads and writes.
func (s *Signature) Armor() []byte {
	text := []byte(base64.StdEncoding.EncodeToString(s.Bytes()))
	var out bytes.Buffer
	out.WriteString("-----BEGIN SSH SIGNATURE-----\n")
	for len(text) > 0 {
		n := min(armorWidth, len(text))
		out.Write(text[:n])
		out.WriteByte('\n')
		text = text[n:]
	}
	out.WriteString("-----END SSH SIGNATURE-----\n")
	return out.Bytes()
}

func supported(keyType string) error {
	if keyType != ssh.KeyAlgoED25519 {
		return fmt.Errorf("%w: SSH key of type %s, expected %s", zkkex.ErrUnsupported, keyType, ssh.KeyAlgoED25519)
	}
	return nil
}

func malformed(msg string, args ...any) error {
	return &zkkex.ParseError{Format: formatName, Err: fmt.Errorf(msg, args...)}
}
