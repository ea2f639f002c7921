package export

import (
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/setup/params"
)

// Key is the verifying key of a parameter set, ready to be exported. It is safe
// for concurrent use.
type Key struct {
	set    *params.Verifying
	points *groth16.Points
}

// NewKey returns the verifying key of a set. It returns an error wrapping
// [zkkex.ErrUnsupported] for a set of another proof system than Groth16, or of a
// circuit whose proofs have a commitment: no contract or calldata is written for
// those.
func NewKey(set *params.Verifying) (*Key, error) {
	if system := set.Manifest().ProofSystem; system != params.ProofSystem {
		return nil, fmt.Errorf("%w: exporting parameters of the proof system %s, expected %s", zkkex.ErrUnsupported, system, params.ProofSystem)
	}
	if circuit := set.Manifest().Circuit; circuit.Commitments > 0 {
		return nil, fmt.Errorf("%w: exporting parameters of %v, whose proofs have a commitment: expected a circuit without", zkkex.ErrUnsupported, circuit.ID)
	}
	points, err := groth16.ParsePoints(set.VerifyingKey())
	if err != nil {
		return nil, fmt.Errorf("exporting a verifying key: %w", err)
	}
	return &Key{set: set, points: points}, nil
}

// Params returns the digest of the parameter set.
func (k *Key) Params() zkkex.ParamsDigest { return k.set.Digest() }

// Proof verifies a proof and returns it with its statement, ready to be
// exported: there is no export of what does not verify. Its errors are those of
// [params.Verifying.VerifyProof].
func (k *Key) Proof(st *zkkex.Statement, proof zkkex.Proof) (*Proof, error) {
	if err := k.set.VerifyProof(st, proof); err != nil {
		return nil, err
	}
	points, err := groth16.ParseProof(proof)
	if err != nil {
		return nil, fmt.Errorf("exporting a proof: %w", err)
	}
	inputs, err := public.Inputs(st)
	if err != nil {
		return nil, fmt.Errorf("exporting public inputs: %w", err)
	}
	return &Proof{points: points, inputs: inputs}, nil
}
