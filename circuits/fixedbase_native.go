package circuits

import (
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex/internal/field"
)

// digitValues are the values of [KeyWires], as field elements. A witness that
// lies may have any, so the native twin takes any.
type digitValues struct {
	magnitude [Windows][2]field.Element
	sign      [Windows]field.Element
	top       field.Element
}

// setValues spreads digits over bits.
func (d *Digits) setValues(out *digitValues) {
	for i, w := range d.Window {
		out.magnitude[i][0] = field.FromUint64(uint64(w.Magnitude & 1))
		out.magnitude[i][1] = field.FromUint64(uint64(w.Magnitude >> 1))
		out.sign[i] = field.FromUint64(uint64(w.Sign))
	}
	out.top = field.FromUint64(uint64(d.Top))
}

// wires returns the values as gnark takes them.
func (d *digitValues) wires() (w KeyWires) {
	for i := range d.sign {
		w.Magnitude[i] = [2]frontend.Variable{d.magnitude[i][0], d.magnitude[i][1]}
		w.Sign[i] = d.sign[i]
	}
	w.Top = d.top
	return w
}

// fixedBaseY is the native twin of the gadget of the same name.
func (d *digitValues) fixedBaseY() field.Element {
	t := table()
	sum := d.lookup(0)
	for i := 1; i < Windows; i++ {
		sum = t.form.add(sum, d.lookup(i))
	}
	return t.addTop(sum, d.top)
}

func (d *digitValues) lookup(i int) (p point) {
	entries := &table().windows[i]
	m0, m1 := d.magnitude[i][0], d.magnitude[i][1]
	p.x = interpolateNative(coefficients(entries[0].x, entries[1].x, entries[2].x, entries[3].x), m0, m1)
	p.y = interpolateNative(coefficients(entries[0].y, entries[1].y, entries[2].y, entries[3].y), m0, m1)
	one := field.FromUint64(1)
	var plusOrMinusOne field.Element
	plusOrMinusOne.Double(&d.sign[i]).Sub(&plusOrMinusOne, &one)
	p.y.Mul(&p.y, &plusOrMinusOne)
	return p
}

func interpolateNative(c [4]field.Element, m0, m1 field.Element) field.Element {
	var both, term field.Element
	both.Mul(&m0, &m1)
	out := c[0]
	out.Add(&out, term.Mul(&c[1], &m0))
	out.Add(&out, term.Mul(&c[2], &m1))
	out.Add(&out, term.Mul(&c[3], &both))
	return out
}

// add is the chord formula; the caller sees to it that p.x and q.x differ.
func (m *montgomery) add(p, q point) (out point) {
	var slope, num, den field.Element
	num.Sub(&q.y, &p.y)
	den.Sub(&q.x, &p.x)
	slope.Div(&num, &den)
	out.x.Square(&slope).Mul(&out.x, &m.b)
	out.x.Sub(&out.x, &m.a).Sub(&out.x, &p.x).Sub(&out.x, &q.x)
	out.y.Sub(&p.x, &out.x).Mul(&out.y, &slope).Sub(&out.y, &p.y)
	return out
}

// addTop is the native twin of the gadget of the same name.
func (t *baseTable) addTop(sum point, top field.Element) field.Element {
	one := field.FromUint64(1)
	var x1, y1, num, den field.Element
	x1.Div(&sum.x, &sum.y)
	num.Sub(&sum.x, &one)
	den.Add(&sum.x, &one)
	y1.Div(&num, &den)
	x2 := chooseNative(top, t.top[0].x, t.top[1].x)
	y2 := chooseNative(top, t.top[0].y, t.top[1].y)
	var xx, yy, product field.Element
	xx.Mul(&x1, &x2)
	yy.Mul(&y1, &y2)
	product.Mul(&xx, &yy).Mul(&product, &t.d)
	num.Add(&yy, &xx)
	den.Sub(&one, &product)
	return *num.Div(&num, &den)
}

func chooseNative(bit, e0, e1 field.Element) field.Element {
	var diff field.Element
	diff.Sub(&e1, &e0).Mul(&diff, &bit)
	return *diff.Add(&diff, &e0)
}
