package mpc

import (
	"context"
	"errors"

	"github.com/zkkex/zkkex"
)

// Names of checks, as a [CheckError] has them.
const (
	// CheckEncoding: the bytes have the one form and size, and every point is
	// canonical, on the curve, in the subgroup and finite.
	CheckEncoding = "encoding"
	// CheckChallenge: the contribution names the hash of the one before.
	CheckChallenge = "challenge"

	// CheckTauProof, CheckAlphaProof and CheckBetaProof: the contributor knew
	// its factor of tau, alpha and beta, and it is not one.
	CheckTauProof   = "proof of tau"
	CheckAlphaProof = "proof of alpha"
	CheckBetaProof  = "proof of beta"
	// CheckTau, CheckAlpha, CheckBetaG1 and CheckBetaG2: the point was scaled
	// by the factor that was proved.
	CheckTau    = "tau in G1"
	CheckAlpha  = "alpha in G1"
	CheckBetaG1 = "beta in G1"
	CheckBetaG2 = "beta in G2"
	// CheckTauPowersG1, CheckTauPowersG2, CheckAlphaPowers and
	// CheckBetaPowers: from point to point the factor is tau.
	CheckTauPowersG1 = "powers of tau in G1"
	CheckTauPowersG2 = "powers of tau in G2"
	CheckAlphaPowers = "powers of tau times alpha"
	CheckBetaPowers  = "powers of tau times beta"

	// CheckGenerators: the powers begin with the generators of both groups.
	CheckGenerators = "generators"
	// CheckTauValue, CheckAlphaValue and CheckBetaValue: the secret is not a
	// value that anyone would guess, or for which the setup is not sound.
	CheckTauValue   = "value of tau"
	CheckAlphaValue = "value of alpha"
	CheckBetaValue  = "value of beta"

	// CheckDeltaProof: the contributor knew its factor of delta, and it is
	// not one.
	CheckDeltaProof = "proof of delta"
	// CheckDeltaG1 and CheckDeltaG2: delta was scaled by that factor.
	CheckDeltaG1 = "delta in G1"
	CheckDeltaG2 = "delta in G2"
	// CheckZ and CheckK: the points were divided by that factor.
	CheckZ = "Z"
	CheckK = "K"
)

// CheckError is the first check that failed. It matches [zkkex.ErrMalformed] if
// that is [CheckEncoding] and [zkkex.ErrRejected] otherwise.
type CheckError struct {
	// Check is the name, one of the constants.
	Check string
	// Err is what was expected and what was found.
	Err error
}

// Error returns the name and the cause.
func (e *CheckError) Error() string { return e.Check + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *CheckError) Unwrap() error { return e.Err }

// Is reports whether target is the class of the error.
func (e *CheckError) Is(target error) bool {
	if e.Check == CheckEncoding {
		return target == zkkex.ErrMalformed
	}
	return target == zkkex.ErrRejected
}

// check is one thing to verify.
type check struct {
	name string
	// says is what is wrong if it does not hold.
	says  string
	holds func() bool
}

// verify runs checks in order and returns a [CheckError] for the first that does
// not hold.
func verify(ctx context.Context, checks []check) error {
	for _, c := range checks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !c.holds() {
			return &CheckError{Check: c.name, Err: errors.New(c.says)}
		}
	}
	return nil
}
