package keys

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// Public is what a registrar sees of a member: the key type, the public key and
// H(nk). Its holder cannot compute nullifiers. A Public is valid: it comes from
// [ParsePublic] or from a [Secret], and its key is in the prime-order subgroup.
// It is a comparable value.
type Public struct {
	point         [PointSize]byte
	y             [32]byte
	nullifierHash [32]byte
}

func newPublic(p *twistededwards.PointAffine, nullifierHash [32]byte) Public {
	return Public{point: p.Bytes(), y: field.Bytes(p.Y), nullifierHash: nullifierHash}
}

// ParsePublic checks a public key of the given type and the hash of a nullifier
// key. It accepts one encoding of each point of the prime-order subgroup but
// the identity. It returns an error wrapping [zkkex.ErrUnsupported] for an
// unknown key type; otherwise one wrapping [zkkex.ErrMalformed] and, for the
// key, one of [ErrPointEncoding], [ErrNotOnCurve], [ErrIdentity],
// [ErrSmallOrder] and [ErrNotInSubgroup].
func ParsePublic(keyType zkkex.KeyType, key, nullifierHash [32]byte) (*Public, error) {
	if !keyType.Known() {
		return nil, fmt.Errorf("%w: key type %#04x, expected one of %v", zkkex.ErrUnsupported, uint16(keyType), zkkex.KeyTypes())
	}
	p, err := parsePoint(key)
	if err != nil {
		return nil, malformed("public key", "%w", err)
	}
	if _, err := field.Parse(nullifierHash); err != nil {
		return nil, malformed("public key", "hash of the nullifier key: %w", err)
	}
	public := newPublic(&p, nullifierHash)
	return &public, nil
}

// KeyType returns the type of the key.
func (p *Public) KeyType() zkkex.KeyType { return zkkex.KeyBabyJubjub }

// Bytes returns the compressed public key: y little-endian, and in the top bit
// whether x is the larger of x and -x.
func (p *Public) Bytes() [PointSize]byte { return p.point }

// Y returns the y coordinate of the public key, a canonical field element.
func (p *Public) Y() [32]byte { return p.y }

// NullifierKeyHash returns H(nk), a canonical field element.
func (p *Public) NullifierKeyHash() [32]byte { return p.nullifierHash }

// Commitment returns the member's leaf,
//
//	f_3(tag + keytype*2^16, y, H(nk)).
//
// Of the key, only y enters: a key and its negative belong to the same owner
// and count as one.
func (p *Public) Commitment() zkkex.Commitment {
	y, err := field.Parse(p.y)
	if err != nil {
		panic("zkkex: internal error: " + err.Error()) // checked by every constructor
	}
	hash, err := field.Parse(p.nullifierHash)
	if err != nil {
		panic("zkkex: internal error: " + err.Error()) // checked by every constructor
	}
	return field.Bytes(field.Leaf(uint16(p.KeyType()), y, hash))
}
