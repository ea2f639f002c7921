package frost

import (
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
)

// evaluate returns the polynomial at x, modulo order. coefficients begin with the
// constant term.
func evaluate(order *big.Int, coefficients []*big.Int, x Identifier) *big.Int {
	at, sum := big.NewInt(int64(x)), new(big.Int)
	for i := len(coefficients) - 1; i >= 0; i-- {
		sum.Mul(sum, at)
		sum.Add(sum, coefficients[i])
		sum.Mod(sum, order)
	}
	return sum
}

// evaluatePublic returns base times the polynomial at x, from the commitments to
// its coefficients.
func evaluatePublic(s Ciphersuite, commitments []Element, x Identifier) Element {
	at, sum := big.NewInt(int64(x)), s.Identity()
	for i := len(commitments) - 1; i >= 0; i-- {
		sum = sum.Mul(at).Add(commitments[i])
	}
	return sum
}

// lagrange returns the coefficient of f(id) in f(x), for a polynomial given at
// known, in which id is (RFC 9591, section 4.2, for x = 0).
func lagrange(order *big.Int, known []Identifier, id, x Identifier) *big.Int {
	numerator, denominator := big.NewInt(1), big.NewInt(1)
	for _, other := range known {
		if other == id {
			continue
		}
		numerator.Mul(numerator, big.NewInt(int64(other)-int64(x)))
		numerator.Mod(numerator, order)
		denominator.Mul(denominator, big.NewInt(int64(other)-int64(id)))
		denominator.Mod(denominator, order)
	}
	denominator.ModInverse(denominator, order)
	numerator.Mul(numerator, denominator)
	return numerator.Mod(numerator, order)
}

// randomScalar returns a scalar in [1, order) whose bias is below 2^-256.
func randomScalar(order *big.Int) (*big.Int, error) {
	wide := make([]byte, (order.BitLen()+7)/8+32)
	defer clear(wide)
	for {
		if _, err := io.ReadFull(rand.Reader, wide); err != nil {
			return nil, fmt.Errorf("reading randomness: %w", err)
		}
		s := new(big.Int).SetBytes(wide)
		if s.Mod(s, order); s.Sign() != 0 {
			return s, nil
		}
	}
}
