package member

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// chainName is the file with the descriptors of a venue.
const chainName = "chain"

// venueChain is what was seen of a venue, on disk and here. Several processes can
// have it open: each takes in what the others wrote before it adds to it, so that
// a venue that shows two of them different descriptors is found out, and evidence
// is never overwritten.
type venueChain struct {
	dir    string
	config descriptor.ChainConfig

	syncing chan struct{} // holds one while the venue is asked
	saved   fs.FileInfo   // of the file as last read or written, or nil; of who syncs

	mu    sync.RWMutex
	chain *descriptor.Chain
}

func openVenueChain(dir string, c VenueConfig) (*venueChain, error) {
	config, err := c.chainConfig()
	if err != nil {
		return nil, err
	}
	empty, err := descriptor.NewChain(config)
	if err != nil {
		return nil, err
	}
	v := &venueChain{dir: dir, config: config, syncing: make(chan struct{}, 1), chain: empty}
	return v, v.reload()
}

// known returns what is known.
func (v *venueChain) known() *descriptor.Chain {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.chain
}

// update asks the venue for what is new, and saves it. It waits no longer than ctx.
func (v *venueChain) update(ctx context.Context, client *venueclient.Client) error {
	select {
	case v.syncing <- struct{}{}:
		defer func() { <-v.syncing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(v.dir, lockName))
	if err != nil {
		return err
	}
	return errors.Join(v.updateLocked(ctx, client), lock.Release())
}

func (v *venueChain) updateLocked(ctx context.Context, client *venueclient.Client) error {
	if err := v.reload(); err != nil {
		return err
	}
	chain := v.known()
	latest, forked := chain.Latest(), chain.Fork() != nil
	_, err := client.Update(ctx, chain)
	if errors.Is(err, venueclient.ErrAway) {
		err = fmt.Errorf("%w: remove %s", err, filepath.Join(v.dir, chainName))
	}
	if v.saved != nil && chain.Latest() == latest && (chain.Fork() != nil) == forked {
		return err
	}
	if chain.Latest() == nil && chain.Fork() == nil {
		return err
	}
	return errors.Join(err, v.save(chain)) // evidence comes with an error
}

func (v *venueChain) save(chain *descriptor.Chain) error {
	v.saved = nil
	path := filepath.Join(v.dir, chainName)
	if err := descriptor.SaveChain(path, chain); err != nil {
		return err
	}
	info, err := os.Stat(path)
	v.saved = info
	return err
}

// reload takes in what another process saved.
func (v *venueChain) reload() error {
	path := filepath.Join(v.dir, chainName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		v.saved = nil
		return nil
	}
	if err != nil {
		return err
	}
	if v.saved != nil && sameVersion(info, v.saved) {
		return nil
	}
	theirs, err := descriptor.LoadChain(path, v.config)
	if err != nil {
		return err
	}
	v.saved = info
	v.mu.Lock()
	defer v.mu.Unlock()
	if ahead(v.chain, theirs) {
		v.saved = nil // what could not be saved before is to be saved now
		return nil
	}
	v.chain = theirs
	return nil
}

// ahead reports whether ours holds what the saved chain does not.
func ahead(ours, saved *descriptor.Chain) bool {
	if ours.Fork() != nil || saved.Fork() != nil {
		return saved.Fork() == nil
	}
	ourLatest, latest := ours.Latest(), saved.Latest()
	return ourLatest != nil && (latest == nil || latest.Number < ourLatest.Number)
}

// sameVersion reports whether a file that is only ever replaced whole is still the
// same. Inode numbers alone come again.
func sameVersion(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
