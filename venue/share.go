package venue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// Share writes what further gateways need into a folder, for [OpenFollower]:
// configuration, identity, descriptors and checkpoint, which are public, and the
// private prekeys, in files of mode 0600. The keys that sign are not among them. The
// folder is made with mode 0700; whoever can read it can read what members send to
// the venue, until the prekeys expire. What is destroyed here is destroyed there.
//
// [Options.Share] does so by itself.
func (v *Venue) Share(dir string) error {
	v.issuing.Lock()
	defer v.issuing.Unlock()
	return v.share(dir)
}

func (v *Venue) share(dir string) error {
	if v.Follows() {
		return fmt.Errorf("sharing: %w", ErrFollows)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("sharing: %w", err)
	}
	if err := checkFolder(dir); err != nil {
		return fmt.Errorf("sharing: %w", err)
	}
	if err := v.store.Share(filepath.Join(dir, descriptorFolder)); err != nil {
		return err
	}
	return v.shareConfig(filepath.Join(dir, configFile))
}

// shareConfig writes the configuration, last: a folder without one is no venue yet.
func (v *Venue) shareConfig(path string) error {
	text, err := v.config.MarshalText()
	if err != nil {
		return err
	}
	there, err := os.ReadFile(path)
	if err == nil && bytes.Equal(there, text) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sharing: %w", err)
	}
	if err := atomicfile.Write(path, text, 0o600); err != nil {
		return fmt.Errorf("sharing: %w", err)
	}
	return nil
}

// shareState is what is shared: it is written when it is another.
type shareState struct{ issued, published, prekeys uint64 }

// shareNew shares what is not shared yet, if it is to be.
func (v *Venue) shareNew(ctx context.Context) error {
	if v.shareDir == "" {
		return nil
	}
	published, err := v.published()
	if err != nil {
		return err
	}
	state := shareState{published: published, prekeys: uint64(v.store.Held())}
	if latest := v.store.Latest(); latest != nil {
		state.issued = latest.Number
	}
	if v.sharedState == state && state.issued > 0 {
		return nil
	}
	if err = v.share(v.shareDir); err == nil {
		v.sharedState = state
	}
	v.problem(ctx, "share", err)
	return err
}
