package circuits

import (
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"github.com/zkkex/zkkex/internal/eckey"
)

var sigCurves = []eckey.Curve{eckey.P256, eckey.Secp256k1}

// rawSignature is a signature with everything that makes it one, as integers.
type rawSignature struct {
	key        curvePoint
	e, r, s, d *big.Int
}

func randomBelow(t *testing.T, n *big.Int) *big.Int {
	t.Helper()
	v, err := rand.Int(rand.Reader, new(big.Int).Sub(n, big.NewInt(1)))
	if err != nil {
		t.Fatal(err)
	}
	return v.Add(v, big.NewInt(1))
}

// sign returns a signature of e by a fresh key (FIPS 186-5, section 6.4.1).
func (c *sigCurve) sign(t *testing.T, e *big.Int) *rawSignature {
	t.Helper()
	d, k := randomBelow(t, c.n), randomBelow(t, c.n)
	r := c.times(c.base, k).x
	r = new(big.Int).Mod(r, c.n)
	s := new(big.Int).Mul(r, d)
	return &rawSignature{key: c.times(c.base, d), e: e, r: r, s: c.divide(s.Add(s, e), k), d: d}
}

// keyFor returns the key under which (r, s) with this R is a signature of e. Whoever
// may choose the key after the signature needs no secret.
func (c *sigCurve) keyFor(e, r, s *big.Int, nonce curvePoint) curvePoint {
	left := c.times(nonce, c.divide(s, r))
	return c.sum(left, c.negative(c.times(c.base, c.divide(e, r))))
}

// lift returns the point with the smallest x that is at least the given one.
func (c *sigCurve) lift(x *big.Int) curvePoint {
	for x = new(big.Int).Set(x); ; x.Add(x, big.NewInt(1)) {
		right := new(big.Int).Mul(x, x)
		right.Add(right, c.a).Mul(right, x).Add(right, c.b)
		if y := new(big.Int).ModSqrt(right.Mod(right, c.p), c.p); y != nil {
			return curvePoint{x, y}
		}
	}
}

// encoded returns key, digest and signature as bytes, with s in the lower half.
func (s *rawSignature) encoded(t *testing.T, c eckey.Curve) (eckey.PublicKey, [32]byte, [64]byte) {
	t.Helper()
	point := make([]byte, eckey.UncompressedSize)
	point[0] = 4
	s.key.x.FillBytes(point[1:33])
	s.key.y.FillBytes(point[33:])
	key, err := c.FromUncompressed(point)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := c.Normalize(s.r, s.s)
	if err != nil {
		t.Fatal(err)
	}
	return key, [32]byte(s.e.FillBytes(make([]byte, 32))), sig
}

// The native twin agrees with the libraries that verify signatures elsewhere, and
// what it returns satisfies what it says.
func TestOpenAgreesWithVerify(t *testing.T) {
	for _, curve := range sigCurves {
		c := sigCurveOf(curve)
		root := new(big.Int).Sqrt(c.n)
		for range 20 {
			sig := c.sign(t, randomBelow(t, power2(scalarBits)))
			key, digest, bytes := sig.encoded(t, curve)
			o, err := c.open(sig.key, sig.e, sig.r, sig.s)
			if verify := key.Verify(digest, bytes); verify != nil || err != nil {
				t.Fatalf("%v: a signature: open %v, verify %v", curve, err, verify)
			}
			if o.a.CmpAbs(root) > 0 || o.b.CmpAbs(root) > 0 || o.a.Sign() == 0 || o.b.Sign() == 0 {
				t.Errorf("%v: a = %d, b = %d", curve, o.a, o.b)
			}
			for what, pair := range map[string][2]*big.Int{"a": {o.a, sig.r}, "b": {o.b, sig.s}, "c": {o.c, sig.e}} {
				diff := new(big.Int).Mul(o.t, pair[1])
				if diff.Sub(diff, pair[0]).Mod(diff, c.n).Sign() != 0 {
					t.Errorf("%v: %s is not its multiple of t", curve, what)
				}
			}
			sig.e.Xor(sig.e, big.NewInt(1))
			_, digest, _ = sig.encoded(t, curve)
			if _, err := c.open(sig.key, sig.e, sig.r, sig.s); !errors.Is(err, errSignatureFails) || key.Verify(digest, bytes) == nil {
				t.Errorf("%v: another digest: open %v", curve, err)
			}
		}
	}
}

// Trap C9: what is no signature, exactly as ECDSA says.
func TestOpenRefusesDegenerate(t *testing.T) {
	for _, curve := range sigCurves {
		c := sigCurveOf(curve)
		zero := new(big.Int)
		good := c.sign(t, randomBelow(t, c.n))
		// With e = -r*d, e*G + r*Q is infinity, for any s.
		atInfinity := new(big.Int).Mul(good.r, good.d)
		atInfinity.Sub(c.n, atInfinity.Mod(atInfinity, c.n))
		off := curvePoint{good.key.x, new(big.Int).Xor(good.key.y, big.NewInt(1))}
		cases := []struct {
			name    string
			key     curvePoint
			e, r, s *big.Int
			want    error
		}{
			{"r = 0", good.key, good.e, zero, good.s, errSignatureScalar},
			{"s = 0", good.key, good.e, good.r, zero, errSignatureScalar},
			{"r = n", good.key, good.e, c.n, good.s, errSignatureScalar},
			{"s = n", good.key, good.e, good.r, c.n, errSignatureScalar},
			{"r + n", good.key, good.e, new(big.Int).Add(good.r, c.n), good.s, errSignatureScalar},
			{"s + n", good.key, good.e, good.r, new(big.Int).Add(good.s, c.n), errSignatureScalar},
			{"-r", good.key, good.e, new(big.Int).Neg(good.r), good.s, errSignatureScalar},
			{"a key at infinity", infinity, good.e, good.r, good.s, errSignatureKey},
			{"a key off the curve", off, good.e, good.r, good.s, errSignatureKey},
			{"R at infinity", good.key, atInfinity, good.r, good.s, errSignatureFails},
			{"the other key of this x", c.negative(good.key), good.e, good.r, good.s, errSignatureFails},
			{"r and s exchanged", good.key, good.e, good.s, good.r, errSignatureFails},
			{"e = 0 of another", good.key, zero, good.r, good.s, errSignatureFails},
		}
		for _, x := range cases {
			if _, err := c.open(x.key, x.e, x.r, x.s); !errors.Is(err, x.want) {
				t.Errorf("%v: %s: got %v, expected %v", curve, x.name, err, x.want)
			}
		}
		if _, err := c.open(good.key, good.e, good.r, new(big.Int).Sub(c.n, good.s)); err != nil {
			t.Errorf("%v: s in the other half: %v", curve, err)
		}
		// As r belongs to R and -R alike, (r, s) of e under Q is (r, s) of -e under -Q.
		if _, err := c.open(c.negative(good.key), new(big.Int).Sub(c.n, good.e), good.r, good.s); err != nil {
			t.Errorf("%v: -e under -Q: %v", curve, err)
		}
	}
}

func TestShortFraction(t *testing.T) {
	n := sigCurveOf(eckey.P256).n
	root := new(big.Int).Sqrt(n)
	edges := []*big.Int{
		big.NewInt(1), big.NewInt(2), big.NewInt(3), root, new(big.Int).Add(root, big.NewInt(1)), new(big.Int).Sub(root, big.NewInt(1)),
		new(big.Int).Rsh(n, 1), new(big.Int).Sub(n, big.NewInt(1)), new(big.Int).Sub(n, big.NewInt(2)), new(big.Int).Sub(n, root),
		new(big.Int).ModInverse(big.NewInt(3), n), power2(128), power2(127),
	}
	for range 200 {
		edges = append(edges, randomBelow(t, n))
	}
	for _, u := range edges {
		a, b := shortFraction(u, n)
		diff := new(big.Int).Mul(b, u)
		if diff.Sub(diff, a).Mod(diff, n).Sign() != 0 {
			t.Errorf("%d: a = %d is not b*u for b = %d", u, a, b)
		}
		if a.Sign() == 0 || b.Sign() == 0 || a.CmpAbs(root) > 0 || b.CmpAbs(root) > 0 {
			t.Errorf("%d: a = %d, b = %d", u, a, b)
		}
	}
}

// Windows of signed odd digits add up to the number.
func TestOddBits(t *testing.T) {
	for _, width := range []int{shortBits, scalarBits} {
		most := new(big.Int).Sub(power2(width), big.NewInt(1))
		numbers := []*big.Int{big.NewInt(1), big.NewInt(-1), most, new(big.Int).Neg(most)}
		for range 20 {
			v := randomBelow(t, power2(width+1))
			odd, _ := splitOdd(v.Sub(v, power2(width)))
			if odd.CmpAbs(most) <= 0 {
				numbers = append(numbers, odd)
			}
		}
		for _, v := range numbers {
			u := oddBits(v, uint(width))
			if u.Sign() < 0 || u.BitLen() > width {
				t.Errorf("%d: %d has no %d bits", v, u, width)
			}
			for _, w := range []int{2, ecWindowBits} {
				sum := new(big.Int)
				for i := 0; i < width; i += w {
					digit := new(big.Int).Rsh(u, uint(i))
					digit.And(digit, big.NewInt(1<<w-1)).Lsh(digit, 1).Add(digit, big.NewInt(1-1<<w))
					sum.Add(sum, digit.Lsh(digit, uint(i)))
				}
				if sum.Cmp(v) != 0 {
					t.Errorf("%d: windows of %d bits make %d", v, w, sum)
				}
			}
		}
	}
}

// The constants are what they are said to be.
func TestSigCurveConstants(t *testing.T) {
	for _, curve := range sigCurves {
		c := sigCurveOf(curve)
		for _, i := range []int{0, 1, ECWindows - 1} {
			for _, m := range []int{0, 1, ecEntries - 1} {
				k := new(big.Int).Lsh(big.NewInt(int64(2*m+1)), uint(i*ecWindowBits))
				got, want := c.windows.windows[i][m], c.times(c.base, k.Mod(k, c.n))
				if got.x.Cmp(want.x) != 0 || got.y.Cmp(want.y) != 0 {
					t.Errorf("%v: window %d, entry %d", curve, i, m)
				}
			}
		}
		if !c.onCurve(c.offset) || !c.onCurve(c.base) || c.times(c.base, c.n) != infinity {
			t.Errorf("%v: a constant is off the curve, or the base has another order", curve)
		}
		if base := baseOf(curve.KeyType()); base.windows[ECWindows-1][ecEntries-1].x.Cmp(c.windows.windows[ECWindows-1][ecEntries-1].x) == 0 {
			t.Errorf("%v: the key's and the signature's top entries are one", curve)
		}
	}
}
