package ptau

import (
	"context"
	"errors"
	"math/bits"

	"github.com/zkkex/zkkex/internal/mpc"
)

// Groth16 returns the powers for a Groth16 domain of the given size, a power of
// two: the first 2*domain-1 powers of tau in G1, and as many as the domain of
// all others. Every point is checked, all are powers of one tau, times alpha or
// beta, and the contributions are verified as [File.Verify] does, without the
// hash of all points.
//
// It returns an [*Error], ctx's error or the reader's.
// Progress counts contributions, then the points of each section.
func (f *File) Groth16(ctx context.Context, domain int, progress Progress) (*mpc.SRS, error) {
	if domain < 2 || bits.OnesCount(uint(domain)) != 1 {
		return nil, refuse("", CheckPower, "expected a domain that is a power of two, got %d", domain)
	}
	if need := bits.Len(uint(domain)) - 1; need > f.power {
		return nil, refuse("", CheckPower, "too small: has power %d, needs %d", f.power, need)
	}
	last, err := f.verifyChain(ctx, progress)
	if err != nil {
		return nil, err
	}
	srs, err := f.readSRS(ctx, domain, progress)
	if err != nil {
		return nil, err
	}
	if err := last.check(srs); err != nil {
		return nil, err
	}
	if err := checkSRS(ctx, srs); err != nil {
		return nil, err
	}
	return srs, nil
}

// checkSRS says of which section a check of the powers failed.
func checkSRS(ctx context.Context, srs *mpc.SRS) error {
	err := mpc.CheckSRS(ctx, srs)
	var failed *mpc.CheckError
	if !errors.As(err, &failed) {
		return err
	}
	switch failed.Check {
	case mpc.CheckTauPowersG1:
		return refuse(names[sectionTauG1], CheckPowers, "%w", err)
	case mpc.CheckTauPowersG2:
		return refuse(names[sectionTauG2], CheckPowers, "%w", err)
	case mpc.CheckAlphaPowers:
		return refuse(names[sectionAlphaTauG1], CheckPowers, "%w", err)
	case mpc.CheckBetaPowers:
		return refuse(names[sectionBetaTauG1], CheckPowers, "%w", err)
	case mpc.CheckBetaG2:
		return refuse(names[sectionBetaG2], CheckPowers, "%w", err)
	}
	return refuse("", CheckTrivial, "%w", err)
}

func (f *File) readSRS(ctx context.Context, domain int, progress Progress) (srs *mpc.SRS, err error) {
	srs = new(mpc.SRS)
	if srs.G1.Tau, err = f.g1s(ctx, sectionTauG1, 2*domain-1, progress); err != nil {
		return nil, err
	}
	if srs.G2.Tau, err = f.g2s(ctx, sectionTauG2, domain, progress); err != nil {
		return nil, err
	}
	if srs.G1.AlphaTau, err = f.g1s(ctx, sectionAlphaTauG1, domain, progress); err != nil {
		return nil, err
	}
	if srs.G1.BetaTau, err = f.g1s(ctx, sectionBetaTauG1, domain, progress); err != nil {
		return nil, err
	}
	beta, err := f.g2s(ctx, sectionBetaG2, 1, progress)
	if err != nil {
		return nil, err
	}
	srs.G2.Beta = beta[0]
	return srs, nil
}
