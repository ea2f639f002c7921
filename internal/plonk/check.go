package plonk

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/utils"
)

// Names of checks of a structured reference string.
const (
	CheckSize      = "size"
	CheckDomain    = "domain"
	CheckPoints    = "points"
	CheckGenerator = "generator"
	CheckTau       = "tau"
	CheckUnity     = "root of unity"
	CheckPowers    = "powers"
	CheckLagrange  = "Lagrange basis"
)

// CheckError names the check that a structured reference string failed.
type CheckError struct {
	// Check is one of the names.
	Check string
	// Err is what was expected.
	Err error
}

// Error names the check.
func (e *CheckError) Error() string { return e.Check + ": " + e.Err.Error() }

// Unwrap returns what was expected.
func (e *CheckError) Unwrap() error { return e.Err }

// Reasons for a [CheckError] that are about what points mean.
var (
	// ErrGenerator reports powers that do not begin with the generator.
	ErrGenerator = errors.New("the first power is not the generator")
	// ErrUnity reports a tau whose power of the domain's size is 1. What hides a
	// witness is a multiple of tau^n - 1: with it 0, proofs hide nothing.
	ErrUnity = errors.New("tau is a root of unity of the domain: proofs would not hide their witness")
	// ErrPowers reports points that are not the powers of one secret, the one in
	// G2.
	ErrPowers = errors.New("not the powers of the tau in G2")
	// ErrLagrange reports points that are not the Lagrange basis of the powers.
	ErrLagrange = errors.New("not the Lagrange basis of the powers")
)

// Check checks that s is a structured reference string: the powers of one tau,
// the one in G2, beginning with the generator; that tau is not 0, 1, -1, or another
// root of unity of the domain; and that the Lagrange basis is the powers'. The
// last two are checked for random combinations, with weights of 128 bits: a wrong
// string passes with a probability of 2^-127. It returns a [*CheckError].
//
// With such a string, proofs hide their witness whoever knows tau; whoever knows
// tau can forge.
func (s *SRS) Check() error {
	_, _, g1, _ := curve.Generators()
	if !s.Powers[0].Equal(&g1) {
		return &CheckError{CheckGenerator, ErrGenerator}
	}
	if err := checkTau(&s.Tau); err != nil {
		return &CheckError{CheckTau, err}
	}
	if s.Powers[s.Domain()].Equal(&g1) {
		return &CheckError{CheckUnity, ErrUnity}
	}
	if err := s.checkPowers(); err != nil {
		return &CheckError{CheckPowers, err}
	}
	if err := s.checkLagrange(); err != nil {
		return &CheckError{CheckLagrange, err}
	}
	return nil
}

// checkPowers checks e(sum r[i]*P[i+1], G2) = e(sum r[i]*P[i], tau).
func (s *SRS) checkPowers() error {
	weights := randomWeights(len(s.Powers) - 1)
	var next, these curve.G1Affine
	if _, err := next.MultiExp(s.Powers[1:], weights, ecc.MultiExpConfig{}); err != nil {
		return fmt.Errorf("summing the powers: %w", err)
	}
	if _, err := these.MultiExp(s.Powers[:len(weights)], weights, ecc.MultiExpConfig{}); err != nil {
		return fmt.Errorf("summing the powers: %w", err)
	}
	_, _, _, g2 := curve.Generators()
	these.Neg(&these)
	equal, err := curve.PairingCheck([]curve.G1Affine{next, these}, []curve.G2Affine{g2, s.Tau})
	if err != nil {
		return fmt.Errorf("pairing: %w", err)
	}
	if !equal {
		return ErrPowers
	}
	return nil
}

// checkLagrange checks that the sum of r[i]*L[i] commits to the polynomial with
// the values r[i].
func (s *SRS) checkLagrange() error {
	n := s.Domain()
	weights := randomWeights(n)
	var sum, commitment curve.G1Affine
	if _, err := sum.MultiExp(s.Lagrange, weights, ecc.MultiExpConfig{}); err != nil {
		return fmt.Errorf("summing the Lagrange basis: %w", err)
	}
	domain := fft.NewDomain(uint64(n))
	domain.FFTInverse(weights, fft.DIF)
	utils.BitReverse(weights)
	if _, err := commitment.MultiExp(s.Powers[:n], weights, ecc.MultiExpConfig{}); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	if !sum.Equal(&commitment) {
		return ErrLagrange
	}
	return nil
}

// randomWeights returns n numbers below 2^128, which nobody could foresee.
func randomWeights(n int) []fr.Element {
	random := make([]byte, 16*n)
	rand.Read(random) // never fails: it ends the program where there is no randomness
	out := make([]fr.Element, n)
	for i := range out {
		out[i].SetBytes(random[16*i : 16*(i+1)])
	}
	return out
}
