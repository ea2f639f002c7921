package circuits

import (
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/test"
	"pgregory.net/rapid"

	"github.com/zkkex/zkkex"
)

// residueCircuit reduces a*b - c and divides by d. The limbs are as wide as any in
// the relation, and are not looked up: only bounds are told.
type residueCircuit struct {
	A, B, C, D      [residueLimbs]frontend.Variable
	Remainder       frontend.Variable
	Ratio           frontend.Variable
	width, topWidth int
	p               *big.Int
}

func (c *residueCircuit) Define(api frontend.API) error {
	f := newResidueField(api, newChunkTable(api, keyLayout.chunkBits), keyLayout, c.p)
	a, b := c.residue(c.A), c.residue(c.B)
	x := f.expression(times(1, a, b), times(-1, c.residue(c.C)))
	remainder := f.reduce("reduce", x)
	ratio := f.divide("divide", x, c.residue(c.D))
	api.AssertIsEqual(f.expression(times(1, remainder)).native(f), c.Remainder)
	api.AssertIsEqual(f.expression(times(1, ratio)).native(f), c.Ratio)
	return nil
}

func (c *residueCircuit) residue(limbs [residueLimbs]frontend.Variable) *residue {
	e := &residue{limbs: limbs}
	for i := range e.bound {
		e.bound[i] = power2(c.width)
	}
	e.bound[residueLimbs-1] = power2(c.topWidth)
	return e
}

// assignResidues fills a circuit with limbs and what follows from them.
func assignResidues(p *big.Int, in [4][residueLimbs]*big.Int) *residueCircuit {
	c := &residueCircuit{p: p}
	var v [4]*big.Int
	for i, wires := range []*[residueLimbs]frontend.Variable{&c.A, &c.B, &c.C, &c.D} {
		v[i] = new(big.Int)
		for j, limb := range in[i] {
			wires[j] = limb
			v[i].Add(v[i], new(big.Int).Mul(limb, power2(j*keyLayout.limbBits())))
		}
	}
	x := new(big.Int).Mul(v[0], v[1])
	x.Sub(x, v[2]).Mod(x, p)
	c.Remainder = x
	den := new(big.Int).Mod(v[3], p)
	c.Ratio = new(big.Int)
	if den.Sign() != 0 {
		ratio := new(big.Int).Mul(x, den.ModInverse(den, p))
		c.Ratio = ratio.Mod(ratio, p)
	}
	return c
}

// Widths of limbs in the relation: differences of two coordinates.
const testLimbWidth, testTopWidth = 71, 51

func emptyResidues(p *big.Int) *residueCircuit {
	return &residueCircuit{p: p, width: testLimbWidth, topWidth: testTopWidth}
}

func TestArithmeticAgreesWithIntegers(t *testing.T) {
	for _, keyType := range ecTypes {
		p := primeCurveOf(keyType).p
		system, _ := compileRelationWithout(t, emptyResidues(p), "")
		check := func(t rapid.TB, in [4][residueLimbs]*big.Int) {
			w, err := frontend.NewWitness(assignResidues(p, in), ecc.BN254.ScalarField())
			if err != nil {
				t.Fatal(err)
			}
			if err := system.IsSolved(w); err != nil {
				t.Errorf("%v: %v: %v", keyType, in, err)
			}
		}
		for _, sign := range []int64{1, -1} {
			check(t, extremes(sign, sign, sign))
			check(t, extremes(sign, -sign, sign))
			check(t, extremes(sign, sign, -sign))
		}
		rapid.Check(t, func(t *rapid.T) {
			var in [4][residueLimbs]*big.Int
			for i := range in {
				for j := range in[i] {
					in[i][j] = drawLimb(t, j)
				}
			}
			check(t, in)
		})
	}
}

// extremes are limbs of the largest absolute values, by the sign of a, b and c.
func extremes(a, b, c int64) (in [4][residueLimbs]*big.Int) {
	for i, sign := range []int64{a, b, c, 1} {
		for j := range in[i] {
			in[i][j] = new(big.Int).Mul(big.NewInt(sign), power2(limbWidth(j)))
		}
	}
	return in
}

func limbWidth(j int) int {
	if j == residueLimbs-1 {
		return testTopWidth
	}
	return testLimbWidth
}

func drawLimb(t *rapid.T, j int) *big.Int {
	v := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 9, 9).Draw(t, "limb"))
	v.Mod(v, power2(limbWidth(j)))
	if rapid.Bool().Draw(t, "negative") {
		v.Neg(v)
	}
	return v
}

// productCircuit gives the coefficients of a product.
type productCircuit struct {
	A, B [residueLimbs]frontend.Variable
	Want [productSize]frontend.Variable
}

func (c *productCircuit) Define(api frontend.API) error {
	r := emptyResidues(nil)
	f := newResidueField(api, newChunkTable(api, keyLayout.chunkBits), keyLayout, primeCurveOf(zkkex.KeyP256).p)
	for i, got := range f.product(r.residue(c.A), r.residue(c.B)).coefficients {
		api.AssertIsEqual(got, c.Want[i])
	}
	return nil
}

func TestProductIsThatOfThePolynomials(t *testing.T) {
	for range 20 {
		var c productCircuit
		var want [productSize]*big.Int
		for i := range want {
			want[i] = new(big.Int)
		}
		a, b := make([]*big.Int, residueLimbs), make([]*big.Int, residueLimbs)
		for i := range residueLimbs {
			a[i], b[i] = randomScalar(t, power2(70)), new(big.Int).Neg(randomScalar(t, power2(70)))
			c.A[i], c.B[i] = a[i], b[i]
		}
		for i := range a {
			for j := range b {
				want[i+j].Add(want[i+j], new(big.Int).Mul(a[i], b[j]))
			}
		}
		for i, v := range want {
			c.Want[i] = v
		}
		if err := test.IsSolved(&productCircuit{}, &c, ecc.BN254.ScalarField()); err != nil {
			t.Fatal(err)
		}
		c.Want[3] = want[3].Add(want[3], big.NewInt(1))
		if err := test.IsSolved(&productCircuit{}, &c, ecc.BN254.ScalarField()); err == nil {
			t.Fatal("a wrong coefficient is accepted")
		}
	}
}

// What the bounds do not prove is refused when the circuit is compiled.
func TestArithmeticRefusesWhatIsTooLarge(t *testing.T) {
	p := primeCurveOf(zkkex.KeyP256).p
	for name, c := range map[string]*residueCircuit{
		"limbs":   {p: p, width: 125, topWidth: testTopWidth},
		"numbers": {p: p, width: testLimbWidth, topWidth: 71},
	} {
		_, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder[constraint.U64], c)
		if err == nil || !strings.Contains(err.Error(), "the bounds do not prove it") && !strings.Contains(err.Error(), "chunks, expected at most") {
			t.Errorf("%s too large: got %v", name, err)
		}
	}
}

// Each assertion of the arithmetic is there for a reason: without it, and only
// without it, a prover's lie passes. Modulo p, the lies are wrong results.
func TestEveryArithmeticAssertionIsNeeded(t *testing.T) {
	p := primeCurveOf(zkkex.KeyP256).p
	full, builder := compileRelationWithout(t, emptyResidues(p), "")
	cases := arithmeticLies("reduce", remainderHint, 0, 0)
	for label, lie := range arithmeticLies("divide", ratioHint, 0, 1) {
		cases[label] = lie
	}
	cases["chunks: every chunk is in the table"] = []forgery{shifted(remainderHint, 0, 7)}
	if len(cases) != len(builder.labels) {
		t.Errorf("%d labels and %d cases: %v", len(builder.labels), len(cases), builder.labels)
	}
	var in [4][residueLimbs]*big.Int
	for i := range in {
		for j := range in[i] {
			in[i][j] = randomScalar(t, power2(limbWidth(j)-1))
		}
	}
	honest := assignResidues(p, in)
	for label, lie := range cases {
		if builder.labels[label] != 1 {
			t.Errorf("%q labels %d assertions, expected 1", label, builder.labels[label])
		}
		if solvesWith(t, full, honest, lie...) {
			t.Errorf("%q: the lie passes with the assertion", label)
		}
		without, _ := compileRelationWithout(t, emptyResidues(p), label)
		if !solvesWith(t, without, wrongResults(p, in, label), lie...) {
			t.Errorf("%q: the lie fails without the assertion, so something else refuses it", label)
		}
	}
}

// wrongResults assigns the results that the lie about an assertion arrives at:
// other residues, or the same where the label is a look-up's.
func wrongResults(p *big.Int, in [4][residueLimbs]*big.Int, label string) *residueCircuit {
	c := assignResidues(p, in)
	operation, assertion, _ := strings.Cut(label, ": ")
	if strings.HasSuffix(label, "chunks") || operation == "chunks" {
		return c
	}
	e := difference(assertion, keyLayout)
	if operation == "reduce" {
		r := new(big.Int).Sub(c.Remainder.(*big.Int), e)
		c.Remainder = r.Mod(r, p)
		return c
	}
	den := new(big.Int)
	for j, limb := range in[3] {
		den.Add(den, new(big.Int).Mul(limb, power2(j*keyLayout.limbBits())))
	}
	e.Mul(e, den.ModInverse(den.Mod(den, p), p)).Add(e, c.Ratio.(*big.Int))
	c.Ratio = e.Mod(e, p)
	return c
}

// tableCircuit looks chunks up.
type tableCircuit struct {
	Chunks [3]frontend.Variable
	Narrow frontend.Variable
}

func (c *tableCircuit) Define(api frontend.API) error {
	table := newChunkTable(api, 10)
	table.check("chunks", c.Chunks[:])
	table.checkNarrow("narrow", c.Narrow, 4)
	return nil
}

func TestChunkTable(t *testing.T) {
	system, _ := compileRelationWithout(t, &tableCircuit{}, "")
	if n := len(system.CommitmentInfo.CommitmentIndexes()); n != 1 {
		t.Fatalf("%d commitments, expected one", n)
	}
	q := ecc.BN254.ScalarField()
	quarter := new(big.Int).ModInverse(big.NewInt(64), q) // times 64, it is in the table
	for _, c := range []struct {
		chunk, narrow any
		good          bool
	}{
		{0, 0, true}, {1023, 15, true}, {5, 7, true},
		{1024, 0, false}, {-1, 0, false}, {new(big.Int).Lsh(big.NewInt(1), 200), 0, false},
		{0, 16, false}, {0, 1023, false}, {0, -1, false}, {0, quarter, false},
	} {
		assigned := &tableCircuit{Chunks: [3]frontend.Variable{3, c.chunk, 3}, Narrow: c.narrow}
		if solvesWith(t, system, assigned) != c.good {
			t.Errorf("chunk %v, narrow %v: expected %v", c.chunk, c.narrow, c.good)
		}
	}
}

// A prover's own counts do not help.
func TestChunkTableCountsAreChecked(t *testing.T) {
	system, _ := compileRelationWithout(t, &tableCircuit{}, "")
	assigned := &tableCircuit{Chunks: [3]frontend.Variable{1, 2, 1024}, Narrow: 0}
	for _, entry := range []int{0, 1, 1023} {
		lie := forgery{countHint, 0, func(_ *hinted, _, outputs []*big.Int) {
			outputs[entry].Add(outputs[entry], big.NewInt(1))
		}}
		if solvesWith(t, system, assigned, lie) {
			t.Errorf("1024 counted as %d is accepted", entry)
		}
	}
}
