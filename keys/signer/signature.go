package signer

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
)

// NewECDSA returns the signature that a device gave as r and s, normalised: s is the
// lower one of s and order-s. public is the compressed key that it must verify under,
// for the message in the envelope. It returns an error wrapping [ErrBadSignature] if it
// does not, or if r or s is 0 or not below the order, and those of
// [envelope.Kind.Digest] for the message. It is for the packages that implement signers.
func NewECDSA(t zkkex.KeyType, kind envelope.Kind, public []byte, m *envelope.Message, r, s *big.Int) (*Signature, error) {
	curve := eckey.CurveOf(t)
	if curve == 0 {
		return nil, fmt.Errorf("%w: %v is no type of ECDSA keys", zkkex.ErrUnsupported, t)
	}
	if !kind.Fits(t) {
		return nil, fmt.Errorf("%w: keys of type %v do not sign in the envelope %v", zkkex.ErrUnsupported, t, kind)
	}
	if _, err := kind.Digest(m); err != nil {
		return nil, err
	}
	sig, err := curve.Normalize(r, s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	if err := kind.Verify(t, public, m, sig); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	return &Signature{PublicKey: slices.Clone(public), Bytes: sig}, nil
}
