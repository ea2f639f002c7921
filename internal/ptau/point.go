package ptau

import (
	"encoding/binary"
	"math/big"
	"math/bits"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Sizes of points in bytes. A point is x and y, a coordinate in G2 is its real
// part and its imaginary one, and each number is its four limbs in Montgomery
// form, least significant byte first.
const (
	g1Size = 2 * fp.Bytes
	g2Size = 4 * fp.Bytes
)

// modulus is the base field's modulus, and order the scalar field's, least
// significant limb first.
var (
	modulus = split(fp.Modulus())
	order   = split(fr.Modulus())
)

func split(n *big.Int) (limbs [4]uint64) {
	b := n.FillBytes(make([]byte, fp.Bytes))
	for i := range limbs {
		limbs[i] = binary.BigEndian.Uint64(b[fp.Bytes-8*(i+1):])
	}
	return limbs
}

// less reports whether a < b.
func less(a, b *[4]uint64) bool {
	var borrow uint64
	for i := range a {
		_, borrow = bits.Sub64(a[i], b[i], borrow)
	}
	return borrow == 1
}

// limbs decodes a number in Montgomery form, and reports whether it is less than
// the modulus.
func limbs(b []byte, e *fp.Element) bool {
	for i := range e {
		e[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return less((*[4]uint64)(e), &modulus)
}

// numbers decodes numbers that follow each other.
func numbers(b []byte, out ...*fp.Element) *Error {
	for i, e := range out {
		if !limbs(b[i*fp.Bytes:], e) {
			return refuse("", CheckCanonical, "expected coordinates less than the field's modulus, got %x", b[i*fp.Bytes:(i+1)*fp.Bytes])
		}
	}
	return nil
}

// decodeG1 decodes a finite point of G1. G1 is the whole curve, so there is no
// subgroup to check.
func decodeG1(b []byte, p *curve.G1Affine) *Error {
	if err := numbers(b, &p.X, &p.Y); err != nil {
		return err
	}
	if p.IsInfinity() {
		return refuse("", CheckInfinity, "expected a finite point")
	}
	if !p.IsOnCurve() {
		return refuse("", CheckOnCurve, "expected a point of BN254's G1")
	}
	return nil
}

// decodeG2 decodes a finite point of G2.
func decodeG2(b []byte, p *curve.G2Affine) *Error {
	if err := numbers(b, &p.X.A0, &p.X.A1, &p.Y.A0, &p.Y.A1); err != nil {
		return err
	}
	if p.IsInfinity() {
		return refuse("", CheckInfinity, "expected a finite point")
	}
	if !p.IsOnCurve() {
		return refuse("", CheckOnCurve, "expected a point of BN254's twist")
	}
	if !p.IsInSubGroup() {
		return refuse("", CheckSubgroup, "expected a point in the subgroup of prime order")
	}
	return nil
}

// uncompressed appends the form in which points are hashed: for each coordinate
// its numbers in reverse order, most significant byte first. b is one or more
// points of the given size; its numbers are known to be canonical only if ok.
func uncompressed(dst, b []byte, size int) (out []byte, ok bool) {
	var e fp.Element
	for half := size / 2; len(b) > 0; b = b[half:] {
		for i := half - fp.Bytes; i >= 0; i -= fp.Bytes {
			if !limbs(b[i:], &e) {
				return dst, false
			}
			number := e.Bytes()
			dst = append(dst, number[:]...)
		}
	}
	return dst, true
}
