package bench

import (
	"context"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/bench/internal/textbook"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/public"
)

// proveLimit is the share of the textbook's CPU time that proving may take,
// nextLimit the share of a full proof's that a session's next one may, and eddsaLimit
// how many times a full proof's a proof of a signature may.
const (
	proveLimit = 0.55
	nextLimit  = 0.3
	eddsaLimit = 2
)

func (r *runner) prove(ctx context.Context) error {
	m, err := r.prepared()
	if err != nil {
		return err
	}
	if err := r.countProof(m); err != nil {
		return err
	}
	r.progress(Prove, "setting up %s", textbook.Name)
	theirs, err := newTextbookProver(m.st, m.witness)
	if err != nil {
		return err
	}
	if err := theirs.check(); err != nil {
		return err
	}
	signer, err := newSigner()
	if err != nil {
		return err
	}
	m.prover.Precompute()
	signer.prover.Precompute()
	r.report.count("prover's tables", m.prover.PrecomputedSize(), "bytes")
	next, err := m.next()
	if err != nil {
		return err
	}
	r.progress(Prove, "%v and %s, %d rounds", circuit, textbook.Name, r.options.rounds())
	timings, err := r.measure(ctx, Prove, 0, r.options.rounds(),
		task{name: circuit.String() + ", witness checked, proof verified", run: func() error {
			_, err := m.prove()
			return err
		}},
		task{name: textbook.Name + ", gnark alone", run: func() error {
			_, err := theirs.prove()
			return err
		}},
		task{name: circuit.String() + ", next certificate of a session", run: next},
		task{name: signed.String() + ", witness checked, proof verified", run: func() error {
			_, err := signer.prove()
			return err
		}},
	)
	if err != nil {
		return err
	}
	r.report.ratio("prove: "+circuit.String()+" / "+textbook.Name, timings[0], timings[1], proveLimit)
	r.report.ratio("prove: next certificate / full proof", timings[2], timings[0], nextLimit)
	r.report.ratio("prove: "+signed.String()+" / "+circuit.String(), timings[3], timings[0], eddsaLimit)
	return nil
}

// countProof counts what travels.
func (r *runner) countProof(m *member) error {
	p, err := m.presentation()
	if err != nil {
		return err
	}
	binary, err := p.AppendBinary(nil)
	if err != nil {
		return err
	}
	text, err := p.MarshalText()
	if err != nil {
		return err
	}
	r.report.count("proof", len(p.Proof), "bytes")
	r.report.count("statement", zkkex.StatementSize, "bytes")
	r.report.count("presentation", len(binary), "bytes")
	r.report.count("presentation, text", len(text), "bytes")
	return nil
}

// textbookProver proves the frozen textbook circuit as gnark's documentation
// does.
type textbookProver struct {
	system     *cs.R1CS
	key        gnark.ProvingKey
	verifying  gnark.VerifyingKey
	assignment *textbook.Circuit
	inputs     fr.Vector
}

// newTextbookProver sets the circuit up for the same member, slot and scope in
// a binary tree.
func newTextbookProver(st *zkkex.Statement, w *circuits.Witness) (*textbookProver, error) {
	system, err := textbook.Compile()
	if err != nil {
		return nil, err
	}
	t := &textbookProver{system: system}
	if err := gnark.Setup(system, &t.key, &t.verifying); err != nil {
		return nil, err
	}
	path := textbook.Path{Index: uint32(w.Path.Index)}
	for i := range path.Siblings {
		if path.Siblings[i], err = field.Parse(filler(uint64(i))); err != nil {
			return nil, err
		}
	}
	binary := *st
	if binary.Root, err = path.Root(w.Secret.Commitment()); err != nil {
		return nil, err
	}
	inputs, err := public.Inputs(&binary)
	if err != nil {
		return nil, err
	}
	t.inputs = inputs[:]
	t.assignment, err = textbook.Assign(&binary, &textbook.Witness{Secret: w.Secret, Path: path, Slot: w.Slot})
	return t, err
}

func (t *textbookProver) prove() (*gnark.Proof, error) {
	w, err := frontend.NewWitness(t.assignment, ecc.BN254.ScalarField())
	if err != nil {
		return nil, err
	}
	return gnark.Prove(t.system, &t.key, w)
}

// check proves once and verifies.
func (t *textbookProver) check() error {
	proof, err := t.prove()
	if err != nil {
		return err
	}
	return gnark.Verify(proof, &t.verifying, t.inputs)
}
