package cli

import (
	"context"
	"errors"
	"fmt"
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
	maxAge     time.Duration
}

func (f *rootFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.key, "registry-key", "", "the registrar's verifier `KEY`, name+hash+base64")
	c.Flags().StringVar(&f.checkpoint, "checkpoint", "", "accept the root of this signed checkpoint alone: `FILE`, -, or the URL of one")
	c.Flags().StringVar(&f.mirror, "mirror", "", "accept roots by the verifier's own copy of the registry, in `DIR`")
	c.Flags().StringVar(&f.url, "registry", "", "with --mirror, sync it first from this `URL`")
	c.Flags().StringVar(&f.policy, "root-policy", policyNewest, "with --mirror, `POLICY` newest, or grace=DURATION for roots superseded no longer ago")
	c.Flags().StringArrayVar(&f.witnesses, "witness", nil, "cosignature `KEY` of a witness, which must be on the newest checkpoint; repeat for more")
	c.Flags().IntVar(&f.quorum, "quorum", 0, "how many of the witnesses must have cosigned (default all)")
	c.Flags().DurationVar(&f.maxAge, "max-age", registry.DefaultMaxAge, "decide nothing by a newest checkpoint that is older")
}

// config says what is demanded of the registry's checkpoints.
func (f *rootFlags) config(now func() time.Time) (*mirror.Config, error) {
	c := &mirror.Config{URL: f.url, VerifierKey: f.key, Witnesses: f.witnesses, Quorum: f.quorum, Now: now}
	if c.Quorum == 0 {
		c.Quorum = len(c.Witnesses)
	}
	if err := c.Check(); err != nil {
		return nil, &usageError{err}
	}
	return c, nil
}

// policyNewest is the root policy by default.
const policyNewest = "newest"

// roots is a root policy, and what it says of itself.
type roots struct {
	policy   registry.RootPolicy
	registry zkkex.RegistryID
	newest   *registry.Checkpoint
	says     string
	// renew is what to do when the newest checkpoint is too old.
	renew string
}

func (a *app) roots(ctx context.Context, f *rootFlags) (*roots, error) {
	if f.key == "" {
		return nil, withHint(usagef("name the registry with --registry-key"), "the registrar says what its key is; zkkex registry key prints it")
	}
	if _, err := registry.ID(f.key); err != nil {
		return nil, usagef("--registry-key: %w", err)
	}
	if (f.checkpoint == "") == (f.mirror == "") {
		return nil, withHint(usagef("say which roots are accepted: --checkpoint or --mirror, one of them"),
			"--mirror DIR --registry URL keeps a copy of the registry, and finds out a registrar that shows two histories")
	}
	if err := f.checkUsed(); err != nil {
		return nil, err
	}
	config, err := f.config(a.env.Now)
	if err != nil {
		return nil, err
	}
	history, err := a.history(ctx, f, config)
	if err != nil {
		return nil, err
	}
	latest := history.Latest()
	if latest == nil {
		return nil, f.notSynced()
	}
	// The logs of earlier checkpoints were shown to be parts of this one's, so
	// what the witnesses saw covers them.
	if _, err := config.OpenCheckpoint(latest.Note); err != nil {
		return nil, fmt.Errorf("the newest checkpoint: %w", err)
	}
	a.warnOld(&latest.Checkpoint, f.maxAge)
	r := &roots{registry: history.Registry(), newest: &latest.Checkpoint, renew: f.renew()}
	return r, r.setPolicy(history, f)
}

// setPolicy sets what the flags demand of a root.
func (r *roots) setPolicy(history *registry.Roots, f *rootFlags) error {
	newest := fmt.Sprintf("checkpoint %d of %s", r.newest.Sequence, r.newest.Origin)
	switch grace, isGrace := strings.CutPrefix(f.policy, "grace="); {
	case f.checkpoint != "":
		r.policy, r.says = history.Newest(f.maxAge), newest+" alone"
	case f.policy == policyNewest:
		r.policy, r.says = history.Newest(f.maxAge), newest+", the newest"
	case isGrace:
		d, err := time.ParseDuration(grace)
		if err != nil || d < 0 {
			return usagef("--root-policy %s: expected a duration, as in grace=10m", f.policy)
		}
		r.policy, r.says = history.Grace(d, f.maxAge), fmt.Sprintf("%s, or one known to be the newest no longer ago than %v", newest, d)
	default:
		return usagef("--root-policy %q: expected newest, or grace=DURATION", f.policy)
	}
	return nil
}

// undecided adds to an error what mends it, if the newest checkpoint is too old.
func (r *roots) undecided(err error) error {
	if !errors.Is(err, registry.ErrOutdated) {
		return err
	}
	return withHint(err, "%s; --max-age allows older ones, and with them members who were revoked since", r.renew)
}

// renew says how to get a newer checkpoint than the newest.
func (f *rootFlags) renew() string {
	switch {
	case f.mirror != "" && f.url == "":
		return "sync the copy: give --registry URL"
	case f.checkpoint != "" && !isURL(f.checkpoint):
		return "get the registry's newest checkpoint, or give its address: --checkpoint URL/checkpoint"
	default:
		return "the server has no newer one: ask the registrar why, or try another server of the registry"
	}
}

func (f *rootFlags) notSynced() error {
	return withHint(fmt.Errorf("%s: %w", f.mirror, mirror.ErrNotSynced), "sync it: give --registry URL")
}

// checkUsed refuses flags that would not be used.
func (f *rootFlags) checkUsed() error {
	switch {
	case f.checkpoint != "" && f.url != "":
		return usagef("--registry syncs a --mirror; with --checkpoint it is not used")
	case f.checkpoint != "" && f.policy != policyNewest:
		return usagef("--root-policy is for a --mirror; with --checkpoint there is one root")
	case f.maxAge <= 0:
		return usagef("--max-age %v: expected more than 0", f.maxAge)
	}
	return nil
}

// warnOld warns of a checkpoint that members who left may still be in, if it is
// not too old to decide by.
func (a *app) warnOld(c *registry.Checkpoint, maxAge time.Duration) {
	if age := a.env.Now().Sub(c.Time); age > registry.DefaultMaxAge && age <= maxAge {
		a.warnf("the checkpoint is %v old: members revoked since are still accepted", age.Round(time.Minute))
	}
}
