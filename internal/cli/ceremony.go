package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

func (a *app) ceremonyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "ceremony",
		Short: "make parameters with many parties, of whom one honest one is enough",
		Long: `A ceremony is a folder of files that people pass on. Everyone gets the folder,
runs contribute, sends the new file back, and publishes its digest.

  init         the venue begins, and announces the beacons
  contribute   phase 1: powers of tau, by each contributor
  beacon       closes phase 1 with a public value
  contribute   phase 2: the circuit's keys, by each contributor again
  beacon       closes phase 2
  seal         writes the parameter set, with the transcript

At any time, status says who contributed and what comes next, and verify checks
all of it. Nobody needs more than the folder: it can be copied as it is.

Phase 1 can be taken from a public ceremony: init --ptau. docs/ceremony.md has a
whole ceremony with three people.`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	c.AddCommand(a.ceremonyInitCommand(), a.ceremonyContributeCommand(), a.ceremonyBeaconCommand(),
		a.ceremonyStatusCommand(), a.ceremonyVerifyCommand(), a.ceremonySealCommand())
	return c
}

// ceremonyInit are the flags of init.
type ceremonyInit struct {
	circuit, name, ptau, source string
	beacons                     []string
	dev                         bool
}

func (a *app) ceremonyInitCommand() *cobra.Command {
	var o ceremonyInit
	c := &cobra.Command{
		Use:   "init DIR",
		Short: "begin a ceremony in a new folder",
		Long: `Init makes the folder of a ceremony: for which circuit, by which rules, and
which public values will close its phases. Announce the beacons: a value that
is chosen afterwards is one that somebody could choose.

With --ptau, phase 1 comes from a file of snarkjs' format, of which every point
that is used is checked. It needs at least as many powers as the circuit has
constraints: power 12 for babyjubjub-20, 13 for babyjubjub-32.`,
		Example: `  zkkex setup ceremony init ceremony --circuit babyjubjub-20 \
      --name venue.example/2026 --beacon "drand quicknet, round 24000000" \
      --beacon "drand quicknet, round 24200000"
  zkkex setup ceremony init ceremony --circuit babyjubjub-32 \
      --name venue.example/2026 --ptau powers.ptau`,
		Args:              arguments(1, 1, "the folder DIR"),
		ValidArgsFunction: firstFolder,
	}
	f := c.Flags()
	f.StringVar(&o.circuit, "circuit", zkkex.BabyJubjub20.String(), "make parameters for the circuit `NAME`")
	f.StringVar(&o.name, "name", "", "tell it from other ceremonies by `TEXT`, at most 64 characters")
	f.StringArrayVar(&o.beacons, "beacon", nil, "announce the public value that closes a phase: `TEXT`; once for each phase, in order")
	f.StringVar(&o.ptau, "ptau", "", "take phase 1 from the powers of tau in `FILE`")
	f.StringVar(&o.source, "ptau-source", "", "say where that file is from: `TEXT` (default its name)")
	f.BoolVar(&o.dev, "dev", false, "make a development set: used only by who asks for one by name")
	_ = c.RegisterFlagCompletionFunc("circuit", cobra.FixedCompletions(groth16Circuits(), cobra.ShellCompDirectiveNoFileComp))
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.ceremonyInit(ctx, args[0], o) })
	return c
}

func (a *app) ceremonyInit(ctx context.Context, dir string, o ceremonyInit) (result, error) {
	circuit, err := zkkex.ParseCircuit(o.circuit)
	if err != nil {
		return nil, err
	}
	if circuit.ProofSystem() != zkkex.Groth16 {
		return nil, withHint(usagef("--circuit %v: a circuit of %v, expected one of %v", circuit, circuit.ProofSystem(), groth16Circuits()),
			"parameters of %v need no ceremony: zkkex setup plonk", circuit.ProofSystem())
	}
	if o.name == "" {
		return nil, usagef("name the ceremony with --name TEXT, such as that of your venue and the year")
	}
	options := ceremony.Options{Circuit: circuit, Name: o.name, Kind: params.Ceremony, Created: a.env.Now()}
	if o.dev {
		options.Kind = params.Dev
	}
	if options.Announced, err = o.announced(); err != nil {
		return nil, err
	}
	if err := refuseExisting(dir); err != nil {
		return nil, err
	}
	report, end := a.bar()
	defer end()
	if o.ptau != "" {
		if options.Ptau, err = readPtau(ctx, o.ptau, o.source, circuit, report); err != nil {
			return nil, err
		}
	}
	c, err := ceremony.Init(ctx, dir, options, report)
	if err != nil {
		return nil, err
	}
	end()
	a.notef("announce the digest of the ceremony, and pass the folder to the first contributor:")
	a.notef("  zkkex setup ceremony contribute %s --name NAME", shellWord(dir))
	return newCeremonyResult(dir, c), nil
}

// announced returns the beacons by phase.
func (o *ceremonyInit) announced() (by [2]string, err error) {
	phases := by[:]
	if o.ptau != "" {
		phases = by[1:]
	}
	if len(o.beacons) > len(phases) {
		return by, usagef("%d times --beacon, expected at most %d: an imported phase 1 is closed", len(o.beacons), len(phases))
	}
	if len(o.beacons) > 0 && len(o.beacons) < len(phases) {
		return by, usagef("one --beacon for two phases: announce both, in order, or none")
	}
	copy(phases, o.beacons)
	return by, nil
}

// readPtau imports a phase 1.
func readPtau(ctx context.Context, name, source string, circuit zkkex.CircuitID, report ceremony.Progress) (*ceremony.PhaseOne, error) {
	f, size, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if source == "" {
		source = filepath.Base(name)
	}
	one, err := ceremony.ReadPtau(ctx, f, size, source, circuit, report)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return one, nil
}

// openRegular opens a file that is read from any place, and so cannot be a pipe.
func openRegular(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = usagef("%s: expected a file", name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func (a *app) ceremonyStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status DIR",
		Short: "show who contributed, and what comes next",
		Long: `Status checks the form of all files, their order, digests and signatures, and
shows them. It does not check what was contributed: verify does.`,
		Example: `  zkkex setup ceremony status ceremony
  zkkex setup ceremony status ceremony --json`,
		Args:              arguments(1, 1, "the folder DIR"),
		ValidArgsFunction: firstFolder,
		RunE: a.run(func(_ context.Context, args []string) (result, error) {
			c, err := openCeremony(args[0], false)
			if err != nil {
				return nil, err
			}
			return newCeremonyResult(args[0], c), nil
		}),
	}
}

// ceremonyResult is how far a ceremony is.
type ceremonyResult struct {
	Dir        string              `json:"dir"`
	Digest     string              `json:"digest"`
	Definition ceremony.Definition `json:"definition"`
	// Imported are the contributions to an imported phase 1.
	Imported []ceremony.ImportedContribution `json:"imported,omitempty"`
	Files    []*ceremonyFile                 `json:"files"`
	// Phase is the phase under way, or 0 if the ceremony can be sealed.
	Phase    int  `json:"phase"`
	Complete bool `json:"complete"`
	Verified bool `json:"verified"`
	// Next is what can be done now.
	Next string `json:"next"`
}

// ceremonyFile is a contribution or a beacon.
type ceremonyFile struct {
	File        string    `json:"file"`
	Phase       int       `json:"phase"`
	Kind        string    `json:"kind"`
	Contributor string    `json:"contributor,omitempty"`
	Source      string    `json:"source,omitempty"`
	Value       string    `json:"value,omitempty"`
	Created     time.Time `json:"created"`
	Key         string    `json:"key,omitempty"`
	Signer      string    `json:"signer,omitempty"`
	Digest      string    `json:"sha256"`
}

func newCeremonyResult(dir string, c *ceremony.Ceremony) *ceremonyResult {
	s := c.Status()
	r := &ceremonyResult{
		Dir: dir, Digest: c.Digest().String(), Definition: c.Definition(),
		Imported: c.ImportedContributions(), Files: []*ceremonyFile{}, Phase: s.Phase, Complete: s.Complete(), Next: nextStep(dir, &s),
	}
	for _, e := range s.Entries {
		f := &ceremonyFile{
			File: e.File, Phase: e.Phase, Kind: string(e.Kind), Contributor: e.Contributor,
			Created: e.Created, Key: e.Key, Digest: e.Digest.String(),
		}
		if e.Beacon != nil {
			f.Source, f.Value = e.Beacon.Source, fmt.Sprintf("%x", []byte(e.Beacon.Value))
		}
		r.Files = append(r.Files, f)
	}
	return r
}

func nextStep(dir string, s *ceremony.Status) string {
	switch {
	case s.Complete():
		return fmt.Sprintf("zkkex setup ceremony seal %s --out params", shellWord(dir))
	case !s.Closable():
		return fmt.Sprintf("zkkex setup ceremony contribute %s --name NAME, in phase %d", shellWord(dir), s.Phase)
	}
	source := "TEXT"
	if s.Announced != "" {
		source = shellWord(s.Announced) // others chose it
	}
	return fmt.Sprintf("contribute, by whoever has not in phase %d, or zkkex setup ceremony beacon %s --source %s --value HEX", s.Phase, shellWord(dir), source)
}

func (r *ceremonyResult) text() string {
	d := &r.Definition
	var t table
	t.add("ceremony", "%s, begun %s", d.Name, d.Created.Format(time.DateOnly))
	t.add("digest", "%s", r.Digest)
	t.add("makes", "parameters of kind %s for %s, %d constraints", d.Kind, d.Circuit.Name, d.Circuit.Constraints)
	if one := d.Imported; one != nil {
		t.add("phase 1", "imported from %s, power %d", one.Source, one.Power)
		t.add("", "SHA-256 %v", one.File.SHA256)
		for _, c := range r.Imported {
			t.add("", "%v", &c)
		}
		t.add("", "these names are claims: compare responses with those that contributors published")
	}
	for phase := 1; phase <= 2; phase++ {
		if text := d.Announced(phase); text != "" {
			t.add(fmt.Sprintf("beacon %d", phase), "announced: %s", text)
		}
	}
	for _, f := range r.Files {
		t.add(f.File, "phase %d, %s", f.Phase, f.who())
		t.add("", "SHA-256 %s", f.Digest)
	}
	if r.Verified {
		t.add("verified", "every contribution, by the files alone")
	}
	t.add("next", "%s", r.Next)
	return t.String()
}

// who says who made the file, and how one can tell. A name is quoted, or it could say
// that it is signed.
func (f *ceremonyFile) who() string {
	switch {
	case f.Source != "":
		return fmt.Sprintf("beacon: %q, %s", f.Source, f.Value)
	case f.Signer != "":
		return fmt.Sprintf("%q, signed with the key of %s", f.Contributor, f.Signer)
	case f.Key != "":
		return fmt.Sprintf("%q, signed with %s", f.Contributor, f.Key)
	}
	return fmt.Sprintf("%q, not signed: the name is a claim", f.Contributor)
}

// groth16Circuits names the circuits whose parameters a ceremony makes.
func groth16Circuits() (names []string) {
	for _, id := range zkkex.Groth16.Circuits() {
		if id.Commitments() > 0 {
			continue
		}
		names = append(names, id.String())
	}
	return names
}
