package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier"
)

// Limits of the CPU time per proof, in parts of that of gnark's own Verify.
const (
	batchLimit = 0.3
	// spoiledLimit is for a batch with one bad proof: finding it costs less
	// than batching saves.
	spoiledLimit = 1.0
	// admissionLimit means twice as many admissions per second and core.
	admissionLimit = 0.5
)

// batchSizes are measured; batches of a pool are of up to 64.
var batchSizes = []int{1, 2, 4, 8, 16, verifier.MaxBatch, 256}

func (r *runner) batch(ctx context.Context) error {
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
	a, err := newDecider(m)
	if err != nil {
		return err
	}
	defer a.pool.Close()
	tasks := []task{{name: "gnark's Verify one by one, decoded before", batch: verifyBatch, run: theirs.verify}}
	for _, n := range batchSizes {
		tasks = append(tasks, m.batchTask(fmt.Sprintf("proofs from their bytes, %d together", n), m.claims(proof, n, 0), 0))
	}
	tasks = append(tasks,
		m.batchTask(fmt.Sprintf("the same, %d together, 1 bad", verifier.MaxBatch), m.claims(proof, verifier.MaxBatch, 1), 1),
		m.batchTask(fmt.Sprintf("the same, %d together, all bad", verifier.MaxBatch), m.claims(proof, verifier.MaxBatch, verifier.MaxBatch), verifier.MaxBatch),
		task{name: "whole decisions, through a pool", each: callers * admissionsEach, run: a.rush},
	)
	r.progress(Batch, "%d rounds of %d tasks", r.options.rounds(), len(tasks))
	timings, err := r.measure(ctx, Batch, 0, r.options.rounds(), tasks...)
	if err != nil {
		return err
	}
	sixtyFour := timings[1+slices.Index(batchSizes, verifier.MaxBatch)]
	spoiled, admissions := timings[len(timings)-3], timings[len(timings)-1]
	r.report.ratio("verify: 64 together, from bytes / gnark's Verify alone", sixtyFour, timings[0], batchLimit)
	r.report.ratio("verify: 64 together, 1 bad / gnark's Verify alone", spoiled, timings[0], spoiledLimit)
	r.report.ratio("admit: whole decisions through a pool / gnark's Verify alone", admissions, timings[0], admissionLimit)
	return r.countBatch(m, proof)
}

// claims returns n claims of which the last ones, as many as bad, do not hold.
func (m *member) claims(proof zkkex.Proof, n, bad int) []params.Claim {
	other := *m.st
	other.Binding[0] ^= 1
	claims := slices.Repeat([]params.Claim{{Statement: m.st, Proof: proof}}, n)
	for i := n - bad; i < n; i++ {
		claims[i].Statement = &other
	}
	return claims
}

// batchTask checks claims together, several times if they are few.
func (m *member) batchTask(name string, claims []params.Claim, bad int) task {
	return task{
		name: name, batch: max(1, verifyBatch/len(claims)), each: len(claims),
		run: func() error {
			verdicts, _ := m.verifying.VerifyProofs(claims)
			refused := 0
			for _, err := range verdicts {
				if err != nil {
					refused++
				}
			}
			if refused != bad {
				return fmt.Errorf("%d of %d proofs are refused, expected %d", refused, len(claims), bad)
			}
			return nil
		},
	}
}

// countBatch adds the work of a good batch to the report.
func (r *runner) countBatch(m *member, proof zkkex.Proof) error {
	work, err := m.batchWork(proof, verifier.MaxBatch)
	if err != nil {
		return err
	}
	r.report.count("64 proofs together, Miller loops", work.Pairs, "pairs")
	r.report.count("64 proofs together, final exponentiations", work.Equations, "equations")
	return nil
}

// batchWork returns what n good proofs take together.
func (m *member) batchWork(proof zkkex.Proof, n int) (work groth16.Work, err error) {
	points, err := groth16.ParsePoints(m.verifying.VerifyingKey())
	if err != nil {
		return work, err
	}
	key, err := groth16.NewVerifyingKey(points)
	if err != nil {
		return work, err
	}
	p, err := groth16.ParseProof(proof)
	if err != nil {
		return work, err
	}
	inputs, err := public.Inputs(m.st)
	if err != nil {
		return work, err
	}
	_, work = key.VerifyBatch(slices.Repeat([]groth16.Claim{{Proof: p, Inputs: inputs}}, n))
	return work, nil
}
