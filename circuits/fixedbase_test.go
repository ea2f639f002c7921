package circuits

import (
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex/internal/field"
)

// edgeScalars are scalars at which a recoding or a multiplication may break.
func edgeScalars(t *testing.T) []*big.Int {
	t.Helper()
	order := order()
	scalars := []*big.Int{}
	for _, v := range []int64{1, 2, 3, 7, 8, 9} {
		scalars = append(scalars, big.NewInt(v), new(big.Int).Sub(order, big.NewInt(v)))
	}
	for _, bits := range []uint{3, 246, 248, 249, 250} {
		power := new(big.Int).Lsh(big.NewInt(1), bits)
		scalars = append(scalars, power, new(big.Int).Sub(power, big.NewInt(1)), new(big.Int).Add(power, big.NewInt(1)))
	}
	half := new(big.Int).Rsh(order, 1)
	scalars = append(scalars, half, new(big.Int).Add(half, big.NewInt(1)))
	for range 16 {
		k, err := rand.Int(rand.Reader, order)
		if err != nil {
			t.Fatal(err)
		}
		scalars = append(scalars, k)
	}
	return scalars
}

func order() *big.Int {
	curve := twistededwards.GetEdwardsCurve()
	return &curve.Order
}

func TestFixedBaseIsTheYCoordinate(t *testing.T) {
	curve := twistededwards.GetEdwardsCurve()
	for _, k := range edgeScalars(t) {
		digits := recode(t, k)
		var want twistededwards.PointAffine
		want.ScalarMultiplication(&curve.Base, k)
		if got := valuesOf(digits).fixedBaseY(); !got.Equal(&want.Y) {
			t.Errorf("k = %v: y is %v, expected %v", k, &got, &want.Y)
		}
	}
}

func TestRecodeIsTheScalarOrItsNegative(t *testing.T) {
	for _, k := range edgeScalars(t) {
		x := recode(t, k).value()
		negative := new(big.Int).Sub(order(), k)
		if x.Cmp(k) != 0 && x.Cmp(negative) != 0 {
			t.Errorf("k = %v is recoded to %v", k, x)
		}
		if x.Bit(0) != 1 {
			t.Errorf("k = %v is recoded to an even number", k)
		}
	}
}

func TestRecodeRefuses(t *testing.T) {
	tooLarge := new(big.Int).Add(order(), big.NewInt(1))
	for _, k := range []*big.Int{new(big.Int), order(), tooLarge} {
		if _, err := Recode([32]byte(k.FillBytes(make([]byte, 32)))); err == nil {
			t.Errorf("scalar %v was accepted", k)
		}
	}
}

// The argument of Digits: the chord formula never meets equal or opposite
// points, and with one window more it could.
func TestWindowsStayBelowTheOrder(t *testing.T) {
	for i := range Windows {
		if largestSum(i+1).Cmp(order()) >= 0 {
			t.Fatalf("with window %d, a sum can wrap around the order", i)
		}
		// |S_i| < 8^i <= |d_i * 8^i|
		if largestSum(i).Cmp(power8(i)) >= 0 {
			t.Fatalf("the sum before window %d can meet its term", i)
		}
	}
	if largestSum(Windows+1).Cmp(order()) < 0 {
		t.Fatal("one more window would fit: the top digit needs no complete addition")
	}
}

// Every digit, at every step, after the sums with the largest and the smallest
// absolute value and after random ones: the two points' u coordinates differ.
func TestNoAdditionIsDegenerate(t *testing.T) {
	strings := []*digitValues{uniform(0), uniform(7), alternating(), random(t), random(t)}
	for n, d := range strings {
		sum := d.lookup(0)
		for i := 1; i < Windows; i++ {
			for u := range uint8(8) {
				e := *d
				e.set(i, digit(u))
				term := e.lookup(i)
				if term.x.Equal(&sum.x) || term.y.IsZero() || sum.y.IsZero() {
					t.Fatalf("string %d, window %d, digit %d: degenerate addition", n, i, u)
				}
			}
			sum = table().form.add(sum, d.lookup(i))
		}
	}
}

// The chord formula does go wrong on equal points, whose slope is 0/0 and free.
// If this stops failing, the test above proves nothing.
func TestChordFormulaCannotDouble(t *testing.T) {
	p := table().windows[5][0]
	if onMontgomery(table().form.add(p, p)) {
		t.Fatal("the chord formula doubled a point")
	}
}

func onMontgomery(p point) bool {
	form := &table().form
	var left, right, square field.Element
	left.Square(&p.y).Mul(&left, &form.b)
	square.Square(&p.x)
	right.Mul(&square, &p.x)
	square.Mul(&square, &form.a)
	right.Add(&right, &square).Add(&right, &p.x)
	return left.Equal(&right)
}

func TestTableIsOnTheCurve(t *testing.T) {
	for i := range table().windows {
		for m, p := range table().windows[i] {
			if !onMontgomery(p) {
				t.Fatalf("window %d entry %d is off the curve", i, m)
			}
		}
	}
}

// The Edwards formula is complete if a is a square and d is none.
func TestEdwardsAdditionIsComplete(t *testing.T) {
	curve := twistededwards.GetEdwardsCurve()
	if curve.A.Legendre() != 1 || curve.D.Legendre() != -1 {
		t.Fatal("a must be a square and d must not be one")
	}
	minusOne := field.FromUint64(1)
	minusOne.Neg(&minusOne)
	if !curve.A.Equal(&minusOne) {
		t.Fatal("the formula in addTop has a = -1 built in")
	}
}

func recode(t *testing.T, k *big.Int) *Digits {
	t.Helper()
	d, err := Recode([32]byte(k.FillBytes(make([]byte, 32))))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// value returns the integer that the digits stand for.
func (d *Digits) value() *big.Int {
	x := new(big.Int)
	for i, w := range d.Window {
		term := new(big.Int).Mul(power8(i), big.NewInt(w.value()))
		x.Add(x, term)
	}
	top := new(big.Int).Mul(power8(Windows), big.NewInt(int64(2*d.Top+1)))
	return x.Add(x, top)
}

func power8(i int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(3*i)) }

// largestSum returns the largest absolute value of a sum of n windows.
func largestSum(n int) *big.Int {
	sum := new(big.Int)
	for i := range n {
		sum.Add(sum, new(big.Int).Mul(big.NewInt(7), power8(i)))
	}
	return sum
}

func (d *digitValues) set(i int, w Digit) {
	d.magnitude[i][0] = field.FromUint64(uint64(w.Magnitude & 1))
	d.magnitude[i][1] = field.FromUint64(uint64(w.Magnitude >> 1))
	d.sign[i] = field.FromUint64(uint64(w.Sign))
}

func uniform(u uint8) *digitValues {
	var d digitValues
	for i := range Windows {
		d.set(i, digit(u))
	}
	return &d
}

func alternating() *digitValues {
	var d digitValues
	for i := range Windows {
		d.set(i, digit(uint8(7*(i%2))))
	}
	return &d
}

func random(t *testing.T) *digitValues {
	t.Helper()
	k, err := rand.Int(rand.Reader, new(big.Int).Sub(order(), big.NewInt(1)))
	if err != nil {
		t.Fatal(err)
	}
	return valuesOf(recode(t, k.Add(k, big.NewInt(1))))
}

func valuesOf(d *Digits) *digitValues {
	var out digitValues
	d.setValues(&out)
	return &out
}
