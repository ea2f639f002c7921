// Package hashtocurve hashes bytes to points of P-256 and secp256k1 whose discrete
// logarithm nobody knows (RFC 9380, suites P256_XMD:SHA-256_SSWU_RO_ and
// secp256k1_XMD:SHA-256_SSWU_RO_). It takes time that depends on the bytes: they
// must not be secret.
package hashtocurve

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/field/hash"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
)

// MaxTag bounds a domain separation tag, in bytes: longer ones would have to be hashed
// first (RFC 9380, section 5.3.3).
const MaxTag = 255

// elementSize is how many bytes are reduced to one field element: 128 bits more than
// it has (RFC 9380, section 5.1).
const elementSize = 48

// Hash returns the point of a curve that a message hashes to under a tag, which is
// one application's and not empty. It returns an error wrapping [zkkex.ErrUnsupported]
// for an unknown curve.
func Hash(c eckey.Curve, message []byte, tag string) (eckey.PublicKey, error) {
	if tag == "" || len(tag) > MaxTag {
		return eckey.PublicKey{}, fmt.Errorf("expected a tag of 1 to %d bytes, got %d", MaxTag, len(tag))
	}
	var m *sswu
	switch c {
	case eckey.P256:
		m = onP256()
	case eckey.Secp256k1:
		m = onSecp256k1()
	default:
		return eckey.PublicKey{}, fmt.Errorf("%w: %v", zkkex.ErrUnsupported, c)
	}
	uniform, err := hash.ExpandMsgXmd(message, []byte(tag), 2*elementSize)
	if err != nil {
		return eckey.PublicKey{}, err
	}
	p := m.f.element(new(big.Int).SetBytes(uniform[:elementSize]))
	q := m.f.element(new(big.Int).SetBytes(uniform[elementSize:]))
	return m.sum(c, m.point(p), m.point(q))
}

// affine is a point with coordinates in a field.
type affine struct{ x, y *big.Int }

// sum returns p+q. Neither curve has a point with y = 0, so that doubling divides by
// no zero. A sum of infinity, which nobody will find, is refused.
func (m *sswu) sum(c eckey.Curve, p, q affine) (eckey.PublicKey, error) {
	f := m.f
	slope := f.mul(f.sub(q.y, p.y), f.inv(f.sub(q.x, p.x)))
	if p.x.Cmp(q.x) == 0 {
		if p.y.Cmp(q.y) != 0 {
			return eckey.PublicKey{}, fmt.Errorf("%w: the message hashes to infinity", eckey.ErrNotOnCurve)
		}
		slope = f.mul(f.add(f.mul(big.NewInt(3), f.mul(p.x, p.x)), m.slope), f.inv(f.add(p.y, p.y)))
	}
	x := f.sub(f.sub(f.mul(slope, slope), p.x), q.x)
	y := f.sub(f.mul(slope, f.sub(p.x, x)), p.y)
	encoded := make([]byte, eckey.UncompressedSize)
	encoded[0] = 4
	x.FillBytes(encoded[1:33])
	y.FillBytes(encoded[33:])
	return c.FromUncompressed(encoded)
}
