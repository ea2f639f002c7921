package groth16prover

import (
	"math/big"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
)

// quotient returns the coefficients of h = (a*b - c)/(x^n - 1), given the values
// of a, b and c on the n-th roots of unity, where c = a*b. It takes the slices
// over.
//
// Let a*b = low + x^n*high, with low and high of degrees below n. Modulo x^n - 1
// that is low + high, which is c, so h = high. Modulo x^n - u, for u the n-th
// power of the coset's shift, it is low + u*high, which comes from values on the
// coset. Their difference is (u-1)*h: c never goes to the coset.
func quotient(a, b, c []fr.Element, domain *fft.Domain) []fr.Element {
	n := int(domain.Cardinality)
	var wg sync.WaitGroup
	for _, values := range []*[]fr.Element{&a, &b} {
		wg.Go(func() {
			*values = padded(*values, n)
			domain.FFTInverse(*values, fft.DIF, fft.WithNbTasks(1))
			domain.FFT(*values, fft.DIT, fft.OnCoset(), fft.WithNbTasks(1))
		})
	}
	c = padded(c, n)
	domain.FFTInverse(c, fft.DIF, fft.WithNbTasks(1))
	wg.Wait()
	ab := fr.Vector(a)
	ab.Mul(ab, b)
	domain.FFTInverse(a, fft.DIF, fft.OnCoset(), fft.WithNbTasks(1))
	var one, over fr.Element
	one.SetOne()
	over.Exp(domain.FrMultiplicativeGen, new(big.Int).SetUint64(domain.Cardinality))
	over.Sub(&over, &one).Inverse(&over)
	ab.Sub(ab, c)
	ab.ScalarMul(ab, &over)
	clear(b)
	clear(c)
	return a
}

// padded returns values with zeros up to n. If they have no room for them, it
// clears what it copied from.
func padded(values []fr.Element, n int) []fr.Element {
	if have := len(values); cap(values) >= n {
		clear(values[have:n])
		return values[:n]
	}
	out := make([]fr.Element, n)
	copy(out, values)
	clear(values)
	return out
}
