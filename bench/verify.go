package bench

import (
	"bytes"
	"context"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"

	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
)

// verifyLimit is how much of the CPU time of gnark's own Verify verifying may
// take.
const verifyLimit = 0.7

// verifyBatch is the number of verifications of a sample, of about a
// millisecond each.
const verifyBatch = 20

func (r *runner) verify(ctx context.Context) error {
	m, err := r.prepared()
	if err != nil {
		return err
	}
	proof, err := m.prove()
	if err != nil {
		return err
	}
	theirs, err := newGnarkVerifier(m, proof)
	if err != nil {
		return err
	}
	r.progress(Verify, "%d rounds of %d", r.options.rounds(), verifyBatch)
	timings, err := r.measure(ctx, Verify, 0, r.options.rounds(),
		task{name: "proof from its bytes", batch: verifyBatch, run: func() error {
			return m.verifying.VerifyProof(m.st, proof)
		}},
		task{name: "gnark's Verify, proof decoded before", batch: verifyBatch, run: theirs.verify},
		task{name: "gnark's decoder and Verify", batch: verifyBatch, run: theirs.decodeAndVerify},
	)
	if err != nil {
		return err
	}
	r.report.ratio("verify: ours from bytes / gnark's Verify alone", timings[0], timings[1], verifyLimit)
	r.report.ratio("verify: ours from bytes / gnark's from bytes", timings[0], timings[2], verifyLimit)
	return nil
}

// gnarkVerifier is gnark's own Verify for the same key, proof and inputs.
type gnarkVerifier struct {
	key     gnark.VerifyingKey
	proof   gnark.Proof
	encoded []byte
	inputs  fr.Vector
}

func newGnarkVerifier(m *member, proof []byte) (*gnarkVerifier, error) {
	var g gnarkVerifier
	if _, err := g.key.ReadFrom(bytes.NewReader(m.verifying.VerifyingKey())); err != nil {
		return nil, err
	}
	points, err := groth16.ParseProof(proof)
	if err != nil {
		return nil, err
	}
	g.proof = gnark.Proof{Ar: points.A, Bs: points.B, Krs: points.C}
	var encoded bytes.Buffer
	if _, err := g.proof.WriteTo(&encoded); err != nil {
		return nil, err
	}
	g.encoded = encoded.Bytes()
	inputs, err := public.Inputs(m.st)
	if err != nil {
		return nil, err
	}
	g.inputs = inputs[:]
	return &g, nil
}

func (g *gnarkVerifier) verify() error { return gnark.Verify(&g.proof, &g.key, g.inputs) }

func (g *gnarkVerifier) decodeAndVerify() error {
	var proof gnark.Proof
	if _, err := proof.ReadFrom(bytes.NewReader(g.encoded)); err != nil {
		return err
	}
	return gnark.Verify(&proof, &g.key, g.inputs)
}
