package circuits

import (
	"fmt"
	"math/big"

	"github.com/consensys/gnark/frontend"
)

// ECKeyWires are the digits of a scalar, bit by bit. See [ECDigits].
type ECKeyWires struct {
	Magnitude [ECWindows - 1][ecWindowBits - 1]frontend.Variable
	Sign      [ECWindows - 1]frontend.Variable
	Top       [ecWindowBits - 1]frontend.Variable
}

// ecTerm is a point that a window selects. The coordinate y, which is never a
// factor, has only every other limb, of twice the width.
type ecTerm struct{ x, y *residue }

// fixedBaseX returns an expression for the x coordinate of the multiple of G that
// the digits stand for. Points are added with the chord formula,
//
//	slope = (ty-y)/(tx-x)   x' = slope^2 - x - tx   y' = slope*(tx-x') - ty
//
// whose denominators are not 0: see [ECDigits]. y stays an expression.
func fixedBaseX(f *residueField, b *ecBase, key *ECKeyWires) *expression {
	first := b.selected(f, 0, key)
	x, y := first.x, widened(first.y)
	for i := 1; ; i++ {
		t := b.selected(f, i, key)
		slope := f.divide(fmt.Sprintf("key: window %d slope", i), f.add(widened(t.y), -1, y), f.sub(t.x, x))
		next := f.expression(times(1, slope, slope), times(-1, x), times(-1, t.x))
		if i == ECWindows-1 {
			return next
		}
		x = f.reduce(fmt.Sprintf("key: window %d sum", i), next)
		y = f.expression(times(1, slope, f.sub(t.x, x)), times(-1, t.y))
	}
}

// selected returns the i-th window's point.
func (b *ecBase) selected(f *residueField, i int, key *ECKeyWires) ecTerm {
	if i == ECWindows-1 {
		return b.magnitude(f, "key: top", i, key.Top)
	}
	label := fmt.Sprintf("key: window %d", i)
	t := b.magnitude(f, label, i, key.Magnitude[i])
	assertBoolean(f.api, label+" sign is boolean", key.Sign[i])
	plusOrMinusOne := f.api.Sub(f.api.Mul(key.Sign[i], 2), 1)
	for j := 0; j < residueLimbs; j += 2 {
		t.y.limbs[j] = f.api.Mul(plusOrMinusOne, t.y.limbs[j])
	}
	return t
}

// lowBits is the number of a magnitude's bits that multiply a selection by the
// others, which is linear in their products.
const lowBits = 2

// magnitude returns the entry of a window at an index, given by its bits.
func (b *ecBase) magnitude(f *residueField, label string, window int, bits [ecWindowBits - 1]frontend.Variable) ecTerm {
	for i, bit := range bits {
		assertBoolean(f.api, fmt.Sprintf("%s magnitude bit %d is boolean", label, i), bit)
	}
	low, high := monomials(f.api, bits[:lowBits]), monomials(f.api, bits[lowBits:])
	t := ecTerm{x: newResidue(), y: newResidue()}
	limb := f.layout.limbBits()
	for j := range residueLimbs {
		t.x.limbs[j] = selectConstant(f.api, low, high, b.column(window, abscissa, j*limb, limb))
		t.x.bound[j] = power2(min(limb, f.p.BitLen()-j*limb))
	}
	for j := 0; j < residueLimbs; j += 2 {
		t.y.limbs[j] = selectConstant(f.api, low, high, b.column(window, ordinate, j*limb, 2*limb))
		t.y.bound[j] = power2(min(2*limb, f.p.BitLen()-j*limb))
	}
	return t
}

func abscissa(p curvePoint) *big.Int { return p.x }

func ordinate(p curvePoint) *big.Int { return p.y }

// column returns some bits of a coordinate of each of a window's entries.
func (b *ecBase) column(window int, coordinate func(curvePoint) *big.Int, from, width int) []*big.Int {
	mask := new(big.Int).Sub(power2(width), big.NewInt(1))
	out := make([]*big.Int, ecEntries)
	for m, p := range b.windows[window] {
		out[m] = new(big.Int).Rsh(coordinate(p), uint(from))
		out[m].And(out[m], mask)
	}
	return out
}

// monomials returns the products of the subsets of bits: at index m, of those
// whose place is a 1 in m.
func monomials(api frontend.API, bits []frontend.Variable) []frontend.Variable {
	out := []frontend.Variable{1}
	for _, bit := range bits {
		for _, m := range out {
			out = append(out, api.Mul(m, bit)) // the one with 1 is linear
		}
	}
	return out
}

// selectConstant returns the value at an index below len(values), whose lower and
// upper bits have these monomials: the multilinear polynomial with the values at
// the corners of the hypercube. It costs len(low) - 1 constraints.
func selectConstant(api frontend.API, low, high []frontend.Variable, values []*big.Int) frontend.Variable {
	coefficients := mobius(values)
	sum := frontend.Variable(0)
	for i, m := range low {
		inner := frontend.Variable(0)
		for j, n := range high {
			inner = api.Add(inner, api.Mul(n, coefficients[j*len(low)+i]))
		}
		sum = api.Add(sum, api.Mul(m, inner))
	}
	return sum
}

// mobius returns the coefficients of the multilinear polynomial with the given
// values, by monomials.
func mobius(values []*big.Int) []*big.Int {
	out := make([]*big.Int, len(values))
	for i, v := range values {
		out[i] = new(big.Int).Set(v)
	}
	for step := 1; step < len(out); step *= 2 {
		for i := range out {
			if i&step != 0 {
				out[i].Sub(out[i], out[i-step])
			}
		}
	}
	return out
}
