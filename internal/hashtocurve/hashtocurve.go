// Package hashtocurve hashes bytes to points of P-256 and secp256k1 whose discrete
// logarithm nobody knows (RFC 9380, suites P256_XMD:SHA-256_SSWU_RO_ and
// secp256k1_XMD:SHA-256_SSWU_RO_). It takes time that depends on the bytes: they
// must not be secret.
package hashtocurve

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256r1"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
)

// MaxTag bounds a domain separation tag, in bytes: longer ones would have to be hashed
// first (RFC 9380, section 5.3.3).
const MaxTag = 255

// Hash returns the point of a curve that a message hashes to under a tag, which is
// one application's and not empty. It returns an error wrapping [zkkex.ErrUnsupported]
// for an unknown curve.
func Hash(c eckey.Curve, message []byte, tag string) (eckey.PublicKey, error) {
	if tag == "" || len(tag) > MaxTag {
		return eckey.PublicKey{}, fmt.Errorf("expected a tag of 1 to %d bytes, got %d", MaxTag, len(tag))
	}
	var xy [64]byte
	switch c {
	case eckey.P256:
		p, err := secp256r1.HashToG1(message, []byte(tag))
		if err != nil {
			return eckey.PublicKey{}, err
		}
		xy = join(p.X.Bytes(), p.Y.Bytes())
	case eckey.Secp256k1:
		p, err := secp256k1.HashToG1(message, []byte(tag))
		if err != nil {
			return eckey.PublicKey{}, err
		}
		xy = join(p.X.Bytes(), p.Y.Bytes())
	default:
		return eckey.PublicKey{}, fmt.Errorf("%w: %v", zkkex.ErrUnsupported, c)
	}
	// A hash of infinity, which nobody will find, has no such coordinates and is refused.
	return c.FromUncompressed(append([]byte{4}, xy[:]...))
}

func join(x, y [32]byte) (xy [64]byte) {
	copy(xy[:], x[:])
	copy(xy[32:], y[:])
	return xy
}
