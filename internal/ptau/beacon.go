package ptau

import (
	"context"
	"crypto/sha256"
	"math/big"

	"golang.org/x/crypto/blake2b"
)

// maxHashes bounds what is computed for the beacons of a chain together: some
// minutes.
const maxHashes = 1 << 32

// checkEffort bounds the work before any is done.
func (c *Chain) checkEffort() error {
	left := uint64(maxHashes)
	for i := range c.contributions {
		b := c.contributions[i].beacon
		if b == nil {
			continue
		}
		if hashes := uint64(1) << b.Exponent; hashes > left {
			return refuseContribution(i+1, CheckEffort, "the beacon takes 2^%d hashes, and at most 2^32 are computed for a file", b.Exponent)
		}
		left -= 1 << b.Exponent
	}
	return nil
}

// verifyBeacon computes a beacon's keys and compares them.
func (c *contribution) verifyBeacon(ctx context.Context, number int, previous *contribution, progress Progress) error {
	if c.beacon == nil {
		return nil
	}
	seed, err := c.beacon.seed(ctx, progress)
	if err != nil {
		return err
	}
	if want := beaconKeys(seed, previous.next); want != c.keys {
		return refuseContribution(number, CheckBeacon, "the keys do not follow from the beacon's value")
	}
	return nil
}

// seed hashes the beacon's value as often as it says. Progress counts 2^20
// hashes.
func (b *Beacon) seed(ctx context.Context, progress Progress) ([]byte, error) {
	const between = 1 << 20
	total := uint64(1) << b.Exponent
	sum := sha256.Sum256(b.Value)
	for i := uint64(1); i < total; i++ {
		if i%between == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if progress != nil {
				progress(stepBeacon, int(i/between), int(total/between))
			}
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
