package circuits

import (
	"crypto/elliptic"
	"errors"
	"math/big"
	"sync"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/hashtocurve"
)

// offsetTag is the domain separation tag under which the empty message is hashed
// to the point that sums start from.
const offsetTag = "zkkex/v1 circuit ecdsa-sig offset"

// sigCurve is a curve of prime order, natively, with the constants of the
// signature's relation. Prime order means that every point but infinity has order
// n: no point has y = 0, and neither 2P nor 3P is infinity.
type sigCurve struct {
	*primeCurve
	// b is the curve's constant: y^2 = x^3 + ax + b.
	b *big.Int
	// windows are the odd multiples of 256^i*G.
	windows *ecBase
	// offset is a point whose discrete logarithm nobody knows.
	offset curvePoint
}

var (
	p256SigCurve      = sync.OnceValue(func() *sigCurve { return newSigCurve(eckey.P256, elliptic.P256().Params().B) })
	secp256k1SigCurve = sync.OnceValue(func() *sigCurve { return newSigCurve(eckey.Secp256k1, secp256k1.S256().Params().B) })
)

// sigCurveOf returns the constants for a curve, or nil.
func sigCurveOf(c eckey.Curve) *sigCurve {
	switch c {
	case eckey.P256:
		return p256SigCurve()
	case eckey.Secp256k1:
		return secp256k1SigCurve()
	default:
		return nil
	}
}

func newSigCurve(c eckey.Curve, b *big.Int) *sigCurve {
	base := *baseOf(c.KeyType())
	top := base.windows[ECWindows-1]
	base.windows[ECWindows-1][ecEntries-1] = base.curve.add(top[ecEntries-2], base.curve.double(top[0]))
	offset, err := hashtocurve.Hash(c, nil, offsetTag)
	if err != nil {
		panic("zkkex: internal error: the offset on " + c.String() + ": " + err.Error())
	}
	return &sigCurve{primeCurve: base.curve, b: b, windows: &base, offset: pointOf(offset)}
}

// pointOf returns the point that a public key is.
func pointOf(k eckey.PublicKey) curvePoint {
	x, y := k.X(), k.Y()
	return curvePoint{new(big.Int).SetBytes(x[:]), new(big.Int).SetBytes(y[:])}
}

// infinity is the point that has no coordinates.
var infinity = curvePoint{}

// sum returns the sum of any two points.
func (c *sigCurve) sum(s, t curvePoint) curvePoint {
	switch {
	case s == infinity:
		return t
	case t == infinity:
		return s
	case s.x.Cmp(t.x) != 0:
		return c.add(s, t)
	case s.y.Cmp(t.y) == 0:
		return c.double(s)
	default:
		return infinity
	}
}

// times returns k*s for any point and any k that is not negative.
func (c *sigCurve) times(s curvePoint, k *big.Int) curvePoint {
	sum := infinity
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = c.sum(sum, sum)
		if k.Bit(i) == 1 {
			sum = c.sum(sum, s)
		}
	}
	return sum
}

// onCurve reports whether y^2 = x^3 + ax + b.
func (c *sigCurve) onCurve(s curvePoint) bool {
	right := new(big.Int).Mul(s.x, s.x)
	right.Add(right, c.a).Mul(right, s.x).Add(right, c.b)
	left := new(big.Int).Mul(s.y, s.y)
	return left.Sub(left, right).Mod(left, c.p).Sign() == 0
}

// divide returns num/den modulo n, for a den that is not 0 modulo n.
func (c *sigCurve) divide(num, den *big.Int) *big.Int {
	out := new(big.Int).ModInverse(den, c.n)
	return out.Mul(out, num).Mod(out, c.n)
}

// openedSignature is a signature (r, s) of e by Q in the form that the circuit
// takes: the point R = (e/s)*G + (r/s)*Q, whose x coordinate is r modulo n, and t
// with
//
//	b = t*s   a = t*r   c = t*e   (mod n)
//
// where a and b are at most the root of n in absolute value, and neither is 0.
// Times t, s*R = e*G + r*Q is b*R = c*G + a*Q.
type openedSignature struct {
	key, nonce curvePoint
	t, a, b, c *big.Int
}

// Reasons why a signature does not open.
var (
	errSignatureScalar = errors.New("r and s must be from 1 to the group's order less 1")
	errSignatureKey    = errors.New("the key is no point of the curve")
	errSignatureFails  = errors.New("the signature does not verify")
)

// open verifies a signature (FIPS 186-5, section 6.4.2; SEC 1, section 4.1.4) of a
// number e of 256 bits, and returns it in the circuit's form. s may be in either
// half of its range. It is not constant time.
func (c *sigCurve) open(key curvePoint, e, r, s *big.Int) (*openedSignature, error) {
	if r.Sign() <= 0 || s.Sign() <= 0 || r.Cmp(c.n) >= 0 || s.Cmp(c.n) >= 0 {
		return nil, errSignatureScalar
	}
	if key == infinity || !c.onCurve(key) {
		return nil, errSignatureKey
	}
	ratio := c.divide(r, s)
	nonce := c.sum(c.times(c.base, c.divide(e, s)), c.times(key, ratio))
	if nonce == infinity || new(big.Int).Mod(nonce.x, c.n).Cmp(r) != 0 {
		return nil, errSignatureFails
	}
	a, b := shortFraction(ratio, c.n)
	t := c.divide(b, s)
	return &openedSignature{key: key, nonce: nonce, t: t, a: a, b: b, c: new(big.Int).Mod(new(big.Int).Mul(t, e), c.n)}, nil
}

// shortFraction returns a and b with a = b*u mod n, neither 0 and each at most the
// root of n in absolute value, for u from 1 to n-1. It stops Euclid's algorithm
// half-way: of the remainders r_i = t_i*u mod n it takes the first that is not
// above the root of n, and |t_i| <= n/r_{i-1} (Antipa, Brown, Gallant, Lambert,
// Struik, Vanstone: Accelerated Verification of ECDSA Signatures, SAC 2005).
func shortFraction(u, n *big.Int) (a, b *big.Int) {
	root := new(big.Int).Sqrt(n)
	before, a := new(big.Int).Set(n), new(big.Int).Set(u)
	beforeB, b := new(big.Int), big.NewInt(1)
	for a.Cmp(root) > 0 {
		q := new(big.Int).Div(before, a)
		before, a = a, new(big.Int).Sub(before, new(big.Int).Mul(q, a))
		beforeB, b = b, new(big.Int).Sub(beforeB, new(big.Int).Mul(q, b))
	}
	return a, b
}

// wipe forgets the signature and whose it is.
func (o *openedSignature) wipe() {
	for _, v := range []*big.Int{o.key.x, o.key.y, o.nonce.x, o.nonce.y, o.t, o.a, o.b, o.c} {
		wipe(v)
	}
}
