package wellformed

import (
	"errors"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
)

var (
	errProvingKey   = errors.New("in the proving key: not the one of the first phase")
	errVerifyingKey = errors.New("in the verifying key: not the one of the first phase")
	errDeltaKeys    = errors.New("the proving key and the verifying key have different ones")
	errDeltaGroups  = errors.New("the points in G1 and G2 are not the same multiple of the generators")
	errGamma        = errors.New("not the generator, which it is after every ceremony")
	errDeltaGamma   = errors.New("delta is gamma up to sign: no contribution to the second phase, anybody can forge")
)

func (c *checker) checkAlpha() error {
	return sameG1(&c.ProvingKey.G1.Alpha, &c.VerifyingKey.G1.Alpha, &c.SRS.G1.AlphaTau[0])
}

func (c *checker) checkBetaG1() error {
	return sameG1(&c.ProvingKey.G1.Beta, &c.VerifyingKey.G1.Beta, &c.SRS.G1.BetaTau[0])
}

func sameG1(pk, vk, want *curve.G1Affine) error {
	switch {
	case !pk.Equal(want):
		return errProvingKey
	case !vk.Equal(want):
		return errVerifyingKey
	}
	return nil
}

func (c *checker) checkBetaG2() error {
	switch want := &c.SRS.G2.Beta; {
	case !c.ProvingKey.G2.Beta.Equal(want):
		return errProvingKey
	case !c.VerifyingKey.G2.Beta.Equal(want):
		return errVerifyingKey
	}
	return nil
}

func (c *checker) checkDeltaKeys() error {
	pk, vk := c.ProvingKey, c.VerifyingKey
	if !pk.G1.Delta.Equal(&vk.G1.Delta) || !pk.G2.Delta.Equal(&vk.G2.Delta) {
		return errDeltaKeys
	}
	return nil
}

// checkDeltaGroups checks e(delta1, g2) = e(g1, delta2). Without it a proof's A
// and B would be blinded by what its C does not take away again.
func (c *checker) checkDeltaGroups() error {
	_, _, g1, g2 := curve.Generators()
	equal, err := samePairing(&c.ProvingKey.G1.Delta, &g2, &g1, &c.ProvingKey.G2.Delta)
	if err != nil {
		return err
	}
	if !equal {
		return errDeltaGroups
	}
	return nil
}

func (c *checker) checkGamma() error {
	_, _, _, g2 := curve.Generators()
	if !c.VerifyingKey.G2.Gamma.Equal(&g2) {
		return errGamma
	}
	return nil
}

// checkDeltaGamma compares x coordinates, which a point shares with its negative
// alone.
func (c *checker) checkDeltaGamma() error {
	if c.VerifyingKey.G2.Delta.X.Equal(&c.VerifyingKey.G2.Gamma.X) {
		return errDeltaGamma
	}
	return nil
}

// samePairing reports whether e(p, q) = e(r, s).
func samePairing(p *curve.G1Affine, q *curve.G2Affine, r *curve.G1Affine, s *curve.G2Affine) (bool, error) {
	var negative curve.G1Affine
	negative.Neg(r)
	return curve.PairingCheck([]curve.G1Affine{*p, negative}, []curve.G2Affine{*q, *s})
}
