package zkkex

import (
	"encoding/hex"
	"fmt"

	"github.com/zkkex/zkkex/internal/canonical"
)

// Commitment is a member's leaf in a registry: a hash of key type, public key
// and H(nk). It is a canonical field element, 32 bytes big-endian. The zero
// commitment is the empty leaf, which nobody can prove.
type Commitment [32]byte

// Nullifier is what a session or proof leaves behind: a pseudorandom function
// of the member's nullifier key over scope and slot. It is the replay key; the
// bytes of a proof never are. A canonical field element.
type Nullifier [32]byte

// Root is the root of a registry's member tree. A canonical field element.
type Root [32]byte

// Scope is a hash over a kind and the context in which nullifiers are
// comparable. It is a plain 256-bit hash and may exceed the field's order.
type Scope [32]byte

// Binding is a hash over a kind and everything a proof authorises. It is a
// plain 256-bit hash and may exceed the field's order.
type Binding [32]byte

// RegistryID identifies a registry: a hash of the registrar's verifier key.
type RegistryID [32]byte

// ParamsDigest identifies a parameter set: a hash of its manifest.
type ParamsDigest [32]byte

// ParseCommitment decodes the canonical encoding of a commitment. It returns an
// error wrapping [ErrMalformed] if b is not 32 bytes or not below the order.
func ParseCommitment(b []byte) (Commitment, error) {
	v, err := parseElement("commitment", b)
	return Commitment(v), err
}

// ParseNullifier decodes the canonical encoding of a nullifier. It returns an
// error wrapping [ErrMalformed] if b is not 32 bytes or not below the order.
func ParseNullifier(b []byte) (Nullifier, error) {
	v, err := parseElement("nullifier", b)
	return Nullifier(v), err
}

// ParseRoot decodes the canonical encoding of a root. It returns an error
// wrapping [ErrMalformed] if b is not 32 bytes or not below the order.
func ParseRoot(b []byte) (Root, error) {
	v, err := parseElement("root", b)
	return Root(v), err
}

// ParseHex decodes 64 lower-case hexadecimal digits, the one text form of every
// 32-byte value in zkkex. What the value means is for the caller to check:
// field elements go through [ParseCommitment], [ParseNullifier] or [ParseRoot].
// It returns an error wrapping [ErrMalformed].
func ParseHex(s string) ([32]byte, error) {
	var out [32]byte
	if len(s) != 2*len(out) {
		return out, malformed("hex", "expected %d digits, got %d", 2*len(out), len(s))
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return out, malformed("hex", "%w", err)
	}
	if hex.EncodeToString(b) != s {
		return out, malformed("hex", "upper-case digits; the one accepted form is lower case")
	}
	copy(out[:], b)
	return out, nil
}

// String returns the value as 64 lower-case hexadecimal digits.
func (c Commitment) String() string { return hex.EncodeToString(c[:]) }

// String returns the value as 64 lower-case hexadecimal digits.
func (n Nullifier) String() string { return hex.EncodeToString(n[:]) }

// String returns the value as 64 lower-case hexadecimal digits.
func (r Root) String() string { return hex.EncodeToString(r[:]) }

// String returns the value as 64 lower-case hexadecimal digits.
func (s Scope) String() string { return hex.EncodeToString(s[:]) }

// String returns the value as 64 lower-case hexadecimal digits.
func (b Binding) String() string { return hex.EncodeToString(b[:]) }

// String returns the value as 64 lower-case hexadecimal digits.
func (id RegistryID) String() string { return hex.EncodeToString(id[:]) }

// String returns the value as 64 lower-case hexadecimal digits.
func (d ParamsDigest) String() string { return hex.EncodeToString(d[:]) }

// IsEmpty reports whether c is the empty leaf.
func (c Commitment) IsEmpty() bool { return c == Commitment{} }

func parseElement(what string, b []byte) (out [32]byte, err error) {
	if len(b) != len(out) {
		return out, malformed(what, "expected %d bytes, got %d", len(out), len(b))
	}
	v := [32]byte(b)
	if err := canonical.Check(&v); err != nil {
		return out, malformed(what, "%w", err)
	}
	return v, nil
}

func malformed(format, msg string, args ...any) error {
	return &ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
