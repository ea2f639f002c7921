package keys

import (
	"bytes"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/field"
)

// MaxPublicSize is the size of the largest public key, in bytes.
const MaxPublicSize = eckey.KeySize

// PublicSize returns the size of an encoded public key of a type in bytes, or 0 for
// an unknown type: 32 on Baby Jubjub, 33 on P-256 and secp256k1.
func PublicSize(t zkkex.KeyType) int {
	switch t {
	case zkkex.KeyBabyJubjub, zkkex.KeyEdDSA:
		return PointSize
	case zkkex.KeyP256, zkkex.KeySecp256k1:
		return eckey.KeySize
	default:
		return 0
	}
}

// Public is what a registrar sees of a member: the key type, the public key and
// H(nk). Its holder cannot compute nullifiers. A Public is valid: it comes from
// [ParsePublic] or from a [Secret], and its key is in the prime-order subgroup.
// It is a comparable value.
type Public struct {
	keyType       zkkex.KeyType
	key           [MaxPublicSize]byte // filled up with zeros
	coordinate    [32]byte
	nullifierHash [32]byte
}

func newPublic(t zkkex.KeyType, p *twistededwards.PointAffine, nullifierHash [32]byte) Public {
	public := Public{keyType: t, coordinate: field.Bytes(p.Y), nullifierHash: nullifierHash}
	point := p.Bytes()
	copy(public.key[:], point[:])
	return public
}

// ParsePublic checks a public key of the given type and the hash of a nullifier
// key. It accepts one encoding of each key: on Baby Jubjub, of each point of the
// prime-order subgroup but the identity; on P-256 and secp256k1, the compressed one
// of each point. It returns an error wrapping [zkkex.ErrUnsupported] for an
// unknown key type; otherwise one wrapping [zkkex.ErrMalformed] and, for a key on
// Baby Jubjub, one of [ErrPointEncoding], [ErrNotOnCurve], [ErrIdentity],
// [ErrSmallOrder] and [ErrNotInSubgroup].
func ParsePublic(keyType zkkex.KeyType, key []byte, nullifierHash [32]byte) (*Public, error) {
	if !keyType.Known() {
		return nil, fmt.Errorf("%w: key type %#04x, expected one of %v", zkkex.ErrUnsupported, uint16(keyType), zkkex.KeyTypes())
	}
	if want := PublicSize(keyType); len(key) != want {
		return nil, malformed("public key", "expected %d bytes for a key of type %v, got %d", want, keyType, len(key))
	}
	if _, err := field.Parse(nullifierHash); err != nil {
		return nil, malformed("public key", "hash of the nullifier key: %w", err)
	}
	if curve := eckey.CurveOf(keyType); curve != 0 {
		return parseECDSA(curve, key, nullifierHash)
	}
	p, err := parsePoint([PointSize]byte(key))
	if err != nil {
		return nil, malformed("public key", "%w", err)
	}
	public := newPublic(keyType, &p, nullifierHash)
	return &public, nil
}

func parseECDSA(curve eckey.Curve, key []byte, nullifierHash [32]byte) (*Public, error) {
	k, err := curve.Parse(key)
	if err != nil {
		return nil, err
	}
	encoded := k.Bytes()
	return &Public{
		keyType: curve.KeyType(), key: encoded, nullifierHash: nullifierHash,
		coordinate: field.Bytes(field.ECKey(k.X())),
	}, nil
}

// KeyType returns the type of the key.
func (p *Public) KeyType() zkkex.KeyType { return p.keyType }

// Bytes returns the encoded public key, of [PublicSize] bytes. On Baby Jubjub it is
// y little-endian, and in the top bit whether x is the larger of x and -x; on P-256
// and secp256k1 it is 2 or 3, as y is even or odd, and x (SEC 1, section 2.3.3).
func (p *Public) Bytes() []byte { return bytes.Clone(p.key[:PublicSize(p.keyType)]) }

// Coordinate returns what enters the leaf of the public key, a canonical field
// element: y on Baby Jubjub, a hash of x on P-256 and secp256k1.
func (p *Public) Coordinate() [32]byte { return p.coordinate }

// NullifierKeyHash returns H(nk), a canonical field element.
func (p *Public) NullifierKeyHash() [32]byte { return p.nullifierHash }

// Commitment returns the member's leaf,
//
//	f_3(tag + keytype*2^16, coordinate, H(nk)).
//
// Of the key, only one coordinate enters: a key and its negative belong to the same
// owner and count as one.
func (p *Public) Commitment() zkkex.Commitment {
	coordinate, err := field.Parse(p.coordinate)
	if err != nil {
		panic("zkkex: internal error: " + err.Error()) // checked by every constructor
	}
	hash, err := field.Parse(p.nullifierHash)
	if err != nil {
		panic("zkkex: internal error: " + err.Error()) // checked by every constructor
	}
	return field.Bytes(field.Leaf(uint16(p.keyType), coordinate, hash))
}
