package circuits

import (
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// ecEntries is the number of multiples that a window selects from.
const ecEntries = 1 << (ecWindowBits - 1)

// ecBase holds the constants of the fixed-base multiplication on a curve.
type ecBase struct {
	curve *primeCurve
	// windows[i][m] is (2m+1)*256^i*G, and for the top window T_m*G. See
	// [ECDigits].
	windows [ECWindows][ecEntries]curvePoint
}

var (
	p256Base      = sync.OnceValue(func() *ecBase { return newECBase(primeCurveOf(zkkex.KeyP256)) })
	secp256k1Base = sync.OnceValue(func() *ecBase { return newECBase(primeCurveOf(zkkex.KeySecp256k1)) })
)

// baseOf returns the constants for a type of key, or nil.
func baseOf(t zkkex.KeyType) *ecBase {
	switch t {
	case zkkex.KeyP256:
		return p256Base()
	case zkkex.KeySecp256k1:
		return secp256k1Base()
	default:
		return nil
	}
}

func newECBase(curve *primeCurve) *ecBase {
	b := &ecBase{curve: curve}
	step := curve.base
	for i := range b.windows {
		double := curve.double(step)
		b.windows[i][0] = step
		for m := 1; m < ecEntries; m++ {
			b.windows[i][m] = curve.add(b.windows[i][m-1], double)
		}
		for range ecWindowBits {
			step = curve.double(step)
		}
	}
	b.windows[ECWindows-1][ecEntries-1] = curve.multiply(curve.base, topTerm(curve.n, ecEntries-1))
	return b
}

// multiply is the native twin of the gadget of the same name: the sum of the
// digits' multiples of G.
func (b *ecBase) multiply(d *ECDigits) curvePoint {
	sum := b.term(0, d.Window[0])
	for i := 1; i < len(d.Window); i++ {
		sum = b.curve.add(sum, b.term(i, d.Window[i]))
	}
	return b.curve.add(sum, b.windows[ECWindows-1][d.Top])
}

// term returns d*256^i*G.
func (b *ecBase) term(i int, d Digit) curvePoint {
	p := b.windows[i][d.Magnitude]
	if d.Sign == 0 {
		return b.curve.negative(p)
	}
	return p
}

// coordinate returns what the leaf takes of the key with these digits.
func (b *ecBase) coordinate(d *ECDigits) field.Element {
	var x [32]byte
	b.multiply(d).x.FillBytes(x[:])
	return field.ECKey(x)
}
