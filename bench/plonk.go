package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/knowntau"
	"github.com/zkkex/zkkex/internal/plonkset"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// plonkTogether is the number of proofs that are verified in one call.
const plonkTogether = 64

// contender is one proof system's circuit for the smaller capacity.
type contender struct {
	id     zkkex.CircuitID
	folder fs.FS
	accept params.Accept

	prover    *prover.Prover
	verifying *params.Verifying
	st        *zkkex.Statement
	witness   *circuits.Witness
	proof     zkkex.Proof
}

// plonk measures the proof systems side by side, for one member and one statement.
func (r *runner) plonk(ctx context.Context) (err error) {
	r.progress(Plonk, "making parameters that are thrown away")
	dir, err := os.MkdirTemp(r.options.Dir, "zkkex-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	pair, err := newContenders(ctx, filepath.Join(dir, "plonk"))
	if err != nil {
		return err
	}
	var opening, proving, verifying []task
	for _, c := range pair {
		r.countContender(c)
		opening = append(opening,
			task{name: c.id.String() + ", open for verifying", run: c.openVerifying},
			task{name: c.id.String() + ", open for proving", run: c.openProving})
		proving = append(proving, task{name: c.id.String() + ", prove", run: func() error { return c.prove(ctx) }})
		verifying = append(verifying,
			task{name: c.id.String() + ", verify", batch: verifyBatch, run: c.verify},
			task{name: fmt.Sprintf("%v, verify %d together", c.id, plonkTogether), each: plonkTogether, run: c.verifyTogether})
	}
	r.progress(Plonk, "opening, proving and verifying, %d rounds", r.options.rounds())
	if _, err := r.measure(ctx, Plonk, 0, r.few(), opening...); err != nil {
		return err
	}
	for _, tasks := range [][]task{proving, verifying} {
		if _, err := r.measure(ctx, Plonk, 0, r.options.rounds(), tasks...); err != nil {
			return err
		}
	}
	return nil
}

// newContenders opens both, with one proof each. Groth16's prover has its tables, as
// after twenty proofs. PLONK's set is written to dir.
func newContenders(ctx context.Context, dir string) ([]*contender, error) {
	st, w, err := newStatement()
	if err != nil {
		return nil, err
	}
	groth16 := &contender{id: circuit, accept: params.Accept{Dev: true}}
	if groth16.folder, err = dev.FS(circuit); err != nil {
		return nil, err
	}
	plonk, err := throwaway(dir)
	if err != nil {
		return nil, err
	}
	pair := []*contender{groth16, plonk}
	for _, c := range pair {
		own := *st
		own.Circuit = c.id
		c.st, c.witness = &own, w
		if err := errors.Join(c.openVerifying(), c.openProving()); err != nil {
			return nil, err
		}
		c.prover.Precompute()
		if err := c.prove(ctx); err != nil {
			return nil, err
		}
	}
	return pair, nil
}

// throwaway makes a set of PLONK of a random secret, which is forgotten with it.
func throwaway(dir string) (*contender, error) {
	id, err := zkkex.Plonk.Circuit(circuit.KeyType(), circuit.CapacityBits())
	if err != nil {
		return nil, err
	}
	domain, _, err := plonkset.Domain(id)
	if err != nil {
		return nil, err
	}
	var tau fr.Element
	if _, err := tau.SetRandom(); err != nil {
		return nil, err
	}
	origin := params.UniversalSetup{
		Source: "a benchmark", File: params.Describe([]byte("none")), Power: 1, Contributors: []string{"a benchmark"},
	}
	files, manifest, err := plonkset.Files(id, knowntau.SRS(domain, tau), origin, time.Now())
	if err != nil {
		return nil, err
	}
	digest, err := manifest.Digest()
	if err != nil {
		return nil, err
	}
	if err := atomicfile.CreateFolder(dir, files); err != nil {
		return nil, err
	}
	return &contender{id: id, folder: os.DirFS(dir), accept: params.Accept{Digest: &digest}}, nil
}

func (r *runner) countContender(c *contender) {
	m := c.verifying.Manifest()
	r.report.count(c.id.String()+": constraints of its system", m.Circuit.Constraints, "constraints")
	r.report.count(c.id.String()+": proof", len(c.proof), "bytes")
	r.report.count(c.id.String()+": parameters for proving", int(m.ProvingKey.Size+m.SRS.Size), "bytes")
	r.report.count(c.id.String()+": parameters for verifying", int(m.VerifyingKey.Size), "bytes")
}

func (c *contender) openVerifying() (err error) {
	c.verifying, err = params.OpenVerifying(c.folder, c.accept)
	return err
}

func (c *contender) openProving() error {
	set, err := params.OpenProving(c.folder, c.accept)
	if err != nil {
		return err
	}
	opened, err := prover.Open(set)
	if err == nil && c.prover == nil {
		c.prover = opened
	}
	return err
}

func (c *contender) prove(ctx context.Context) (err error) {
	c.proof, err = c.prover.Prove(ctx, c.st, c.witness)
	return err
}

func (c *contender) verify() error { return c.verifying.VerifyProof(c.st, c.proof) }

func (c *contender) verifyTogether() error {
	claims := make([]params.Claim, plonkTogether)
	for i := range claims {
		claims[i] = params.Claim{Statement: c.st, Proof: c.proof}
	}
	verdicts, _ := c.verifying.VerifyProofs(claims)
	return errors.Join(verdicts...)
}
