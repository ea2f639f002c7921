package mirror

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

// reload takes in the checkpoints that another process synced into the folder
// since this one read or wrote them. The folder is locked.
func (m *Mirror) reload() error {
	path := m.path("checkpoints")
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if m.saved != nil && sameVersion(info, m.saved) {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, entries, err := registry.CutCheckpointsHeader(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for len(entries) > 0 {
		var signed []byte
		if signed, entries, err = registry.CutCheckpoint(entries); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := m.takeIn(signed); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	m.saved = info
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load()
}

// sameVersion reports whether a file that is only ever replaced whole is still
// the same. Inode numbers alone come again.
func sameVersion(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// takeIn adds a checkpoint that another process checked and synced. The proof
// is computed from the operations that came with it.
func (m *Mirror) takeIn(signed []byte) error {
	next, err := registry.Open(signed, m.policy.registrar)
	if err != nil {
		return err
	}
	var proof tlog.TreeProof
	newest := m.roots.Latest()
	switch {
	case newest == nil || newest.Sequence == 0 || newest.Sequence == next.Sequence:
	case newest.Sequence > next.Sequence:
		return nil
	default:
		if proof, err = tlog.ProveTree(int64(next.Sequence), int64(newest.Sequence), localHashes{m}); err != nil {
			return err
		}
	}
	_, err = m.roots.Add(next.Note, proof)
	return m.keepFork(err, proof)
}

// save makes the history durable.
func (m *Mirror) save() error {
	path := m.path("checkpoints")
	m.saved = nil
	if err := registry.SaveRoots(path, m.roots); err != nil {
		return fmt.Errorf("saving the checkpoint: %w; what was synced is on disk, and the next sync completes it", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	m.saved = info
	return nil
}
