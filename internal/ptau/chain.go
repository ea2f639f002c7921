package ptau

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"golang.org/x/crypto/blake2b"
)

// maxVerifiedExponent bounds the beacons that are computed: 2^32 hashes take
// some minutes.
const maxVerifiedExponent = 32

// Verify checks the chain of contributions as "snarkjs powersoftau verify" does,
// and more: every contributor knew the secrets that they changed the accumulator
// by, none of these is 1, each contribution goes on from the one before, the
// beacons' keys follow from their values, the file's points are those of the
// last contribution, and somebody contributed besides the beacons.
//
// In a file that was not truncated it also compares the hash of all points with
// the one in the last contribution, which reads most of the file. In a truncated
// one nothing can be compared: the hash is over what was cut off.
//
// What is not shown, since no file can show it: who the contributors were. See
// [Contribution].
//
// It returns an [*Error], ctx's error or the reader's. Progress counts
// contributions, then MiB.
func (f *File) Verify(ctx context.Context, progress Progress) error {
	if err := f.verifyChain(ctx, progress); err != nil {
		return err
	}
	return f.verifyChallenge(ctx, progress)
}

// verifyChain checks all contributions. What it found to be true it does not
// check again.
func (f *File) verifyChain(ctx context.Context, progress Progress) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.verified {
		return nil
	}
	if err := f.checkContributed(); err != nil {
		return err
	}
	previous := begin(f.ceremonyPower)
	for i := range f.contributions {
		if err := ctx.Err(); err != nil {
			return err
		}
		c := &f.contributions[i]
		if err := c.verify(ctx, i+1, previous); err != nil {
			return err
		}
		previous = c
		if progress != nil {
			progress(stepContributions, i+1, len(f.contributions))
		}
	}
	if err := f.checkLast(&previous.after); err != nil {
		return err
	}
	f.verified = true
	return nil
}

// checkContributed makes sure that the secrets are not public: those of a new
// file are 1, and those of beacons anyone can compute.
func (f *File) checkContributed() error {
	for i := range f.contributions {
		if f.contributions[i].beacon == nil {
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
func (c *contribution) verify(ctx context.Context, number int, previous *contribution) error {
	if err := c.verifyBeacon(ctx, number, previous); err != nil {
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

// verifyBeacon computes a beacon's keys and compares them.
func (c *contribution) verifyBeacon(ctx context.Context, number int, previous *contribution) error {
	if c.beacon == nil {
		return nil
	}
	if c.beacon.Exponent > maxVerifiedExponent {
		return refuseContribution(number, CheckBeacon,
			"the beacon takes 2^%d hashes, and at most 2^%d are computed", c.beacon.Exponent, maxVerifiedExponent)
	}
	seed, err := c.beacon.seed(ctx)
	if err != nil {
		return err
	}
	if want := beaconKeys(seed, previous.next); want != c.keys {
		return refuseContribution(number, CheckBeacon, "the keys do not follow from the beacon's value")
	}
	return nil
}

// seed hashes the beacon's value as often as it says.
func (b *Beacon) seed(ctx context.Context) ([]byte, error) {
	const between = 1 << 20
	sum := sha256.Sum256(b.Value)
	for i := uint64(1); i < 1<<b.Exponent; i++ {
		if i%between == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		sum = sha256.Sum256(sum[:])
	}
	return sum[:], nil
}

// beaconKeys returns the keys that follow from a beacon's seed.
func beaconKeys(seed []byte, challenge [blake2b.Size]byte) keys {
	g := newGenerator(seed)
	tau, alpha, beta := g.scalar(), g.scalar(), g.scalar()
	var out keys
	out.tau = newKey(g, 0, tau, challenge)
	out.alpha = newKey(g, 1, alpha, challenge)
	out.beta = newKey(g, 2, beta, challenge)
	return out
}

// newKey proves that a secret is known. The number is 0 for tau, 1 for alpha and
// 2 for beta.
func newKey(g *generator, number byte, secret *big.Int, challenge [blake2b.Size]byte) key {
	var k key
	k.s = g.g1()
	k.sx.ScalarMultiplication(&k.s, secret)
	sp := hashed(number, challenge, &k.s, &k.sx)
	k.spx.ScalarMultiplication(&sp, secret)
	return k
}

// checkLast compares the first points of the file's sections with those of the
// last contribution.
func (f *File) checkLast(last *accumulator) error {
	_, _, g1, g2 := curve.Generators()
	for _, want := range []struct {
		section uint32
		point   int
		check   Check
		bytes   []byte
	}{
		{sectionTauG1, 0, CheckGenerator, encodeG1(&g1)},
		{sectionTauG1, 1, CheckLast, encodeG1(&last.tau1)},
		{sectionTauG2, 0, CheckGenerator, encodeG2(&g2)},
		{sectionTauG2, 1, CheckLast, encodeG2(&last.tau2)},
		{sectionAlphaTauG1, 0, CheckLast, encodeG1(&last.alpha1)},
		{sectionBetaTauG1, 0, CheckLast, encodeG1(&last.beta1)},
		{sectionBetaG2, 0, CheckLast, encodeG2(&last.beta2)},
	} {
		s := f.sections[want.section]
		at := s.offset + int64(want.point*len(want.bytes))
		got, err := read(f.r, f.size, s.name, at, len(want.bytes))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want.bytes) {
			err := refuse(s.name, want.check, "expected %x, got %x", want.bytes, got)
			err.Point = want.point
			return err
		}
	}
	return nil
}

// verifyChallenge compares the hash of all points with the last contribution's,
// if all points are there.
func (f *File) verifyChallenge(ctx context.Context, progress Progress) error {
	if f.power != f.ceremonyPower {
		return nil
	}
	last := &f.contributions[len(f.contributions)-1]
	count := counter{step: stepChallenge, progress: progress}
	for number := uint32(sectionTauG1); number <= sectionBetaG2; number++ {
		count.total += f.sections[number].size
	}
	h := newHash()
	h.Write(last.response[:])
	out := make([]byte, 0, chunkSize)
	for number := uint32(sectionTauG1); number <= sectionBetaG2; number++ {
		s, size := f.sections[number], g1Size
		if number == sectionTauG2 || number == sectionBetaG2 {
			size = g2Size
		}
		err := f.hash(ctx, h, s, &count, func(chunk []byte, at int64) ([]byte, error) {
			b, ok := uncompressed(out[:0], chunk, size)
			if !ok {
				return nil, refuse(s.name, CheckCanonical, "expected coordinates less than the field's modulus, from byte %d of the section on", at)
			}
			return b, nil
		})
		if err != nil {
			return err
		}
	}
	if got := h.Sum(nil); !bytes.Equal(got, last.next[:]) {
		return refuseContribution(len(f.contributions), CheckChallenge, "expected %x, the file's points give %x", last.next, got)
	}
	return nil
}
