package groth16prover

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/utils"

	"github.com/zkkex/zkkex/internal/race"
)

// edgeScalars are the scalars whose digits are unusual.
func edgeScalars() fr.Vector {
	out := make(fr.Vector, 0, 600)
	for bit := range uint(fr.Bits) {
		var power, below fr.Element
		power.SetBigInt(new(big.Int).Lsh(big.NewInt(1), bit))
		below.Sub(&power, new(fr.Element).SetOne())
		out = append(out, power, below)
		out = append(out, *new(fr.Element).Neg(&power))
	}
	half := new(big.Int).Rsh(fr.Modulus(), 1)
	for _, offset := range []int64{-1, 0, 1, 2} {
		var e fr.Element
		e.SetBigInt(new(big.Int).Add(half, big.NewInt(offset)))
		out = append(out, e)
	}
	return append(out, fr.Element{}, fr.One())
}

func randomScalars(n int) fr.Vector {
	out := make(fr.Vector, n)
	out.MustSetRandom()
	return out
}

// The digits of a scalar stand for it, and are within bounds.
func TestRecode(t *testing.T) {
	scalars := append(edgeScalars(), randomScalars(50)...)
	for c := minWindow; c <= maxWindow; c++ {
		d := recode(scalars, c)
		for i := range scalars {
			sum := new(big.Int)
			for w := d.windows - 1; w >= 0; w-- {
				digit := int64(d.of(i)[w])
				if limit := int64(1) << (c - 1); digit > limit || digit < -limit {
					t.Fatalf("c=%d: digit %d of %v is %d", c, w, &scalars[i], digit)
				}
				sum.Lsh(sum, uint(c)).Add(sum, big.NewInt(digit))
			}
			var got fr.Element
			if got.SetBigInt(sum); !got.Equal(&scalars[i]) {
				t.Fatalf("c=%d: the digits of %v stand for %v", c, &scalars[i], &got)
			}
		}
	}
}

// 0 takes no digit, and 1 and -1 take one.
func TestBooleansAreCheap(t *testing.T) {
	minusOne := new(fr.Element).SetInt64(-1)
	for i, want := range []int{0, 1, 1} {
		scalar := []fr.Element{{}, fr.One(), *minusOne}[i]
		got := 0
		for _, digit := range recode([]fr.Element{scalar}, 8).flat {
			if digit != 0 {
				got++
			}
		}
		if got != want {
			t.Errorf("%v takes %d digits, want %d", &scalar, got, want)
		}
	}
	if got := weight(fr.Vector{{}, fr.One(), *minusOne, fr.One()}); got != 1 {
		t.Errorf("four booleans weigh %d", got)
	}
}

// TestAdders adds every pair of a few points, infinity among them.
func TestAdders(t *testing.T) {
	_, _, g1, g2 := curve.Generators()
	var multiples fr.Vector
	for i := range 7 {
		multiples = append(multiples, *new(fr.Element).SetInt64(int64(i - 3)))
	}
	p1, p2 := curve.BatchScalarMultiplicationG1(&g1, multiples), curve.BatchScalarMultiplicationG2(&g2, multiples)
	var work1, want1 []curve.G1Affine
	var work2, want2 []curve.G2Affine
	var pairs []pair
	for i := range multiples {
		for j := range multiples {
			pairs = append(pairs, pair{to: uint32(len(work1)), from: uint32(len(work1) + 1)})
			work1, work2 = append(work1, p1[i], p1[j]), append(work2, p2[i], p2[j])
			want1 = append(want1, *new(curve.G1Affine).Add(&p1[i], &p1[j]))
			want2 = append(want2, *new(curve.G2Affine).Add(&p2[i], &p2[j]))
		}
	}
	newAdder1().add(work1, pairs)
	newAdder2().add(work2, pairs)
	for i, pair := range pairs {
		if !work1[pair.to].Equal(&want1[i]) || !work2[pair.to].Equal(&want2[i]) {
			t.Errorf("%v + %v is wrong", &multiples[i/7], &multiples[i%7])
		}
	}
}

// TestMultiSum compares with gnark-crypto, in both groups, with and without
// tables, for sizes around those of a batch, and for bases that repeat or cancel.
func TestMultiSum(t *testing.T) {
	edges := edgeScalars()
	sizes := []int{0, 1, 2, 3, 17, batch + 1, len(edges)}
	if race.Enabled {
		sizes = sizes[:4] // a sum is the work of one goroutine
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			checkMultiSum(t, randomScalars(n), randomScalars(n))
			checkMultiSum(t, randomScalars(n), edges[:n])
			same := make(fr.Vector, n)
			for i := range same {
				same[i].SetInt64(int64(i%2*2 - 1))
			}
			checkMultiSum(t, same, randomScalars(n))
			checkMultiSum(t, same, same)
			checkMultiSum(t, randomScalars(n), make(fr.Vector, n))
		})
	}
}

func checkMultiSum(t *testing.T, logarithms, scalars fr.Vector) {
	t.Helper()
	var want fr.Element
	rows := make([]int32, len(scalars))
	for i := range scalars {
		rows[i] = int32(i)
		want.Add(&want, new(fr.Element).Mul(&scalars[i], &logarithms[i]))
	}
	if len(rows) > 2 { // leave one out
		rows[1] = -1
		want.Sub(&want, new(fr.Element).Mul(&scalars[1], &logarithms[1]))
	}
	_, _, g1, g2 := curve.Generators()
	want1 := new(curve.G1Affine).ScalarMultiplication(&g1, want.BigInt(new(big.Int)))
	want2 := new(curve.G2Affine).ScalarMultiplication(&g2, want.BigInt(new(big.Int)))
	p1, p2 := curve.BatchScalarMultiplicationG1(&g1, logarithms), curve.BatchScalarMultiplicationG2(&g2, logarithms)
	for _, span := range []int{0, quotientSpan, wireSpan} {
		m1, m2 := single(p1), single(p2)
		if span > 0 {
			m1, m2 = tabulate(newAdder1(), p1, span), tabulate(newAdder2(), p2, span)
		}
		for _, c := range []int{windowBits(weight(scalars), span), 13, 6, 4} {
			if span%c != 0 {
				continue
			}
			d := recode(scalars, c)
			got1 := sumG1(&m1, rows, d)
			got2 := sumG2(&m2, rows, d)
			if !new(curve.G1Affine).FromJacobian(&got1).Equal(want1) || !new(curve.G2Affine).FromJacobian(&got2).Equal(want2) {
				t.Errorf("span %d, c=%d: wrong sum", span, c)
			}
		}
	}
}

// The quotient is what its definition says, at a random point.
func TestQuotient(t *testing.T) {
	for _, constraints := range []int{5, 8, 100} {
		domain := fft.NewDomain(uint64(constraints))
		n := int(domain.Cardinality)
		a, b := randomScalars(constraints), randomScalars(constraints)
		c := make(fr.Vector, constraints)
		c.Mul(a, b)
		polynomials := make([]fr.Vector, 3)
		for i, values := range []fr.Vector{a, b, c} {
			p := make(fr.Vector, n)
			copy(p, values)
			domain.FFTInverse(p, fft.DIF)
			utils.BitReverse(p)
			polynomials[i] = p
		}
		h := quotient(a, b, c, domain)
		utils.BitReverse(h)
		if !h[n-1].IsZero() {
			t.Errorf("%d constraints: the degree is above n-2", constraints)
		}
		x := randomScalars(1)[0]
		evaluate := func(p []fr.Element) (sum fr.Element) {
			for i := len(p) - 1; i >= 0; i-- {
				sum.Mul(&sum, &x).Add(&sum, &p[i])
			}
			return sum
		}
		ax, bx, cx, hx := evaluate(polynomials[0]), evaluate(polynomials[1]), evaluate(polynomials[2]), evaluate(h)
		var left, right fr.Element
		left.Mul(&ax, &bx).Sub(&left, &cx)
		right.Exp(x, big.NewInt(int64(n)))
		right.Sub(&right, new(fr.Element).SetOne()).Mul(&right, &hx)
		if !left.Equal(&right) {
			t.Errorf("%d constraints: h*(x^n-1) is not a*b-c", constraints)
		}
	}
}

// reference1 and reference2 are gnark-crypto's sums.
func reference1(t *testing.T, points []curve.G1Affine, scalars []fr.Element) (sum curve.G1Jac) {
	t.Helper()
	if _, err := sum.MultiExp(points, scalars, ecc.MultiExpConfig{}); err != nil {
		t.Fatal(err)
	}
	return sum
}

func reference2(t *testing.T, points []curve.G2Affine, scalars []fr.Element) (sum curve.G2Jac) {
	t.Helper()
	if _, err := sum.MultiExp(points, scalars, ecc.MultiExpConfig{}); err != nil {
		t.Fatal(err)
	}
	return sum
}
