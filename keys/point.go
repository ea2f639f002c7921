package keys

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/babyjubjub"
)

// PointSize is the size of an encoded point of Baby Jubjub, in bytes.
const PointSize = babyjubjub.PointSize

// Reasons why 32 bytes are refused as a point. Each comes wrapped in a
// [zkkex.ParseError]; the checks are made in this order.
var (
	// ErrPointEncoding reports an encoding that is not the canonical one: y is
	// not below the field's order, or x is 0 and its sign is set.
	ErrPointEncoding = babyjubjub.ErrEncoding
	// ErrNotOnCurve reports a y coordinate that no point of the curve has.
	ErrNotOnCurve = babyjubjub.ErrNotOnCurve
	// ErrIdentity reports the identity element, which everybody owns.
	ErrIdentity = babyjubjub.ErrIdentity
	// ErrSmallOrder reports one of the seven other points whose order divides
	// the cofactor 8.
	ErrSmallOrder = babyjubjub.ErrSmallOrder
	// ErrNotInSubgroup reports a point with a component of small order.
	ErrNotInSubgroup = babyjubjub.ErrNotInSubgroup
)

// parsePoint accepts exactly the points of the prime-order subgroup but the
// identity, and one encoding of each.
func parsePoint(b [PointSize]byte) (twistededwards.PointAffine, error) { return babyjubjub.Parse(b) }

// order returns the order of the subgroup, a prime of 251 bits.
func order() *big.Int { return babyjubjub.Order() }

// multiplyBase returns s*G. It does not take constant time.
func multiplyBase(s *big.Int) twistededwards.PointAffine { return babyjubjub.MultiplyBase(s) }

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
