package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
)

// history returns the checkpoints that roots can be of: the one that was given,
// or those of the verifier's own copy, synced first if there is an address.
func (a *app) history(ctx context.Context, f *rootFlags, config *mirror.Config) (*registry.Roots, error) {
	switch {
	case f.checkpoint != "":
		return a.single(ctx, f)
	case f.url == "":
		return f.offline()
	}
	m, _, err := a.syncMirror(ctx, f, config)
	if err != nil {
		return nil, err
	}
	return m.Roots(), m.Close()
}

// single returns a history of one signed checkpoint.
func (a *app) single(ctx context.Context, f *rootFlags) (*registry.Roots, error) {
	signed, err := a.readOrFetch(ctx, f.checkpoint)
	if err != nil {
		return nil, err
	}
	history, err := registry.NewRoots(f.key)
	if err != nil {
		return nil, err
	}
	if _, err := history.Add(signed, nil); err != nil {
		return nil, fmt.Errorf("the checkpoint: %w", err)
	}
	return history, nil
}

// offline returns the history of a copy as it is.
func (f *rootFlags) offline() (*registry.Roots, error) {
	history, err := registry.LoadRoots(filepath.Join(f.mirror, "checkpoints"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.notSynced()
	}
	if err != nil {
		return nil, err
	}
	if history.VerifierKey() != f.key {
		return nil, fmt.Errorf("%s is a copy of another registry, of key %s", f.mirror, history.VerifierKey())
	}
	return history, nil
}

// syncMirror opens and syncs a copy of a registry. The caller closes it.
func (a *app) syncMirror(ctx context.Context, f *rootFlags, config *mirror.Config) (*mirror.Mirror, *mirror.Report, error) {
	var err error
	if config.Dial, err = a.dial(); err != nil {
		return nil, nil, err
	}
	m, err := mirror.Open(f.mirror, *config)
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
	if !isURL(name) {
		return a.read(name, "checkpoint", registry.MaxCheckpoint)
	}
	return a.fetch(ctx, name, "checkpoint", registry.MaxCheckpoint)
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}
