package ptau

import (
	"context"
	"math/bits"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	"github.com/consensys/gnark-crypto/ecc/bn254/mpcsetup"
)

// KZG returns the first size powers of tau in G1 and the first two in G2, for
// polynomials of less than size coefficients. Points and contributions are
// checked as [File.Groth16] does.
//
// It returns an [*Error], ctx's error or the reader's. Progress counts
// contributions, then the points of each section.
func (f *File) KZG(ctx context.Context, size int, progress Progress) (*kzg.SRS, error) {
	if size < 2 {
		return nil, refuse("", CheckPower, "expected at least 2 powers to be asked for, got %d", size)
	}
	if has := 2<<f.power - 1; size > has {
		return nil, refuse("", CheckPower, "too small: has power %d, which is %d powers of tau, needs %d, which is power %d",
			f.power, has, size, bits.Len(uint(size))-1)
	}
	last, err := f.verifyChain(ctx, progress)
	if err != nil {
		return nil, err
	}
	tau1, err := f.g1s(ctx, sectionTauG1, size, progress)
	if err != nil {
		return nil, err
	}
	tau2, err := f.g2s(ctx, sectionTauG2, 2, progress)
	if err != nil {
		return nil, err
	}
	if err := last.checkTau(tau1, tau2); err != nil {
		return nil, err
	}
	if err := checkPowers(tau1, tau2); err != nil {
		return nil, err
	}
	var srs kzg.SRS
	srs.Pk.G1 = tau1
	srs.Vk.G1 = tau1[0]
	srs.Vk.G2 = [2]curve.G2Affine(tau2)
	for i := range srs.Vk.Lines {
		srs.Vk.Lines[i] = curve.PrecomputeLines(srs.Vk.G2[i])
	}
	return &srs, nil
}

// checkPowers makes sure that points are powers of one tau, which is no root of
// unity that anyone would guess. That they begin with the generators is known.
func checkPowers(tau1 []curve.G1Affine, tau2 []curve.G2Affine) error {
	for i := 1; i < len(tau1); i++ {
		if tau1[i].Equal(&tau1[0]) {
			err := refuse(names[sectionTauG1], CheckTrivial, "expected powers that are not 1")
			err.Point = i
			return err
		}
	}
	if err := mpcsetup.SameRatioMany(tau1, tau2); err != nil {
		return refuse(names[sectionTauG1], CheckPowers, "the points are not the powers of one tau: %w", err)
	}
	return nil
}
