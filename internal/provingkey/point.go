package provingkey

import (
	"fmt"
	"runtime"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// Sizes of uncompressed points in bytes.
const (
	g1Size = curve.SizeOfG1AffineUncompressed
	g2Size = curve.SizeOfG2AffineUncompressed
)

func maxWorkers() int { return runtime.GOMAXPROCS(0) }

// decodeG1 decodes a finite point: x and y, big-endian. The flags of other
// forms make a coordinate too big to be canonical. G1 is the whole curve, so
// there is no subgroup to check.
func decodeG1(name string, p *curve.G1Affine, b []byte) error {
	if err := coordinates(b, &p.X, &p.Y); err != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrPoint, err)
	}
	if p.IsInfinity() || !p.IsOnCurve() {
		return fmt.Errorf("%s: %w: not on the curve", name, ErrPoint)
	}
	return nil
}

// decodeG2 decodes a finite point: the imaginary and the real part of x, then
// those of y.
func decodeG2(name string, p *curve.G2Affine, b []byte, trust Trust) error {
	if err := coordinates(b, &p.X.A1, &p.X.A0, &p.Y.A1, &p.Y.A0); err != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrPoint, err)
	}
	if p.IsInfinity() || !p.IsOnCurve() {
		return fmt.Errorf("%s: %w: not on the curve", name, ErrPoint)
	}
	if trust != Vetted && !p.IsInSubGroup() {
		return fmt.Errorf("%s: %w: not in the subgroup of prime order", name, ErrPoint)
	}
	return nil
}

func coordinates(b []byte, out ...*fp.Element) error {
	for i, e := range out {
		if err := e.SetBytesCanonical(b[i*fp.Bytes : (i+1)*fp.Bytes]); err != nil {
			return err
		}
	}
	return nil
}
