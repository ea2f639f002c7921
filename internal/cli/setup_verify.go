package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/audit"
)

// setupVerify are the flags of setup verify.
type setupVerify struct {
	digest, ptau, signers string
	all                   bool
}

func (a *app) setupVerifyCommand() *cobra.Command {
	var o setupVerify
	c := &cobra.Command{
		Use:   "verify DIR",
		Short: "check a parameter set and its ceremony, and say who could have cheated",
		Long: `Verify takes a parameter set with its transcript and needs nobody's word: it
compiles the circuit, checks every contribution, makes the keys again and
compares them, ties each part of the proving key to the verifying key, and
checks that the second phase was run. That takes about half a minute for
babyjubjub-20. Then it says who could forge, and whether
anybody could tell members apart.

The answer is no, with exit code 3, if any check fails or could not be made.
What to do with a yes: compare the contributors and their digests with what
they published, and pin the params digest that is printed with --params-digest.

A set of PLONK has no transcript: its keys are made again from its reference
string, which is checked, and with --ptau from the powers of tau that it is from.`,
		Example: `  zkkex setup verify params
  zkkex setup verify params --signers signers --params-digest $DIGEST
  zkkex setup verify params --ptau powers.ptau --json`,
		Args:              arguments(1, 1, "the folder DIR of a parameter set"),
		ValidArgsFunction: firstFolder,
	}
	f := c.Flags()
	f.StringVar(&o.digest, "params-digest", "", "demand this digest, 64 hexadecimal digits `HEX`")
	f.StringVar(&o.ptau, "ptau", "", "compare an imported phase 1 with its powers of tau in `FILE`")
	f.StringVar(&o.signers, "signers", "", signersUsage)
	f.BoolVar(&o.all, "all", false, "list every check that passed, one by one")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.setupVerify(ctx, args[0], o) })
	return c
}

func (a *app) setupVerify(ctx context.Context, dir string, o setupVerify) (result, error) {
	options, end, err := a.auditOptions(&o)
	if err != nil {
		return nil, err
	}
	defer end()
	report, endBar := a.bar()
	defer endBar()
	if (&paramsFlags{which: dir}).proofSystem() == zkkex.Plonk {
		if options.Signers != nil {
			return nil, usagef("--signers: nobody signs a set of PLONK; run it without, and with --ptau")
		}
		return verifyPlonk(ctx, dir, &options, report)
	}
	found, err := audit.Verify(ctx, os.DirFS(dir), options, report)
	if err != nil {
		return nil, (&paramsFlags{which: dir}).explain(err)
	}
	return &auditResult{found, o.all}, explainAudit(found)
}

// explainAudit returns the error of a report. One that a flag alone made says so: the
// set is as good as it was.
func explainAudit(found *audit.Report) error {
	err, failed := found.Err(), found.Failures()
	if len(failed) != 1 {
		return err
	}
	switch name := failed[0].Name; {
	case name == audit.CheckPtauFile && found.Imported == nil:
		return withHint(err, "nothing else was found: run it without --ptau, which is for a set whose first phase was imported")
	case name == audit.CheckPtauFile:
		return withHint(err, "nothing else was found: is it the file that the set names, of the same SHA-256?")
	}
	return err
}

func (a *app) auditOptions(o *setupVerify) (options audit.Options, end func(), err error) {
	end = func() {}
	if o.digest != "" {
		digest, err := zkkex.ParseHex(o.digest)
		if err != nil {
			return options, end, usagef("--params-digest: %w", err)
		}
		options.Digest = (*zkkex.ParamsDigest)(&digest)
	}
	if options.Signers, err = a.readSigners(o.signers); err != nil {
		return options, end, err
	}
	if o.ptau != "" {
		f, size, err := openRegular(o.ptau)
		if err != nil {
			return options, end, err
		}
		options.Ptau, options.PtauSize, end = f, size, func() { _ = f.Close() }
	}
	return options, end, nil
}

// auditResult is what is known of a parameter set.
type auditResult struct {
	*audit.Report
	all bool
}

// MarshalJSON returns the report as docs/spec/setup-verify.md has it.
func (r *auditResult) MarshalJSON() ([]byte, error) { return r.JSON(), nil }

func (r *auditResult) text() string {
	var b strings.Builder
	passed := 0
	for _, c := range r.Checks {
		if c.Outcome == audit.Passed {
			passed++
			if !r.all {
				continue
			}
		}
		fmt.Fprintf(&b, "%-8s %s\n", c.Outcome, strings.TrimSpace(c.String()))
	}
	var t table
	t.add("checks", "%d of %d passed", passed, len(r.Checks))
	if r.Circuit != nil {
		t.add("circuit", "%s, digest %v", r.Circuit.Name, r.Circuit.Digest)
	}
	t.add("kind", "%s", r.Kind)
	t.add("params digest", "%s", r.Params)
	if r.Imported != nil {
		for _, c := range r.Imported.Contributions {
			t.add("phase 1", "imported, %v", &c)
		}
	}
	for _, c := range r.Contributions {
		t.add(fmt.Sprintf("phase %d", c.Phase), "%s", contributionText(&c))
	}
	for i, words := range r.Trust.Words {
		name := ""
		if i == 0 {
			name = "who could cheat"
		}
		t.add(name, "%s", words)
	}
	t.add("verdict", "%s", r.Verdict)
	return b.String() + t.String()
}

// contributionText says who made a contribution. A name is quoted, or it could say that
// it is signed.
func contributionText(c *audit.Contribution) string {
	switch {
	case c.Beacon:
		return fmt.Sprintf("beacon: %q", c.Contributor)
	case c.Signer != "":
		return fmt.Sprintf("%q, signed with the key of %s", c.Contributor, c.Signer)
	case c.Key != "":
		return fmt.Sprintf("%q, signed with %s", c.Contributor, c.Key)
	}
	return fmt.Sprintf("%q, not signed: the name is a claim", c.Contributor)
}
