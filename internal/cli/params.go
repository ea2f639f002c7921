package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// devParams is the name of the development sets that come with this program.
const devParams = "dev"

// errNoParams reports that no parameters were named.
var errNoParams = errors.New("name the parameters with --params")

// paramsFlags say which parameters are used.
type paramsFlags struct {
	which  string
	digest string
}

func (f *paramsFlags) register(c *cobra.Command) {
	defer completeParams(c)
	c.Flags().StringVar(&f.which, "params", "", "parameters: the folder `DIR`, or dev for the development sets of this program, whose maker could forge any proof")
	c.Flags().StringVar(&f.digest, "params-digest", "", "accept no other parameters than those of this digest, 64 hexadecimal digits `HEX`")
}

// String returns the flags as they are typed.
func (f *paramsFlags) String() string {
	if f.digest == "" {
		return "--params " + shellWord(f.which)
	}
	return "--params " + shellWord(f.which) + " --params-digest " + f.digest
}

// folder returns the folder of a circuit's parameters, and which are accepted.
func (f *paramsFlags) folder(circuit zkkex.CircuitID) (fs.FS, params.Accept, error) {
	accept := params.Accept{Dev: f.which == devParams}
	if f.digest != "" {
		digest, err := zkkex.ParseHex(f.digest)
		if err != nil {
			return nil, accept, usagef("--params-digest: %w", err)
		}
		accept.Digest = (*zkkex.ParamsDigest)(&digest)
	}
	switch f.which {
	case "":
		return nil, accept, withHint(&usageError{errNoParams},
			"--params DIR is a set from a ceremony; to try things out, --params dev is the development set: one party could have kept what it takes to forge proofs with it")
	case devParams:
		fsys, err := dev.FS(circuit)
		return fsys, accept, err
	default:
		return os.DirFS(f.which), accept, nil
	}
}

// proofSystem returns the proof system of the parameters, or 0 if that cannot be
// told: whoever opens them then says why.
func (f *paramsFlags) proofSystem() zkkex.ProofSystem {
	if f.which == "" || f.which == devParams {
		return 0
	}
	m, err := params.ReadManifest(os.DirFS(f.which))
	if err != nil {
		return 0
	}
	return m.Circuit.ID.ProofSystem()
}

// proving opens the parameters to prove a circuit with.
func (f *paramsFlags) proving(circuit zkkex.CircuitID) (*params.Proving, error) {
	fsys, accept, err := f.folder(circuit)
	if err != nil {
		return nil, err
	}
	set, err := params.OpenProving(fsys, accept)
	if err != nil {
		return nil, f.explain(err)
	}
	if set.Circuit() != circuit {
		return nil, withHint(fmt.Errorf("%w: %s is for circuit %v, expected %v", zkkex.ErrParamsMismatch, f.which, set.Circuit(), circuit),
			"the circuit follows from the registry's capacity")
	}
	return set, nil
}

// verifying opens the parameters whose proofs are accepted: of every circuit,
// for the development sets.
func (f *paramsFlags) verifying() ([]*params.Verifying, error) { return f.verifyingFor(dev.Circuits()) }

// admitting is [paramsFlags.verifying] for a venue, which admits the members of this
// command line: by --params dev it means the circuits that these prove. A venue names
// no root before it has members for each circuit that it takes.
func (f *paramsFlags) admitting() ([]*params.Verifying, error) {
	return f.verifyingFor(slices.DeleteFunc(dev.Circuits(), func(id zkkex.CircuitID) bool { return id.KeyType() != zkkex.KeyBabyJubjub }))
}

func (f *paramsFlags) verifyingFor(circuits []zkkex.CircuitID) ([]*params.Verifying, error) {
	if f.which != devParams {
		circuits = circuits[:1]
	}
	var sets []*params.Verifying
	for _, circuit := range circuits {
		fsys, accept, err := f.folder(circuit)
		if err != nil {
			return nil, err
		}
		set, err := params.OpenVerifying(fsys, accept)
		if mismatch := (*params.MismatchError)(nil); f.which == devParams && accept.Digest != nil && errors.As(err, &mismatch) && mismatch.Check == "params digest" {
			continue
		}
		if err != nil {
			return nil, f.explain(err)
		}
		sets = append(sets, set)
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("%w: no development set has the digest %s", zkkex.ErrParamsMismatch, f.digest)
	}
	return sets, nil
}

func (f *paramsFlags) explain(err error) error {
	if errors.Is(err, params.ErrDev) {
		return withHint(fmt.Errorf("%s: %w", f.which, err), "--params dev uses the development set of this program")
	}
	if errors.Is(err, params.ErrUnpinned) {
		return withHint(fmt.Errorf("%s: %w", f.which, err), "zkkex setup verify %s checks the transcript and prints the digest; then name it with --params-digest", f.which)
	}
	if errors.Is(err, fs.ErrNotExist) && hasFile(f.which, ceremony.DefinitionFile) {
		return withHint(fmt.Errorf("%s: %w", f.which, err), "this is the folder of a ceremony: zkkex setup ceremony seal makes parameters of it, zkkex setup ceremony verify checks it")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(fmt.Errorf("%s: %w", f.which, err), "a folder of parameters has %s, %s and %s", params.ManifestFile, params.ProvingKeyFile, params.VerifyingKeyFile)
	}
	return err
}
