package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex/internal/field"
)

// KeyWires are the digits of a scalar, bit by bit. See [Digits].
type KeyWires struct {
	Magnitude [Windows][2]frontend.Variable
	Sign      [Windows]frontend.Variable
	Top       frontend.Variable
}

// fixedBaseY returns the y coordinate of x*G. Per window: three booleans, one
// product for the table, one for the sign, three for the addition. Labels begin
// with name.
func fixedBaseY(api frontend.API, name string, key *KeyWires) frontend.Variable {
	u, v := fixedBaseWindows(api, name, key)
	return addTop(api, table(), u, v, key.Top)
}

// fixedBase returns x*G, like [fixedBaseY], with both coordinates.
func fixedBase(api frontend.API, name string, key *KeyWires) edwardsPoint {
	u, v := fixedBaseWindows(api, name, key)
	t := table()
	top := edwardsPoint{
		x: choose(api, key.Top, t.top[0].x, t.top[1].x),
		y: choose(api, key.Top, t.top[0].y, t.top[1].y),
	}
	return addEdwards(api, toEdwards(api, u, v), top)
}

// fixedBaseWindows returns the sum of the windows in Montgomery form, without the
// top digit, and asserts that all digits are digits.
func fixedBaseWindows(api frontend.API, name string, key *KeyWires) (sumU, sumV frontend.Variable) {
	t := table()
	for i := range t.windows {
		u, v := lookup(api, name, i, key)
		if i == 0 {
			sumU, sumV = u, v
			continue
		}
		sumU, sumV = addMontgomery(api, &t.form, sumU, sumV, u, v)
	}
	assertBoolean(api, name+": top digit is boolean", key.Top)
	return sumU, sumV
}

// lookup returns the i-th window's term in Montgomery form. The table's four
// entries are interpolated: m0 + 2*m1 selects c0 + c1*m0 + c2*m1 + c3*m0*m1.
func lookup(api frontend.API, name string, i int, key *KeyWires) (u, v frontend.Variable) {
	m0, m1, sign := key.Magnitude[i][0], key.Magnitude[i][1], key.Sign[i]
	assertBoolean(api, fmt.Sprintf("%s: window %d magnitude bit 0 is boolean", name, i), m0)
	assertBoolean(api, fmt.Sprintf("%s: window %d magnitude bit 1 is boolean", name, i), m1)
	assertBoolean(api, fmt.Sprintf("%s: window %d sign is boolean", name, i), sign)
	both := api.Mul(m0, m1)
	entries := &table().windows[i]
	u = interpolate(api, entries[0].x, entries[1].x, entries[2].x, entries[3].x, m0, m1, both)
	v = interpolate(api, entries[0].y, entries[1].y, entries[2].y, entries[3].y, m0, m1, both)
	plusOrMinusOne := api.Sub(api.Mul(sign, 2), 1)
	return u, api.Mul(plusOrMinusOne, v)
}

func interpolate(api frontend.API, e0, e1, e2, e3 field.Element, m0, m1, both frontend.Variable) frontend.Variable {
	c := coefficients(e0, e1, e2, e3)
	return api.Add(constant(c[0]), api.Mul(m0, constant(c[1])), api.Mul(m1, constant(c[2])), api.Mul(both, constant(c[3])))
}

func coefficients(e0, e1, e2, e3 field.Element) (c [4]field.Element) {
	c[0] = e0
	c[1].Sub(&e1, &e0)
	c[2].Sub(&e2, &e0)
	c[3].Sub(&e3, &e2).Sub(&c[3], &c[1])
	return c
}

// addMontgomery adds two points whose u coordinates differ:
//
//	slope = (v2-v1)/(u2-u1)   u3 = B*slope^2 - A - u1 - u2   v3 = slope*(u1-u3) - v1
//
// The division is unchecked: see [Digits] for why u1 and u2 do differ.
func addMontgomery(api frontend.API, form *montgomery, u1, v1, u2, v2 frontend.Variable) (u3, v3 frontend.Variable) {
	slope := api.DivUnchecked(api.Sub(v2, v1), api.Sub(u2, u1))
	u3 = api.Sub(api.Mul(api.Mul(slope, slope), constant(form.b)), constant(form.a), u1, u2)
	v3 = api.Sub(api.Mul(slope, api.Sub(u1, u3)), v1)
	return u3, v3
}

// addTop maps the sum to Edwards form and adds the top digit's term with the
// complete formula, whose denominators are never 0 (a is a square and d is
// none); of the result it returns y = (y1*y2 - a*x1*x2)/(1 - d*x1*x2*y1*y2),
// with a = -1.
func addTop(api frontend.API, t *baseTable, u, v, top frontend.Variable) frontend.Variable {
	x1 := api.DivUnchecked(u, v)
	y1 := api.DivUnchecked(api.Sub(u, 1), api.Add(u, 1))
	x2 := choose(api, top, t.top[0].x, t.top[1].x)
	y2 := choose(api, top, t.top[0].y, t.top[1].y)
	xx := api.Mul(x1, x2)
	yy := api.Mul(y1, y2)
	product := api.Mul(xx, yy)
	return api.DivUnchecked(api.Add(yy, xx), api.Sub(1, api.Mul(product, constant(t.d))))
}

// choose returns e0 or e1 by a bit.
func choose(api frontend.API, bit frontend.Variable, e0, e1 field.Element) frontend.Variable {
	var diff field.Element
	diff.Sub(&e1, &e0)
	return api.Add(constant(e0), api.Mul(bit, constant(diff)))
}

// constant passes a field element to the builder by value, canonically.
func constant(e field.Element) frontend.Variable {
	return e
}
