package circuits

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"
)

// Windows is the number of full windows of a scalar, of three bits each. One
// bit more stands on top of them.
const Windows = 83

// Digits is a scalar in signed odd digits:
//
//	x = sum(d_i * 8^i, i < Windows) + e * 8^Windows
//
// with d_i one of +-1, +-3, +-5, +-7 and e one of 1, 3. The strings stand for
// the odd numbers between 0 and 2^251, each exactly once: with U the number
// whose bits are the digits' (u_i = (d_i+7)/2), x = 2U + 1 - 2^251.
//
// Every key has a string. For a scalar k between 0 and the order l of the
// subgroup, one of k and l-k is odd; they belong to a point and its negative,
// which share the y coordinate, and y is all that the leaf takes.
//
// # Why incomplete additions are complete here
//
// Let S_i be the sum of the first i windows. Its digits are at most 7 in
// absolute value, so |S_i| <= 8^i - 1, while the next term has an absolute
// value of at least 8^i. As integers, then, S_i and the term are never equal,
// never opposite, and neither is 0. Modulo l the same holds as long as
// |S_i| + 7*8^i < l, and 8^(i+1) - 1 < l does hold up to i = 82. So the chord
// formula never meets 0/0, for any string of digits, the honest prover's or
// another's; no assumption about discrete logarithms is needed. Only the top
// digit's addition could wrap around l: it uses the Edwards formula, which is
// complete.
type Digits struct {
	// Window holds the digits d_i = (-1)^(1-Sign) * (2*Magnitude + 1).
	Window [Windows]Digit
	// Top is 0 for e = 1 and 1 for e = 3.
	Top uint8
}

// Digit is a signed odd digit.
type Digit struct {
	// Magnitude is 0 to 3, for 1, 3, 5 and 7.
	Magnitude uint8
	// Sign is 1 for plus and 0 for minus.
	Sign uint8
}

// Recode returns the digits of the scalar, or of its negative modulo the order:
// whichever is odd. The scalar is 32 bytes big-endian, between 1 and the order
// minus 1; other values are an error. It is not constant time. It wipes what it
// needs on the way; the digits are the caller's to wipe.
func Recode(scalar [32]byte) (*Digits, error) {
	defer clear(scalar[:])
	curve := twistededwards.GetEdwardsCurve()
	x := new(big.Int).SetBytes(scalar[:])
	defer wipe(x)
	if x.Sign() == 0 || x.Cmp(&curve.Order) >= 0 {
		return nil, fmt.Errorf("scalar out of range: expected 1 to the order of the subgroup minus 1")
	}
	if x.Bit(0) == 0 {
		x.Sub(&curve.Order, x)
	}
	// U = (x - 1 + 2^251)/2, so its bit 250 is set and its lower bits are
	// those of (x-1)/2.
	x.Rsh(x, 1)
	var d Digits
	for i := range d.Window {
		u := uint8(x.Bit(3*i) | x.Bit(3*i+1)<<1 | x.Bit(3*i+2)<<2)
		d.Window[i] = digit(u)
	}
	d.Top = uint8(x.Bit(3 * Windows))
	return &d, nil
}

// wipe clears the words of an integer, also those beyond its length.
func wipe(x *big.Int) {
	words := x.Bits()
	clear(words[:cap(words)])
	x.SetUint64(0)
}

func (d *Digits) wipe() { *d = Digits{} }

// digit returns 2u - 7 in sign and magnitude.
func digit(u uint8) Digit {
	if u >= 4 {
		return Digit{Magnitude: u - 4, Sign: 1}
	}
	return Digit{Magnitude: 3 - u, Sign: 0}
}

// value returns the digit as an integer.
func (d Digit) value() int64 {
	v := int64(2*d.Magnitude + 1)
	if d.Sign == 0 {
		return -v
	}
	return v
}
