// Package canonical decides, in one place, whether 32 bytes are the encoding
// of an element of BN254's scalar field.
//
// An element has exactly one encoding: its value as a big-endian integer of 32
// bytes, below the field's order r. Whoever accepts v and v+r for the same
// element lets a nullifier be spent twice. The package depends on the standard
// library only, so that the vocabulary of the root package can use it.
package canonical

import (
	"bytes"
	"encoding/hex"
	"errors"
)

// Size is the length of an encoded field element, in bytes.
const Size = 32

// ErrNotCanonical reports 32 bytes whose value is the order r or above.
var ErrNotCanonical = errors.New("not a canonical field element: the value is not below the order of BN254's scalar field")

// Order is the order r of BN254's scalar field, big-endian (EIP-197).
func Order() [Size]byte { return order }

var order = mustHex("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001")

// Check returns nil if b, read as a big-endian integer, is below r, and
// [ErrNotCanonical] otherwise. It is not constant time: it decides about
// values that are public.
func Check(b *[Size]byte) error {
	if bytes.Compare(b[:], order[:]) >= 0 {
		return ErrNotCanonical
	}
	return nil
}

func mustHex(s string) (out [Size]byte) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != Size {
		panic("zkkex: internal error: bad constant " + s)
	}
	copy(out[:], b)
	return out
}
