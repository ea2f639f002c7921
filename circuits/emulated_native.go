package circuits

import (
	"crypto/elliptic"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/zkkex/zkkex"
)

// primeCurve is a curve y^2 = x^3 + ax + b of prime order n over the integers
// modulo p, natively: what constants and twins are computed with. Its arithmetic is
// not constant time.
type primeCurve struct {
	p, n, a *big.Int
	base    curvePoint
}

// curvePoint is a point in affine coordinates, other than infinity.
type curvePoint struct{ x, y *big.Int }

// primeCurveOf returns the curve of a type of key, or nil.
func primeCurveOf(t zkkex.KeyType) *primeCurve {
	switch t {
	case zkkex.KeyP256:
		return newPrimeCurve(elliptic.P256().Params(), -3)
	case zkkex.KeySecp256k1:
		return newPrimeCurve(secp256k1.S256().Params(), 0)
	default:
		return nil
	}
}

func newPrimeCurve(params *elliptic.CurveParams, a int64) *primeCurve {
	return &primeCurve{p: params.P, n: params.N, a: big.NewInt(a), base: curvePoint{params.Gx, params.Gy}}
}

// add returns the sum of two points whose x coordinates differ.
func (c *primeCurve) add(s, t curvePoint) curvePoint {
	num, den := new(big.Int).Sub(t.y, s.y), new(big.Int).Sub(t.x, s.x)
	return c.third(s, t, num, den)
}

// double returns 2s. The order is odd, so no point has y = 0.
func (c *primeCurve) double(s curvePoint) curvePoint {
	num := new(big.Int).Mul(s.x, s.x)
	num.Mul(num, big.NewInt(3)).Add(num, c.a)
	return c.third(s, s, num, new(big.Int).Lsh(s.y, 1))
}

// third returns the negative of the third point on the line of slope num/den
// through s and t.
func (c *primeCurve) third(s, t curvePoint, num, den *big.Int) curvePoint {
	slope := new(big.Int).ModInverse(den.Mod(den, c.p), c.p)
	slope.Mul(slope, num).Mod(slope, c.p)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, s.x).Sub(x, t.x).Mod(x, c.p)
	y := new(big.Int).Sub(s.x, x)
	y.Mul(y, slope).Sub(y, s.y).Mod(y, c.p)
	return curvePoint{x, y}
}

// multiply returns k*s for k from 1 to n-1: no sum on the way is of equal or
// opposite points, since each is of j*s and s, for even j below k.
func (c *primeCurve) multiply(s curvePoint, k *big.Int) curvePoint {
	sum := s
	for i := k.BitLen() - 2; i >= 0; i-- {
		sum = c.double(sum)
		if k.Bit(i) == 1 {
			sum = c.add(sum, s)
		}
	}
	return sum
}

// negative returns -s.
func (c *primeCurve) negative(s curvePoint) curvePoint {
	return curvePoint{s.x, new(big.Int).Sub(c.p, s.y)}
}
