// Package knowntau makes structured reference strings for PLONK from a secret that
// its caller knows, and could forge with: for tests, and for benchmarks that throw
// them away. No parameter set that is written comes from here.
package knowntau

import (
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"

	"github.com/zkkex/zkkex/internal/plonk"
)

// SRS returns the structured reference string of a secret for a domain. With the
// secret known, the Lagrange basis takes no longer than the powers.
func SRS(domain int, tau fr.Element) *plonk.SRS {
	_, _, g1, g2 := curve.Generators()
	s := &plonk.SRS{
		Powers:   curve.BatchScalarMultiplicationG1(&g1, powers(plonk.PowersFor(domain), tau)),
		Lagrange: curve.BatchScalarMultiplicationG1(&g1, lagrange(domain, tau)),
	}
	s.Tau.FromJacobian(new(curve.G2Jac).ScalarMultiplication(new(curve.G2Jac).FromAffine(&g2), tau.BigInt(new(big.Int))))
	return s
}

func powers(n int, tau fr.Element) []fr.Element {
	out := make([]fr.Element, n)
	out[0].SetOne()
	for i := 1; i < n; i++ {
		out[i].Mul(&out[i-1], &tau)
	}
	return out
}

// lagrange returns omega^i (tau^n - 1) / (n (tau - omega^i)), for every i.
func lagrange(n int, tau fr.Element) []fr.Element {
	domain := fft.NewDomain(uint64(n))
	var numerator, one fr.Element
	one.SetOne()
	numerator.Exp(tau, new(big.Int).SetInt64(int64(n)))
	numerator.Sub(&numerator, &one).Mul(&numerator, &domain.CardinalityInv)
	out, root := make([]fr.Element, n), one
	for i := range out {
		out[i].Sub(&tau, &root)
		root.Mul(&root, &domain.Generator)
	}
	out, root = fr.BatchInvert(out), one
	for i := range out {
		out[i].Mul(&out[i], &numerator).Mul(&out[i], &root)
		root.Mul(&root, &domain.Generator)
	}
	return out
}
