package circuits

import (
	"crypto/ecdh"
	"crypto/elliptic"
	"math/big"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/zkkex/zkkex"
)

// publicX returns the x coordinate of k*G by another implementation.
func publicX(t *testing.T, keyType zkkex.KeyType, k *big.Int) *big.Int {
	t.Helper()
	scalar := k.FillBytes(make([]byte, 32))
	if keyType == zkkex.KeySecp256k1 {
		return secp256k1.PrivKeyFromBytes(scalar).PubKey().X()
	}
	key, err := ecdh.P256().NewPrivateKey(scalar)
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(key.PublicKey().Bytes()[1:33])
}

func TestFixedBaseTwinsAgreeWithOtherImplementations(t *testing.T) {
	for _, keyType := range ecTypes {
		base := baseOf(keyType)
		scalars := ecEdgeScalars(base.curve.n)
		for range 8 {
			scalars = append(scalars, randomScalar(t, base.curve.n))
		}
		for _, k := range scalars {
			got := base.multiply(recodeECT(t, k, base.curve.n))
			if got.x.Cmp(publicX(t, keyType, k)) != 0 {
				t.Errorf("%v: %x*G has x = %x", keyType, k, got.x)
			}
		}
	}
}

func TestECTablesAreOnTheCurve(t *testing.T) {
	for keyType, params := range map[zkkex.KeyType]*elliptic.CurveParams{
		zkkex.KeyP256: elliptic.P256().Params(), zkkex.KeySecp256k1: secp256k1.S256().Params(),
	} {
		base := baseOf(keyType)
		for i := range base.windows {
			for m, p := range base.windows[i] {
				right := new(big.Int).Mul(p.x, p.x)
				right.Add(right, base.curve.a).Mul(right, p.x).Add(right, params.B)
				left := new(big.Int).Mul(p.y, p.y)
				if left.Sub(left, right).Mod(left, params.P).Sign() != 0 {
					t.Fatalf("%v: window %d entry %d is off the curve", keyType, i, m)
				}
			}
		}
	}
}

// Every digit, at every step, after the sums of the largest and the smallest
// absolute value and after random ones: the two points' x coordinates differ.
func TestNoECAdditionIsDegenerate(t *testing.T) {
	for _, keyType := range ecTypes {
		base := baseOf(keyType)
		n := base.curve.n
		strings := []*ECDigits{uniformEC(0), uniformEC(255), recodeECT(t, randomScalar(t, n), n)}
		for number, d := range strings {
			sum := base.term(0, d.Window[0])
			for i := 1; i < ECWindows; i++ {
				for m, p := range base.windows[i] {
					if p.x.Cmp(sum.x) == 0 {
						t.Fatalf("%v: string %d, window %d, magnitude %d: degenerate addition", keyType, number, i, m)
					}
				}
				if i < len(d.Window) {
					sum = base.curve.add(sum, base.term(i, d.Window[i]))
				}
			}
		}
	}
}

// Without the top window's last entry being what it is, 510*2^248 - n would make
// the last sum a doubling. If this stops failing, the tests above prove nothing.
func TestPlainTopWindowWouldBeDegenerate(t *testing.T) {
	for _, keyType := range ecTypes {
		curve := baseOf(keyType).curve
		plain := new(big.Int).Mul(big.NewInt(255), power2(248))
		below := new(big.Int).Sub(plain, curve.n) // S = T - n
		if new(big.Int).Abs(below).Cmp(power2(248)) >= 0 || below.Bit(0) != 1 {
			t.Fatalf("%v: expected %x to be a sum of the windows below the top", keyType, below)
		}
		term := curve.multiply(curve.base, plain)
		sum := curve.negative(curve.multiply(curve.base, new(big.Int).Neg(below)))
		if term.x.Cmp(sum.x) != 0 || term.y.Cmp(sum.y) != 0 {
			t.Errorf("%v: expected one point twice", keyType)
		}
	}
}

// uniformEC has the same bits in every window.
func uniformEC(u uint8) *ECDigits {
	d := &ECDigits{Top: u >> 1}
	for i := range d.Window {
		d.Window[i] = ecDigit(u)
	}
	return d
}
