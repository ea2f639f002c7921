package descriptor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// Share writes what another gateway of the venue needs into a folder, which it
// makes with mode 0700 if there is none: identity, private prekeys, descriptors,
// and last the published checkpoint, as in a store, for [FollowStore]. The keys
// that sign are not among them. To share again adds what is new, and destroys the
// prekeys that are destroyed here.
func (s *Store) Share(dir string) error {
	s.issuing.Lock()
	defer s.issuing.Unlock()
	if s.closed {
		return ErrClosed
	}
	for _, folder := range []string{dir, filepath.Join(dir, signedFolder), filepath.Join(dir, prekeyFolder)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return fmt.Errorf("sharing: %w", err)
		}
	}
	for _, share := range []func(string) error{s.shareIdentity, s.sharePrekeys, s.shareDescriptors, s.shareCheckpoint, s.unsharePrekeys} {
		if err := share(dir); err != nil {
			return fmt.Errorf("sharing: %w", err)
		}
	}
	return nil
}

func (s *Store) shareIdentity(dir string) error {
	other := &Store{dir: dir, identity: s.identity}
	return other.loadIdentity()
}

// sharePrekeys writes the private prekeys that are not there yet.
func (s *Store) sharePrekeys(dir string) error {
	for n, keys := range s.prekeys {
		path := filepath.Join(dir, prekeyFolder, fileName(n))
		err := createPrekeyFile(path, keys)
		if errors.Is(err, fs.ErrExist) {
			err = sharedAlready(path, s.history.byNumber(n))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sharedAlready(path string, d *Signed) error {
	there, err := loadPrekeyFile(path)
	if err != nil {
		return err
	}
	if d == nil || !there.matches(&d.Descriptor) {
		return fmt.Errorf("%w: %s holds the prekeys of another venue's descriptor, or of an earlier attempt; remove it", ErrDamaged, path)
	}
	return nil
}

func (s *Store) shareDescriptors(dir string) error {
	for n := uint64(1); n <= s.log.size(); n++ {
		path := filepath.Join(dir, signedFolder, fileName(n))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		signed, err := s.loadSigned(n)
		if err != nil {
			return err
		}
		if err := atomicfile.Create(path, signed.note, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) shareCheckpoint(dir string) error {
	signed, err := s.Checkpoint()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, checkpointFile), signed, 0o644)
}

// unsharePrekeys destroys private prekeys that are destroyed here.
func (s *Store) unsharePrekeys(dir string) error {
	entries, err := os.ReadDir(filepath.Join(dir, prekeyFolder))
	if err != nil {
		return err
	}
	here := make(map[string]bool)
	for n := range s.prekeys {
		here[fileName(n)] = true
	}
	for _, entry := range entries {
		if here[entry.Name()] {
			continue
		}
		if err := destroyFile(filepath.Join(dir, prekeyFolder, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
