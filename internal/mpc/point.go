package mpc

import (
	"bytes"
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// Sizes of compressed points in bytes.
const (
	g1Size = curve.SizeOfG1AffineCompressed
	g2Size = curve.SizeOfG2AffineCompressed
)

// Reasons why a point is refused.
var (
	// ErrInfinity reports the point at infinity, where no honest contribution
	// has it.
	ErrInfinity = errors.New("at infinity")
	// ErrNotCanonical reports bytes that are not the one encoding of a point.
	ErrNotCanonical = errors.New("not the canonical encoding")
	// ErrNotOnCurve reports a coordinate of which the curve has no point.
	ErrNotOnCurve = errors.New("not on the curve")
	// ErrNotInSubgroup reports a point of G2's curve outside of the group.
	ErrNotInSubgroup = errors.New("not in the subgroup")
)

// parseG1 decodes exactly g1Size bytes.
func parseG1(p *curve.G1Affine, b []byte) error {
	if err := checkFlags(b); err != nil {
		return err
	}
	if _, err := p.SetBytes(b); err != nil {
		return whyRefused(b, err) // the order of G1 is prime: on the curve is in the subgroup
	}
	if again := p.Bytes(); !bytes.Equal(again[:], b) {
		return ErrNotCanonical
	}
	return nil
}

// parseG2 decodes exactly g2Size bytes.
func parseG2(p *curve.G2Affine, b []byte) error {
	if err := checkFlags(b); err != nil {
		return err
	}
	if _, err := p.SetBytes(b); err != nil {
		var outside curve.G2Affine
		unchecked := curve.NewDecoder(bytes.NewReader(b), curve.NoSubgroupChecks())
		if unchecked.Decode(&outside) == nil {
			return ErrNotInSubgroup
		}
		return whyRefused(b, err)
	}
	if again := p.Bytes(); !bytes.Equal(again[:], b) {
		return ErrNotCanonical
	}
	return nil
}

// Flags in the two highest bits of a point's first byte.
const (
	flagMask         = 0b11 << 6
	flagUncompressed = 0b00 << 6
	flagInfinity     = 0b01 << 6
)

func checkFlags(b []byte) error {
	switch b[0] & flagMask {
	case flagInfinity:
		return ErrInfinity
	case flagUncompressed:
		return fmt.Errorf("%w: not compressed", ErrNotCanonical)
	}
	return nil
}

// whyRefused tells apart why gnark-crypto did not decode a point: a coordinate
// that is not below the order of the field, or one that the curve does not have.
func whyRefused(b []byte, err error) error {
	for i := 0; i < len(b); i += fp.Bytes {
		coordinate := [fp.Bytes]byte(b[i:])
		if i == 0 {
			coordinate[0] &^= flagMask
		}
		if _, big := fp.BigEndian.Element(&coordinate); big != nil {
			return fmt.Errorf("%w: %w", ErrNotCanonical, big)
		}
	}
	return fmt.Errorf("%w: %w", ErrNotOnCurve, err)
}
