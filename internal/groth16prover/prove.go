package groth16prover

import (
	"fmt"
	"math/big"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/internal/groth16"
)

// wireSums are the sums over wires that a proof is made of, before anything is
// added that hides them: they determine the witness's wires up to brute force,
// and recognise every proof that is made of them. They never leave the package.
type wireSums struct {
	a, b1, k curve.G1Jac
	b2       curve.G2Jac
	// e is the proof of knowledge of what is committed to. It hides that by
	// itself: one of the wires in it is random.
	e curve.G1Jac
}

// add adds other to s.
func (s *wireSums) add(other *wireSums) {
	s.a.AddAssign(&other.a)
	s.b1.AddAssign(&other.b1)
	s.k.AddAssign(&other.k)
	s.b2.AddAssign(&other.b2)
	s.e.AddAssign(&other.e)
}

// solution is what the solver returns, and the commitment, D, that it was made
// with.
type solution struct {
	*cs.R1CSSolution
	d curve.G1Jac
}

// summer sums wires: a [Key] in full, a [Session] by what has changed.
type summer interface {
	// commit returns the commitment to values, those of the committed wires.
	commit(values []fr.Element) (curve.G1Jac, error)
	// sum sums over all wires.
	sum(s *solution) (*wireSums, error)
}

// blinding are the scalars that hide a proof's wires: uniform, independent, and
// new for every proof.
type blinding struct{ r, s fr.Element }

// newBlinding reads the system's random source.
func newBlinding() (*blinding, error) {
	var b blinding
	for _, scalar := range []*fr.Element{&b.r, &b.s} {
		if _, err := scalar.SetRandom(); err != nil {
			return nil, fmt.Errorf("reading random bytes: %w", err)
		}
	}
	return &b, nil
}

// Prove proves that a witness, all public and secret inputs, satisfies the
// constraints. Nothing of it is kept. It returns an error wrapping
// [ErrWitnessSize] or [ErrUnsatisfied], or the error of the system's random
// source. It does not verify the proof.
func (k *Key) Prove(w witness.Witness) (*groth16.Proof, error) {
	return k.prove(w, k, newBlinding)
}

// prove is Prove with the choice of how wires are summed and where the blinding
// comes from.
func (k *Key) prove(w witness.Witness, by summer, blind func() (*blinding, error)) (*groth16.Proof, error) {
	solution, err := k.solve(w, by)
	if err != nil {
		return nil, err
	}
	defer clear(solution.W)
	defer k.count()
	b, err := blind()
	if err != nil {
		return nil, err
	}
	defer func() { *b = blinding{} }()
	var h curve.G1Jac
	var sums *wireSums
	var group errgroup.Group
	group.Go(func() error {
		h = k.sumQuotient(solution)
		return nil
	})
	group.Go(func() (err error) {
		sums, err = by.sum(solution)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	defer func() { *sums, h = wireSums{}, curve.G1Jac{} }()
	proof := k.assemble(sums, &h, b)
	if k.commitment != nil {
		proof.Commitment = new(groth16.Commitment)
		proof.Commitment.D.FromJacobian(&solution.d)
		proof.Commitment.E.FromJacobian(&sums.e)
	}
	return proof, nil
}

// solve returns the values of all wires.
func (k *Key) solve(w witness.Witness, by summer) (*solution, error) {
	if w == nil {
		return nil, fmt.Errorf("%w: none given", ErrWitnessSize)
	}
	want := k.system.GetNbPublicVariables() - 1 + k.system.GetNbSecretVariables() // without the constant
	if values, ok := w.Vector().(fr.Vector); !ok || len(values) != want {
		return nil, fmt.Errorf("%w: expected %d elements of BN254's scalar field", ErrWitnessSize, want)
	}
	c := committer{by: by}
	solved, err := k.system.Solve(w, c.options(k.commitment)...)
	switch {
	case c.err != nil:
		return nil, c.err
	case err != nil:
		return nil, ErrUnsatisfied // the solver's message holds values of wires
	}
	values, ok := solved.(*cs.R1CSSolution)
	if !ok {
		return nil, fmt.Errorf("%w: expected a rank-1 constraint system", ErrKey)
	}
	return &solution{values, c.d}, nil
}

// sumQuotient returns the quotient's part of C.
func (k *Key) sumQuotient(solution *solution) curve.G1Jac {
	h := quotient(solution.A, solution.B, solution.C, &k.points.Domain)
	solution.A, solution.B, solution.C = nil, nil, nil
	defer clear(h)
	h = h[:len(k.points.G1.Z)] // its degree is n-2, and the order is bit-reversed: the last is the highest
	z := &k.bases.Load().z
	d := recode(h, windowBits(len(h), z.span))
	defer clear(d.flat)
	rows := make([]int32, len(h))
	for i := range rows {
		rows[i] = int32(i)
	}
	return sumG1(z, rows, d)
}

// sum sums over all wires.
func (k *Key) sum(s *solution) (*wireSums, error) {
	rows := make([]int32, len(s.W))
	for i := range rows {
		rows[i] = int32(i)
	}
	return k.sumRows(rows, s.W), nil
}

// sumRows sums over the wires with a row, and takes scalars[rows[wire]] as their
// values.
func (k *Key) sumRows(rows []int32, scalars []fr.Element) *wireSums {
	bases := k.bases.Load()
	d := recode(scalars, windowBits(weight(scalars), bases.a.span))
	defer clear(d.flat)
	var s wireSums
	var group errgroup.Group
	sum1 := func(out *curve.G1Jac, m *multiples[curve.G1Affine], wires []int32) {
		group.Go(func() error {
			*out = sumG1(m, gather(rows, wires), d)
			return nil
		})
	}
	group.Go(func() error {
		s.b2 = sumG2(&bases.b2, gather(rows, k.wiresB), d)
		return nil
	})
	sum1(&s.k, &bases.k, k.wiresK)
	sum1(&s.a, &bases.a, k.wiresA)
	sum1(&s.b1, &bases.b, k.wiresB)
	if k.commitment != nil {
		sum1(&s.e, &bases.e, k.wiresD)
	}
	_ = group.Wait() // none fails
	return &s
}

// gather returns the rows of some wires.
func gather(rows, wires []int32) []int32 {
	out := make([]int32, len(wires))
	for i, wire := range wires {
		out[i] = rows[wire]
	}
	return out
}

// assemble blinds the sums (ePrint 2016/260, section 3.2):
//
//	A = alpha + sum(a) + r*delta
//	B = beta  + sum(b) + s*delta
//	C = sum(k) + sum(h) + s*A + r*B - r*s*delta
//
// In G1 the last two are r*(beta + sum(b)): B's own blinding cancels.
func (k *Key) assemble(sums *wireSums, h *curve.G1Jac, b *blinding) *groth16.Proof {
	var r, s big.Int
	b.r.BigInt(&r)
	b.s.BigInt(&s)
	var delta1, term curve.G1Jac
	delta1.FromAffine(&k.points.G1.Delta)

	a := sums.a
	a.AddMixed(&k.points.G1.Alpha)
	a.AddAssign(term.ScalarMultiplication(&delta1, &r))

	b1 := sums.b1
	b1.AddMixed(&k.points.G1.Beta)

	var delta2 curve.G2Jac
	b2 := sums.b2
	delta2.FromAffine(&k.points.G2.Delta)
	b2.AddMixed(&k.points.G2.Beta)
	b2.AddAssign(delta2.ScalarMultiplication(&delta2, &s))

	c := sums.k
	c.AddAssign(h)
	c.AddAssign(term.ScalarMultiplication(&a, &s))
	c.AddAssign(term.ScalarMultiplication(&b1, &r))

	var proof groth16.Proof
	proof.A.FromJacobian(&a)
	proof.B.FromJacobian(&b2)
	proof.C.FromJacobian(&c)
	return &proof
}
