// Package babyjubjub decodes points of Baby Jubjub, strictly, for every signature
// and key on that curve.
//
// The curve is -x^2 + y^2 = 1 + d*x^2*y^2 over BN254's scalar field, with
// ERC-2494's Base8 under the map to a = -1 as generator; see docs/spec/leaf.md.
// Nothing here takes constant time.
package babyjubjub

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex/internal/field"
)

// Sizes of encodings, in bytes.
const (
	// PointSize is that of a point: y little-endian, and the sign of x.
	PointSize = 32
	// ScalarSize is that of a scalar, big-endian.
	ScalarSize = 32
)

// Reasons why 32 bytes are refused as a point, in the order of the checks.
var (
	// ErrEncoding reports an encoding that is not the canonical one: y is not
	// below the field's order, or x is 0 and its sign is set.
	ErrEncoding = errors.New("not the canonical encoding of a point")
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

// Point is an affine point of the curve.
type Point = twistededwards.PointAffine

// Parse decodes a point as RFC 8032, section 5.1.3, does for Ed25519: y
// little-endian, and in the top bit whether x is the larger of the two. It
// accepts exactly the points of the prime-order subgroup but the identity, and
// one encoding of each. It returns one of the errors above, which a caller puts
// into a [zkkex.ParseError].
func Parse(b [PointSize]byte) (Point, error) {
	var none Point
	y := b
	y[PointSize-1] &^= signBit
	slices.Reverse(y[:])
	if _, err := field.Parse(y); err != nil {
		return none, fmt.Errorf("%w: y: %w", ErrEncoding, err)
	}
	var p Point
	if _, err := p.SetBytes(b[:]); err != nil {
		return none, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	// SetBytes sets a wrong x, and reports no error, where there is no root.
	if !p.IsOnCurve() {
		return none, ErrNotOnCurve
	}
	if p.Bytes() != b {
		return none, fmt.Errorf("%w: x is 0 and its sign is set", ErrEncoding)
	}
	return p, checkOrder(&p)
}

// checkOrder returns nil if the order of p is the subgroup's.
func checkOrder(p *Point) error {
	if p.IsZero() {
		return ErrIdentity
	}
	var q Point
	if q.ScalarMultiplication(p, cofactor()); q.IsZero() {
		return ErrSmallOrder
	}
	if q.ScalarMultiplication(p, Order()); !q.IsZero() {
		return ErrNotInSubgroup
	}
	return nil
}

func cofactor() *big.Int { return big.NewInt(8) }

// Order returns the order of the subgroup, a prime of 251 bits.
func Order() *big.Int {
	curve := twistededwards.GetEdwardsCurve()
	return &curve.Order
}

// MultiplyBase returns s*G, for s from 0 to the order minus 1.
func MultiplyBase(s *big.Int) (p Point) {
	p.ScalarMultiplicationBase(s)
	return p
}
