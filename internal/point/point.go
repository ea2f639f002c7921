// Package point reads compressed points of BN254, strictly: one encoding for
// each point, on the curve, in the subgroup of prime order, finite.
//
// Encodings are gnark-crypto's. A compressed point is its x coordinate,
// big-endian, with the sign of y in the two highest bits of the first byte: 0b10
// for the lexicographically smaller y, 0b11 for the larger one. Elements of Fp2
// have their imaginary part first.
package point

import (
	"bytes"
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// Sizes of compressed points in bytes.
const (
	G1Size = curve.SizeOfG1AffineCompressed
	G2Size = curve.SizeOfG2AffineCompressed
)

// Reasons why bytes are no point.
var (
	// ErrInfinity reports the point at infinity.
	ErrInfinity = errors.New("point at infinity")
	// ErrEncoding reports a point that is not in the one accepted encoding: its
	// flags are not those of a compressed point, or a coordinate is not below
	// the order of the base field.
	ErrEncoding = errors.New("not in the accepted encoding")
	// ErrNotOnCurve reports a coordinate without a point on the curve.
	ErrNotOnCurve = errors.New("not on the curve")
	// ErrSubgroup reports a point outside of the subgroup of prime order.
	ErrSubgroup = errors.New("not in the subgroup of prime order")
)

// Flags in the two highest bits of a point's first byte.
const (
	flagMask       = 0b11 << 6
	flagInfinity   = 0b01 << 6
	flagSmallestY  = 0b10 << 6
	flagLargestY   = 0b11 << 6
	coordinateMask = 0xff &^ flagMask
)

// ParseG1 decodes exactly G1Size bytes. It returns an error wrapping one of the
// package's reasons.
func ParseG1(p *curve.G1Affine, b []byte) error {
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

// ParseG2 decodes exactly G2Size bytes. It returns an error wrapping one of the
// package's reasons.
func ParseG2(p *curve.G2Affine, b []byte) error {
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
