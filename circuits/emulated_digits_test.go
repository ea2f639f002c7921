package circuits

import (
	"crypto/rand"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkkex/zkkex"
)

// ecTypes are the types of key whose curves are emulated.
var ecTypes = []zkkex.KeyType{zkkex.KeyP256, zkkex.KeySecp256k1}

// ecEdgeScalars are scalars at the ends of the range and of the windows.
func ecEdgeScalars(n *big.Int) []*big.Int {
	one := big.NewInt(1)
	half := new(big.Int).Rsh(n, 1)
	out := []*big.Int{one, big.NewInt(2), big.NewInt(3), half, new(big.Int).Add(half, one)}
	for _, below := range []int64{1, 2, 3, 4} {
		out = append(out, new(big.Int).Sub(n, big.NewInt(below)))
	}
	// Where the top window's table changes, and one where a plain signed recoding
	// would meet a point twice: 510*2^248 - n.
	top := power2(249)
	for _, m := range []int64{1, 126, 127} {
		edge := new(big.Int).Mul(top, big.NewInt(m))
		out = append(out, edge, new(big.Int).Add(edge, one), new(big.Int).Sub(edge, one))
	}
	double := new(big.Int).Mul(top, big.NewInt(255))
	return append(out, double.Sub(double, n))
}

func recodeECT(t rapid.TB, k, n *big.Int) *ECDigits {
	t.Helper()
	d, err := recodeEC([32]byte(k.FillBytes(make([]byte, 32))), n)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func checkECDigits(t rapid.TB, k, n *big.Int) {
	t.Helper()
	x := recodeECT(t, k, n).value(n)
	sum := new(big.Int).Add(x, k)
	if x.Cmp(k) != 0 && sum.Cmp(n) != 0 {
		t.Errorf("the digits of %x stand for %x, which is neither it nor its negative", k, x)
	}
	if x.Bit(0) != 1 || x.Sign() <= 0 || x.Cmp(n) >= 0 {
		t.Errorf("the digits of %x stand for %x: expected an odd number from 1 to n-2", k, x)
	}
}

func TestECDigitsStandForTheScalar(t *testing.T) {
	for _, keyType := range ecTypes {
		n := primeCurveOf(keyType).n
		for _, k := range ecEdgeScalars(n) {
			checkECDigits(t, k, n)
		}
		rapid.Check(t, func(t *rapid.T) {
			b := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "k")
			k := new(big.Int).SetBytes(b)
			k.Mod(k, new(big.Int).Sub(n, big.NewInt(1))).Add(k, big.NewInt(1))
			checkECDigits(t, k, n)
		})
	}
}

func TestECDigitsRefuse(t *testing.T) {
	for _, keyType := range ecTypes {
		n := primeCurveOf(keyType).n
		for _, k := range []*big.Int{new(big.Int), n, new(big.Int).Add(n, big.NewInt(1)), new(big.Int).Sub(power2(256), big.NewInt(1))} {
			if _, err := recodeEC([32]byte(k.FillBytes(make([]byte, 32))), n); err == nil {
				t.Errorf("%v: %x is accepted", keyType, k)
			}
		}
	}
}

// The bounds from which ECDigits concludes that no sum is degenerate.
func TestECDigitsBounds(t *testing.T) {
	largest := new(big.Int) // of |S_i|
	for i := range ECWindows - 1 {
		unit := power2(ecWindowBits * i)
		if largest.Cmp(unit) >= 0 {
			t.Errorf("window %d: a sum of the windows below can reach its terms", i)
		}
		largest.Add(largest, new(big.Int).Mul(big.NewInt(2*ecEntries-1), unit))
	}
	for _, keyType := range ecTypes {
		n := primeCurveOf(keyType).n
		if largest.Cmp(n) >= 0 {
			t.Errorf("%v: the windows below the top wrap around", keyType)
		}
		reach := big.NewInt(1) // the odd numbers below it are covered
		for m := range ecEntries {
			top := topTerm(n, uint8(m))
			low, high := new(big.Int).Sub(top, largest), new(big.Int).Add(top, largest)
			if low.Sign() <= 0 || high.Cmp(n) >= 0 {
				t.Errorf("%v: top window %d: a sum or difference can be 0 modulo n", keyType, m)
			}
			if low.Bit(0) != 1 || low.Cmp(reach) > 0 {
				t.Errorf("%v: top window %d leaves a gap above %x", keyType, m, reach)
			}
			reach = high.Add(high, big.NewInt(2))
		}
		if reach.Cmp(n) < 0 {
			t.Errorf("%v: the largest odd scalars have no digits", keyType)
		}
	}
}

func TestECDigitsWipe(t *testing.T) {
	n := primeCurveOf(zkkex.KeyP256).n
	d := recodeECT(t, randomScalar(t, n), n)
	if d.wipe(); *d != (ECDigits{}) {
		t.Error("digits are left")
	}
}

func randomScalar(t testing.TB, n *big.Int) *big.Int {
	t.Helper()
	k, err := rand.Int(rand.Reader, new(big.Int).Sub(n, big.NewInt(1)))
	if err != nil {
		t.Fatal(err)
	}
	return k.Add(k, big.NewInt(1))
}
