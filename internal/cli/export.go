package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/export"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/setup/params"
)

func (a *app) exportCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "export",
		GroupID: groupVerifier,
		Short:   "have proofs verified by programs of others",
		RunE:    a.group,
		Args:    cobra.ArbitraryArgs,
	}
	c.AddCommand(a.exportSnarkjsCommand(), a.exportSolidityCommand())
	return c
}

// exportOptions are the flags that both kinds of export have.
type exportOptions struct {
	params paramsFlags
	out    string
}

func (o *exportOptions) register(c *cobra.Command) {
	o.params.register(c)
	c.Flags().StringVar(&o.out, "out", "", "write the files to a new folder `DIR`")
}

// check refuses, before any work, what is left out or is there already.
func (o *exportOptions) check() error {
	if o.params.which == "" {
		_, _, err := o.params.folder(0)
		return err
	}
	if o.out == "" || o.out == stdStream {
		return usagef("say where the files are written: --out DIR, a new folder")
	}
	return refuseExisting(o.out)
}

// write writes the files to the new folder.
func (o *exportOptions) write(files map[string][]byte) error {
	err := atomicfile.CreateFolder(o.out, files)
	if errors.Is(err, fs.ErrExist) {
		return withHint(err, "nothing is ever overwritten: remove it, or choose another name")
	}
	return err
}

// path returns the path of an exported file.
func (o *exportOptions) path(name string) string { return filepath.Join(o.out, name) }

// exportProof reads and verifies a presentation, and returns it with the key it
// was verified with.
func (a *app) exportProof(o *exportOptions, name string) (*export.Key, *export.Proof, error) {
	text, err := a.read(name, "presentation", zkkex.MaxPresentationText)
	if err != nil {
		return nil, nil, err
	}
	p, err := zkkex.ParsePresentationText(text)
	if err != nil {
		return nil, nil, err
	}
	set, err := o.set(p)
	if err != nil {
		return nil, nil, err
	}
	key, err := a.exportKey(o, set)
	if err != nil {
		return nil, nil, err
	}
	proof, err := key.Proof(&p.Statement, p.Proof)
	if err != nil {
		return nil, nil, fmt.Errorf("what does not verify is not exported: %w", err)
	}
	return key, proof, nil
}

// set returns the parameter set that the presentation was made with.
func (o *exportOptions) set(p *zkkex.Presentation) (*params.Verifying, error) {
	sets, err := o.params.verifying()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(sets, func(set *params.Verifying) bool { return set.Digest() == p.Params })
	if i < 0 {
		return nil, withHint(fmt.Errorf("%w: the presentation was made with parameters %v, which %s is not", zkkex.ErrParamsMismatch, p.Params, o.params.which),
			"name the set that it was made with: zkkex setup show --params DIR prints the digest of one")
	}
	return sets[i], nil
}

func (a *app) exportKey(o *exportOptions, set *params.Verifying) (*export.Key, error) {
	if circuit := set.Circuit(); circuit.ProofSystem() != zkkex.Groth16 {
		return nil, withHint(fmt.Errorf("%w: %s is a set of %v, and proofs of %v alone are exported", zkkex.ErrUnsupported, o.params.which, circuit.ProofSystem(), zkkex.Groth16),
			"prove with parameters of a ceremony, or with --params dev to try it")
	}
	key, err := export.NewKey(set)
	if err == nil && o.params.which == devParams {
		a.warnf("development parameters: whoever made them could forge any proof")
	}
	return key, err
}

// exportedResult is what was written.
type exportedResult struct {
	Params string   `json:"params"`
	Files  []string `json:"files"`
	// Command verifies the proof, from where the export was made.
	Command string `json:"command,omitempty"`

	next string
}

func (r *exportedResult) text() string {
	var t table
	t.add("params", "%s", r.Params)
	for _, file := range r.Files {
		t.add("wrote", "%s", file)
	}
	return t.String() + "\n" + r.next + "\n"
}

// shellWord quotes a word for a POSIX shell, where it needs that. A name that
// begins with a dash is no option.
func shellWord(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	plain := func(r rune) bool {
		return r == '/' || r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
