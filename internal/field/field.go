// Package field is the only door from bytes to elements of BN254's scalar
// field, and holds the native Poseidon2 compressions.
//
// Two ways lead in. [Parse] takes an encoded element and refuses everything
// but its canonical form. [FromHash] takes a 256-bit hash and reduces it modulo
// r, big-endian; a hash above r is legitimate there, and two hashes that are
// congruent are as hard to find as a collision of about 127 bits.
package field

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/canonical"
)

// Element is an element of BN254's scalar field.
type Element = fr.Element

// Parse decodes the canonical encoding of an element: 32 bytes, big-endian,
// below r. It returns [canonical.ErrNotCanonical] for any other value.
func Parse(b [canonical.Size]byte) (Element, error) {
	if err := canonical.Check(&b); err != nil {
		return Element{}, err
	}
	var e Element
	e.SetBytes(b[:]) // no reduction happens below r
	return e, nil
}

// FromHash maps a 256-bit hash to the field: big-endian integer, modulo r.
func FromHash(digest [32]byte) Element {
	var e Element
	e.SetBytes(digest[:])
	return e
}

// FromUint64 returns v as an element.
func FromUint64(v uint64) Element {
	var e Element
	e.SetUint64(v)
	return e
}

// Bytes returns the canonical encoding of e.
func Bytes(e Element) [canonical.Size]byte { return e.Bytes() }
