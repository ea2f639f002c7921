package circuits

import (
	"fmt"
	"math/big"
)

// ECWindows is the number of windows of a scalar on P-256 or secp256k1, of eight
// bits each. The top one has no sign.
const ECWindows = 32

// ecWindowBits is the width of a window, one of them the sign.
const ecWindowBits = 8

// ECDigits is a scalar of a curve of prime order n, 2^256 - 2^248 < n < 2^256, in
// signed odd digits:
//
//	x = sum(d_i * 256^i, i < 31) + T_m
//	T_m = (2m+1) * 2^248      for m < 127
//	T_127 = n - 1 - 2^248
//
// with d_i odd and |d_i| <= 255. See "fixed base" in
// docs/spec/circuit-ecdsa-key.md.
//
// Every key has a string: of k and n-k one is odd, both belong to one x
// coordinate, and x is all that the leaf takes. T_m + S, for odd S between
// -2^248 and 2^248, covers the odd numbers from 1 to 2^256 - 2^249 for m < 127,
// and with T_127 those up to n - 2. No string has the sum 0 modulo n.
//
// # Why incomplete additions are complete here
//
// Let S_i be the sum of the first i windows, |S_i| <= 256^i - 1. The next term t,
// below the top, has 256^i <= |t| <= 255*256^i. So 0 < |S_i +- t| < 256^(i+1) <=
// 2^248 < n. At the top, 2^248 <= T_m <= n - 1 - 2^248, and |S_31| <= 2^248 - 1,
// so that 0 < T_m +- S_31 < n. In each sum the two points are therefore neither
// equal nor opposite, whatever the digits, and neither is infinity: no slope is
// 0/0. No assumption about discrete logarithms is needed.
type ECDigits struct {
	// Window holds d_i = (-1)^(1-Sign) * (2*Magnitude + 1). Here, a magnitude has
	// seven bits.
	Window [ECWindows - 1]Digit
	// Top is m, 0 to 127.
	Top uint8
}

// recodeEC returns the digits of a scalar between 1 and the order n less 1, or of
// its negative modulo n: whichever is odd. The scalar is 32 bytes big-endian; other
// values are an error. It is not constant time. It wipes what it needs on the way;
// the digits are the caller's to wipe.
func recodeEC(scalar [32]byte, n *big.Int) (*ECDigits, error) {
	defer clear(scalar[:])
	x := new(big.Int).SetBytes(scalar[:])
	defer wipe(x)
	if x.Sign() == 0 || x.Cmp(n) >= 0 {
		return nil, fmt.Errorf("scalar out of range: expected 1 to the order of the curve minus 1")
	}
	if x.Bit(0) == 0 {
		x.Sub(n, x)
	}
	d := &ECDigits{Top: uint8(new(big.Int).Rsh(x, ecWindowBits*(ECWindows-1)+1).Uint64())}
	// x - T_m is the odd number 2U + 1 - 2^248, and the bytes of U are the digits'.
	x.Sub(x, topTerm(n, d.Top)).Add(x, power2(ecWindowBits*(ECWindows-1))).Rsh(x, 1)
	var u [ECWindows - 1]byte
	defer clear(u[:])
	x.FillBytes(u[:])
	for i := range d.Window {
		d.Window[i] = ecDigit(u[len(u)-1-i])
	}
	return d, nil
}

// topTerm returns T_m.
func topTerm(n *big.Int, m uint8) *big.Int {
	unit := power2(ecWindowBits * (ECWindows - 1))
	if int(m) == ecEntries-1 {
		return new(big.Int).Sub(new(big.Int).Sub(n, big.NewInt(1)), unit)
	}
	return unit.Mul(unit, big.NewInt(2*int64(m)+1))
}

// ecDigit returns 2u - 255 in sign and magnitude.
func ecDigit(u uint8) Digit {
	if u >= ecEntries {
		return Digit{Magnitude: u - ecEntries, Sign: 1}
	}
	return Digit{Magnitude: ecEntries - 1 - u, Sign: 0}
}

func (d *ECDigits) wipe() { *d = ECDigits{} }

// value returns the integer that the digits stand for on a curve of order n.
func (d *ECDigits) value(n *big.Int) *big.Int {
	x := topTerm(n, d.Top)
	for i, w := range d.Window {
		x.Add(x, new(big.Int).Mul(power2(ecWindowBits*i), big.NewInt(w.value())))
	}
	return x
}

// wires returns the digits bit by bit.
func (d *ECDigits) wires() *ECKeyWires {
	w := new(ECKeyWires)
	for i, digit := range d.Window {
		for j := range w.Magnitude[i] {
			w.Magnitude[i][j] = digit.Magnitude >> j & 1
		}
		w.Sign[i] = digit.Sign
	}
	for j := range w.Top {
		w.Top[j] = d.Top >> j & 1
	}
	return w
}
