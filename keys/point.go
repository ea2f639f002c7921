package keys

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// PointSize is the size of an encoded point, in bytes.
const PointSize = 32

// Reasons why 32 bytes are refused as a point. Each comes wrapped in a
// [zkkex.ParseError]; the checks are made in this order.
var (
	// ErrPointEncoding reports an encoding that is not the canonical one: y is
	// not below the field's order, or x is 0 and its sign is set.
	ErrPointEncoding = errors.New("not the canonical encoding of a point")
	// ErrNotOnCurve reports a y coordinate that no point of the curve has.
	ErrNotOnCurve = errors.New("no point on the curve has this y coordinate")
	// ErrIdentity reports the identity element, which everybody owns.
	ErrIdentity = errors.New("the identity element, not a key")
	// ErrSmallOrder reports one of the seven other points whose order divides
	// the cofactor 8.
	ErrSmallOrder = errors.New("a point of small order, not a key")
	// ErrNotInSubgroup reports a point with a component of small order.
	ErrNotInSubgroup = errors.New("a point outside of the subgroup of prime order")
)

const signBit = 0x80

// parsePoint decodes a point as RFC 8032, section 5.1.3, does for Ed25519: y
// little-endian, and in the top bit whether x is the larger of the two. It
// accepts exactly the points of the prime-order subgroup but the identity, and
// one encoding of each.
func parsePoint(b [PointSize]byte) (twistededwards.PointAffine, error) {
	var none twistededwards.PointAffine
	y := b
	y[PointSize-1] &^= signBit
	slices.Reverse(y[:])
	if _, err := field.Parse(y); err != nil {
		return none, fmt.Errorf("%w: y: %w", ErrPointEncoding, err)
	}
	var p twistededwards.PointAffine
	if _, err := p.SetBytes(b[:]); err != nil {
		return none, fmt.Errorf("%w: %w", ErrPointEncoding, err)
	}
	// SetBytes sets a wrong x, and reports no error, where there is no root.
	if !p.IsOnCurve() {
		return none, ErrNotOnCurve
	}
	if p.Bytes() != b {
		return none, fmt.Errorf("%w: x is 0 and its sign is set", ErrPointEncoding)
	}
	return p, checkOrder(&p)
}

// checkOrder returns nil if the order of p is the subgroup's.
func checkOrder(p *twistededwards.PointAffine) error {
	if p.IsZero() {
		return ErrIdentity
	}
	var q twistededwards.PointAffine
	if q.ScalarMultiplication(p, cofactor()); q.IsZero() {
		return ErrSmallOrder
	}
	if q.ScalarMultiplication(p, order()); !q.IsZero() {
		return ErrNotInSubgroup
	}
	return nil
}

func cofactor() *big.Int { return big.NewInt(8) }

// order returns the order of the subgroup, a prime of 251 bits.
func order() *big.Int {
	curve := twistededwards.GetEdwardsCurve()
	return &curve.Order
}

// multiplyBase returns s*G. It does not take constant time.
func multiplyBase(s *big.Int) twistededwards.PointAffine {
	var p twistededwards.PointAffine
	p.ScalarMultiplicationBase(s)
	return p
}

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
