package mpc

import (
	"context"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
)

// CheckSRS checks that an SRS, from wherever it comes, is what phase 1 makes for
// some tau, alpha and beta: that it begins with the generators, that every
// vector goes on by the one tau, that beta is the same in both groups, and that
// the secrets are not 0, 1 or -1, nor tau in the domain, where Groth16 is not
// sound. The points must be in their subgroups, as [ParseSRS] makes sure. It
// returns a [CheckError], or the error of ctx.
//
// Whether anybody knows tau is another question: that is what the contributions
// are for.
func CheckSRS(ctx context.Context, srs *SRS) error {
	if err := checkLengths(srs); err != nil {
		return &CheckError{Check: CheckEncoding, Err: err}
	}
	return verify(ctx, srsChecks(srs))
}

func checkLengths(srs *SRS) error {
	domain := domainOf(srs)
	if err := CheckDomain(domain); err != nil {
		return err
	}
	for _, part := range []struct {
		name      string
		got, want int
	}{
		{CheckTauPowersG1, len(srs.G1.Tau), 2*domain - 1},
		{CheckAlphaPowers, len(srs.G1.AlphaTau), domain},
		{CheckBetaPowers, len(srs.G1.BetaTau), domain},
	} {
		if part.got != part.want {
			return fmt.Errorf("%s: expected %d points, got %d", part.name, part.want, part.got)
		}
	}
	return nil
}

func srsChecks(srs *SRS) []check {
	_, _, g1, g2 := curve.Generators()
	checks := []check{
		{CheckGenerators, "the powers of tau do not begin with the generators of both groups", func() bool {
			return srs.G1.Tau[0].Equal(&g1) && srs.G2.Tau[0].Equal(&g2)
		}},
		{CheckTauValue, "tau is 0, or in the domain", func() bool {
			return !srs.G1.Tau[1].IsInfinity() && !srs.G1.Tau[domainOf(srs)].Equal(&g1)
		}},
		{CheckAlphaValue, "alpha is 0, 1 or -1", func() bool { return !isTrivialG1(&srs.G1.AlphaTau[0]) }},
		{CheckBetaValue, "beta is 0, 1 or -1", func() bool { return !isTrivialG1(&srs.G1.BetaTau[0]) }},
		{CheckBetaG2, "beta in G1 and in G2 are not the same multiple of the generators", func() bool {
			return sameRatio(&srs.G1.BetaTau[0], &g1, &srs.G2.Beta, &g2)
		}},
	}
	return append(checks, powersChecks(srs)...)
}

// powersChecks are the checks that every vector is a geometric sequence with the
// ratio tau, the one that the second point in G2 has.
func powersChecks(srs *SRS) []check {
	return []check{
		powersG1(CheckTauPowersG1, srs.G1.Tau, srs),
		powersG2(CheckTauPowersG2, srs.G2.Tau, srs),
		powersG1(CheckAlphaPowers, srs.G1.AlphaTau, srs),
		powersG1(CheckBetaPowers, srs.G1.BetaTau, srs),
	}
}

const notPowers = "the points do not all follow from the one before by the factor tau"

func powersG1(name string, points []curve.G1Affine, srs *SRS) check {
	return check{name, notPowers, func() bool {
		last := len(points) - 1
		w := weights(last)
		these, following := sumG1(points[:last], w), sumG1(points[1:], w)
		return sameRatio(&following, &these, &srs.G2.Tau[1], &srs.G2.Tau[0])
	}}
}

func powersG2(name string, points []curve.G2Affine, srs *SRS) check {
	return check{name, notPowers, func() bool {
		last := len(points) - 1
		w := weights(last)
		these, following := sumG2(points[:last], w), sumG2(points[1:], w)
		return sameRatio(&srs.G1.Tau[1], &srs.G1.Tau[0], &following, &these)
	}}
}
