package groth16prover

import (
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// windowsOf returns the number of windows of c bits of a scalar in signed
// digits: one bit more than a scalar has, for the last carry.
func windowsOf(c int) int { return (scalarBits + c - 1) / c }

// digits are scalars in signed digits of c bits, lowest first: the scalar i is
// sum(d[i][w] * 2^(c*w)), with |d| <= 2^(c-1).
type digits struct {
	c, windows int
	flat       []int16 // by scalar and window
}

// of returns the digits of scalar i.
func (d *digits) of(i int) []int16 { return d.flat[i*d.windows : (i+1)*d.windows] }

// recode returns the digits of scalars. A scalar closer to the order than to 0
// is taken as the negative of a small one, so 1 and -1 cost one digit each.
func recode(scalars []fr.Element, c int) *digits {
	d := &digits{c: c, windows: windowsOf(c)}
	d.flat = make([]int16, len(scalars)*d.windows)
	for i := range scalars {
		recodeOne(d.of(i), &scalars[i], c)
	}
	return d
}

func recodeOne(out []int16, scalar *fr.Element, c int) {
	if scalar.IsZero() {
		return
	}
	sign := int16(1)
	words := scalar.Bits()
	if scalar.LexicographicallyLargest() {
		var negated fr.Element
		negated.Neg(scalar)
		words, sign = negated.Bits(), -1
	}
	half := int64(1) << (c - 1)
	var carry int64
	for w := range out {
		digit := int64(window(&words, w*c, c)) + carry
		carry = 0
		if digit > half {
			digit -= 2 * half
			carry = 1
		}
		out[w] = sign * int16(digit)
	}
}

// window returns c bits of a number from bit at on.
func window(words *[fr.Limbs]uint64, at, c int) uint64 {
	word, shift := at/64, at%64
	if word >= fr.Limbs {
		return 0
	}
	v := words[word] >> shift
	if shift+c > 64 && word+1 < fr.Limbs {
		v |= words[word+1] << (64 - shift)
	}
	return v & (1<<c - 1)
}

// windowBits returns the number of bits per window that takes the fewest
// additions for a sum over n random scalars. With tables, span is the number of
// bits that share bucket sets; else it is 0, and each window has its own.
func windowBits(n, span int) int {
	best, fewest := 0, 0
	for c := minWindow; c <= maxWindow; c++ {
		if span%c != 0 {
			continue
		}
		if count := additions(n, c, setsOf(c, span)); best == 0 || count < fewest {
			best, fewest = c, count
		}
	}
	return best
}

const (
	minWindow = 4
	maxWindow = 14 // digits fit int16, a set of buckets the processor's cache
)

// setsOf returns the number of bucket sets for windows of c bits.
func setsOf(c, span int) int {
	if span == 0 {
		return windowsOf(c)
	}
	return span / c
}

// additions counts the additions of a sum over n random scalars in windows of c
// bits. One in Jacobian coordinates takes about twice as long as one in a batch
// of affine ones.
func additions(n, c, sets int) int {
	const jacobian, perLine = 2, 2
	buckets := 1 << (c - 1)
	rows, columns := grid(c)
	return n*windowsOf(c) + sets*(2*buckets+jacobian*perLine*(rows+columns))
}

// grid returns the shape in which the 2^(c-1) buckets of a set are laid out to
// be summed: the digit d stands in row d/columns, column d%columns. Row 0 and
// column 0 weigh nothing.
func grid(c int) (rows, columns int) {
	columns = 1 << (c / 2)
	return 1<<(c-1)/columns + 1, columns
}

// bitLength returns the number of bits of the smaller of a scalar and its
// negative.
func bitLength(scalar *fr.Element) int {
	words := scalar.Bits()
	if scalar.LexicographicallyLargest() {
		var negated fr.Element
		negated.Neg(scalar)
		words = negated.Bits()
	}
	for i := fr.Limbs - 1; i >= 0; i-- {
		if words[i] != 0 {
			return 64*i + bits.Len64(words[i])
		}
	}
	return 0
}

// weight returns the number of scalars of full length that are as much work as
// the given ones.
func weight(scalars []fr.Element) int {
	total := 0
	for i := range scalars {
		total += bitLength(&scalars[i])
	}
	return (total + fr.Bits - 1) / fr.Bits
}
