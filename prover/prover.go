// Package prover makes proofs.
//
// A [Prover] holds the parameters of one circuit and proves any statement with
// its witness. A [Holder] proves for one member: it finds the path, takes a slot
// and derives the statement itself.
//
// # Many proofs
//
// A [Session], which every Holder has, makes the proofs of one member at one
// root cheaper from the second on. docs/design/0008-prover.md says why that
// shows in no proof. [Prover.Precompute] makes every proof cheaper.
//
// # What is not promised
//
// Neither this program's arithmetic nor gnark's, below it, is constant time:
// whoever shares a processor with a prover may learn from its timing. Prove ahead of
// time and off the path of requests.
//
// The copies of the keys that a proof is made from, the vector of all wires and
// the working memory of Groth16's prover are wiped. The assignment that gnark is handed, which
// spells the keys out, what gnark's solver leaves, and copies on stacks are not:
// after a proof, the keys can be found in the process's memory. Sessions keep wires
// and sums on purpose, until they are closed.
package prover

import (
	"context"
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/setup/params"
)

// ErrUnproved reports that no proof came out although statement and witness
// belong together: parameters or program are damaged. It never says more, as a
// solver's messages hold secrets.
var ErrUnproved = errors.New("no valid proof came out; the parameters or this program are damaged")

// Prover proves statements of one circuit. It is safe for concurrent use.
type Prover struct {
	verifying *params.Verifying
	engine    engine
}

// Open compiles the circuit of a parameter set and checks that it is the one the
// set was made for. With Groth16 it parses the proving key and checks it: every
// length, every point, and that it belongs to the verifying key. With PLONK it
// checks that the structured reference string is one, computes the keys from it,
// and checks that the verifying key is the one computed. It returns a
// [*params.MismatchError] that names the file and the check.
func Open(set *params.Proving) (*Prover, error) {
	quiet.Gnark()
	key, err := newEngine(set)
	if err != nil {
		return nil, err
	}
	return &Prover{verifying: set.Verifying, engine: key}, nil
}

// Circuit returns the circuit that the prover proves.
func (p *Prover) Circuit() zkkex.CircuitID { return p.verifying.Circuit() }

// Params returns the digest of the parameter set.
func (p *Prover) Params() zkkex.ParamsDigest { return p.verifying.Digest() }

// Prove proves a statement, and verifies the proof before it returns it. It
// returns a [*circuits.WitnessError] that names what does not hold if the
// witness does not belong to the statement, an error wrapping
// [zkkex.ErrUnsupported] for a statement of another circuit, [ErrUnproved] if no
// proof came out, and the error of ctx, which it looks at between steps.
func (p *Prover) Prove(ctx context.Context, st *zkkex.Statement, w *circuits.Witness) (zkkex.Proof, error) {
	return p.prove(ctx, st, w, p.engine.prove)
}

// Precompute makes later proofs of Groth16 about a third cheaper, for about as
// much work as ten proofs and [Prover.PrecomputedSize] bytes of memory. A prover
// does it by itself, in the background, once it has proved twenty times, if that is
// 96 MiB at most; who knows that it will may call it at the start. Proofs do not
// wait for it. With PLONK it does nothing.
func (p *Prover) Precompute() { p.engine.precompute() }

// PrecomputedSize returns the number of bytes that [Prover.Precompute] takes.
func (p *Prover) PrecomputedSize() int { return p.engine.tableSize() }

func (p *Prover) prove(ctx context.Context, st *zkkex.Statement, w *circuits.Witness, prove func(witness.Witness) (zkkex.Proof, error)) (zkkex.Proof, error) {
	if st.Circuit != p.Circuit() {
		return nil, fmt.Errorf("%w: a statement of circuit %v, this prover proves %v", zkkex.ErrUnsupported, st.Circuit, p.Circuit())
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	assignment, err := circuits.Assign(st, w)
	if err != nil {
		return nil, err
	}
	proof, err := proveAssignment(assignment, prove)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// A proof that verifies says nothing about the witness, whoever made the
	// parameters; one that does not might.
	if err := p.verifying.VerifyProof(st, proof); err != nil {
		return nil, ErrUnproved
	}
	return proof, nil
}

func proveAssignment(assignment frontend.Circuit, prove func(witness.Witness) (zkkex.Proof, error)) (zkkex.Proof, error) {
	full, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		return nil, ErrUnproved
	}
	if values, ok := full.Vector().(fr.Vector); ok {
		defer clear(values)
	}
	proof, err := prove(full)
	if err != nil {
		return nil, ErrUnproved
	}
	return proof, nil
}
