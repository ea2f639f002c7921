package plonk

import (
	"encoding/binary"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"

	"github.com/zkkex/zkkex/internal/point"
)

// Sizes of uncompressed points in bytes.
const (
	rawG1Size = curve.SizeOfG1AffineUncompressed
	rawG2Size = curve.SizeOfG2AffineUncompressed
)

// extraPowers is the number of powers above the domain's that hiding takes.
const extraPowers = 3

// SRS is a structured reference string: powers of a secret tau that nobody must
// know, for one domain. It is the same for every circuit of the domain.
type SRS struct {
	// Powers are tau^i in G1, three more than the domain is large, from the
	// generator on.
	Powers []curve.G1Affine
	// Lagrange are the values of the domain's Lagrange polynomials at tau, in
	// G1. They follow from Powers, and take long to compute.
	Lagrange []curve.G1Affine
	// Tau is tau in G2.
	Tau curve.G2Affine
}

// Domain returns the size of the domain.
func (s *SRS) Domain() int { return len(s.Lagrange) }

// PowersFor returns the number of powers of tau that a domain takes.
func PowersFor(domain int) int { return domain + extraPowers }

// SRSSize returns the size in bytes of an encoded string for a domain.
func SRSSize(domain int) int { return 4 + (domain+PowersFor(domain))*rawG1Size + rawG2Size }

// NewSRS returns the string for a domain, of the first powers of tau in G1 and of
// tau in G2. It computes the Lagrange basis, which takes seconds, and checks
// nothing: see [SRS.Check]. It returns an error wrapping [ErrDomain] if the domain
// is none or there are too few powers.
func NewSRS(domain int, powers []curve.G1Affine, tau *curve.G2Affine) (*SRS, error) {
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	if least := PowersFor(domain); len(powers) < least {
		return nil, fmt.Errorf("%w: %d powers of tau, expected at least %d", ErrDomain, len(powers), least)
	}
	powers = powers[:PowersFor(domain)]
	lagrange, err := kzg.ToLagrangeG1(powers[:domain])
	if err != nil {
		return nil, fmt.Errorf("computing the Lagrange basis: %w", err)
	}
	return &SRS{Powers: powers, Lagrange: lagrange, Tau: *tau}, nil
}

// Bytes returns the encoding that [ParseSRS] reads.
func (s *SRS) Bytes() []byte {
	out := binary.BigEndian.AppendUint32(make([]byte, 0, SRSSize(s.Domain())), uint32(s.Domain()))
	for _, points := range [][]curve.G1Affine{s.Powers, s.Lagrange} {
		for i := range points {
			b := points[i].RawBytes()
			out = append(out, b[:]...)
		}
	}
	tau := s.Tau.RawBytes()
	return append(out, tau[:]...)
}

// ParseSRS decodes a string for a domain: the domain (uint32, big-endian), the
// powers, the Lagrange basis, and tau in G2, uncompressed. Every point is on the
// curve, in the subgroup and finite. What the points mean is for [SRS.Check] to
// find out. It returns an error wrapping a [*CheckError].
func ParseSRS(b []byte, domain int) (*SRS, error) {
	if err := checkDomain(domain); err != nil {
		return nil, &CheckError{CheckDomain, err}
	}
	if want := SRSSize(domain); len(b) != want {
		return nil, &CheckError{CheckSize, fmt.Errorf("%w: expected %d bytes for a domain of %d, got %d", ErrLength, want, domain, len(b))}
	}
	if got := binary.BigEndian.Uint32(b); got != uint32(domain) {
		return nil, &CheckError{CheckDomain, fmt.Errorf("%w: expected %d, got %d", ErrDomain, domain, got)}
	}
	s := &SRS{Powers: make([]curve.G1Affine, PowersFor(domain)), Lagrange: make([]curve.G1Affine, domain)}
	b = b[4:]
	for _, part := range []struct {
		name   string
		points []curve.G1Affine
	}{{"power", s.Powers}, {"Lagrange point", s.Lagrange}} {
		for i := range part.points {
			if err := decodeG1(&part.points[i], b[:rawG1Size]); err != nil {
				return nil, &CheckError{CheckPoints, fmt.Errorf("%s %d: %w", part.name, i, err)}
			}
			b = b[rawG1Size:]
		}
	}
	if err := decodeG2(&s.Tau, b); err != nil {
		return nil, &CheckError{CheckPoints, fmt.Errorf("tau in G2: %w", err)}
	}
	return s, nil
}

// decodeG1 decodes a finite point: x and y, big-endian. The flags of other forms
// make a coordinate too big to be canonical. G1 is the whole curve, so there is no
// subgroup to check.
func decodeG1(p *curve.G1Affine, b []byte) error {
	if err := coordinates(b, &p.X, &p.Y); err != nil {
		return err
	}
	if p.IsInfinity() {
		return point.ErrInfinity
	}
	if !p.IsOnCurve() {
		return point.ErrNotOnCurve
	}
	return nil
}

// decodeG2 decodes a finite point: the imaginary and the real part of x, then
// those of y.
func decodeG2(p *curve.G2Affine, b []byte) error {
	if err := coordinates(b, &p.X.A1, &p.X.A0, &p.Y.A1, &p.Y.A0); err != nil {
		return err
	}
	if p.IsInfinity() {
		return point.ErrInfinity
	}
	if !p.IsOnCurve() {
		return point.ErrNotOnCurve
	}
	if !p.IsInSubGroup() {
		return point.ErrSubgroup
	}
	return nil
}

func coordinates(b []byte, out ...*fp.Element) error {
	for i, e := range out {
		if err := e.SetBytesCanonical(b[i*fp.Bytes : (i+1)*fp.Bytes]); err != nil {
			return point.ErrEncoding
		}
	}
	return nil
}
