package eckey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
)

// Reasons why a signature is refused.
var (
	// ErrScalar reports an r or s that is 0 or not below the group's order.
	ErrScalar = errors.New("r and s must be from 1 to the group's order less 1")
	// ErrHighS reports an s in the upper half: with s and order-s both accepted,
	// anybody makes a second signature out of one.
	ErrHighS = errors.New("s is in the upper half of its range; send order-s instead")
	// ErrSignature reports a signature that is well formed and does not verify.
	ErrSignature = errors.New("the signature does not verify: it was made with another key or for another message")
)

// Normalize returns the encoding of a signature that a device made, with s or
// order-s, whichever is lower. It returns an error wrapping [zkkex.ErrMalformed]
// and [ErrScalar].
func (c Curve) Normalize(r, s *big.Int) ([SignatureSize]byte, error) {
	var out [SignatureSize]byte
	n := c.Order()
	if r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(n) >= 0 || s.Cmp(n) >= 0 {
		return out, c.refuseSignature(ErrScalar)
	}
	r.FillBytes(out[:32])
	if c.high(s) {
		s = n.Sub(n, s)
	}
	s.FillBytes(out[32:])
	return out, nil
}

// high reports whether s is above half of the order.
func (c Curve) high(s *big.Int) bool {
	half := c.Order()
	return s.Cmp(half.Rsh(half, 1)) > 0
}

// Scalars decodes a signature. It returns an error wrapping [zkkex.ErrMalformed]
// and [ErrScalar] or [ErrHighS].
func (c Curve) Scalars(sig [SignatureSize]byte) (r, s *big.Int, err error) {
	r, s = new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	if n := c.Order(); r.Sign() == 0 || s.Sign() == 0 || r.Cmp(n) >= 0 || s.Cmp(n) >= 0 {
		return nil, nil, c.refuseSignature(ErrScalar)
	}
	if c.high(s) {
		return nil, nil, c.refuseSignature(ErrHighS)
	}
	return r, s, nil
}

// Verify returns nil if sig is a signature of a digest by the key (FIPS 186-5,
// section 6.4.2; the digest has the length of the order, so nothing is cut off).
// It returns an error as [Curve.Scalars] does, or one wrapping [ErrSignature].
func (k PublicKey) Verify(digest [32]byte, sig [SignatureSize]byte) error {
	r, s, err := k.curve.Scalars(sig)
	if err != nil {
		return err
	}
	var ok bool
	switch k.curve {
	case P256:
		point := k.Uncompressed()
		var key *ecdsa.PublicKey
		if key, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point[:]); err != nil {
			return k.curve.refuse(ErrNotOnCurve)
		}
		ok = ecdsa.Verify(key, digest[:], r, s)
	case Secp256k1:
		var x, y secp256k1.FieldVal
		x.SetByteSlice(k.x[:])
		y.SetByteSlice(k.y[:])
		var rs, ss secp256k1.ModNScalar
		rs.SetByteSlice(sig[:32])
		ss.SetByteSlice(sig[32:])
		ok = secp256k1ecdsa.NewSignature(&rs, &ss).Verify(digest[:], secp256k1.NewPublicKey(&x, &y))
	default:
		return fmt.Errorf("%w: %v", zkkex.ErrUnsupported, k.curve)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// Recover returns the secp256k1 key that a signature of a digest verifies under,
// for the recovery id that came with it, 0 to 3 (SEC 1, section 4.1.6). s may be
// in either half, as wallets give it. It returns an error wrapping
// [zkkex.ErrMalformed].
func Recover(digest [32]byte, r, s *big.Int, id byte) (PublicKey, error) {
	n := Secp256k1.Order()
	if r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(n) >= 0 || s.Cmp(n) >= 0 {
		return PublicKey{}, Secp256k1.refuseSignature(ErrScalar)
	}
	if id > 3 {
		return PublicKey{}, Secp256k1.refuseSignature(fmt.Errorf("recovery id %d, expected 0 to 3", id))
	}
	compact := make([]byte, 1+SignatureSize)
	compact[0] = 27 + 4 + id // as of a compressed key
	r.FillBytes(compact[1:33])
	s.FillBytes(compact[33:])
	key, _, err := secp256k1ecdsa.RecoverCompact(compact, digest[:])
	if err != nil {
		return PublicKey{}, Secp256k1.refuseSignature(err)
	}
	return Secp256k1.FromUncompressed(key.SerializeUncompressed())
}

func (c Curve) refuseSignature(err error) error {
	return &zkkex.ParseError{Format: c.String() + " signature", Err: err}
}
