package groth16

import (
	"bytes"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// Sizes of compressed points in bytes.
const (
	g1Size = curve.SizeOfG1AffineCompressed
	g2Size = curve.SizeOfG2AffineCompressed
)

// Flags in the two highest bits of a point's first byte.
const (
	flagMask       = 0b11 << 6
	flagInfinity   = 0b01 << 6
	flagSmallestY  = 0b10 << 6
	flagLargestY   = 0b11 << 6
	coordinateMask = 0xff &^ flagMask
)

// parseG1 decodes exactly g1Size bytes.
func parseG1(p *curve.G1Affine, b []byte) error {
	if err := checkEncoding(b); err != nil {
		return err
	}
	if _, err := p.SetBytes(b); err != nil {
		return fmt.Errorf("%w: %w", ErrNotOnCurve, err) // G1 has prime order: on the curve is in the subgroup
	}
	if again := p.Bytes(); !bytes.Equal(again[:], b) {
		return ErrEncoding
	}
	return nil
}

// parseG2 decodes exactly g2Size bytes.
func parseG2(p *curve.G2Affine, b []byte) error {
	if err := checkEncoding(b); err != nil {
		return err
	}
	if _, err := p.SetBytes(b); err != nil {
		return fmt.Errorf("%w: %w", whyNotInG2(b), err)
	}
	if again := p.Bytes(); !bytes.Equal(again[:], b) {
		return ErrEncoding
	}
	return nil
}

// whyNotInG2 tells the two reasons apart for which gnark-crypto refuses a
// coordinate that is canonical.
func whyNotInG2(b []byte) error {
	var p curve.G2Affine
	unchecked := curve.NewDecoder(bytes.NewReader(b), curve.NoSubgroupChecks())
	if err := unchecked.Decode(&p); err != nil {
		return ErrNotOnCurve
	}
	return ErrSubgroup
}

// checkEncoding checks the flags of a compressed point and that each of its
// coordinates is below the order of the base field.
func checkEncoding(b []byte) error {
	switch b[0] & flagMask {
	case flagSmallestY, flagLargestY:
	case flagInfinity:
		return ErrInfinity
	default:
		return fmt.Errorf("%w: not a compressed point", ErrEncoding)
	}
	for i := 0; i < len(b); i += fp.Bytes {
		coordinate := [fp.Bytes]byte(b[i:])
		if i == 0 {
			coordinate[0] &= coordinateMask
		}
		if _, err := fp.BigEndian.Element(&coordinate); err != nil {
			return fmt.Errorf("%w: %w", ErrEncoding, err)
		}
	}
	return nil
}
