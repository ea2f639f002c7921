package circuits

import (
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/test"

	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/field"
)

type multiplyCircuit struct {
	A    PointWires
	Bits [ChallengeBits]frontend.Variable
	Want PointWires
}

func (c *multiplyCircuit) Define(api frontend.API) error {
	p := multiplyKey(api, edwardsPoint{c.A.X, c.A.Y}, &c.Bits)
	api.AssertIsEqual(p.x, c.Want.X)
	api.AssertIsEqual(p.y, c.Want.Y)
	return nil
}

// n*A for n = 2^253 + V and edges of V: no bits, all, the first and last few, those
// at which the formula changes, and those whose partial sums come near multiples of
// the order.
func TestMultiplyKeyIsTheMultiple(t *testing.T) {
	bit := func(i uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), i) }
	all := new(big.Int).Sub(bit(ChallengeBits), big.NewInt(1))
	values := []*big.Int{new(big.Int), all, big.NewInt(1), big.NewInt(2), new(big.Int).Sub(all, big.NewInt(1)), bit(253), bit(252), bit(4), bit(5)}
	for k := int64(6); k <= 16; k++ { // n = k*order, the identity, and its neighbours
		for _, off := range []int64{-2, -1, 0, 1, 2} {
			v := new(big.Int).Mul(order(), big.NewInt(k))
			v.Add(v, big.NewInt(off)).Sub(v, bit(ChallengeBits-1))
			if v.Sign() >= 0 && v.BitLen() <= ChallengeBits {
				values = append(values, v)
			}
		}
	}
	if len(values) < 40 {
		t.Fatalf("%d values", len(values))
	}
	e := randomElement(t)
	values = append(values, e.BigInt(new(big.Int)))
	key, g := newEdDSAKey(t), babyjubjub.MultiplyBase(big.NewInt(1))
	a, err := babyjubjub.Parse(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []babyjubjub.Point{a, g, *new(babyjubjub.Point).Neg(&g)} {
		for _, v := range values {
			n := new(big.Int).Add(v, bit(ChallengeBits-1))
			var want babyjubjub.Point
			want.ScalarMultiplication(&base, n.Mod(n, order()))
			valid := &multiplyCircuit{A: PointWires{base.X, base.Y}, Bits: bitsOf(v), Want: PointWires{want.X, want.Y}}
			if err := test.IsSolved(&multiplyCircuit{}, valid, ecc.BN254.ScalarField()); err != nil {
				t.Errorf("V = %x: %v", v, err)
			}
		}
	}
}

func bitsOf(v *big.Int) (out [ChallengeBits]frontend.Variable) {
	for i := range out {
		out[i] = v.Bit(i)
	}
	return out
}

// The chord formula does go wrong on equal points. If this stops failing, the
// argument of multiplyKey proves nothing.
type doubleAndAddCircuit struct{ P, Q, Want PointWires }

func (c *doubleAndAddCircuit) Define(api frontend.API) error {
	p := doubleAndAdd(api, montgomeryPoint{c.P.X, c.P.Y}, montgomeryPoint{c.Q.X, c.Q.Y})
	api.AssertIsEqual(p.u, c.Want.X)
	api.AssertIsEqual(p.v, c.Want.Y)
	return nil
}

func TestDoubleAndAdd(t *testing.T) {
	multiple := func(k int64) PointWires {
		g := babyjubjub.MultiplyBase(big.NewInt(k))
		p := toMontgomery(&g)
		return PointWires{p.x, p.y}
	}
	for name, c := range map[string]struct {
		p, q   int64
		solved bool
	}{
		"2*5 + 3": {5, 3, true}, "2*2 + 1": {2, 1, true}, "equal points": {3, 3, false}, "opposite points": {3, -3, false},
	} {
		want := multiple(2*c.p + c.q)
		q := multiple(max(c.q, -c.q))
		if c.q < 0 {
			v := q.Y.(field.Element)
			q.Y = *v.Neg(&v)
		}
		err := test.IsSolved(&doubleAndAddCircuit{}, &doubleAndAddCircuit{P: multiple(c.p), Q: q, Want: want}, ecc.BN254.ScalarField())
		if (err == nil) != c.solved {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type challengeCircuit struct {
	Bits [ChallengeBits]frontend.Variable
	E    frontend.Variable
}

func (c *challengeCircuit) Define(api frontend.API) error {
	api.AssertIsEqual(challengeOf(api, &c.Bits), c.E)
	return nil
}

// Each challenge has one string of bits: neither e + r nor e - r, nor an end of the
// window (trap C5).
func TestChallengeHasOneString(t *testing.T) {
	w, r := challengeWindow(), fr.Modulus()
	edge := new(big.Int).Lsh(big.NewInt(1), ChallengeBits-edgeBits)
	last := new(big.Int).Sub(r, big.NewInt(1))
	inner := new(big.Int).Rsh(r, 1)
	random := randomElement(t)
	for name, c := range map[string]struct {
		e        *big.Int
		provable bool
	}{
		"0":            {new(big.Int), false},
		"r - 1":        {last, false},
		"near 0":       {edge, true},
		"near r":       {new(big.Int).Sub(last, edge), true},
		"in between":   {inner, true},
		"near 0, more": {new(big.Int).Lsh(edge, 20), true},
		"random":       {random.BigInt(new(big.Int)), true},
	} {
		aliases := 0
		for k := int64(-1); k <= 1; k++ {
			v := new(big.Int).Mul(r, big.NewInt(k))
			v.Add(v, c.e).Add(v, w.offsetInt)
			if v.Sign() < 0 || v.BitLen() > ChallengeBits {
				continue
			}
			aliases++
			err := test.IsSolved(&challengeCircuit{}, &challengeCircuit{Bits: bitsOf(v), E: c.e}, ecc.BN254.ScalarField())
			if want := k == 0 && c.provable; (err == nil) != want {
				t.Errorf("%s: e + %d*r: %v", name, k, err)
			}
			var e field.Element
			bits, ok := challengeBits(*e.SetBigInt(c.e))
			if k == 0 && (ok != c.provable || ok && !sameBits(bits, v)) {
				t.Errorf("%s: the native twin disagrees", name)
			}
		}
		if aliases == 0 {
			t.Errorf("%s: nothing was tried", name)
		}
	}
}

func sameBits(bits [ChallengeBits]field.Element, v *big.Int) bool {
	for i, bit := range bits {
		if want := field.FromUint64(uint64(v.Bit(i))); bit != want {
			return false
		}
	}
	return true
}

type betweenCircuit struct {
	Bits         [edgeBits]frontend.Variable
	lower, upper uint64
}

func (c *betweenCircuit) Define(api frontend.API) error {
	assertBetween(api, "between", c.Bits[:], c.lower, c.upper)
	return nil
}

func TestBetween(t *testing.T) {
	w := challengeWindow()
	for _, bounds := range [][2]uint64{{w.lower, w.upper}, {0, 1<<64 - 1}, {1, 3}, {0xf0f0, 0xf0f2}, {0, 1 << 63}, {1 << 63, 1<<64 - 1}} {
		lower, upper := bounds[0], bounds[1]
		for _, v := range []uint64{0, 1, 2, 3, lower - 1, lower, lower + 1, lower | 1<<62, upper &^ (1 << 62), upper - 1, upper, upper + 1, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1} {
			c := &betweenCircuit{lower: lower, upper: upper}
			for i := range c.Bits {
				c.Bits[i] = v >> i & 1
			}
			err := test.IsSolved(&betweenCircuit{lower: lower, upper: upper}, c, ecc.BN254.ScalarField())
			if want := lower < v && v < upper; (err == nil) != want {
				t.Errorf("%x < %x < %x: %v", lower, v, upper, err)
			}
		}
	}
}

type edwardsCircuit struct{ P, Q, Sum, Double PointWires }

func (c *edwardsCircuit) Define(api frontend.API) error {
	p, q := edwardsPoint{c.P.X, c.P.Y}, edwardsPoint{c.Q.X, c.Q.Y}
	assertOnCurve(api, "p", p)
	for _, pair := range []struct {
		got  edwardsPoint
		want PointWires
	}{{addEdwards(api, p, q), c.Sum}, {doubleEdwards(api, p), c.Double}} {
		api.AssertIsEqual(pair.got.x, pair.want.X)
		api.AssertIsEqual(pair.got.y, pair.want.Y)
	}
	return nil
}

// Every pair of: the identity, points of order 2, 4 and 8, one of the subgroup, its
// negative, and sums of them.
func TestEdwardsFormulasAreComplete(t *testing.T) {
	g := table().top[0]
	minus := g
	minus.x.Neg(&minus.x)
	points := []point{{y: field.FromUint64(1)}, g, minus}
	for _, order := range []int64{2, 4, 8} {
		small := torsionPoint(t, order)
		points = append(points, small, addPoints(g, small))
	}
	for i, p := range points {
		for j, q := range points {
			sum, double := addPoints(p, q), addPoints(p, p)
			if doublePoint(p) != double {
				t.Fatalf("point %d: the native twin doubles wrongly", i)
			}
			c := &edwardsCircuit{PointWires{p.x, p.y}, PointWires{q.x, q.y}, PointWires{sum.x, sum.y}, PointWires{double.x, double.y}}
			if err := test.IsSolved(&edwardsCircuit{}, c, ecc.BN254.ScalarField()); err != nil {
				t.Errorf("points %d and %d: %v", i, j, err)
			}
		}
	}
}
