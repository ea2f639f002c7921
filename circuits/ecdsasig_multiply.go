package circuits

import (
	"math/big"

	"github.com/consensys/gnark/frontend"
)

// jointTable holds i*P + j*Q: at [0] for i = 1 and at [1] for i = 3, there for j =
// -3, -1, 1, 3 in this order.
type jointTable [2][4]ecPoint

func (c *pointAdder) newJointTable(p, q ecPoint) *jointTable {
	var t jointTable
	ps, qs := [2]ecPoint{p, c.triple(p)}, [2]ecPoint{q, c.triple(q)}
	for i := range ps {
		for j := range qs {
			t[i][2+j] = c.explicit(c.plus(c.line(ps[i]), qs[j]))
			t[i][1-j] = c.explicit(c.plus(c.line(ps[i]), c.negative(qs[j])))
		}
	}
	return &t
}

func (c *pointAdder) triple(p ecPoint) ecPoint { return c.explicit(c.plus(c.double(p), p)) }

// lookup returns dp*P + dq*Q for the signed digits dp = 2*(p0+2*p1) - 3 and
// dq = 2*(q0+2*q1) - 3. The table has positive dp; the rest are the negatives of
// those with both digits' signs changed.
func (c *pointAdder) lookup(t *jointTable, p0, p1, q0, q1 frontend.Variable) ecPoint {
	three, j0, j1 := same(c.api, p0, p1), same(c.api, q0, p1), same(c.api, q1, p1)
	var rows [2]ecPoint
	for i, row := range t {
		rows[i].x = c.chooseOfFour(j0, j1, [4]*residue{row[0].x, row[1].x, row[2].x, row[3].x})
		rows[i].y = c.chooseOfFour(j0, j1, [4]*residue{row[0].y, row[1].y, row[2].y, row[3].y})
	}
	sum := c.choosePoint(three, rows[1], rows[0])
	return ecPoint{sum.x, c.choose(p1, sum.y, c.negate(sum.y))}
}

func (c *pointAdder) choosePoint(bit frontend.Variable, p, q ecPoint) ecPoint {
	return ecPoint{c.choose(bit, p.x, q.x), c.choose(bit, p.y, q.y)}
}

// same returns 1 if two bits are equal, and 0 otherwise.
func same(api frontend.API, b0, b1 frontend.Variable) frontend.Variable {
	return api.Sub(1, api.Xor(b0, b1))
}

// jointMultiply returns 4^63*S + p*P + q*Q, for a fixed point S and the odd
// numbers p and q that the bits stand for (see [oddBits]): from the top window
// down, two doublings and a sum.
func (c *pointAdder) jointMultiply(start curvePoint, t *jointTable, p, q *[shortBits]frontend.Variable) ecLine {
	sum := c.line(c.point(start))
	for i := jointWindows - 1; i >= 0; i-- {
		if i < jointWindows-1 {
			sum = c.double(c.explicit(c.double(c.explicit(sum))))
		}
		sum = c.plus(sum, c.lookup(t, p[2*i], p[2*i+1], q[2*i], q[2*i+1]))
	}
	return sum
}

// minusBaseMultiple returns p - k*G, for the odd number k that the bits stand for:
// a sum per window of eight bits.
func (c *pointAdder) minusBaseMultiple(p ecLine, k *[scalarBits]frontend.Variable) ecLine {
	for i := range ECWindows {
		p = c.plus(p, c.lookupBase(i, k[i*ecWindowBits:(i+1)*ecWindowBits]))
	}
	return p
}

// lookupBase returns -d*256^i*G for the signed digit d = 2u - 255 of a window.
func (c *pointAdder) lookupBase(i int, u []frontend.Variable) ecPoint {
	sign := u[ecWindowBits-1]
	magnitude := make([]frontend.Variable, ecWindowBits-1)
	for k := range magnitude {
		magnitude[k] = same(c.api, u[k], sign)
	}
	low, high := monomials(c.api, magnitude[:lowBits]), monomials(c.api, magnitude[lowBits:])
	x, y := newResidue(), newResidue()
	for j, limb := 0, c.layout.limbBits(); j < residueLimbs; j++ {
		x.limbs[j] = selectConstant(c.api, low, high, c.curve.windows.column(i, abscissa, j*limb, limb))
		y.limbs[j] = selectConstant(c.api, low, high, c.curve.windows.column(i, ordinate, j*limb, limb))
		bound := power2(min(limb, c.p.BitLen()-j*limb))
		x.bound[j], y.bound[j] = bound, bound
	}
	minusOrPlusOne := c.api.Sub(1, c.api.Mul(sign, 2))
	for j := range y.limbs {
		y.limbs[j] = c.api.Mul(minusOrPlusOne, y.limbs[j])
	}
	return ecPoint{x, y}
}

// end returns what [pointAdder.jointMultiply] adds beside the multiples.
func (c *sigCurve) end() curvePoint {
	return c.times(c.offset, new(big.Int).Lsh(big.NewInt(1), 2*(jointWindows-1)))
}
