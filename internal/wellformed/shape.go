package wellformed

import (
	"bytes"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark/constraint"
)

// checkShape compares every length with the circuit's, so that what follows can
// index without looking.
func (c *checker) checkShape() error {
	wires, public, n := c.size.Wires(), c.size.Public, c.n()
	pk, vk, srs := c.ProvingKey, c.VerifyingKey, c.SRS
	for _, list := range []struct {
		name      string
		got, want int
	}{
		{"powers of tau in G1", len(srs.G1.Tau), 2*n - 1},
		{"powers of tau with alpha", len(srs.G1.AlphaTau), n},
		{"powers of tau with beta", len(srs.G1.BetaTau), n},
		{"powers of tau in G2", len(srs.G2.Tau), n},
		{"flags for A", len(pk.InfinityA), wires},
		{"flags for B", len(pk.InfinityB), wires},
		{"A", len(pk.G1.A), count(pk.InfinityA, false)},
		{"B in G1", len(pk.G1.B), count(pk.InfinityB, false)},
		{"B in G2", len(pk.G2.B), count(pk.InfinityB, false)},
		{"A at infinity", int(pk.NbInfinityA), count(pk.InfinityA, true)},
		{"B at infinity", int(pk.NbInfinityB), count(pk.InfinityB, true)},
		{"K", len(pk.G1.K), wires - public},
		{"Z", len(pk.G1.Z), n - 1},
		{"IC", len(vk.G1.K), public},
		{"commitment keys of the proving key", len(pk.CommitmentKeys), 0},
		{"commitment keys of the verifying key", len(vk.CommitmentKeys), 0},
		{"lists of committed wires", len(vk.PublicAndCommitmentCommitted), 0},
		{"commitments of the circuit", commitments(c.System.CommitmentInfo), 0},
	} {
		if list.got != list.want {
			return fmt.Errorf("%s: expected %d, got %d", list.name, list.want, list.got)
		}
	}
	return nil
}

func count(flags []bool, value bool) int {
	n := 0
	for _, flag := range flags {
		if flag == value {
			n++
		}
	}
	return n
}

func commitments(info constraint.Commitments) int {
	if info == nil {
		return 0
	}
	return len(info.CommitmentIndexes())
}

// checkDomain compares the constants of the domain, as they are encoded.
func (c *checker) checkDomain() error {
	var want, got bytes.Buffer
	for _, side := range []struct {
		domain *fft.Domain
		out    *bytes.Buffer
	}{{c.domain, &want}, {&c.ProvingKey.Domain, &got}} {
		if _, err := side.domain.WriteTo(side.out); err != nil {
			return fmt.Errorf("encoding the domain: %w", err)
		}
	}
	if !bytes.Equal(want.Bytes(), got.Bytes()) {
		return fmt.Errorf("expected the constants of the domain of %d elements", c.n())
	}
	return nil
}
