package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry/registrar"
)

// Names of what a registry's operator can do.
const (
	doAdmit      = "admit" // everything that is approved
	doRevoke     = "revoke"
	doCheckpoint = "checkpoint"
	doGrow       = "grow"
	doExport     = "export"
)

// job is what is to be done in a registry: here, if nobody has it open, and
// otherwise in the server that has.
type job struct {
	Do string `json:"do"`
	// Index, Leaf and Public name the member to revoke, one of them.
	Index  *uint64 `json:"index,omitempty"`
	Leaf   string  `json:"leaf,omitempty"`
	Public string  `json:"public,omitempty"`
	// Renew signs a checkpoint although nothing changed.
	Renew bool `json:"renew,omitempty"`
	// Folder is where to export to, an absolute path.
	Folder string `json:"folder,omitempty"`
}

// done is what came out of a job.
type done struct {
	Operation *operationResult `json:"operation,omitempty"`
	// Note is a signed checkpoint.
	Note     string `json:"note,omitempty"`
	Admitted int    `json:"admitted,omitempty"`
}

// operator carries out jobs in an open registry.
type operator struct {
	registrar *registrar.Registrar
	queue     *registrar.Queue
	cosigner  registrar.Cosigner
	now       func() time.Time
}

func (o *operator) perform(ctx context.Context, j job) (*done, error) {
	switch j.Do {
	case doAdmit:
		n, err := o.process()
		return &done{Admitted: n}, err
	case doRevoke:
		receipt, err := o.revoke(j)
		if err != nil {
			return nil, err
		}
		return &done{Operation: newOperationResult(receipt)}, nil
	case doGrow:
		receipt, err := o.registrar.Grow(o.now())
		if err != nil {
			return nil, err
		}
		return &done{Operation: newOperationResult(receipt)}, nil
	case doCheckpoint:
		return o.checkpoint(ctx, j.Renew)
	case doExport:
		c, err := o.registrar.Export(j.Folder)
		if err != nil {
			return nil, err
		}
		return &done{Note: string(c.Note)}, nil
	default:
		return nil, fmt.Errorf("%w: job %q", zkkex.ErrUnsupported, j.Do)
	}
}

// process admits the approved requests, and what members' devices delegated, and
// revokes the delegates whose time is over. Proofs of possession were checked when
// requests arrived.
func (o *operator) process() (int, error) {
	done, err := o.registrar.Process(o.queue, o.now())
	return done.Admitted, err
}

// revoke revokes the member that a job names. What is approved is admitted before, or
// it would bring the member back; what cannot be admitted now is no reason not to
// revoke.
func (o *operator) revoke(j job) (registrar.Receipt, error) {
	if j.Leaf != "" {
		leaf, err := zkkex.ParseHex(j.Leaf)
		if err != nil {
			return registrar.Receipt{}, err
		}
		_, _ = o.process()
		return o.registrar.RevokeLeaf(leaf, o.now())
	}
	p, err := o.named(j)
	if err != nil {
		return registrar.Receipt{}, err
	}
	_, _ = o.process()
	return o.registrar.RevokeKey(p, o.now())
}

// named returns the key that a job names by itself or by its index, which may be
// another member's afterwards.
func (o *operator) named(j job) (*keys.Public, error) {
	if j.Index == nil {
		return keys.ParsePublicText([]byte(j.Public))
	}
	m, err := o.registrar.Member(*j.Index)
	if err != nil {
		return nil, err
	}
	return keys.ParsePublic(m.KeyType, m.Key, m.NullifierKeyHash)
}

func (o *operator) checkpoint(ctx context.Context, renew bool) (*done, error) {
	n, err := o.process()
	if err != nil {
		return nil, err
	}
	sign := o.registrar.Checkpoint
	if renew {
		sign = o.registrar.Renew
	}
	c, err := sign(ctx, o.now(), o.cosigner)
	if err != nil {
		return nil, err
	}
	return &done{Note: string(c.Note), Admitted: n}, nil
}

// operate carries out a job in the registry, or has the server that has it open
// do so.
func (a *app) operate(ctx context.Context, o *registryOptions, j job) (*done, error) {
	return a.operateWith(ctx, o, nil, j)
}

func (a *app) operateWith(ctx context.Context, o *registryOptions, witnesses *witnessFlags, j job) (*done, error) {
	dir, err := a.folder(o)
	if err != nil {
		return nil, err
	}
	queue, err := openQueue(dir)
	if err != nil {
		return nil, err
	}
	r, err := a.openRegistrar(dir)
	if errors.Is(err, registrar.ErrLocked) || errors.Is(err, filelock.ErrLocked) {
		return askServer[done](ctx, dir, j)
	}
	if err != nil {
		return nil, err
	}
	op := &operator{registrar: r, queue: queue, now: a.env.Now}
	if op.cosigner, err = a.cosigner(witnesses, r.VerifierKey()); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	d, err := op.perform(ctx, j)
	return d, errors.Join(err, r.Close())
}

// openRegistrar opens a registry and says what was repaired.
func (a *app) openRegistrar(dir string) (*registrar.Registrar, error) {
	finished := a.progress("opening the registry")
	r, err := registrar.Open(dir)
	finished()
	if err == nil && r.Report().Repaired() {
		a.warnf("an interrupted write was repaired: %v", r.Report())
	}
	return r, err
}

func (a *app) registryRevokeCommand(o *registryOptions) *cobra.Command {
	var index uint64
	var leaf, key string
	c := &cobra.Command{
		Use:   "revoke [PUBLIC-KEY-FILE | --key TYPE:HEX | --index N | --leaf HEX]",
		Short: "revoke a member",
		Long: `Revoke takes a member's leaf out of the registry. It takes effect with the next
checkpoint, for every verifier that accepts the newest root; verifiers with a
grace accept proofs of the old one for that long.

With a device's key goes what it delegated.`,
		Example: `  zkkex registry revoke alice.pub
  zkkex registry revoke --key p256:02e8cdd1d1ae0a4d3c2a9b0e6b7c6d1a0d9f5fbf3a3f3f2a1b0c9d8e7f6a5b4c3d
  zkkex registry revoke --index 17 && zkkex registry checkpoint`,
		Args: arguments(0, 1, "at most one PUBLIC-KEY-FILE"),
	}
	c.Flags().Uint64Var(&index, "index", 0, "the member's place")
	c.Flags().StringVar(&leaf, "leaf", "", "the member's commitment, 64 hexadecimal digits `HEX`")
	c.Flags().StringVar(&key, "key", "", "the member's public key, `TYPE:HEX`, as zkkex registry list shows it")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		j := job{Do: doRevoke, Leaf: leaf}
		given := len(args)
		if leaf != "" {
			given++
		}
		if c.Flags().Changed("index") {
			j.Index, given = &index, given+1
		}
		if key != "" {
			public, err := parseTypedKey(key)
			if err != nil {
				return nil, err
			}
			j.Public, given = public, given+1
		}
		if given != 1 {
			return nil, usagef("name the member once: a public key file, --key, --index or --leaf")
		}
		if len(args) == 1 {
			text, err := a.read(args[0], "public key", keys.MaxPublicText)
			if err != nil {
				return nil, err
			}
			j.Public = string(text)
		}
		d, err := a.operate(ctx, o, j)
		if err != nil {
			return nil, err
		}
		a.notef("takes effect with the next checkpoint: zkkex registry checkpoint")
		return d.Operation, nil
	})
	return c
}

// parseTypedKey returns the text form of a public key TYPE:HEX, of which nobody here
// knows the hash of the nullifier key.
func parseTypedKey(text string) (string, error) {
	name, digits, _ := strings.Cut(text, ":")
	t, err := zkkex.ParseKeyType(name)
	if err != nil {
		return "", usagef("--key %.80q: %w", text, err)
	}
	key, err := hex.DecodeString(digits)
	if err != nil {
		return "", usagef("--key %.80q: expected hexadecimal digits after the colon", text)
	}
	p, err := keys.ParsePublic(t, key, [32]byte{})
	if err != nil {
		return "", usagef("--key %.80q: %w", text, err)
	}
	public, err := p.MarshalText()
	return string(public), err
}

func (a *app) registryGrowCommand(o *registryOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "grow",
		Short: "raise the capacity from 2^20 to 2^32 members",
		Long: `Grow raises the capacity, for good. From the next checkpoint on, members prove
with the circuit of the new capacity, and verifiers need its parameters.`,
		Example: `  zkkex registry grow && zkkex registry checkpoint`,
		Args:    noArguments,
		RunE: a.run(func(ctx context.Context, _ []string) (result, error) {
			d, err := a.operate(ctx, o, job{Do: doGrow})
			if err != nil {
				return nil, err
			}
			return d.Operation, nil
		}),
	}
}

func (a *app) registryCheckpointCommand(o *registryOptions) *cobra.Command {
	var out string
	var renew bool
	var w witnessFlags
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "admit what is approved, and sign and publish a checkpoint",
		Long: `Checkpoint admits the approved requests and signs a checkpoint, if anything
changed since the last one, and prints the newest. It is public.`,
		Example: `  zkkex registry checkpoint --out checkpoint.txt`,
		Args:    noArguments,
	}
	c.Flags().StringVar(&out, "out", stdStream, "write it to `FILE`")
	c.Flags().BoolVar(&renew, "renew", false, "sign although nothing changed, to show that the registry is alive")
	w.register(c)
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		d, err := a.operateWith(ctx, o, &w, job{Do: doCheckpoint, Renew: renew})
		if err != nil {
			return nil, err
		}
		if d.Admitted > 0 {
			a.notef("admitted %d", d.Admitted)
		}
		return a.newFile("checkpoint", []byte(d.Note), out, [32]byte{})
	})
	return c
}

func (a *app) registryExportCommand(o *registryOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "export FOLDER",
		Short: "write the published registry to a folder, for mirrors without a network",
		Long: `Export writes the files that the server serves into a folder. It can be carried
to other machines, or served by any web server. Members name it as
--registry file:///path/of/the/folder.`,
		Example: `  zkkex registry export /media/usb/registry`,
		Args:    arguments(1, 1, "FOLDER"),
		RunE: a.run(func(ctx context.Context, args []string) (result, error) {
			folder, err := filepath.Abs(args[0])
			if err != nil {
				return nil, err
			}
			d, err := a.operate(ctx, o, job{Do: doExport, Folder: folder})
			if err != nil {
				return nil, err
			}
			return newExportResult(folder, d.Note)
		}),
	}
}

// exportResult is where a registry was exported to.
type exportResult struct {
	Folder   string `json:"folder"`
	URL      string `json:"url"`
	Sequence uint64 `json:"sequence"`
}

func newExportResult(folder, note string) (result, error) {
	c, err := parseNote([]byte(note))
	if err != nil {
		return nil, err
	}
	return &exportResult{Folder: folder, URL: "file://" + filepath.ToSlash(folder), Sequence: c.Sequence}, nil
}

func (r *exportResult) text() string {
	return table{{"folder", r.Folder}, {"address", r.URL}, {"checkpoint", fmt.Sprint(r.Sequence)}}.String()
}
