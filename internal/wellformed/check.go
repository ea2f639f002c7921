// Package wellformed checks that a Groth16 proving key and a verifying key are
// those of a circuit and of the powers of tau of a setup's first phase, for some
// delta that is not trivial, however the keys were made and whatever their maker
// knew.
//
// That is what a prover needs: with such keys a proof's distribution depends on
// the verifying key and the public inputs alone, and every witness gives a proof
// (docs/design/0030-setup-verify.md). It is not what a verifier needs: whoever
// knows tau, alpha, beta or delta can forge with keys that pass.
//
// Nothing here uses the code that makes keys. A list of points is compared with
// what the circuit gives by one random linear combination of 128-bit weights, so
// that a wrong point passes with probability 2^-128. On the circuit's side the
// combination is one of polynomials, in field elements, and is evaluated at tau at
// the end, by one sum over the powers. Notation is that of ePrint 2018/691,
// figure 4, with gamma the generator.
package wellformed

import (
	"context"
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/relation"
)

// Names of the checks, in the order in which they run.
const (
	// Shape: every list is as long as the circuit says, nothing is committed.
	Shape = "shape"
	// Points: every point of both keys is on its curve, in the subgroup of prime
	// order and finite.
	Points = "points"
	// Domain: the constants of the domain are those of the circuit's size.
	Domain = "domain"
	// Alpha, BetaG1 and BetaG2: both keys have alpha and beta of the first phase.
	Alpha  = "alpha"
	BetaG1 = "beta in G1"
	BetaG2 = "beta in G2"
	// DeltaKeys: both keys have the same delta.
	DeltaKeys = "delta in both keys"
	// DeltaGroups: delta is the same in both groups.
	DeltaGroups = "delta in both groups"
	// Gamma: gamma is the generator.
	Gamma = "gamma"
	// DeltaGamma: delta is not gamma, up to sign.
	DeltaGamma = "delta is not gamma"
	// A, BInG1, BInG2, K, IC and Z: these points are the circuit's.
	A     = "A"
	BInG1 = "B in G1"
	BInG2 = "B in G2"
	K     = "K"
	IC    = "IC"
	Z     = "Z"
)

// Checks returns the names of all checks, in order.
func Checks() []string {
	return []string{Shape, Points, Domain, Alpha, BetaG1, BetaG2, DeltaKeys, DeltaGroups, Gamma, DeltaGamma,
		A, BInG1, BInG2, K, IC, Z}
}

// ErrNotRun is the outcome of a check that had no meaning, because an earlier one
// had failed, or that was not reached because the context ended.
var ErrNotRun = errors.New("not run")

// Keys is what is checked, and what against.
type Keys struct {
	// System is the compiled circuit.
	System *cs.R1CS
	// SRS is the result of the first phase, which [mpc.ParseSRS] and
	// [mpc.CheckSRS] accept or which follows from verified contributions.
	SRS *mpc.SRS
	// ProvingKey and VerifyingKey may come from anybody.
	ProvingKey   *gnark.ProvingKey
	VerifyingKey *gnark.VerifyingKey
}

// Result is the outcome of one check.
type Result struct {
	// Check is the name of the check.
	Check string
	// Err is nil if it passed. It wraps [ErrNotRun] if it did not run.
	Err error
}

// Check runs every check that makes sense and returns all outcomes in the order
// of [Checks]: if a list is too short or a point is not of its group, those that
// compute with points are not run. A failed comparison names a wrong point by its
// wire or index. Step, unless nil, is called before each check with its name and
// its number. When ctx ends, checks not yet begun are not run.
func Check(ctx context.Context, keys Keys, step func(check string, done, total int)) []Result {
	c := newChecker(keys)
	checks := c.all()
	results := make([]Result, len(checks))
	var unfit error
	for i, check := range checks {
		if step != nil {
			step(check.name, i, len(checks))
		}
		results[i].Check = check.name
		switch {
		case ctx.Err() != nil:
			results[i].Err = fmt.Errorf("%w: %w", ErrNotRun, ctx.Err())
		case unfit != nil:
			results[i].Err = unfit
		default:
			results[i].Err = check.run(ctx)
		}
		if check.first && unfit == nil && results[i].Err != nil {
			unfit = fmt.Errorf("%w: the check %q failed", ErrNotRun, check.name)
		}
	}
	return results
}

// checker holds the keys and what follows from the circuit.
type checker struct {
	Keys
	size   relation.Size
	domain *fft.Domain
}

func newChecker(keys Keys) *checker {
	size := relation.SizeOf(keys.System)
	return &checker{Keys: keys, size: size, domain: fft.NewDomain(uint64(size.Constraints))}
}

// n is the number of elements of the domain.
func (c *checker) n() int { return int(c.domain.Cardinality) }

// check is one check. The others make no sense if one of the first fails.
type check struct {
	name  string
	first bool
	run   func(ctx context.Context) error
}

func (c *checker) all() []check {
	plain := func(run func() error) func(context.Context) error {
		return func(context.Context) error { return run() }
	}
	return []check{
		{name: Shape, first: true, run: plain(c.checkShape)},
		{name: Points, first: true, run: c.checkPoints},
		{name: Domain, run: plain(c.checkDomain)},
		{name: Alpha, run: plain(c.checkAlpha)},
		{name: BetaG1, run: plain(c.checkBetaG1)},
		{name: BetaG2, run: plain(c.checkBetaG2)},
		{name: DeltaKeys, run: plain(c.checkDeltaKeys)},
		{name: DeltaGroups, run: plain(c.checkDeltaGroups)},
		{name: Gamma, run: plain(c.checkGamma)},
		{name: DeltaGamma, run: plain(c.checkDeltaGamma)},
		{name: A, run: c.compare("wire", 0, c.size.Wires(), c.holdsA)},
		{name: BInG1, run: c.compare("wire", 0, c.size.Wires(), c.holdsB1)},
		{name: BInG2, run: c.compare("wire", 0, c.size.Wires(), c.holdsB2)},
		{name: K, run: c.compare("wire", c.size.Public, c.size.Wires()-c.size.Public, c.holdsK)},
		{name: IC, run: c.compare("wire", 0, c.size.Public, c.holdsIC)},
		{name: Z, run: c.compare("power", 0, c.n()-1, c.holdsZ)},
	}
}
