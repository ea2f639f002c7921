package mpc

import (
	"context"
	"math/big"
	"math/bits"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
)

// lagrange are the Lagrange polynomials of a domain at tau, times the size of the
// domain, in all the forms that an SRS allows. The i-th is at position i.
type lagrange struct {
	tau1, alphaTau1, betaTau1 []curve.G1Jac
	tau2                      []curve.G2Jac
}

// newLagrange computes the Lagrange polynomials by inverse Fourier transforms of
// the powers of tau. It leaves the division by the size of the domain to whoever
// adds the points up: sums are fewer.
func newLagrange(ctx context.Context, srs *SRS, progress Progress) (*lagrange, error) {
	n := domainOf(srs)
	l := &lagrange{
		tau1:      lift[curve.G1Jac](srs.G1.Tau[:n]),
		alphaTau1: lift[curve.G1Jac](srs.G1.AlphaTau),
		betaTau1:  lift[curve.G1Jac](srs.G1.BetaTau),
		tau2:      lift[curve.G2Jac](srs.G2.Tau),
	}
	const vectors = 4
	twiddles := inverseRoots(n)
	levels := bits.TrailingZeros(uint(n))
	whole := newStep("Lagrange polynomials", vectors*levels*n/2, progress)
	for half := n / 2; half > 0; half /= 2 {
		w := whole.part()
		addLevel(w, l.tau1, half, twiddles)
		addLevel(w, l.alphaTau1, half, twiddles)
		addLevel(w, l.betaTau1, half, twiddles)
		addLevel(w, l.tau2, half, twiddles)
		if err := w.run(ctx); err != nil {
			return nil, err
		}
	}
	bitReverse(l.tau1)
	bitReverse(l.alphaTau1)
	bitReverse(l.betaTau1)
	bitReverse(l.tau2)
	return l, nil
}

// inverseRoots returns the first n/2 powers of the inverse of the domain's
// generator.
func inverseRoots(n int) []big.Int {
	domain := fft.NewDomain(uint64(n))
	roots := make([]big.Int, n/2)
	root := domain.GeneratorInv
	root.SetOne()
	for i := range roots {
		root.BigInt(&roots[i])
		root.Mul(&root, &domain.GeneratorInv)
	}
	return roots
}

// addLevel adds one level of a transform, decimated in frequency, to w: the
// butterflies between points that are half apart.
func addLevel[J any, P summand[J]](w *work, points []J, half int, twiddles []big.Int) {
	stride := len(twiddles) / half
	w.add(len(points)/2, func(start, end int) error {
		var difference J // here, since it is allocated
		for i := start; i < end; i++ {
			block, j := i/half, i%half
			a, b := &points[2*half*block+j], &points[2*half*block+j+half]
			difference = *a
			P(a).AddAssign(b)
			P(&difference).SubAssign(b)
			if j > 0 {
				P(&difference).ScalarMultiplication(&difference, &twiddles[j*stride])
			}
			*b = difference
		}
		return nil
	})
}

func lift[J, A any, P jacobian[J, A]](points []A) []J {
	out := make([]J, len(points))
	for i := range points {
		P(&out[i]).FromAffine(&points[i])
	}
	return out
}

// bitReverse puts the points of a power of two in the order of their indices read
// backwards.
func bitReverse[P any](points []P) {
	for i := range points {
		if j := reversed(i, len(points)); j > i {
			points[i], points[j] = points[j], points[i]
		}
	}
}

// reversed returns the bits of an index below n, a power of two, backwards.
func reversed(i, n int) int {
	return int(bits.Reverse64(uint64(i)) >> (64 - bits.TrailingZeros(uint(n))))
}
