package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

func (a *app) setupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "setup",
		GroupID: groupOther,
		Short:   "make parameter sets, and check them",
		RunE:    a.group,
		Args:    cobra.ArbitraryArgs,
	}
	c.AddCommand(a.setupShowCommand(), a.setupVerifyCommand(), a.ceremonyCommand(), a.setupPlonkCommand())
	return c
}

func (a *app) setupShowCommand() *cobra.Command {
	var p paramsFlags
	c := &cobra.Command{
		Use:   "show [CIRCUIT]",
		Short: "show and check parameter sets, and say who could have cheated",
		Long: `Show checks a parameter set (sizes, digests, every point of the verifying key)
and says what it is, how it was made, and what that leaves to trust: without
--params, the development sets of this program. What a set says of a ceremony is
shown as it stands: whether it is true, zkkex setup verify finds out.`,
		Example: `  zkkex setup show
  zkkex setup show babyjubjub-20
  zkkex setup show --params ./params`,
		Args: arguments(0, 1, "at most one CIRCUIT"),
	}
	c.ValidArgsFunction = cobra.FixedCompletions(circuitNames(zkkex.Groth16), cobra.ShellCompDirectiveNoFileComp)
	c.Flags().StringVar(&p.which, "params", devParams, "the folder `DIR`, or dev for the development sets of this program")
	c.Flags().StringVar(&p.digest, "params-digest", "", "demand this digest, 64 hexadecimal digits `HEX`")
	completeParams(c)
	c.RunE = a.run(func(_ context.Context, args []string) (result, error) { return showSetup(&p, args) })
	return c
}

func showSetup(p *paramsFlags, args []string) (result, error) {
	circuits := dev.Circuits()
	if len(args) == 1 {
		circuit, err := zkkex.ParseCircuit(args[0])
		if err != nil {
			return nil, err
		}
		circuits = []zkkex.CircuitID{circuit}
	}
	if p.which != devParams {
		set, err := p.shown()
		if err != nil {
			return nil, p.explain(err)
		}
		if len(args) == 1 && set.Circuit() != circuits[0] {
			return nil, fmt.Errorf("%w: %s is for circuit %v, expected %v", zkkex.ErrParamsMismatch, p.which, set.Circuit(), circuits[0])
		}
		return &setupResult{Sets: []*setResult{newSetResult(set)}}, nil
	}
	sets, err := openDev(circuits)
	if p.digest != "" {
		sets, err = p.verifying()
	}
	if err != nil {
		return nil, err
	}
	r := &setupResult{}
	for _, set := range sets {
		r.Sets = append(r.Sets, newSetResult(set))
	}
	return r, nil
}

// shown opens a set to show it: by the digest of the flags, or by its own, for that
// is no more than what it says of itself.
func (f *paramsFlags) shown() (*params.Verifying, error) {
	_, accept, err := f.folder(0)
	if err != nil {
		return nil, err
	}
	accept.Dev = true
	fsys := os.DirFS(f.which)
	if accept.Digest == nil {
		m, err := params.ReadManifest(fsys)
		if err != nil {
			return nil, err
		}
		digest, err := m.Digest()
		if err != nil {
			return nil, err
		}
		accept.Digest = &digest
	}
	return params.OpenVerifying(fsys, accept)
}

// openDev opens development sets that come with this program.
func openDev(circuits []zkkex.CircuitID) (sets []*params.Verifying, err error) {
	for _, circuit := range circuits {
		fsys, err := dev.FS(circuit)
		if err != nil {
			return nil, err
		}
		set, err := params.OpenVerifying(fsys, params.Accept{Dev: true})
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// setupResult is parameter sets.
type setupResult struct {
	Sets []*setResult `json:"sets"`
}

// setResult is a parameter set that was checked.
type setResult struct {
	Digest   string          `json:"digest"`
	Manifest params.Manifest `json:"manifest"`
	Trust    string          `json:"trust"`
}

func newSetResult(set *params.Verifying) *setResult {
	m := set.Manifest()
	return &setResult{Digest: set.Digest().String(), Manifest: m, Trust: trustIn(&m)}
}

// trustIn says who could have cheated, and about what.
func trustIn(m *params.Manifest) string {
	const anonymity = " Nobody can break a member's anonymity with it."
	if m.Kind == params.Ceremony && m.Ceremony != nil {
		return fmt.Sprintf("By its own words, %d contributors to the ceremony's second phase, all together, or all those to its first. One honest contributor to each is enough. zkkex setup verify checks that, and names them, and that no member's proofs can be made to fail.", m.Ceremony.Contributions) + anonymity
	}
	if m.Kind == params.Universal && m.Universal != nil {
		return fmt.Sprintf("All whom the powers of tau name as contributors (%d, beacons included) could forge proofs together, if every one of them kept their secret. One honest contributor is enough. The names are claims; compare the file with the one that its ceremony published.", len(m.Universal.Contributors)) + anonymity
	}
	return "Whoever made this set could have kept what it takes to forge any proof. It is for development and tests." + anonymity
}

func (r *setupResult) text() string {
	var b strings.Builder
	for i, s := range r.Sets {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(s.text())
	}
	return b.String()
}

func (r *setResult) text() string { return r.table().String() }

func (r *setResult) table() (t table) {
	m := &r.Manifest
	t.add("circuit", "%s, %d constraints, %d public inputs", m.Circuit.Name, m.Circuit.Constraints, m.Circuit.PublicInputs)
	t.add("circuit digest", "%v", m.Circuit.Digest)
	t.add("proof system", "%s over %s, about 100 bits of security", m.ProofSystem, m.Curve)
	t.add("kind", "%s, made %s", m.Kind, m.Created.Format(time.DateOnly))
	t.add("params digest", "%s", r.Digest)
	if u := m.Universal; u != nil {
		t.add("powers of tau", "%s, power %d, %d bytes, SHA-256 %v", u.Source, u.Power, u.File.Size, u.File.SHA256)
		t.add("contributors", "%s", strings.Join(u.Contributors, ", "))
		t.add("reference string", "%d bytes, SHA-256 %v", m.SRS.Size, m.SRS.SHA256)
	} else {
		t.add("proving key", "%d bytes, SHA-256 %v", m.ProvingKey.Size, m.ProvingKey.SHA256)
	}
	t.add("verifying key", "%d bytes, SHA-256 %v", m.VerifyingKey.Size, m.VerifyingKey.SHA256)
	t.add("who could cheat", "%s", r.Trust)
	return t
}
