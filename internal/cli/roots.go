package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
)

// rootFlags say which roots a verifier accepts.
type rootFlags struct {
	key        string
	checkpoint string
	mirror     string
	url        string
	policy     string
	witnesses  []string
	quorum     int
}

func (f *rootFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.key, "registry-key", "", "the registrar's verifier `KEY`, name+hash+base64")
	c.Flags().StringVar(&f.checkpoint, "checkpoint", "", "accept the root of this signed checkpoint alone: `FILE`, -, or the URL of one")
	c.Flags().StringVar(&f.mirror, "mirror", "", "accept roots by the verifier's own copy of the registry, in `DIR`")
	c.Flags().StringVar(&f.url, "registry", "", "with --mirror, sync it first from this `URL`")
	c.Flags().StringVar(&f.policy, "root-policy", policyNewest, "with --mirror, `POLICY` newest, or grace=DURATION for roots superseded no longer ago")
	c.Flags().StringArrayVar(&f.witnesses, "witness", nil, "with --mirror, cosignature `KEY` of a witness; repeat for more")
	c.Flags().IntVar(&f.quorum, "quorum", 0, "how many of the witnesses must have cosigned (default all)")
}

// roots is a root policy, and what it says of itself.
type roots struct {
	policy   registry.RootPolicy
	registry zkkex.RegistryID
	says     string
}

func (a *app) roots(ctx context.Context, f *rootFlags) (*roots, error) {
	if f.key == "" {
		return nil, withHint(usagef("name the registry with --registry-key"), "the registrar says what its key is; zkkex registry key prints it")
	}
	id, err := registry.ID(f.key)
	if err != nil {
		return nil, usagef("--registry-key: %w", err)
	}
	if (f.checkpoint == "") == (f.mirror == "") {
		return nil, withHint(usagef("say which roots are accepted: --checkpoint or --mirror, one of them"),
			"--mirror DIR --registry URL keeps a copy of the registry, and finds out a registrar that shows two histories")
	}
	if err := f.checkUsed(); err != nil {
		return nil, err
	}
	if f.checkpoint != "" {
		return a.pinned(ctx, f, id)
	}
	return a.mirrored(ctx, f, id)
}

// checkUsed refuses flags that would not be used.
func (f *rootFlags) checkUsed() error {
	switch {
	case f.checkpoint != "" && f.url != "":
		return usagef("--registry syncs a --mirror; with --checkpoint it is not used")
	case f.checkpoint != "" && f.policy != policyNewest:
		return usagef("--root-policy is for a --mirror; with --checkpoint there is one root")
	case len(f.witnesses) > 0 && f.url == "":
		return usagef("--witness is checked when a --mirror is synced: give --registry")
	}
	return nil
}

// policyNewest is the root policy by default.
const policyNewest = "newest"

// pinned accepts the root of one signed checkpoint.
func (a *app) pinned(ctx context.Context, f *rootFlags, id zkkex.RegistryID) (*roots, error) {
	signed, err := a.readOrFetch(ctx, f.checkpoint)
	if err != nil {
		return nil, err
	}
	v, err := registry.NewVerifier(f.key)
	if err != nil {
		return nil, err
	}
	c, err := registry.Open(signed, v)
	if err != nil {
		return nil, fmt.Errorf("the checkpoint: %w", err)
	}
	a.warnOld(&c.Checkpoint)
	says := fmt.Sprintf("checkpoint %d of %s alone, signed %s", c.Sequence, c.Origin, c.Time.Format(time.RFC3339))
	return &roots{policy: registry.Pinned(&c.Checkpoint), registry: id, says: says}, nil
}

// warnOld warns of a checkpoint that members who left may still be in.
func (a *app) warnOld(c *registry.Checkpoint) {
	if age := a.env.Now().Sub(c.Time); age > oldCheckpoint {
		a.warnf("the checkpoint is %v old: members revoked since are still accepted", age.Round(time.Minute))
	}
}

// mirrored accepts roots by a copy of the registry.
func (a *app) mirrored(ctx context.Context, f *rootFlags, id zkkex.RegistryID) (*roots, error) {
	history, err := a.history(ctx, f)
	if err != nil {
		return nil, err
	}
	latest := history.Latest()
	if latest == nil {
		return nil, withHint(fmt.Errorf("%s: %w", f.mirror, mirror.ErrNotSynced), "sync it: give --registry URL")
	}
	a.warnOld(&latest.Checkpoint)
	r := &roots{registry: id}
	switch grace, isGrace := strings.CutPrefix(f.policy, "grace="); {
	case f.policy == policyNewest:
		r.policy, r.says = history.Newest(), fmt.Sprintf("checkpoint %d of %s, the newest", latest.Sequence, latest.Origin)
	case isGrace:
		d, err := time.ParseDuration(grace)
		if err != nil || d < 0 {
			return nil, usagef("--root-policy %s: expected a duration, as in grace=10m", f.policy)
		}
		r.policy, r.says = history.Grace(d), fmt.Sprintf("checkpoint %d of %s, or one superseded no longer ago than %v", latest.Sequence, latest.Origin, d)
	default:
		return nil, usagef("--root-policy %q: expected newest, or grace=DURATION", f.policy)
	}
	return r, nil
}

// history returns the verifier's own history of checkpoints, synced first if
// there is an address.
func (a *app) history(ctx context.Context, f *rootFlags) (*registry.Roots, error) {
	if f.url == "" {
		history, err := registry.LoadRoots(filepath.Join(f.mirror, "checkpoints"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, withHint(fmt.Errorf("%s: %w", f.mirror, mirror.ErrNotSynced), "sync it: give --registry URL")
		}
		if err != nil {
			return nil, err
		}
		if history.VerifierKey() != f.key {
			return nil, fmt.Errorf("%s is a copy of another registry, of key %s", f.mirror, history.VerifierKey())
		}
		return history, nil
	}
	m, _, err := a.syncMirror(ctx, f)
	if err != nil {
		return nil, err
	}
	return m.Roots(), m.Close()
}

// syncMirror opens and syncs a copy of a registry. The caller closes it.
func (a *app) syncMirror(ctx context.Context, f *rootFlags) (*mirror.Mirror, *mirror.Report, error) {
	dial, err := a.dial()
	if err != nil {
		return nil, nil, err
	}
	quorum := f.quorum
	if quorum == 0 {
		quorum = len(f.witnesses)
	}
	m, err := mirror.Open(f.mirror, mirror.Config{
		URL: f.url, VerifierKey: f.key, Witnesses: f.witnesses, Quorum: quorum, Dial: dial, Now: a.env.Now,
	})
	if err != nil {
		return nil, nil, err
	}
	done := a.progress("syncing")
	report, err := m.Sync(ctx)
	done()
	if err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	return m, report, nil
}

// readOrFetch reads a checkpoint from a file or a URL.
func (a *app) readOrFetch(ctx context.Context, name string) ([]byte, error) {
	if !strings.HasPrefix(name, "http://") && !strings.HasPrefix(name, "https://") {
		return a.read(name, "checkpoint", registry.MaxCheckpoint)
	}
	return a.fetch(ctx, name, "checkpoint", registry.MaxCheckpoint)
}
