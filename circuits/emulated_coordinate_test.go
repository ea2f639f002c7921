package circuits

import (
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// coordinateCircuit gives the halves of a product, as the relation has it: the
// factors are only told to be bounded.
type coordinateCircuit struct {
	Value, Factor [residueLimbs]frontend.Variable
	Hi, Lo        frontend.Variable
	p             *big.Int
}

func (c *coordinateCircuit) Define(api frontend.API) error {
	f := newResidueField(api, newChunkTable(api, keyLayout.chunkBits), keyLayout, c.p)
	r := emptyResidues(c.p)
	hi, lo := assertCoordinate(f, "x", f.product(r.residue(c.Value), r.residue(c.Factor)))
	api.AssertIsEqual(hi, c.Hi)
	api.AssertIsEqual(lo, c.Lo)
	return nil
}

func assignCoordinate(v *big.Int, halves [2]*big.Int) *coordinateCircuit {
	c := &coordinateCircuit{Factor: [residueLimbs]frontend.Variable{1, 0, 0, 0}, Hi: halves[0], Lo: halves[1]}
	rest := new(big.Int).Set(v)
	for i := range c.Value {
		limb := new(big.Int).Mod(rest, power2(keyLayout.limbBits()))
		if i == residueLimbs-1 {
			limb = rest
		}
		c.Value[i] = limb
		rest = new(big.Int).Rsh(rest, uint(keyLayout.limbBits()))
	}
	return c
}

func splitHalves(x *big.Int) (halves [2]*big.Int) {
	halves[0], halves[1] = new(big.Int).DivMod(x, power2(coordinateHalf), new(big.Int))
	return halves
}

// A number enters a leaf as its residue, whatever it is congruent to.
func TestCoordinateIsTheResidue(t *testing.T) {
	for _, keyType := range ecTypes {
		p := primeCurveOf(keyType).p
		system, _ := compileRelationWithout(t, &coordinateCircuit{p: p}, "")
		one := big.NewInt(1)
		edges := []*big.Int{new(big.Int), one, new(big.Int).Sub(p, one), p, new(big.Int).Add(p, one),
			new(big.Int).Sub(power2(256), one), power2(256), new(big.Int).Neg(one), new(big.Int).Neg(p),
			new(big.Int).Lsh(p, 4), power2(128), new(big.Int).Sub(power2(128), one), randomScalar(t, p)}
		for _, v := range edges {
			x := new(big.Int).Mod(v, p)
			if !solvesWith(t, system, assignCoordinate(v, splitHalves(x))) {
				t.Errorf("%v: %x is not taken as %x", keyType, v, x)
			}
			for _, wrong := range []*big.Int{new(big.Int).Add(x, p), new(big.Int).Add(x, one)} {
				if solvesWith(t, system, assignCoordinate(v, splitHalves(wrong))) {
					t.Errorf("%v: %x is taken as %x", keyType, v, wrong)
				}
			}
		}
	}
}

// Each assertion is there for a reason: without it, and only without it, a lie
// passes, most of them with a second leaf for one key.
func TestEveryCoordinateAssertionIsNeeded(t *testing.T) {
	for _, keyType := range ecTypes {
		p := primeCurveOf(keyType).p
		circuit := &coordinateCircuit{p: p}
		full, builder := compileRelationWithout(t, circuit, "")
		cases := coordinateLies("x")
		for label, lie := range arithmeticLies("x", canonicalHint, 0, 0) {
			cases[label] = lie
		}
		cases["chunks: every chunk is in the table"] = cases["x: upper chunks"]
		if len(cases) != len(builder.labels) {
			t.Errorf("%v: %d labels and %d cases: %v", keyType, len(builder.labels), len(cases), builder.labels)
		}
		v := randomScalar(t, p)
		for label, lie := range cases {
			if builder.labels[label] != 1 {
				t.Errorf("%v: %q labels %d assertions, expected 1", keyType, label, builder.labels[label])
			}
			without, _ := compileRelationWithout(t, circuit, label)
			var halves [2]*big.Int
			solvesWith(t, without, assignCoordinate(v, [2]*big.Int{v, v}), append(lie, readCoordinate(&halves))...)
			assigned := assignCoordinate(v, halves)
			if solvesWith(t, full, assigned, lie...) {
				t.Errorf("%v: %q: the lie passes with the assertion", keyType, label)
			}
			if !solvesWith(t, without, assigned, lie...) {
				t.Errorf("%v: %q: the lie fails without the assertion, so something else refuses it", keyType, label)
			}
		}
	}
}

// The upper half of x is the first 16 bytes, as in field.ECKey.
func TestCoordinateAgreesWithItsNativeTwin(t *testing.T) {
	x := randomScalar(t, primeCurveOf(zkkex.KeyP256).p)
	want := field.ECKey([32]byte(x.FillBytes(make([]byte, 32))))
	if got := compressHalves(splitHalves(x)); !got.Equal(&want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

// coordinateLies are the lies about a coordinate being the integer below p.
func coordinateLies(label string) map[string][]forgery {
	part := func(of func(outputs []*big.Int, n int) []*big.Int) forgery {
		return forgery{canonicalHint, 0, func(h *hinted, _, outputs []*big.Int) {
			chunks := of(outputs, (len(outputs)-1)/4)
			chunks[3].Add(chunks[3], power2(h.chunkBits))
			chunks[4].Sub(chunks[4], big.NewInt(1))
		}}
	}
	rewrite := func(change func(h *hinted, v *[4]*big.Int, borrow *big.Int)) []forgery {
		return []forgery{{canonicalHint, 0, func(h *hinted, _, outputs []*big.Int) { rewriteHalves(h, outputs, change) }}}
	}
	one, unit := big.NewInt(1), power2(coordinateHalf)
	return map[string][]forgery{
		label + ": lower chunks":             {part(func(o []*big.Int, n int) []*big.Int { return o[:n] })},
		label + ": upper chunks":             {part(func(o []*big.Int, n int) []*big.Int { return o[n : 2*n] })},
		label + ": lower chunks of the rest": {part(func(o []*big.Int, n int) []*big.Int { return o[2*n : 3*n] })},
		label + ": upper chunks of the rest": {part(func(o []*big.Int, n int) []*big.Int { return o[3*n : 4*n] })},
		// The lower half is negative, and the upper one larger: another leaf.
		label + ": highest of the lower chunks": rewrite(func(_ *hinted, v *[4]*big.Int, borrow *big.Int) {
			v[0].Sub(v[0], unit)
			v[1].Add(v[1], one)
			v[2].Add(v[2], unit).Sub(v[2], new(big.Int).Mul(borrow, unit))
			v[3].Sub(v[3], one).Add(v[3], borrow)
			borrow.SetUint64(0)
		}),
		label + ": borrow is boolean": rewrite(func(_ *hinted, v *[4]*big.Int, borrow *big.Int) {
			difference := new(big.Int).Sub(big.NewInt(2), borrow)
			v[2].Add(v[2], difference.Mul(difference, unit))
			v[3].Add(v[3], borrow).Sub(v[3], big.NewInt(2))
			borrow.SetUint64(2)
		}),
		label + ": lower half and rest": rewrite(func(_ *hinted, v *[4]*big.Int, _ *big.Int) { v[2].Add(v[2], one) }),
		// x + p: another leaf for one key.
		label + ": upper half and rest": rewrite(func(h *hinted, v *[4]*big.Int, borrow *big.Int) {
			x := new(big.Int).Mul(v[1], unit)
			x.Add(x, v[0]).Add(x, h.p)
			v[1].DivMod(x, unit, v[0])
			most := new(big.Int).Sub(h.p, one)
			most.Mod(most, unit)
			borrow.SetUint64(1)
			v[2].Add(most, unit).Sub(v[2], v[0])
			v[3].SetUint64(0)
		}),
	}
}

// rewriteHalves changes what canonicalHint says, as four integers and the borrow:
// the lower and the upper half of x, and those of the rest. The highest chunk of
// each takes what does not fit the others.
func rewriteHalves(h *hinted, outputs []*big.Int, change func(h *hinted, v *[4]*big.Int, borrow *big.Int)) {
	n := (len(outputs) - 1) / 4
	var v [4]*big.Int
	for i := range v {
		v[i] = new(big.Int)
		for j := n - 1; j >= 0; j-- {
			v[i].Lsh(v[i], uint(h.chunkBits)).Add(v[i], outputs[i*n+j])
		}
	}
	change(h, &v, outputs[4*n])
	for i := range v {
		h.write(v[i], outputs[i*n:(i+1)*n-1])
		top := outputs[(i+1)*n-1]
		top.Rsh(v[i], uint((n-1)*h.chunkBits)) // rounded down, so negative if v is
		top.Mod(top, ecc.BN254.ScalarField())
	}
}

// readCoordinate is a forgery that changes nothing, and keeps the upper and the
// lower half that canonicalHint, or what forged it, says.
func readCoordinate(halves *[2]*big.Int) forgery {
	return forgery{canonicalHint, 0, func(h *hinted, _, outputs []*big.Int) {
		n := (len(outputs) - 1) / 4
		for i := range halves {
			v := new(big.Int)
			for j := n - 1; j >= 0; j-- {
				v.Lsh(v, uint(h.chunkBits)).Add(v, outputs[(1-i)*n+j])
			}
			halves[i] = v
		}
	}}
}

func compressHalves(halves [2]*big.Int) field.Element {
	var hi, lo field.Element
	return field.Compress3([3]field.Element{field.FromUint64(4), *hi.SetBigInt(halves[0]), *lo.SetBigInt(halves[1])})
}
