package circuits

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
)

// residueField makes constraints over BN254's scalar field that speak of
// integers modulo another prime p. It is told which integers are small by
// [chunkTable], keeps a bound of every integer it makes, and refuses, when the
// circuit is compiled, to make an assertion that the bounds do not prove. See
// docs/spec/circuit-ecdsa-key.md, "emulated arithmetic".
type residueField struct {
	api    frontend.API
	chunks *chunkTable
	layout layout
	// p is the emulated prime, of at most 256 bits; q the order of the native
	// field.
	p, q *big.Int
}

// residueLimbs is the number of limbs of a residue.
const residueLimbs = 4

// layout says how integers are cut. A limb's weight is
// 2^(chunkBits*limbChunks) times that of the one below.
type layout struct {
	// chunkBits is the width of a chunk, which one look-up checks in a table of
	// 2^chunkBits entries.
	chunkBits int
	// limbChunks is the number of chunks in a full limb.
	limbChunks int
	// residueChunks is the number of chunks in a result, at least as many as
	// hold p.
	residueChunks int
}

// limbBits returns the distance of two limbs, in bits.
func (l layout) limbBits() int { return l.chunkBits * l.limbChunks }

// keyLayout suits a circuit of some ten thousand constraints.
var keyLayout = layout{chunkBits: 10, limbChunks: 7, residueChunks: 26}

// residue is an integer, the sum of limbs[i]*2^(i*limbBits), that stands for
// its residue modulo p. Neither it nor its limbs need be reduced or positive.
type residue struct {
	limbs [residueLimbs]frontend.Variable
	// bound[i] is at least the absolute value of limbs[i], as an integer.
	bound [residueLimbs]*big.Int
}

// newResidueField returns arithmetic modulo p. Fields of one circuit share
// one table of chunks.
func newResidueField(api frontend.API, chunks *chunkTable, l layout, p *big.Int) *residueField {
	if chunks.bits != l.chunkBits {
		panic(fmt.Sprintf("emulated arithmetic: chunks of %d bits, the table has %d", l.chunkBits, chunks.bits))
	}
	if p.BitLen() > l.chunkBits*l.residueChunks || l.residueChunks > residueLimbs*l.limbChunks {
		panic("emulated arithmetic: the layout has no room for the modulus")
	}
	return &residueField{api: api, chunks: chunks, layout: l, p: p, q: api.Compiler().Field()}
}

// newResidue returns the integer 0, to be added to.
func newResidue() *residue {
	e := new(residue)
	for i := range e.limbs {
		e.limbs[i], e.bound[i] = 0, new(big.Int)
	}
	return e
}

// sub returns a - b, limb by limb.
func (f *residueField) sub(a, b *residue) *residue {
	out := new(residue)
	for i := range out.limbs {
		out.limbs[i] = f.api.Sub(a.limbs[i], b.limbs[i])
		out.bound[i] = new(big.Int).Add(a.bound[i], b.bound[i])
	}
	return out
}

// place adds v*2^bit to a residue, for v of absolute value at most bound.
func (f *residueField) place(e *residue, v frontend.Variable, bit int, bound *big.Int) {
	i := min(bit/f.layout.limbBits(), residueLimbs-1)
	weight := power2(bit - i*f.layout.limbBits())
	e.limbs[i] = f.api.Add(e.limbs[i], f.api.Mul(v, weight))
	e.bound[i] = new(big.Int).Add(e.bound[i], new(big.Int).Mul(bound, weight))
}

// fromChunks returns the number whose digits are the chunks, lowest first, and
// has each looked up.
func (f *residueField) fromChunks(label string, chunks []frontend.Variable) *residue {
	if len(chunks) > residueLimbs*f.layout.limbChunks {
		panic(fmt.Sprintf("emulated arithmetic: %d chunks, expected at most %d", len(chunks), residueLimbs*f.layout.limbChunks))
	}
	f.chunks.check(label, chunks)
	e := newResidue()
	largest := new(big.Int).Sub(power2(f.layout.chunkBits), big.NewInt(1))
	for i, chunk := range chunks {
		f.place(e, chunk, i*f.layout.chunkBits, largest)
	}
	return e
}

// reduce returns a residue that is congruent to the expression modulo p. It is
// below 2^(chunkBits*residueChunks), and not always below p.
func (f *residueField) reduce(label string, x *expression) *residue {
	chunks := f.hint(remainderHint, f.layout.residueChunks, x.coefficients[:]...)
	r := f.fromChunks(label+": chunks", chunks)
	f.assertZero(label, f.add(x, -1, widened(r)))
	return r
}

// divide returns a residue r with r*den congruent to num modulo p. The caller
// knows that den is not 0 modulo p: r is free where both are.
func (f *residueField) divide(label string, num *expression, den *residue) *residue {
	inputs := append(append([]frontend.Variable(nil), num.coefficients[:]...), den.limbs[:]...)
	r := f.fromChunks(label+": chunks", f.hint(ratioHint, f.layout.residueChunks, inputs...))
	f.assertZero(label, f.add(f.product(r, den), -1, num))
	return r
}

// assertZero asserts that the expression is a multiple k*p of p, as integers.
// The difference E of the two is 0 because
//
//	E = 0 modulo q                       one assertion
//	E = 0 modulo 2^(residueLimbs*limbBits)  two carries, each a small integer
//	|E| < q * 2^(residueLimbs*limbBits)     by the bounds
//
// and q is odd.
func (f *residueField) assertZero(label string, x *expression) {
	k := f.quotient(label+": quotient", x)
	e := f.add(x, -1, f.timesConstant(k, f.p))
	capacity := new(big.Int).Mul(f.q, power2(residueLimbs*f.layout.limbBits()))
	if e.magnitude(f.layout.limbBits()).Cmp(capacity) >= 0 {
		panic(fmt.Sprintf("emulated arithmetic: %s: the bounds do not prove it", label))
	}
	assertEqual(f.api, label+": modulo q", e.native(f), 0)
	carry, bound := f.carry(label+": lower carry", lowerCarryHint, e, 0, 0, new(big.Int))
	f.carry(label+": upper carry", upperCarryHint, e, 2, carry, bound)
}

// quotient returns the k of x = k*p, a signed integer.
func (f *residueField) quotient(label string, x *expression) *residue {
	most := new(big.Int).Div(x.magnitude(f.layout.limbBits()), f.p)
	n := f.signedChunks(most)
	chunks := f.hint(quotientHint, n, x.coefficients[:]...)
	k := f.fromChunks(label+": chunks", chunks)
	f.place(k, -1, n*f.layout.chunkBits-1, big.NewInt(1))
	return k
}

// signedChunks returns the number n of chunks such that integers of absolute
// value up to most, and by one beyond, lie between -B and B-1 for
// B = 2^(n*chunkBits-1). A signed integer is looked up as itself plus B.
func (f *residueField) signedChunks(most *big.Int) int {
	bits := new(big.Int).Add(most, big.NewInt(1)).BitLen() + 1
	return (bits + f.layout.chunkBits - 1) / f.layout.chunkBits
}

// carry asserts that coefficients i and i+1 of e and the carry from below make
// a multiple of 2^(2*limbBits), and returns the quotient, with its bound.
func (f *residueField) carry(label string, h solver.Hint, e *expression, i int, below frontend.Variable, belowBound *big.Int) (frontend.Variable, *big.Int) {
	limb := power2(f.layout.limbBits())
	step := power2(2 * f.layout.limbBits())
	sum := f.api.Add(e.coefficients[i], f.api.Mul(e.coefficients[i+1], limb), below)
	bound := new(big.Int).Mul(e.bound[i+1], limb)
	bound.Add(bound, e.bound[i]).Add(bound, belowBound)

	n := f.signedChunks(new(big.Int).Div(bound, step))
	out, outBound := f.signed(label+": chunks", f.hint(h, n, sum))
	if new(big.Int).Add(bound, new(big.Int).Mul(outBound, step)).Cmp(f.q) >= 0 {
		panic(fmt.Sprintf("emulated arithmetic: %s: the bounds do not prove it", label))
	}
	assertEqual(f.api, label, f.api.Mul(out, step), sum)
	return out, outBound
}

// signed returns the integer whose chunks, after half of their range is added,
// are given.
func (f *residueField) signed(label string, chunks []frontend.Variable) (frontend.Variable, *big.Int) {
	f.chunks.check(label, chunks)
	bound := power2(len(chunks)*f.layout.chunkBits - 1)
	return f.api.Sub(f.chunks.recompose(chunks), bound), bound
}

// limbsOf cuts a constant below 2^(residueLimbs*limbBits).
func (f *residueField) limbsOf(v *big.Int) (out [residueLimbs]*big.Int) {
	rest := new(big.Int).Set(v)
	mask := new(big.Int).Sub(power2(f.layout.limbBits()), big.NewInt(1))
	for i := range out {
		out[i] = new(big.Int).And(rest, mask)
		rest.Rsh(rest, uint(f.layout.limbBits()))
	}
	return out
}

func power2(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }
