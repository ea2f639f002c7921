package descriptor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zkkex/zkkex/registry"
)

// ErrFollows reports an attempt to issue or publish in a store that follows
// another one: its owner has the keys that sign.
var ErrFollows = errors.New("descriptors are issued by the gateway that is followed")

// ErrBehind reports a folder that is being copied: what is published in it, or the
// prekeys of what was issued, is not there yet.
var ErrBehind = errors.New("the shared descriptors are not all there yet")

// FollowStore opens a store that another process issues in, or what [Store.Share]
// wrote, for reading alone: it takes no lock and changes nothing. [Store.Reload]
// takes in what comes later. The identity is the one in the folder: whoever can
// write there has the venue's prekeys anyway.
//
// It returns an error wrapping [fs.ErrNotExist] if there is no store,
// [ErrDamaged], and [ErrBehind].
func FollowStore(dir string, now time.Time) (*Store, error) {
	identity, err := readIdentity(filepath.Join(dir, identityFile))
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, identity: identity, follows: true, prekeys: make(map[uint64]*PrivatePrekeys)}
	if _, err := s.Reload(now); err != nil {
		return nil, err
	}
	return s, nil
}

func readIdentity(path string) (*Identity, error) {
	text, err := readPublic(path, maxIdentity+1)
	if err != nil {
		return nil, err
	}
	line, ended := strings.CutSuffix(string(text), "\n")
	if !ended {
		return nil, fmt.Errorf("%s: %w", path, malformed(identityFormat, "expected a newline at the end"))
	}
	identity, err := ParseIdentity(line)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return identity, nil
}

// readPublic reads a file of at most limit bytes.
func readPublic(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrDamaged, path, limit)
	}
	return text, nil
}

// Follows reports whether the store was opened by [FollowStore].
func (s *Store) Follows() bool { return s.follows }

// Reload takes in what was issued and published since, in a store that follows,
// and reports whether there is a descriptor more. A descriptor is taken in with its
// private prekeys, or not yet; and a checkpoint once all that it covers is. What is
// out of order is left for the next time: the error then wraps [ErrBehind], and all
// that was known stays good. It wraps [ErrDamaged] for what does not belong
// together.
func (s *Store) Reload(now time.Time) (fresh bool, err error) {
	s.issuing.Lock()
	defer s.issuing.Unlock()
	switch {
	case s.closed:
		return false, ErrClosed
	case !s.follows:
		return false, nil
	}
	// The checkpoint is written after what it covers, and so is read before.
	published, err := readPublic(filepath.Join(s.dir, checkpointFile), registry.MaxCheckpoint)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for {
		more, err := s.reloadNext(now)
		if err != nil {
			return fresh, err
		}
		if !more {
			return fresh, s.reloadCheckpoint(published)
		}
		fresh = true
	}
}

// reloadNext takes in the next descriptor, if there is one.
func (s *Store) reloadNext(now time.Time) (bool, error) {
	n := s.log.size() + 1
	signed, err := s.loadSigned(n)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	keys, err := loadPrekeyFile(s.prekeyPath(n))
	switch {
	case errors.Is(err, fs.ErrNotExist) && now.Before(signed.Prekeys.Expires):
		return false, fmt.Errorf("%w: the prekeys of descriptor %d are missing", ErrBehind, n)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	case err == nil && !keys.matches(&signed.Descriptor):
		return false, fmt.Errorf("%w: %s holds other prekeys than descriptor %d names", ErrDamaged, s.prekeyPath(n), n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.append(signed); err != nil {
		return false, err
	}
	if keys != nil {
		s.prekeys[n] = keys
	}
	return true, nil
}

// reloadCheckpoint takes in a published checkpoint, nil for none.
func (s *Store) reloadCheckpoint(signed []byte) error {
	s.mu.RLock()
	known := s.published
	s.mu.RUnlock()
	if bytes.Equal(signed, known) {
		return nil
	}
	if signed == nil {
		return fmt.Errorf("%w: the published checkpoint is gone", ErrDamaged)
	}
	c, err := (&witnessPolicy{identity: s.identity}).open(signed)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, checkpointFile, err)
	}
	if c.N > int64(s.log.size()) {
		return fmt.Errorf("%w: %d descriptors are published, and %d are here", ErrBehind, c.N, s.log.size())
	}
	if err := s.covers(signed); err != nil {
		return err
	}
	if known != nil {
		before, err := (&witnessPolicy{identity: s.identity}).open(known)
		if err != nil {
			return err
		}
		if c.N < before.N {
			return fmt.Errorf("%w: %d descriptors were published, and now %d: the folder was put back from before", ErrDamaged, before.N, c.N)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.published = signed
	return nil
}
