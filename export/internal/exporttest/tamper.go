package exporttest

import (
	"fmt"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/public"
)

// Case is an honest proof that was changed in one way.
type Case struct {
	// Name says what was changed.
	Name string
	// Numbers are the result.
	Numbers Numbers
}

// Tampered returns what every verifier refuses, made of an honest proof and of
// another one for another statement.
func Tampered(honest, another Numbers) []Case {
	t := tampering{honest: honest}
	t.inputs(another)
	t.points(another)
	t.encodings()
	return t.cases
}

type tampering struct {
	honest Numbers
	cases  []Case
}

func (t *tampering) add(name string, change func(n *Numbers)) {
	n := t.honest.Clone()
	change(&n)
	t.cases = append(t.cases, Case{Name: name, Numbers: n})
}

// inputs changes every public input.
func (t *tampering) inputs(another Numbers) {
	for i, name := range public.Names() {
		t.add(name+" and one more", func(n *Numbers) { n.Inputs[i].Add(n.Inputs[i], big.NewInt(1)) })
		t.add(name+" of 0", func(n *Numbers) { n.Inputs[i].SetUint64(0) })
		t.add(name+" plus the order of the scalar field", func(n *Numbers) { n.Inputs[i].Add(n.Inputs[i], fr.Modulus()) })
		t.add(name+" plus four times the order", func(n *Numbers) {
			n.Inputs[i].Add(n.Inputs[i], new(big.Int).Lsh(fr.Modulus(), 2))
		})
		for j := range i {
			t.add(fmt.Sprintf("%s and %s swapped", public.Names()[j], name), func(n *Numbers) {
				n.Inputs[i], n.Inputs[j] = n.Inputs[j], n.Inputs[i]
			})
		}
	}
	t.add("inputs of another proof", func(n *Numbers) { n.Inputs = another.Inputs })
}

// points replaces A, B and C by other points of their groups.
func (t *tampering) points(another Numbers) {
	t.add("A doubled", func(n *Numbers) { p := n.a(); n.setA(*p.Double(&p)) })
	t.add("B doubled", func(n *Numbers) { p := n.b(); n.setB(*p.Double(&p)) })
	t.add("C doubled", func(n *Numbers) { p := n.c(); n.setC(*p.Double(&p)) })
	t.add("A negated", func(n *Numbers) { p := n.a(); n.setA(*p.Neg(&p)) })
	t.add("B negated", func(n *Numbers) { p := n.b(); n.setB(*p.Neg(&p)) })
	t.add("C negated", func(n *Numbers) { p := n.c(); n.setC(*p.Neg(&p)) })
	t.add("A of another proof", func(n *Numbers) { n.setA(another.a()) })
	t.add("B of another proof", func(n *Numbers) { n.setB(another.b()) })
	t.add("C of another proof", func(n *Numbers) { n.setC(another.c()) })
	t.add("A and C swapped", func(n *Numbers) { a, c := n.a(), n.c(); n.setA(c); n.setC(a) })
	t.add("A at infinity", func(n *Numbers) { n.setA(curve.G1Affine{}) })
	t.add("B at infinity", func(n *Numbers) { n.setB(curve.G2Affine{}) })
	t.add("C at infinity", func(n *Numbers) { n.setC(curve.G1Affine{}) })
	t.add("all at infinity", func(n *Numbers) {
		n.setA(curve.G1Affine{})
		n.setB(curve.G2Affine{})
		n.setC(curve.G1Affine{})
	})
}

// encodings puts what is no point in the places of points.
func (t *tampering) encodings() {
	for name, at := range map[string]int{"A": ay, "B": byRe, "C": cy} {
		t.add(name+" off the curve", func(n *Numbers) { n.Points[at].Add(n.Points[at], big.NewInt(1)) })
	}
	t.add("B outside of the subgroup", func(n *Numbers) { n.setB(outsideOfSubgroup()) })
}

// Aliased returns an honest proof with one coordinate at a time that is not
// below the order of the base field. The EVM refuses it. snarkjs reduces, and
// accepts.
func Aliased(honest Numbers) []Case {
	t := tampering{honest: honest}
	for i := range honest.Points {
		t.add(fmt.Sprintf("coordinate %d plus the order of the base field", i), func(n *Numbers) {
			n.Points[i].Add(n.Points[i], fp.Modulus())
		})
	}
	return t.cases
}

// Rerandomised returns another proof of the same statement, as anybody can make
// it: A and B by a number and by its inverse. Every verifier accepts it.
func Rerandomised(honest Numbers) Numbers {
	n := honest.Clone()
	var x, inverse fr.Element
	x.SetUint64(7)
	inverse.Inverse(&x)
	a, b := n.a(), n.b()
	n.setA(*a.ScalarMultiplication(&a, x.BigInt(new(big.Int))))
	n.setB(*b.ScalarMultiplication(&b, inverse.BigInt(new(big.Int))))
	return n
}
