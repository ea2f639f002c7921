package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/registrar"
)

func (a *app) registryCommand() *cobra.Command {
	var o registryOptions
	c := &cobra.Command{
		Use:     "registry",
		GroupID: groupRegistry,
		Short:   "keep a registry: admit and revoke members, sign checkpoints",
		Long: `Registry keeps a registry in a folder. While "registry serve" has it open, the
other commands work all the same: they hand what is to be done to the server.

Who is admitted is the registrar's decision. A registrar learns public keys, and
never which proofs are whose.`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	c.PersistentFlags().StringVar(&o.dir, "dir", "", "the registry's `DIR` (default registry in the state directory)")
	c.AddCommand(
		a.registryInitCommand(&o),
		a.registryKeyCommand(&o),
		a.registryServeCommand(&o),
		a.registryListCommand(&o),
		a.registryChallengeCommand(&o),
		a.registryApproveCommand(&o),
		a.registryDenyCommand(&o),
		a.registryAdmitCommand(&o),
		a.registryRevokeCommand(&o),
		a.registryCheckpointCommand(&o),
		a.registryGrowCommand(&o),
		a.registryExportCommand(&o),
		a.registrySyncCommand(),
	)
	return c
}

type registryOptions struct{ dir string }

// folder returns the registry's folder.
func (a *app) folder(o *registryOptions) (string, error) {
	if o.dir != "" {
		return o.dir, nil
	}
	home, err := a.homeDir()
	return filepath.Join(home, "registry"), err
}

// verifierKey returns the key of the registry in a folder, which may be open in
// a server.
func verifierKey(dir string) (string, error) {
	f, err := os.Open(filepath.Join(dir, "checkpoints"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", withHint(fmt.Errorf("no registry in %s: %w", dir, err), "zkkex registry init makes one; --dir says where it is")
	}
	if err != nil {
		return "", fmt.Errorf("the registry in %s: %w", dir, err)
	}
	defer f.Close()
	head := make([]byte, 1024)
	n, err := f.Read(head)
	if err != nil {
		return "", err
	}
	key, _, err := registry.CutCheckpointsHeader(head[:n])
	return key, err
}

// withQueue opens the queue of a registry, which needs no access to the
// registry itself.
func (a *app) withQueue(o *registryOptions, use func(*registrar.Queue) (result, error)) (result, error) {
	dir, err := a.folder(o)
	if err != nil {
		return nil, err
	}
	q, err := openQueue(dir)
	if err != nil {
		return nil, err
	}
	return use(q)
}

func openQueue(dir string) (*registrar.Queue, error) {
	key, err := verifierKey(dir)
	if err != nil {
		return nil, err
	}
	id, err := registry.ID(key)
	if err != nil {
		return nil, err
	}
	return registrar.OpenQueue(filepath.Join(dir, "queue"), id)
}

func (a *app) registryInitCommand(o *registryOptions) *cobra.Command {
	var name, origin string
	var capacity int
	var length time.Duration
	c := &cobra.Command{
		Use:   "init --name NAME",
		Short: "make an empty registry",
		Long: `Init makes an empty registry and draws the key that signs its checkpoints. The
name is part of that key and cannot change. Give members the verifier key by
another way than the server: in person, on paper, on your own pages.

The epochs are those of the verifiers the registry is for: somebody whose key
was revoked cannot come back with another nullifier key in the same epoch, and
so with twice the slots.`,
		Example: `  zkkex registry init --name registry.example/members
  zkkex registry init --dir ./registry --name registry.example/members --capacity 32`,
		Args: noArguments,
	}
	c.Flags().StringVar(&name, "name", "", "the registry's `NAME`, such as registry.example/members")
	c.Flags().IntVar(&capacity, "capacity", registry.SmallCapacityBits, "base-2 logarithm of the number of members, 20 or 32")
	c.Flags().DurationVar(&length, "epoch-length", 24*time.Hour, "length of an epoch, in whole seconds")
	c.Flags().StringVar(&origin, "epoch-origin", "0", "when epoch 0 began: Unix seconds, or a `TIME` like 2026-01-31T00:00:00Z")
	c.RunE = a.run(func(context.Context, []string) (result, error) {
		if name == "" {
			return nil, usagef("name the registry with --name, such as registry.example/members")
		}
		if err := registry.CheckName(name); err != nil {
			return nil, usagef("--name: %w", err)
		}
		schedule, err := (&scopeFlags{length: length, origin: origin}).schedule()
		if err != nil {
			return nil, err
		}
		dir, err := a.folder(o)
		if err != nil {
			return nil, err
		}
		if err := registrar.InitSchedule(dir, name, capacity, schedule); err != nil {
			return nil, err
		}
		a.notef("made a registry in %s", dir)
		a.notef("start it with zkkex registry serve --dir %s, and give members the key by another way than the server", dir)
		return registryKey(dir)
	})
	return c
}

func (a *app) registryKeyCommand(o *registryOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "key",
		Short:   "print the registry's verifier key",
		Example: `  KEY=$(zkkex registry key)`,
		Args:    noArguments,
		RunE: a.run(func(context.Context, []string) (result, error) {
			dir, err := a.folder(o)
			if err != nil {
				return nil, err
			}
			return registryKey(dir)
		}),
	}
}

// keyResult is a registry's verifier key.
type keyResult struct {
	VerifierKey string `json:"verifier_key"`
	Registry    string `json:"registry"`
}

func registryKey(dir string) (result, error) {
	key, err := verifierKey(dir)
	if err != nil {
		return nil, err
	}
	id, err := registry.ID(key)
	if err != nil {
		return nil, err
	}
	return &keyResult{VerifierKey: key, Registry: id.String()}, nil
}

func (r *keyResult) text() string { return r.VerifierKey + "\n" }

func (r *keyResult) artefact() {}

func (a *app) registrySyncCommand() *cobra.Command {
	var f rootFlags
	c := &cobra.Command{
		Use:   "sync --mirror DIR --registry URL --registry-key KEY",
		Short: "keep a copy of a registry, for a verifier",
		Long: `Sync brings a verifier's own copy of a registry up to date, in a folder, for
"zkkex verify --mirror". Everything is checked against what was seen before: a
registrar that shows two histories is found out. Members use "zkkex sync".`,
		Example: `  zkkex registry sync --mirror ./mirror --registry https://registry.example --registry-key "$KEY"`,
		Args:    noArguments,
	}
	f.register(c)
	_ = c.Flags().MarkHidden("checkpoint")
	_ = c.Flags().MarkHidden("root-policy")
	_ = c.Flags().MarkHidden("max-age")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		if f.mirror == "" || f.url == "" || f.key == "" {
			return nil, usagef("give --mirror, --registry and --registry-key")
		}
		if _, err := registry.ID(f.key); err != nil {
			return nil, usagef("--registry-key: %w", err)
		}
		config, err := f.config(a.env.Now)
		if err != nil {
			return nil, err
		}
		m, report, err := a.syncMirror(ctx, &f, config)
		if err != nil {
			return nil, err
		}
		if err := m.Close(); err != nil {
			return nil, err
		}
		return newSyncResult(report, m.Registry()), nil
	})
	return c
}

// operationResult is an operation that was recorded, durably.
type operationResult struct {
	Operation string `json:"operation"`
	Index     uint64 `json:"index"`
	Leaf      string `json:"leaf"`
	// Sequence is the operation's place in the log: checkpoints of a higher
	// sequence number cover it.
	Sequence uint64 `json:"sequence"`
	New      bool   `json:"new"`
}

func newOperationResult(receipt registrar.Receipt) *operationResult {
	op := receipt.Operation
	return &operationResult{op.Kind.String(), op.Index, op.Leaf.String(), receipt.Sequence, receipt.New}
}

func (r *operationResult) text() string {
	var t table
	t.add("operation", "%s", r.Operation)
	if r.Leaf != (zkkex.Commitment{}).String() {
		t.add("index", "%d", r.Index)
		t.add("leaf", "%s", r.Leaf)
	}
	t.add("sequence", "%d", r.Sequence)
	return t.String()
}
