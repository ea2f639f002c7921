package hashtocurve

import (
	"crypto/elliptic"
	"math/big"

	"github.com/zkkex/zkkex/internal/eckey"
)

// sswu is the simplified SWU map (RFC 9380, section 6.6.2) to y^2 = x^3 + a*x + b, and
// an isogeny from there to the curve, where a*b is 0 on the curve itself (6.6.3).
type sswu struct {
	f       field
	a, b, z *big.Int
	slope   *big.Int // the curve's own a
	isogeny *isogeny
}

// isogeny has the polynomials of RFC 9380, appendix E, the constant coefficients first.
type isogeny struct{ xNum, xDen, yNum, yDen []*big.Int }

// onP256 is of RFC 9380, section 8.2.
func onP256() *sswu {
	f := field{eckey.P256.Field()}
	a := f.element(big.NewInt(-3))
	return &sswu{f: f, a: a, b: elliptic.P256().Params().B, z: f.element(big.NewInt(-10)), slope: a}
}

// onSecp256k1 is of RFC 9380, section 8.7 and appendix E.1.
func onSecp256k1() *sswu {
	f := field{eckey.Secp256k1.Field()}
	return &sswu{
		f: f, a: number("3f8731abdd661adca08a5558f0f5d272e953d363cb6f0e5d405447c01a444533"), b: big.NewInt(1771),
		z: f.element(big.NewInt(-11)), slope: new(big.Int),
		isogeny: &isogeny{
			xNum: []*big.Int{
				number("8e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38daaaaa8c7"),
				number("07d3d4c80bc321d5b9f315cea7fd44c5d595d2fc0bf63b92dfff1044f17c6581"),
				number("534c328d23f234e6e2a413deca25caece4506144037c40314ecbd0b53d9dd262"),
				number("8e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38e38daaaaa88c"),
			},
			xDen: []*big.Int{
				number("d35771193d94918a9ca34ccbb7b640dd86cd409542f8487d9fe6b745781eb49b"),
				number("edadc6f64383dc1df7c4b2d51b54225406d36b641f5e41bbc52a56612a8c6d14"),
				big.NewInt(1),
			},
			yNum: []*big.Int{
				number("4bda12f684bda12f684bda12f684bda12f684bda12f684bda12f684b8e38e23c"),
				number("c75e0c32d5cb7c0fa9d0a54b12a0a6d5647ab046d686da6fdffc90fc201d71a3"),
				number("29a6194691f91a73715209ef6512e576722830a201be2018a765e85a9ecee931"),
				number("2f684bda12f684bda12f684bda12f684bda12f684bda12f684bda12f38e38d84"),
			},
			yDen: []*big.Int{
				number("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffff93b"),
				number("7a06534bb8bdb49fd5e9e6632722c2989467c1bfc8e8d978dfb425d2685c2573"),
				number("6484aa716545ca2cf3a70c3fa8fe337e0a3d21162f0d6299a7bf8192bfd2a76f"),
				big.NewInt(1),
			},
		},
	}
}

func number(hexadecimal string) *big.Int {
	n, ok := new(big.Int).SetString(hexadecimal, 16)
	if !ok {
		panic("zkkex: internal error: " + hexadecimal)
	}
	return n
}

// point maps a field element to a point of the curve.
func (m *sswu) point(u *big.Int) affine {
	f := m.f
	zu2 := f.mul(m.z, f.mul(u, u))
	tv1 := f.inv(f.add(f.mul(zu2, zu2), zu2))
	x := f.mul(f.mul(f.sub(new(big.Int), m.b), f.inv(m.a)), f.add(big.NewInt(1), tv1))
	if tv1.Sign() == 0 {
		x = f.mul(m.b, f.inv(f.mul(m.z, m.a)))
	}
	y := f.sqrt(m.rightSide(x))
	if y == nil {
		x = f.mul(zu2, x)
		y = f.sqrt(m.rightSide(x)) // one of the two is a square
	}
	if u.Bit(0) != y.Bit(0) {
		y = f.sub(new(big.Int), y)
	}
	return m.isogeny.apply(f, affine{x, y})
}

func (m *sswu) rightSide(x *big.Int) *big.Int {
	return m.f.polynomial([]*big.Int{m.b, m.a, new(big.Int), big.NewInt(1)}, x)
}

// apply returns the image of a point. A denominator of 0, at a point that nobody will
// find, gives coordinates that are not on the curve.
func (i *isogeny) apply(f field, p affine) affine {
	if i == nil {
		return p
	}
	x := f.mul(f.polynomial(i.xNum, p.x), f.inv(f.polynomial(i.xDen, p.x)))
	y := f.mul(p.y, f.mul(f.polynomial(i.yNum, p.x), f.inv(f.polynomial(i.yDen, p.x))))
	return affine{x, y}
}
