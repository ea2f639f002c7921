package venue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Errors of gateways that follow.
var (
	// ErrFollows reports something that only the gateway that issues can do.
	ErrFollows = descriptor.ErrFollows
	// ErrNotShared reports a gateway that follows and was given no store of
	// admissions: with one of its own, each slot could be used at each gateway.
	ErrNotShared = errors.New("a gateway that follows needs the store of admissions that all gateways of the venue share")
	// ErrSameFolder reports a gateway that follows and has no folder of its own.
	ErrSameFolder = errors.New("a gateway that follows needs a folder of its own beside the shared one")
	// ErrOtherVenue reports a shared folder that is another venue's than before.
	ErrOtherVenue = errors.New("the shared folder is another venue's than the one that was followed here")
)

// followedFile names the venue that a follower's folder belongs to.
const followedFile = "followed"

const (
	// followInterval is how often a gateway looks for what the one that issues
	// has issued, and for bans.
	followInterval = time.Second
	// followGap is the least time between two looks because of a first message
	// that names an unknown descriptor.
	followGap = 20 * time.Millisecond
	// namedRootTimeout bounds a sync for a root that a descriptor names.
	namedRootTimeout = 5 * time.Second
)

// following is what a gateway that follows knows of its looks.
type following struct {
	looking sync.Mutex
	looked  time.Time // by the monotonic clock
	syncing sync.Mutex
	synced  time.Time // likewise, for a named root
}

// OpenFollower opens one more gateway of a venue: with the identity, descriptors
// and prekeys that another gateway issues, which is the one that opened the shared
// folder, or shares in it ([Options.Share]). It only reads there, takes no lock,
// and needs no key that signs. In its own folder dir, which is made if there is
// none, it keeps a copy of the registry. Admissions must be shared as well
// ([Options.Admissions]), unless nobody is to be admitted.
//
// What is issued is taken in within a second, and at once if a first message names
// it. [Venue.Rotate] and [Venue.Raise] return [ErrFollows].
//
// When the gateway that issues is gone for good, one that follows takes over with
// [Open] of the shared folder, which must have the identity keys in it by then: see
// docs/runbook.md.
//
// It returns the errors of [Open], [descriptor.FollowStore], [ErrNotShared],
// [ErrSameFolder] and [ErrOtherVenue].
func OpenFollower(shared, dir string, o Options) (*Venue, error) {
	if err := checkFolder(shared); err != nil {
		return nil, err
	}
	config, err := loadConfig(filepath.Join(shared, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w; expected what the gateway that issues shares", shared, ErrNoVenue)
	}
	if err != nil {
		return nil, err
	}
	if o.Admissions == nil && (o.Params != nil || o.NewVerifier != nil) {
		return nil, ErrNotShared
	}
	if err := makeFollowerFolder(shared, dir); err != nil {
		return nil, err
	}
	v := newVenue(dir, config, &o)
	v.shared = shared
	if v.lock, err = filelock.Acquire(filepath.Join(dir, lockFile)); err != nil {
		return nil, err
	}
	if err := v.open(&o); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

func makeFollowerFolder(shared, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	theirs, err := os.Stat(shared)
	if err != nil {
		return err
	}
	if own, err := os.Stat(dir); err != nil || os.SameFile(own, theirs) {
		return errors.Join(err, fmt.Errorf("%w: %s", ErrSameFolder, dir))
	}
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return fmt.Errorf("%w: %s holds a venue", ErrSameFolder, dir)
	}
	return checkFolder(dir)
}

// Follows reports whether another gateway issues what this one serves.
func (v *Venue) Follows() bool { return v.shared != "" }

// openFollowed opens the shared descriptors.
func (v *Venue) openFollowed() (err error) {
	if v.store, err = descriptor.FollowStore(filepath.Join(v.shared, descriptorFolder), v.now()); err != nil {
		return err
	}
	identity := []byte(v.store.Identity().String() + "\n")
	path := filepath.Join(v.dir, followedFile)
	known, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return atomicfile.Create(path, identity, 0o600)
	}
	if err == nil && !bytes.Equal(known, identity) {
		err = fmt.Errorf("%w: %s", ErrOtherVenue, path)
	}
	return err
}

// follow takes in what was issued and published since, for handshakes from now on.
func (v *Venue) follow(ctx context.Context) error {
	if !v.Follows() {
		return nil
	}
	fresh, err := v.store.Reload(v.now())
	v.problem(ctx, "follow", err)
	if !fresh {
		return err
	}
	v.logIssued(v.store.Latest())
	return errors.Join(err, v.gate.renew())
}

// followTo takes in a descriptor that a first message names, if it is not known and
// was issued: clients that have it must not be sent away.
func (v *Venue) followTo(number uint64) {
	if !v.Follows() || v.has(number) {
		return
	}
	f := &v.following
	f.looking.Lock()
	defer f.looking.Unlock()
	if v.has(number) || time.Since(f.looked) < followGap {
		return
	}
	f.looked = time.Now()
	_ = v.follow(context.Background()) // kept for Status
}

func (v *Venue) has(number uint64) bool {
	latest := v.store.Latest()
	return latest != nil && number <= latest.Number
}

// attend follows what other gateways of the venue do, until ctx ends: what is
// issued, and who is banned.
func (v *Venue) attend(ctx context.Context) {
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	for {
		v.attendOnce(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (v *Venue) attendOnce(ctx context.Context) {
	_ = v.follow(ctx) // kept for Status
	fresh, err := v.gate.refreshBans(ctx)
	v.problem(ctx, "bans", err)
	if fresh {
		v.checkChannels()
	}
}

// namedRoots is the venue's copy of the registry, which it brings up to date once
// more when a descriptor that it follows names a root which it does not have yet.
type namedRoots struct{ v *Venue }

// Registry implements [admission.Roots].
func (n namedRoots) Registry() zkkex.RegistryID { return n.v.mirror.Registry() }

// Find implements [admission.Roots].
func (n namedRoots) Find(sequence uint64, root zkkex.Root) (*registry.Checkpoint, error) {
	found, err := n.v.mirror.Find(sequence, root)
	if err == nil || !n.v.Follows() || !n.v.names(sequence, root) || n.v.knows(sequence) || !n.v.syncForRoot() {
		return found, err
	}
	return n.v.mirror.Find(sequence, root)
}

// names reports whether the newest descriptor names a root.
func (v *Venue) names(sequence uint64, root zkkex.Root) bool {
	latest := v.store.Latest()
	if latest == nil {
		return false
	}
	for _, e := range latest.Epochs {
		if e.Sequence == sequence && e.Root == root {
			return true
		}
	}
	return false
}

// knows reports whether the copy of the registry reaches to a sequence number.
func (v *Venue) knows(sequence uint64) bool {
	newest := v.mirror.Checkpoint()
	return newest != nil && newest.Sequence >= sequence
}

// syncForRoot syncs, and reports whether it did. Of several calls at once, and
// within [followInterval], one does.
func (v *Venue) syncForRoot() bool {
	f := &v.following
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if time.Since(f.synced) < followInterval {
		return true // just now, by another
	}
	ctx, cancel := context.WithTimeout(context.Background(), namedRootTimeout)
	defer cancel()
	_, err := v.Sync(ctx)
	f.synced = time.Now()
	return err == nil
}
