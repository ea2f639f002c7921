package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/params"
)

// setupPlonk are the flags of setup plonk.
type setupPlonk struct {
	circuit, ptau, source, out string
}

func (a *app) setupPlonkCommand() *cobra.Command {
	var o setupPlonk
	c := &cobra.Command{
		Use:   "plonk",
		Short: "make parameters of PLONK from powers of tau, without a ceremony of your own",
		Long: `Plonk makes a parameter set of the other proof system, PLONK, from a file of
powers of tau in snarkjs' format: the outcome of a public ceremony that was for
no circuit in particular. What is used of the file is checked, with the
contributions that led to it. Nobody has a secret to keep: everyone who has the
file makes the same keys, and every prover computes them again. Who could forge
is all contributors of the file together.

It needs power 14 for babyjubjub-20-plonk, 15 for babyjubjub-32-plonk. Compare
the file's digest with the one that its ceremony published. PLONK's proofs are
four times as large as those of Groth16, and take many times as long to make.`,
		Example: `  zkkex setup plonk --ptau powers.ptau --out params
  zkkex setup plonk --ptau powers.ptau --circuit babyjubjub-32-plonk --out params`,
		Args: noArguments,
	}
	f := c.Flags()
	f.StringVar(&o.ptau, "ptau", "", "the powers of tau in `FILE`")
	f.StringVar(&o.source, "ptau-source", "", "say where that file is from: `TEXT` (default its name)")
	f.StringVar(&o.circuit, "circuit", zkkex.BabyJubjub20Plonk.String(), "make parameters for the circuit `NAME`")
	f.StringVar(&o.out, "out", "", "write the parameter set to the new folder `DIR`")
	_ = c.RegisterFlagCompletionFunc("circuit", cobra.FixedCompletions(circuitNames(zkkex.Plonk), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) { return a.setupPlonk(ctx, o) })
	return c
}

// circuitNames returns the names of a proof system's circuits.
func circuitNames(s zkkex.ProofSystem) (names []string) {
	for _, id := range s.Circuits() {
		names = append(names, id.String())
	}
	return names
}

func (a *app) setupPlonk(ctx context.Context, o setupPlonk) (result, error) {
	circuit, err := zkkex.ParseCircuit(o.circuit)
	if err != nil {
		return nil, err
	}
	if circuit.ProofSystem() != zkkex.Plonk {
		return nil, withHint(usagef("--circuit %v: a circuit of %v, expected one of %v", circuit, circuit.ProofSystem(), circuitNames(zkkex.Plonk)),
			"parameters of %v come from zkkex setup ceremony", circuit.ProofSystem())
	}
	if o.ptau == "" {
		return nil, usagef("name the powers of tau with --ptau FILE")
	}
	if o.out == "" {
		return nil, usagef("say where the parameters are written: --out DIR, a new folder")
	}
	if err := refuseExisting(o.out); err != nil {
		return nil, err
	}
	f, size, err := openRegular(o.ptau)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if o.source == "" {
		o.source = filepath.Base(o.ptau)
	}
	report, end := a.bar()
	defer end()
	m, err := setup.WriteUniversal(ctx, o.out, setup.Universal{
		Circuit: circuit, Ptau: f, Size: size, Source: o.source, Created: a.env.Now(),
	}, report)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.ptau, err)
	}
	end()
	a.notef("publish the params digest, and where the powers of tau are from: others make the set again, and pin it with --params-digest")
	return newSetResultOf(m)
}

// newSetResultOf returns a set that was just made.
func newSetResultOf(m *params.Manifest) (*setResult, error) {
	digest, err := m.Digest()
	if err != nil {
		return nil, err
	}
	return &setResult{Digest: digest.String(), Manifest: *m, Trust: trustIn(m)}, nil
}

// verifyPlonk checks a set of PLONK, which has no ceremony of its own.
func verifyPlonk(ctx context.Context, dir string, o *audit.Options, report func(string, int, int)) (result, error) {
	if o.Signers != nil {
		return nil, usagef("--signers: %s is a set of PLONK, whose contributors signed nothing: leave it out", dir)
	}
	m, err := setup.VerifyUniversal(ctx, os.DirFS(dir), setup.UniversalCheck{Digest: o.Digest, Ptau: o.Ptau, Size: o.PtauSize}, report)
	if err != nil {
		return nil, (&paramsFlags{which: dir}).explain(err)
	}
	set, err := newSetResultOf(m)
	if err != nil {
		return nil, err
	}
	checked := "the reference string is well-formed, and the keys follow from it and the circuit"
	if o.Ptau != nil {
		checked += "; it is from the powers of tau in the file"
	}
	return &plonkResult{setResult: set, Params: set.Digest, Verdict: audit.Sound, Checked: checked}, nil
}

// plonkResult is a set of PLONK that was checked.
type plonkResult struct {
	*setResult
	// Params and Verdict are under the same names as in the report of a ceremony's set.
	Params  string        `json:"params_digest"`
	Verdict audit.Verdict `json:"verdict"`
	Checked string        `json:"checked"`
}

func (r *plonkResult) text() string {
	t := r.table()
	t.add("checked", "%s", r.Checked)
	t.add("verdict", "%s", r.Verdict)
	return t.String()
}
