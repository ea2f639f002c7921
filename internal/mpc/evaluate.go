package mpc

import (
	"context"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/relation"
)

// evaluator adds up the columns of a circuit.
type evaluator struct {
	columns                   *columns
	tau1, alphaTau1, betaTau1 multiples[curve.G1Affine]
	tau2                      multiples[curve.G2Affine]
	// scale is 1 over the size of the domain, which is missing from the basis.
	scale big.Int
}

// evaluate returns the evaluations, and the points K of the private wires for
// delta 1.
func evaluate(ctx context.Context, system *cs.R1CS, basis *lagrange, progress Progress) (*Evaluations, []curve.G1Affine, error) {
	size := relation.SizeOf(system)
	wires := size.Wires()
	e := &evaluator{columns: newColumns(system, wires)}
	e.setScale(len(basis.tau1))
	if err := e.prepare(ctx, basis, progress); err != nil {
		return nil, nil, err
	}

	evals := new(Evaluations)
	evals.G1.A = make([]curve.G1Affine, wires)
	evals.G1.B = make([]curve.G1Affine, wires)
	evals.G2.B = make([]curve.G2Affine, wires)
	evals.G1.CKK = [][]curve.G1Affine{} // no commitments, as gnark has them
	evals.PublicAndCommitmentCommitted = [][]int{}
	k := make([]curve.G1Affine, wires)
	w := newStep("wires", 0, progress).part()
	w.add(wires, func(start, end int) error {
		for i := start; i < end; i++ {
			evals.G1.A[i], evals.G1.B[i], evals.G2.B[i] = e.left(i), e.right(i), e.right2(i)
			k[i] = e.combined(i)
		}
		return nil
	})
	if err := w.run(ctx); err != nil {
		return nil, nil, err
	}
	evals.G1.VKK = k[:size.Public:size.Public]
	return evals, k[size.Public:], nil
}

func (e *evaluator) setScale(domain int) {
	var inverse fr.Element
	inverse.SetUint64(uint64(domain))
	inverse.Inverse(&inverse)
	inverse.BigInt(&e.scale)
}

// prepare computes the multiples of the basis.
func (e *evaluator) prepare(ctx context.Context, basis *lagrange, progress Progress) error {
	w := newStep("multiples", 0, progress).part()
	e.tau1 = addMultiples[curve.G1Jac, curve.G1Affine](w, basis.tau1)
	e.alphaTau1 = addMultiples[curve.G1Jac, curve.G1Affine](w, basis.alphaTau1)
	e.betaTau1 = addMultiples[curve.G1Jac, curve.G1Affine](w, basis.betaTau1)
	e.tau2 = addMultiples[curve.G2Jac, curve.G2Affine](w, basis.tau2)
	return w.run(ctx)
}

// left returns the left column of a wire at tau.
func (e *evaluator) left(wire int) curve.G1Affine {
	return evaluateSum[curve.G1Jac](e, appendTerms(nil, e.tau1, e.columns.left[wire], e.columns.coefficients))
}

// right returns the right column of a wire at tau.
func (e *evaluator) right(wire int) curve.G1Affine {
	return evaluateSum[curve.G1Jac](e, appendTerms(nil, e.tau1, e.columns.right[wire], e.columns.coefficients))
}

// right2 is right in the other group.
func (e *evaluator) right2(wire int) curve.G2Affine {
	return evaluateSum[curve.G2Jac](e, appendTerms(nil, e.tau2, e.columns.right[wire], e.columns.coefficients))
}

// combined returns beta times the left column, alpha times the right one, and the
// output column, at tau.
func (e *evaluator) combined(wire int) curve.G1Affine {
	terms := appendTerms(nil, e.betaTau1, e.columns.left[wire], e.columns.coefficients)
	terms = appendTerms(terms, e.alphaTau1, e.columns.right[wire], e.columns.coefficients)
	terms = appendTerms(terms, e.tau1, e.columns.output[wire], e.columns.coefficients)
	return evaluateSum[curve.G1Jac](e, terms)
}

// evaluateSum adds terms up and divides by the size of the domain.
func evaluateSum[J, A any, P jacobian[J, A], Q affine[J, A]](e *evaluator, terms []term[A]) A {
	total := sum[J, A, P, Q](terms)
	P(&total).ScalarMultiplication(&total, &e.scale)
	var out A
	Q(&out).FromJacobian(&total)
	return out
}
