package keys

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"testing"
)

// The curve once more, by the book and slow: affine coordinates, big integers,
// the addition law of Bernstein et al. (ePrint 2008/013), nothing of
// gnark-crypto. Tests compare.

var (
	refP     = decimal("21888242871839275222246405745257275088548364400416034343698204186575808495617")
	refOrder = decimal("2736030358979909402780800718157159386076813972158567259200215660948447373041")
	refD     = decimal("12181644023421730124874158521699555681764249180949974110617291017600649128846")
	refBase  = refPoint{
		decimal("9671717474070082183213120605117400219616337014328744928644933853176787189663"),
		decimal("16950150798460657717958625567821834550301663161624707787222815936182638968203"),
	}
	// ERC-2494: a*x^2 + y^2 = 1 + d*x^2*y^2 with a = 168700, d = 168696.
	ercA    = big.NewInt(168700)
	ercD    = big.NewInt(168696)
	ercBase = refPoint{
		decimal("5299619240641551281634865583518297030282874472190772894086521144482721001553"),
		decimal("16950150798460657717958625567821834550301663161624707787222815936182638968203"),
	}
)

type refPoint struct{ x, y *big.Int }

func decimal(s string) *big.Int {
	v, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return v
}

func refMod(v *big.Int) *big.Int { return v.Mod(v, refP) }

func refMul(v ...*big.Int) *big.Int {
	out := big.NewInt(1)
	for _, f := range v {
		refMod(out.Mul(out, f))
	}
	return out
}

func refDiv(a, b *big.Int) *big.Int { return refMul(a, new(big.Int).ModInverse(refMod(b), refP)) }

// refAdd adds points of a*x^2 + y^2 = 1 + d*x^2*y^2.
func refAdd(a, d *big.Int, p, q refPoint) refPoint {
	one := big.NewInt(1)
	t := refMul(d, p.x, q.x, p.y, q.y)
	cross := new(big.Int).Add(refMul(p.x, q.y), refMul(p.y, q.x))
	line := new(big.Int).Sub(refMul(p.y, q.y), refMul(a, p.x, q.x))
	return refPoint{
		refDiv(cross, new(big.Int).Add(one, t)),
		refDiv(refMod(line), new(big.Int).Sub(one, t)),
	}
}

func refScalarMul(a, d *big.Int, p refPoint, k *big.Int) refPoint {
	out := refPoint{big.NewInt(0), big.NewInt(1)}
	for i := k.BitLen() - 1; i >= 0; i-- {
		out = refAdd(a, d, out, out)
		if k.Bit(i) == 1 {
			out = refAdd(a, d, out, p)
		}
	}
	return out
}

var minusOne = big.NewInt(-1)

func refMultiply(p refPoint, k *big.Int) refPoint { return refScalarMul(minusOne, refD, p, k) }

// refEncode compresses a point as docs/spec/leaf.md has it.
func refEncode(p refPoint) (out [32]byte) {
	p.y.FillBytes(out[:])
	if new(big.Int).Lsh(p.x, 1).Cmp(refP) > 0 { // x > (p-1)/2
		out[0] |= 0x80
	}
	slices.Reverse(out[:])
	return out
}

func refHashToScalar(tag string, fields ...[]byte) *big.Int {
	h := sha512.New()
	for _, f := range append([][]byte{[]byte(tag)}, fields...) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(f))))
		h.Write(f)
	}
	v := new(big.Int).SetBytes(h.Sum(nil))
	return v.Mod(v, refOrder)
}

// vectorSecret derives the secrets of tests from a label, so that nobody has to
// believe in pasted numbers: seed = SHA-256("zkkex test seed " label), nk =
// SHA-256("zkkex test nk " label) with the top three bits cleared.
func vectorSecret(t testing.TB, label string) *Secret {
	t.Helper()
	seed := sha256.Sum256([]byte("zkkex test seed " + label))
	nk := sha256.Sum256([]byte("zkkex test nk " + label))
	nk[0] &= 0x1f
	s, err := FromSeed(seed, nk)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scalarOf(s *Secret) *big.Int {
	b := s.RevealScalar()
	return new(big.Int).SetBytes(b[:])
}

func TestPublicKeyAgainstReference(t *testing.T) {
	for i := range 20 {
		s := vectorSecret(t, fmt.Sprint("reference ", i))
		if got, want := [PointSize]byte(s.Public().Bytes()), refEncode(refMultiply(refBase, scalarOf(s))); got != want {
			t.Errorf("key %d: %x, want %x", i, got, want)
		}
	}
}

func TestFromSeedAgainstReference(t *testing.T) {
	seed := sha256.Sum256([]byte("zkkex test seed x"))
	if got, want := scalarOf(vectorSecret(t, "x")), refHashToScalar("zkkex/v1 seed identity", seed[:]); got.Cmp(want) != 0 {
		t.Errorf("scalar %v, want %v", got, want)
	}
}

// An identity made for circom has the same y coordinate here: x differs by the
// factor sqrt(-168700).
func TestSameKeysAsERC2494(t *testing.T) {
	factor := new(big.Int).ModSqrt(refMod(new(big.Int).Neg(ercA)), refP)
	x := refMul(ercBase.x, factor)
	if negative := refMod(new(big.Int).Neg(x)); x.Cmp(refBase.x) != 0 && negative.Cmp(refBase.x) != 0 {
		t.Fatal("the base point is not the image of ERC-2494's Base8")
	}
	for i := range 5 {
		s := vectorSecret(t, fmt.Sprint("erc ", i))
		theirs := refScalarMul(ercA, ercD, ercBase, scalarOf(s))
		if got := s.Public().Coordinate(); new(big.Int).SetBytes(got[:]).Cmp(theirs.y) != 0 {
			t.Errorf("key %d: y = %x, want %x", i, got, theirs.y)
		}
	}
}
