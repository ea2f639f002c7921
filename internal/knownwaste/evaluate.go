package knownwaste

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/relation"
)

// columns are the circuit's polynomials at tau: of each wire those of the left
// sides, the right sides and the outputs.
type columns struct{ a, b, c []fr.Element }

func evaluate(system *cs.R1CS, domain *fft.Domain, tau fr.Element) *columns {
	wires := relation.SizeOf(system).Wires()
	out := &columns{a: make([]fr.Element, wires), b: make([]fr.Element, wires), c: make([]fr.Element, wires)}
	basis := lagrange(domain, system.GetNbConstraints(), tau)
	add := func(column []fr.Element, terms constraint.LinearExpression, value *fr.Element) {
		for _, term := range terms {
			var t fr.Element
			t.Mul(&system.Coefficients[term.CoeffID()], value)
			column[term.WireID()].Add(&column[term.WireID()], &t)
		}
	}
	constraints := system.GetR1CIterator()
	for i, r := 0, constraints.Next(); r != nil; i, r = i+1, constraints.Next() {
		add(out.a, r.L, &basis[i])
		add(out.b, r.R, &basis[i])
		add(out.c, r.O, &basis[i])
	}
	return out
}

// lagrange returns the first m polynomials of the domain's Lagrange basis at tau:
// w^i (tau^n - 1) / (n (tau - w^i)).
func lagrange(domain *fft.Domain, m int, tau fr.Element) []fr.Element {
	one := fr.One()
	var scale fr.Element
	scale.Exp(tau, new(big.Int).SetUint64(domain.Cardinality))
	scale.Sub(&scale, &one).Mul(&scale, &domain.CardinalityInv)
	roots, differences := make([]fr.Element, m), make([]fr.Element, m)
	root := one
	for i := range roots {
		roots[i] = root
		differences[i].Sub(&tau, &root)
		root.Mul(&root, &domain.Generator)
	}
	out := fr.BatchInvert(differences)
	for i := range out {
		out[i].Mul(&out[i], &roots[i]).Mul(&out[i], &scale)
	}
	return out
}
