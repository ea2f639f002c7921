// Package knownwaste makes Groth16 keys from secrets that everybody can compute:
// the toxic waste of a setup, hashed from a public constant and the circuit's
// digest. Whoever has this program can forge proofs under such keys. They are for
// development and tests, and the same on every machine.
package knownwaste

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/domain"
)

// Waste are the secrets of a setup, in the notation of ePrint 2018/691, figure 4.
type Waste struct {
	// Tau is where the circuit's polynomials are evaluated.
	Tau                       fr.Element
	Alpha, Beta, Gamma, Delta fr.Element
	// G is the logarithm of the commitment key's generator of G2, and Sigma its
	// secret exponent.
	G, Sigma fr.Element
}

// Of returns the waste for a circuit of the given digest: each scalar is the hash of
// the digest and the scalar's name, twice 256 bits modulo the group's order.
func Of(circuit [32]byte) *Waste {
	scalar := func(name string) fr.Element {
		low := domain.Hash(domain.DevelopmentWaste, circuit[:], []byte(name), []byte{0})
		high := domain.Hash(domain.DevelopmentWaste, circuit[:], []byte(name), []byte{1})
		var e fr.Element
		e.SetBytes(append(low[:], high[:]...))
		return e
	}
	return &Waste{
		Tau: scalar("tau"), Alpha: scalar("alpha"), Beta: scalar("beta"), Gamma: scalar("gamma"),
		Delta: scalar("delta"), G: scalar("g"), Sigma: scalar("sigma"),
	}
}

// check returns an error for waste that gives no keys: a scalar is 0, or tau is in
// the domain of n elements.
func (w *Waste) check(n uint64) error {
	var vanishing fr.Element
	one := fr.One()
	vanishing.Exp(w.Tau, new(big.Int).SetUint64(n))
	vanishing.Sub(&vanishing, &one)
	for name, e := range map[string]*fr.Element{
		"tau^n - 1": &vanishing, "alpha": &w.Alpha, "beta": &w.Beta, "gamma": &w.Gamma, "delta": &w.Delta, "g": &w.G, "sigma": &w.Sigma,
	} {
		if e.IsZero() {
			return fmt.Errorf("development waste: %s is 0", name)
		}
	}
	return nil
}
