package mpc

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"

	"github.com/zkkex/zkkex/internal/point"
)

// SRS is the result of phase 1, for every circuit of its domain: powers of tau
// in both groups, 2N-1 of them in G1 and N in G2 for a domain of N, N powers
// times alpha and times beta in G1, and beta in G2.
type SRS = mpcsetup.SrsCommons

// Bounds of a domain: the smallest has one power besides the first in each
// vector, of the largest a contribution has less than 2 GiB.
const (
	MinDomain = 1 << 1
	MaxDomain = 1 << 23
)

// CheckDomain returns an error unless domain is a power of two in the bounds.
func CheckDomain(domain int) error {
	if domain < MinDomain || domain > MaxDomain || bits.OnesCount(uint(domain)) != 1 {
		return fmt.Errorf("a domain of %d, expected a power of two from %d to %d", domain, MinDomain, MaxDomain)
	}
	return nil
}

// mustDomain panics where a domain is the caller's own number.
func mustDomain(domain int) {
	if err := CheckDomain(domain); err != nil {
		panic("mpc: " + err.Error())
	}
}

// SRSSize returns the size of an encoded SRS in bytes.
func SRSSize(domain int) int {
	return 8 + point.G2Size + (2*domain-2)*point.G1Size + (domain-1)*point.G2Size + 2*domain*point.G1Size
}

// ParseSRS decodes what [SRSBytes] wrote, strictly: the size is that of the
// domain, and every point is canonical, on the curve, in the subgroup and
// finite. It returns a [CheckError] of [CheckEncoding]. That the points are
// powers is checked by [CheckSRS].
func ParseSRS(b []byte, domain int) (*SRS, error) {
	if err := CheckDomain(domain); err != nil {
		return nil, &CheckError{Check: CheckEncoding, Err: err}
	}
	r, srs := read(b, SRSSize(domain)), new(SRS)
	r.srs(srs, domain)
	if err := r.finish(); err != nil {
		return nil, err
	}
	return srs, nil
}

// SRSBytes encodes an SRS: the domain (8 bytes, big-endian), beta in G2, the
// powers of tau in G1 and in G2 without the generators that they begin with, and
// the powers times beta and times alpha.
func SRSBytes(srs *SRS) []byte {
	return appendSRS(make([]byte, 0, SRSSize(domainOf(srs))), srs)
}

func appendSRS(b []byte, srs *SRS) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(domainOf(srs)))
	b = appendG2(b, srs.G2.Beta)
	b = appendG1(b, srs.G1.Tau[1:]...)
	b = appendG2(b, srs.G2.Tau[1:]...)
	b = appendG1(b, srs.G1.BetaTau...)
	return appendG1(b, srs.G1.AlphaTau...)
}

// srs reads an SRS into a place where it stays: points are decoded later.
func (r *reader) srs(srs *SRS, domain int) {
	r.number("domain", 8, domain)
	if r.err != nil {
		return
	}
	makeSRS(srs, domain)
	r.g2("beta in G2", &srs.G2.Beta)
	r.g1s("powers of tau in G1", srs.G1.Tau[1:])
	r.g2s("powers of tau in G2", srs.G2.Tau[1:])
	r.g1s("powers of tau times beta", srs.G1.BetaTau)
	r.g1s("powers of tau times alpha", srs.G1.AlphaTau)
}

// makeSRS makes room for a domain, with the generators in place.
func makeSRS(srs *SRS, domain int) {
	srs.G1.Tau = make([]curve.G1Affine, 2*domain-1)
	srs.G2.Tau = make([]curve.G2Affine, domain)
	srs.G1.AlphaTau = make([]curve.G1Affine, domain)
	srs.G1.BetaTau = make([]curve.G1Affine, domain)
	_, _, srs.G1.Tau[0], srs.G2.Tau[0] = curve.Generators()
}

// domainOf returns the domain of an SRS whose vectors have the right lengths.
func domainOf(srs *SRS) int { return len(srs.G2.Tau) }

// cloneSRS returns a copy that shares nothing.
func cloneSRS(srs *SRS) *SRS {
	c := *srs
	c.G1.Tau = slices.Clone(srs.G1.Tau)
	c.G1.AlphaTau = slices.Clone(srs.G1.AlphaTau)
	c.G1.BetaTau = slices.Clone(srs.G1.BetaTau)
	c.G2.Tau = slices.Clone(srs.G2.Tau)
	return &c
}
