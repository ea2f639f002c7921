package ptau

import (
	"bytes"
	"context"
	"encoding/binary"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/mpc"
)

// MaxContributions bounds the contributions of a chain: the largest public
// ceremony had fewer than a hundred.
const MaxContributions = 256

// Chain is the contributions of a ceremony, beacons included. It is a section
// of a file, and of use without the rest: with a few points of the outcome,
// which may be a small part of the file's, it shows how they came to be.
type Chain struct {
	ceremonyPower int
	encoded       []byte
	contributions []contribution
}

// MaxChainSize is the size of the largest chain in bytes.
const MaxChainSize = 4 + MaxContributions*(fixedSize+maxParameters)

// ParseChain decodes the content of a contributions section, of a ceremony of the
// given power. It returns an [*Error].
func ParseChain(b []byte, ceremonyPower int) (*Chain, error) {
	if ceremonyPower < 1 || ceremonyPower > MaxPower {
		return nil, refuse("", CheckPower, "expected powers from 1 to %d, got %d", MaxPower, ceremonyPower)
	}
	if len(b) < 4 || len(b) > MaxChainSize {
		return nil, refuse(nameContributions, CheckFormat, "expected 4 to %d bytes, got %d", MaxChainSize, len(b))
	}
	count, rest := binary.LittleEndian.Uint32(b), b[4:]
	if count > MaxContributions || uint64(count) > uint64(len(rest)/fixedSize) {
		return nil, refuse(nameContributions, CheckFormat, "the section claims %d contributions, and has %d bytes", count, len(b))
	}
	c := &Chain{ceremonyPower, bytes.Clone(b), make([]contribution, count)}
	for i := range c.contributions {
		n, err := c.contributions[i].parse(rest)
		if err != nil {
			err.Section, err.Contribution = nameContributions, i+1
			return nil, err
		}
		rest = rest[n:]
	}
	if len(rest) != 0 {
		return nil, refuse(nameContributions, CheckFormat, "%d bytes follow the last contribution", len(rest))
	}
	return c, nil
}

// Bytes returns what [ParseChain] decodes.
func (c *Chain) Bytes() []byte { return bytes.Clone(c.encoded) }

// CeremonyPower returns the power of the ceremony, which is part of what the
// first contribution goes on from.
func (c *Chain) CeremonyPower() int { return c.ceremonyPower }

// Contributions returns all contributions in order, beacons included.
func (c *Chain) Contributions() []Contribution {
	out := make([]Contribution, len(c.contributions))
	for i := range c.contributions {
		one := &c.contributions[i]
		out[i] = Contribution{
			Number:   i + 1,
			Name:     printable(one.name),
			Response: one.response,
			Next:     one.next,
			Beacon:   one.beacon.clone(),
		}
	}
	return out
}

// Verify checks the chain, and that srs is what it led to. It does what "snarkjs
// powersoftau verify" does, and more: every contributor knew the secrets that
// they changed the accumulator by, none of these is 1, each contribution goes on
// from the one before, the beacons' keys follow from their values, the first
// powers of tau in srs, alpha and beta are those of the last contribution, and
// somebody contributed besides the beacons. That all of srs follows from its
// first points is for [mpc.CheckSRS].
//
// It returns an [*Error] or ctx's error. Progress counts contributions,
// and hashes of a beacon in between.
func (c *Chain) Verify(ctx context.Context, srs *mpc.SRS, progress Progress) error {
	last, err := c.verify(ctx, progress)
	if err != nil {
		return err
	}
	if len(srs.G1.Tau) < 2 || len(srs.G2.Tau) < 2 || len(srs.G1.AlphaTau) < 1 || len(srs.G1.BetaTau) < 1 {
		return refuse("", CheckPower, "expected at least two powers of tau")
	}
	return last.check(srs)
}

// verify checks all contributions and returns what they led to.
func (c *Chain) verify(ctx context.Context, progress Progress) (*accumulator, error) {
	if err := c.checkContributed(); err != nil {
		return nil, err
	}
	if err := c.checkEffort(); err != nil {
		return nil, err
	}
	previous := begin(c.ceremonyPower)
	for i := range c.contributions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next := &c.contributions[i]
		if err := next.verify(ctx, i+1, previous, progress); err != nil {
			return nil, err
		}
		previous = next
		if progress != nil {
			progress(stepContributions, i+1, len(c.contributions))
		}
	}
	return &previous.after, nil
}

// checkContributed makes sure that the secrets are not public: those of a new
// file are 1, and those of beacons anyone can compute.
func (c *Chain) checkContributed() error {
	for i := range c.contributions {
		if c.contributions[i].beacon == nil {
			return nil
		}
	}
	return refuse(nameContributions, CheckContributed,
		"expected at least one contribution besides beacons, got none: everybody can compute the file's secrets")
}

// begin returns what the first contribution goes on from: all secrets are 1.
func begin(ceremonyPower int) *contribution {
	_, _, g1, g2 := curve.Generators()
	return &contribution{
		after: accumulator{tau1: g1, alpha1: g1, beta1: g1, tau2: g2, beta2: g2},
		next:  firstChallenge(ceremonyPower),
	}
}

// verify checks a contribution against the one before.
func (c *contribution) verify(ctx context.Context, number int, previous *contribution, progress Progress) error {
	if err := c.verifyBeacon(ctx, number, previous, progress); err != nil {
		return err
	}
	for i, secret := range []struct {
		name            string
		key             *key
		before1, after1 *curve.G1Affine
		before2, after2 *curve.G2Affine
	}{
		{"tau", &c.keys.tau, &previous.after.tau1, &c.after.tau1, &previous.after.tau2, &c.after.tau2},
		{"alpha", &c.keys.alpha, &previous.after.alpha1, &c.after.alpha1, nil, nil},
		{"beta", &c.keys.beta, &previous.after.beta1, &c.after.beta1, &previous.after.beta2, &c.after.beta2},
	} {
		k := secret.key
		if k.s.Equal(&k.sx) {
			return refuseContribution(number, CheckKey, "the key for %s is 1, which changes nothing", secret.name)
		}
		sp := hashed(byte(i), previous.next, &k.s, &k.sx)
		if !sameRatio(&k.s, &k.sx, &sp, &k.spx) {
			return refuseContribution(number, CheckKey, "the key for %s is not the one that was proved", secret.name)
		}
		if !sameRatio(secret.before1, secret.after1, &sp, &k.spx) {
			return refuseContribution(number, CheckStep, "%s in G1 did not change by the key", secret.name)
		}
		if secret.before2 != nil && !sameRatio(&k.s, &k.sx, secret.before2, secret.after2) {
			return refuseContribution(number, CheckStep, "%s in G2 did not change by the key", secret.name)
		}
	}
	return nil
}

// sameRatio reports whether a -> b is by the same factor as c -> d, for finite
// points.
func sameRatio(a, b *curve.G1Affine, c, d *curve.G2Affine) bool {
	var minus curve.G1Affine
	minus.Neg(b)
	ok, err := curve.PairingCheck([]curve.G1Affine{*a, minus}, []curve.G2Affine{*d, *c})
	return err == nil && ok
}

// check compares the first points of an outcome, of at least two powers, with what
// the contributions led to.
func (a *accumulator) check(srs *mpc.SRS) error {
	if err := a.checkTau(srs.G1.Tau, srs.G2.Tau); err != nil {
		return err
	}
	return same([]comparison{
		{sectionAlphaTauG1, 0, CheckLast, srs.G1.AlphaTau[0].Equal(&a.alpha1)},
		{sectionBetaTauG1, 0, CheckLast, srs.G1.BetaTau[0].Equal(&a.beta1)},
		{sectionBetaG2, 0, CheckLast, srs.G2.Beta.Equal(&a.beta2)},
	})
}

// checkTau compares the first two powers of tau.
func (a *accumulator) checkTau(tau1 []curve.G1Affine, tau2 []curve.G2Affine) error {
	_, _, g1, g2 := curve.Generators()
	return same([]comparison{
		{sectionTauG1, 0, CheckGenerator, tau1[0].Equal(&g1)},
		{sectionTauG1, 1, CheckLast, tau1[1].Equal(&a.tau1)},
		{sectionTauG2, 0, CheckGenerator, tau2[0].Equal(&g2)},
		{sectionTauG2, 1, CheckLast, tau2[1].Equal(&a.tau2)},
	})
}

// comparison is of a point with the one that is expected.
type comparison struct {
	section uint32
	point   int
	check   Check
	equal   bool
}

func same(comparisons []comparison) error {
	for _, c := range comparisons {
		if !c.equal {
			err := refuse(names[c.section], c.check, "the point is another one")
			err.Point = c.point
			return err
		}
	}
	return nil
}
