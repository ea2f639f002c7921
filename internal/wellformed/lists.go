package wellformed

import (
	"math/bits"
	"slices"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
)

// Each function here reports whether the sum of a list of the keys, with the given
// weights, is what the circuit and the powers of tau give.

// holdsA: sum w_j A_j = (sum w_j a_j)(tau), in G1.
func (c *checker) holdsA(w []fr.Element) (bool, error) {
	want, err := sumG1(c.SRS.G1.Tau[:c.n()], c.polynomial(left, w))
	if err != nil {
		return false, err
	}
	got, err := sumG1(c.ProvingKey.G1.A, unflagged(c.ProvingKey.InfinityA, w))
	return got.Equal(&want), err
}

// holdsB1: the same for B.
func (c *checker) holdsB1(w []fr.Element) (bool, error) {
	want, err := sumG1(c.SRS.G1.Tau[:c.n()], c.polynomial(right, w))
	if err != nil {
		return false, err
	}
	got, err := sumG1(c.ProvingKey.G1.B, unflagged(c.ProvingKey.InfinityB, w))
	return got.Equal(&want), err
}

// holdsB2: the same for B in G2.
func (c *checker) holdsB2(w []fr.Element) (bool, error) {
	want, err := sumG2(c.SRS.G2.Tau, c.polynomial(right, w))
	if err != nil {
		return false, err
	}
	got, err := sumG2(c.ProvingKey.G2.B, unflagged(c.ProvingKey.InfinityB, w))
	return got.Equal(&want), err
}

// holdsK: e(sum w_j K_j, delta) = e(sum w_j (beta A_j + alpha B_j + C_j), g2), for
// the private wires.
func (c *checker) holdsK(w []fr.Element) (bool, error) {
	all := append(make([]fr.Element, c.size.Public), w...)
	return c.holdsQuotient(c.ProvingKey.G1.K, w, all, &c.ProvingKey.G2.Delta)
}

// holdsIC: the same for the public wires, with gamma for delta.
func (c *checker) holdsIC(w []fr.Element) (bool, error) {
	all := append(slices.Clone(w), make([]fr.Element, c.size.Wires()-c.size.Public)...)
	return c.holdsQuotient(c.VerifyingKey.G1.K, w, all, &c.VerifyingKey.G2.Gamma)
}

// holdsQuotient compares a list with what it is a multiple of: the divisor is
// known in G2 alone.
func (c *checker) holdsQuotient(list []curve.G1Affine, w, all []fr.Element, divisor *curve.G2Affine) (bool, error) {
	got, err := sumG1(list, w)
	if err != nil {
		return false, err
	}
	var want curve.G1Affine
	for _, term := range []struct {
		powers []curve.G1Affine
		column column
	}{{c.SRS.G1.BetaTau, left}, {c.SRS.G1.AlphaTau, right}, {c.SRS.G1.Tau[:c.n()], output}} {
		sum, err := sumG1(term.powers, c.polynomial(term.column, all))
		if err != nil {
			return false, err
		}
		want.Add(&want, &sum)
	}
	_, _, _, g2 := curve.Generators()
	return samePairing(&got, divisor, &want, &g2)
}

// holdsZ: e(sum w_i Z_i, delta) = e(sum w_i tau^i (tau^n - 1), g2), with Z in
// bit-reversed order.
func (c *checker) holdsZ(w []fr.Element) (bool, error) {
	n := c.n()
	shift := 64 - bits.TrailingZeros(uint(n))
	powers := make([]fr.Element, 2*n-1)
	reversed := make([]fr.Element, n-1)
	for i := range w {
		powers[i].Neg(&w[i])
		powers[i+n] = w[i]
		reversed[bits.Reverse64(uint64(i))>>shift] = w[i]
	}
	got, err := sumG1(c.ProvingKey.G1.Z, reversed)
	if err != nil {
		return false, err
	}
	want, err := sumG1(c.SRS.G1.Tau, powers)
	if err != nil {
		return false, err
	}
	_, _, _, g2 := curve.Generators()
	return samePairing(&got, &c.ProvingKey.G2.Delta, &want, &g2)
}

// column is one of the three linear expressions of a constraint L*R = O.
type column func(*constraint.R1C) constraint.LinearExpression

func left(r *constraint.R1C) constraint.LinearExpression   { return r.L }
func right(r *constraint.R1C) constraint.LinearExpression  { return r.R }
func output(r *constraint.R1C) constraint.LinearExpression { return r.O }

// polynomial returns the coefficients, lowest first, of the sum of the circuit's
// polynomials of one column, each with the weight of its wire. The polynomial of a
// wire takes at the i-th element of the domain the wire's coefficient in the i-th
// constraint.
func (c *checker) polynomial(column column, w []fr.Element) []fr.Element {
	values := make([]fr.Element, c.n())
	constraints := c.System.GetR1CIterator()
	for i, r := 0, constraints.Next(); r != nil; i, r = i+1, constraints.Next() {
		for _, term := range column(r) {
			var t fr.Element
			t.Mul(&c.System.Coefficients[term.CoeffID()], &w[term.WireID()])
			values[i].Add(&values[i], &t)
		}
	}
	c.interpolate(values)
	return values
}

// unflagged returns the weights of the wires that have a point.
func unflagged(infinity []bool, w []fr.Element) []fr.Element {
	out := make([]fr.Element, 0, len(w))
	for i := range w {
		if !infinity[i] {
			out = append(out, w[i])
		}
	}
	return out
}
