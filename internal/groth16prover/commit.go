package groth16prover

import (
	"errors"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint/solver"

	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/relation"
)

// committer commits while the solver runs, which needs the challenge for what is
// left. It serves one run.
type committer struct {
	by  summer
	d   curve.G1Jac
	err error // of by; the solver's own errors are not told
}

// errNotCommitted ends a run of the solver. Why is in the committer.
var errNotCommitted = errors.New("no commitment")

// options returns what makes the solver ask c for the challenge, whose hint gnark
// leaves to be overridden.
func (c *committer) options(commitment *relation.Commitment) []solver.Option {
	if commitment == nil {
		return nil
	}
	return []solver.Option{solver.OverrideHint(commitment.Hint, c.challenge)}
}

// challenge is the hint: it takes the commitment's number and the committed
// values, and returns the challenge.
func (c *committer) challenge(_ *big.Int, in, out []*big.Int) error {
	values := make([]fr.Element, len(in)-1)
	defer clear(values)
	for i, value := range in[1:] {
		values[i].SetBigInt(value)
	}
	if c.d, c.err = c.by.commit(values); c.err != nil {
		return errNotCommitted
	}
	var d curve.G1Affine
	challenge := groth16.Challenge(d.FromJacobian(&c.d))
	challenge.BigInt(out[0])
	return nil
}

// commit commits to values in full.
func (k *Key) commit(values []fr.Element) (curve.G1Jac, error) {
	rows := make([]int32, len(values))
	for i := range rows {
		rows[i] = int32(i)
	}
	return k.commitRows(rows, values), nil
}

// commitRows sums over the committed wires with a row, and takes
// scalars[rows[i]] as the value of the i-th.
func (k *Key) commitRows(rows []int32, scalars []fr.Element) curve.G1Jac {
	basis := &k.bases.Load().d
	d := recode(scalars, windowBits(weight(scalars), basis.span))
	defer clear(d.flat)
	return sumG1(basis, rows, d)
}
