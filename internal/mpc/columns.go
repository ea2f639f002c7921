package mpc

import (
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// columns are the left, right and output matrices of a constraint system, by
// wire: the entry of a constraint is what the constraint multiplies the wire by.
type columns struct {
	left, right, output [][]entry // by wire
	coefficients        []signedDigits
}

// entry is a place in a column that is not zero.
type entry struct{ constraint, coefficient int32 }

func newColumns(system *cs.R1CS, wires int) *columns {
	c := &columns{left: make([][]entry, wires), right: make([][]entry, wires), output: make([][]entry, wires)}
	put := func(column [][]entry, i int, terms constraint.LinearExpression) {
		for _, t := range terms {
			wire := t.WireID()
			column[wire] = append(column[wire], entry{int32(i), int32(t.CoeffID())})
		}
	}
	constraints := system.GetR1CIterator()
	for i, r := 0, constraints.Next(); r != nil; i, r = i+1, constraints.Next() {
		put(c.left, i, r.L)
		put(c.right, i, r.R)
		put(c.output, i, r.O)
	}
	c.coefficients = make([]signedDigits, len(system.Coefficients))
	for i := range system.Coefficients {
		c.coefficients[i] = newSignedDigits(&system.Coefficients[i])
	}
	return c
}

// signedDigits is a number in width-4 non-adjacent form, lowest digit first: every
// digit is 0 or odd, between -7 and 7, and of four in a row at most one is not 0.
type signedDigits []int8

const (
	digitWidth = 4
	// oddMultiples is how many multiples of a point digits ask for: 1, 3, 5 and 7.
	oddMultiples = 1 << (digitWidth - 2)
)

// newSignedDigits takes an element closer to the order than to 0 as the negative
// of a small one, so that 1 and -1 cost the same.
func newSignedDigits(x *fr.Element) signedDigits {
	magnitude, negative := *x, x.LexicographicallyLargest()
	if negative {
		magnitude.Neg(x)
	}
	var k big.Int
	digits := make([]int8, fr.Bits+1)
	n := ecc.WnafDecomposition(magnitude.BigInt(&k), digitWidth, digits)
	digits = slices.Clone(digits[:n])
	if negative {
		for i := range digits {
			digits[i] = -digits[i]
		}
	}
	return digits
}

// multiples are the odd multiples of every point of a vector, as digits ask for
// them.
type multiples[A any] [][oddMultiples]A

// addMultiples adds their computation to w.
func addMultiples[J, A any, P summand[J], Q affine[J, A]](w *work, points []J) multiples[A] {
	out := make(multiples[A], len(points))
	w.add(len(points), func(start, end int) error {
		for i := start; i < end; i++ {
			multiple, twice := points[i], points[i]
			P(&twice).DoubleAssign()
			for j := range out[i] {
				Q(&out[i][j]).FromJacobian(&multiple)
				P(&multiple).AddAssign(&twice)
			}
		}
		return nil
	})
	return out
}

// term is a point times a coefficient.
type term[A any] struct {
	point  *[oddMultiples]A
	digits signedDigits
}

// appendTerms appends a column times a vector of points.
func appendTerms[A any](terms []term[A], points multiples[A], column []entry, coefficients []signedDigits) []term[A] {
	for _, e := range column {
		terms = append(terms, term[A]{&points[e.constraint], coefficients[e.coefficient]})
	}
	return terms
}

// sum adds terms up, with the doublings in common.
func sum[J, A any, P jacobian[J, A], Q affine[J, A]](terms []term[A]) J {
	length := 0
	for _, t := range terms {
		length = max(length, len(t.digits))
	}
	var total J
	var minus A // here, since it is allocated
	for at := length - 1; at >= 0; at-- {
		P(&total).DoubleAssign()
		for _, t := range terms {
			if at >= len(t.digits) {
				continue
			}
			switch d := t.digits[at]; {
			case d > 0:
				P(&total).AddMixed(&t.point[d/2])
			case d < 0:
				Q(&minus).Neg(&t.point[-d/2])
				P(&total).AddMixed(&minus)
			}
		}
	}
	return total
}
