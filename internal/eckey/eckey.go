// Package eckey reads public keys and signatures of ECDSA over P-256 and
// secp256k1, strictly, and checks signatures.
//
// A public key has one encoding, the compressed one of SEC 1, section 2.3.3: 33
// bytes. A signature has one too: r and s, 32 bytes each, with s in the lower half
// of its range, so that nobody makes a second signature out of one. Devices give
// keys uncompressed and signatures with either s: [FromUncompressed] and
// [Normalize] are for what comes from them.
package eckey

import (
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/zkkex/zkkex"
)

// Sizes of encodings, in bytes.
const (
	// KeySize is that of a compressed public key.
	KeySize = 33
	// UncompressedSize is that of an uncompressed one: 4, x and y.
	UncompressedSize = 65
	// SignatureSize is that of a signature: r and s.
	SignatureSize = 64
)

// Curve is one of the two curves.
type Curve uint8

// The curves.
const (
	// P256 is secp256r1 (SEC 2, FIPS 186-5).
	P256 Curve = 1
	// Secp256k1 is secp256k1 (SEC 2).
	Secp256k1 Curve = 2
)

// CurveOf returns the curve of a key type, or 0 if it is not on one of them.
func CurveOf(t zkkex.KeyType) Curve {
	switch t {
	case zkkex.KeyP256:
		return P256
	case zkkex.KeySecp256k1:
		return Secp256k1
	default:
		return 0
	}
}

// String returns "P-256" or "secp256k1".
func (c Curve) String() string {
	switch c {
	case P256:
		return "P-256"
	case Secp256k1:
		return "secp256k1"
	default:
		return fmt.Sprintf("curve-%d", uint8(c))
	}
}

// KeyType returns the type of the curve's keys.
func (c Curve) KeyType() zkkex.KeyType {
	if c == P256 {
		return zkkex.KeyP256
	}
	return zkkex.KeySecp256k1
}

// Order returns the order of the curve's group, a prime of 256 bits. The cofactor
// is 1: every point of the curve but infinity generates the group.
func (c Curve) Order() *big.Int {
	if c == P256 {
		return new(big.Int).Set(elliptic.P256().Params().N)
	}
	return new(big.Int).Set(secp256k1.Params().N)
}

// Field returns the order of the field that coordinates are in, a prime of 256
// bits.
func (c Curve) Field() *big.Int {
	if c == P256 {
		return new(big.Int).Set(elliptic.P256().Params().P)
	}
	return new(big.Int).Set(secp256k1.Params().P)
}

// Reasons why bytes are refused as a public key.
var (
	// ErrKeyEncoding reports an encoding of another length or form, or a
	// coordinate that is not below the field's order.
	ErrKeyEncoding = errors.New("not a canonical encoding of a public key")
	// ErrNotOnCurve reports coordinates that are no point of the curve. Infinity is
	// none either: it has no encoding of these lengths.
	ErrNotOnCurve = errors.New("no point on the curve has these coordinates")
)

// PublicKey is a point of one of the curves, not infinity. The zero value is no
// key. It is a comparable value.
type PublicKey struct {
	curve Curve
	x, y  [32]byte
}

// Curve returns the key's curve.
func (k PublicKey) Curve() Curve { return k.curve }

// X returns the affine x coordinate, big-endian, below the field's order.
func (k PublicKey) X() [32]byte { return k.x }

// Y returns the affine y coordinate, big-endian, below the field's order.
func (k PublicKey) Y() [32]byte { return k.y }

// Bytes returns the compressed encoding: 2 or 3, as y is even or odd, and x.
func (k PublicKey) Bytes() [KeySize]byte {
	out := [KeySize]byte{2 + k.y[31]&1}
	copy(out[1:], k.x[:])
	return out
}

// Uncompressed returns the other encoding: 4, x and y.
func (k PublicKey) Uncompressed() [UncompressedSize]byte {
	out := [UncompressedSize]byte{4}
	copy(out[1:], k.x[:])
	copy(out[33:], k.y[:])
	return out
}

// Parse decodes a compressed public key. It returns an error wrapping
// [zkkex.ErrMalformed] and [ErrKeyEncoding] or [ErrNotOnCurve].
func (c Curve) Parse(b []byte) (PublicKey, error) {
	if len(b) != KeySize || b[0] != 2 && b[0] != 3 {
		return PublicKey{}, c.refuse(fmt.Errorf("%w: expected the %d bytes of a compressed point, which begin with 2 or 3, got %d bytes", ErrKeyEncoding, KeySize, len(b)))
	}
	x := new(big.Int).SetBytes(b[1:])
	if x.Cmp(c.Field()) >= 0 {
		return PublicKey{}, c.refuse(fmt.Errorf("%w: x is not below the field's order", ErrKeyEncoding))
	}
	y := new(big.Int).ModSqrt(c.rightSide(x), c.Field())
	if y == nil {
		return PublicKey{}, c.refuse(ErrNotOnCurve)
	}
	if y.Bit(0) != uint(b[0]&1) {
		y.Sub(c.Field(), y) // neither curve has a point with y = 0: their orders are odd
	}
	k := PublicKey{curve: c, x: [32]byte(b[1:])}
	y.FillBytes(k.y[:])
	return k, nil
}

// FromUncompressed decodes an uncompressed public key, as devices give it. The
// errors are those of [Curve.Parse].
func (c Curve) FromUncompressed(b []byte) (PublicKey, error) {
	if len(b) != UncompressedSize || b[0] != 4 {
		return PublicKey{}, c.refuse(fmt.Errorf("%w: expected the %d bytes of an uncompressed point, which begin with 4, got %d bytes", ErrKeyEncoding, UncompressedSize, len(b)))
	}
	x, y := new(big.Int).SetBytes(b[1:33]), new(big.Int).SetBytes(b[33:])
	if x.Cmp(c.Field()) >= 0 || y.Cmp(c.Field()) >= 0 {
		return PublicKey{}, c.refuse(fmt.Errorf("%w: a coordinate is not below the field's order", ErrKeyEncoding))
	}
	square := new(big.Int).Mul(y, y)
	if square.Mod(square, c.Field()).Cmp(c.rightSide(x)) != 0 {
		return PublicKey{}, c.refuse(ErrNotOnCurve)
	}
	return PublicKey{curve: c, x: [32]byte(b[1:33]), y: [32]byte(b[33:])}, nil
}

// rightSide returns x^3 + ax + b in the field.
func (c Curve) rightSide(x *big.Int) *big.Int {
	p := c.Field()
	r := new(big.Int).Mul(x, x)
	r.Mul(r, x)
	if c == P256 {
		r.Sub(r, new(big.Int).Mul(x, big.NewInt(3)))
		r.Add(r, elliptic.P256().Params().B)
	} else {
		r.Add(r, big.NewInt(7))
	}
	return r.Mod(r, p)
}

func (c Curve) refuse(err error) error {
	return &zkkex.ParseError{Format: c.String() + " public key", Err: err}
}
