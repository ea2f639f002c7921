package order

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Bounds of exponents.
const (
	MinExponent = -12
	MaxExponent = 12
)

// Decimal is Mantissa * 10^Exponent: a price or a quantity. It is canonical if the
// mantissa is no multiple of ten, or both are 0; [Decimal.Check] says so. The zero
// value is the number 0.
type Decimal struct {
	Mantissa int64
	Exponent int32
}

// Errors of numbers.
var (
	// ErrNotCanonical means that the number has a shorter mantissa.
	ErrNotCanonical = errors.New("number is not canonical: its mantissa ends in 0")
	// ErrOutOfRange means that the number, or a result, does not fit.
	ErrOutOfRange = errors.New("number is out of range")
	// ErrNotMultiple means that the number has more digits than the unit it is
	// counted in.
	ErrNotMultiple = errors.New("number is not a multiple of the unit")
)

// NewDecimal returns the canonical form of mantissa * 10^exponent. Its error is
// [ErrOutOfRange] if the exponent does not fit.
func NewDecimal(mantissa int64, exponent int32) (Decimal, error) {
	if mantissa == 0 {
		return Decimal{}, nil
	}
	for mantissa%10 == 0 {
		if exponent == math.MaxInt32 {
			return Decimal{}, ErrOutOfRange
		}
		mantissa /= 10
		exponent++
	}
	d := Decimal{mantissa, exponent}
	return d, d.Check()
}

// Check returns [ErrNotCanonical] or [ErrOutOfRange] for what no sender may send.
func (d Decimal) Check() error {
	if d.Mantissa == 0 {
		if d.Exponent != 0 {
			return ErrNotCanonical
		}
		return nil
	}
	if d.Exponent < MinExponent || d.Exponent > MaxExponent {
		return ErrOutOfRange
	}
	if d.Mantissa%10 == 0 {
		return ErrNotCanonical
	}
	return nil
}

// In counts d in units of 10^exponent: what an order book calculates with. It
// returns [ErrNotMultiple], or [ErrOutOfRange] if the result does not fit.
func (d Decimal) In(exponent int32) (int64, error) {
	if d.Mantissa == 0 {
		return 0, nil
	}
	if d.Exponent < exponent {
		return 0, ErrNotMultiple
	}
	n := d.Mantissa
	for range int64(d.Exponent) - int64(exponent) {
		if n > math.MaxInt64/10 || n < math.MinInt64/10 {
			return 0, ErrOutOfRange
		}
		n *= 10
	}
	return n, nil
}

// Sign returns -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.Mantissa < 0:
		return -1
	case d.Mantissa > 0:
		return 1
	}
	return 0
}

// String returns plain decimal notation, without an exponent: "101.25", "-0.5".
func (d Decimal) String() string {
	digits, sign := strconv.FormatInt(d.Mantissa, 10), ""
	if d.Mantissa < 0 {
		digits, sign = digits[1:], "-"
	}
	if d.Mantissa == 0 {
		return "0"
	}
	if d.Exponent >= 0 {
		return sign + digits + strings.Repeat("0", int(min(d.Exponent, MaxExponent)))
	}
	places := int(-max(d.Exponent, MinExponent))
	if len(digits) <= places {
		digits = strings.Repeat("0", places-len(digits)+1) + digits
	}
	return sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

// ParseDecimal reads plain decimal notation: an optional minus, digits, and
// optionally a point and digits. "1.50" and "1.5" are the same number. Its error
// wraps [github.com/zkkex/zkkex.ErrMalformed], and [ErrOutOfRange] for a number
// that does not fit.
func ParseDecimal(s string) (Decimal, error) {
	if len(s) > 40 {
		return Decimal{}, malformed("number", "it has %d characters, expected 40 at most", len(s))
	}
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if whole == "" || point && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return Decimal{}, malformed("number", "expected digits such as 101.25, found %q", s)
	}
	fraction = strings.TrimRight(fraction, "0")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return Decimal{}, nil
	}
	exponent := int32(-len(fraction))
	short := strings.TrimRight(digits, "0")
	exponent += int32(len(digits) - len(short))
	if s[0] == '-' {
		short = "-" + short
	}
	n, err := strconv.ParseInt(short, 10, 64)
	if err != nil {
		return Decimal{}, malformed("number", "%w: %q", ErrOutOfRange, s)
	}
	d := Decimal{n, exponent}
	if err := d.Check(); err != nil {
		return Decimal{}, malformed("number", "%w: %q", err, s)
	}
	return d, nil
}
