package suitestest

import (
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/field/hash"

	"github.com/zkkex/zkkex/threshold/frost"
)

// weierstrass is RFC 9591, section 6.4 or 6.5, over y^2 = x^3 + a*x + b.
type weierstrass struct {
	name, context  string
	p, order, a, b *big.Int
	base           [2]*big.Int
}

// P256 returns FROST(P-256, SHA-256).
func P256() frost.Ciphersuite {
	return &weierstrass{
		name: "FROST(P-256, SHA-256)", context: "FROST-P256-SHA256-v1",
		p:     hexNumber("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
		order: hexNumber("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
		a:     big.NewInt(-3),
		b:     hexNumber("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
		base: [2]*big.Int{
			hexNumber("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
			hexNumber("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
		},
	}
}

// Secp256k1 returns FROST(secp256k1, SHA-256).
func Secp256k1() frost.Ciphersuite {
	return &weierstrass{
		name: "FROST(secp256k1, SHA-256)", context: "FROST-secp256k1-SHA256-v1",
		p:     hexNumber("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
		order: hexNumber("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
		a:     new(big.Int),
		b:     big.NewInt(7),
		base: [2]*big.Int{
			hexNumber("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
			hexNumber("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
		},
	}
}

func hexNumber(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("not a number: " + s)
	}
	return n
}

func (w *weierstrass) Name() string            { return w.name }
func (w *weierstrass) Order() *big.Int         { return w.order }
func (w *weierstrass) Base() frost.Element     { return &affine{w, w.base[0], w.base[1]} }
func (w *weierstrass) Identity() frost.Element { return &affine{w, nil, nil} }
func (w *weierstrass) ElementSize() int        { return 33 }
func (w *weierstrass) ScalarSize() int         { return 32 }

func (w *weierstrass) EncodeScalar(s *big.Int) []byte { return s.FillBytes(make([]byte, 32)) }

func (w *weierstrass) DecodeScalar(b []byte) (*big.Int, error) { return decodeScalar(b, w.order) }

func (w *weierstrass) H1(m []byte) *big.Int   { return w.toScalar("rho", m) }
func (w *weierstrass) H3(m []byte) *big.Int   { return w.toScalar("nonce", m) }
func (w *weierstrass) HDKG(m []byte) *big.Int { return w.toScalar("dkg", m) }
func (w *weierstrass) H4(m []byte) []byte     { return w.hash("msg", m) }
func (w *weierstrass) H5(m []byte) []byte     { return w.hash("com", m) }

func (w *weierstrass) Challenge(r, key frost.Element, msg []byte) (*big.Int, error) {
	return w.toScalar("chal", slices.Concat(r.Bytes(), key.Bytes(), msg)), nil
}

func (w *weierstrass) hash(label string, m []byte) []byte {
	sum := sha256.Sum256(append([]byte(w.context+label), m...))
	return sum[:]
}

// toScalar is hash_to_field of RFC 9380, section 5.2, with 48 bytes.
func (w *weierstrass) toScalar(label string, m []byte) *big.Int {
	wide, err := hash.ExpandMsgXmd(m, []byte(w.context+label), 48)
	if err != nil {
		panic(err)
	}
	n := new(big.Int).SetBytes(wide)
	return n.Mod(n, w.order)
}

func (w *weierstrass) mod(n *big.Int) *big.Int    { return n.Mod(n, w.p) }
func (w *weierstrass) mul(a, b *big.Int) *big.Int { return w.mod(new(big.Int).Mul(a, b)) }

func (w *weierstrass) DecodeElement(b []byte) (frost.Element, error) {
	if len(b) != 33 || b[0]&^1 != 2 {
		return nil, errors.New("expected a compressed point")
	}
	x := new(big.Int).SetBytes(b[1:])
	// x^3 + a*x + b
	right := new(big.Int).Add(w.mul(w.mul(x, x), x), w.mul(w.a, x))
	y := new(big.Int).ModSqrt(w.mod(right.Add(right, w.b)), w.p)
	if x.Cmp(w.p) >= 0 || y == nil {
		return nil, errors.New("not on the curve")
	}
	if byte(y.Bit(0)) != b[0]&1 {
		y = w.mod(new(big.Int).Neg(y))
	}
	return &affine{w, x, y}, nil
}

// affine is a point; x is nil in the identity.
type affine struct {
	w    *weierstrass
	x, y *big.Int
}

func (p *affine) IsIdentity() bool { return p.x == nil }

func (p *affine) Equal(other frost.Element) bool {
	q := other.(*affine)
	if p.IsIdentity() || q.IsIdentity() {
		return p.IsIdentity() && q.IsIdentity()
	}
	return p.x.Cmp(q.x) == 0 && p.y.Cmp(q.y) == 0
}

func (p *affine) Add(other frost.Element) frost.Element {
	q, w := other.(*affine), p.w
	switch {
	case p.IsIdentity():
		return q
	case q.IsIdentity():
		return p
	case p.x.Cmp(q.x) == 0 && p.y.Cmp(q.y) != 0:
		return w.Identity()
	}
	rise, run := new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x)
	if p.Equal(q) {
		rise = new(big.Int).Add(w.mul(big.NewInt(3), w.mul(p.x, p.x)), w.a)
		run = new(big.Int).Lsh(p.y, 1)
	}
	slope := w.mul(w.mod(rise), new(big.Int).ModInverse(w.mod(run), w.p))
	x := w.mul(slope, slope)
	x = w.mod(x.Sub(x.Sub(x, p.x), q.x))
	y := w.mul(slope, new(big.Int).Sub(p.x, x))
	return &affine{w, x, w.mod(y.Sub(y, p.y))}
}

func (p *affine) Mul(k *big.Int) frost.Element { return multiply(p.w, p, k) }

func (p *affine) Bytes() []byte {
	b := make([]byte, 33)
	b[0] = 2 | byte(p.y.Bit(0))
	p.x.FillBytes(b[1:])
	return b
}
