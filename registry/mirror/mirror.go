// Package mirror is a member's, or a verifier's, own copy of a registry. It
// syncs the whole log, checks everything about it, and computes paths itself.
//
// # Why the whole log
//
// A server that is asked for one member's path learns who is asking, and there
// is none that could be asked. A mirror asks for every entry bundle, whole, on
// a schedule. What it asks for depends on the log and on what it has already,
// so two members that sync at the same times send the same requests, byte for
// byte. Where a server is not wanted at all, it syncs from a folder that the
// registrar exported.
//
// # What is checked
//
// A checkpoint must be signed by the registrar's key, cosigned by enough
// witnesses, not from the future, and extend every one that was taken in
// before: a fork or a rollback is refused, and the two signed notes are kept as
// evidence. Every bundle must match the log root in the checkpoint. The member
// tree, replayed from the log, must have the root, capacity and counts that the
// registrar signed.
//
// # On disk
//
// A mirror is a folder, with
//
//	checkpoints   every checkpoint taken in, as package registry saves them
//	operations    "zkkex/v1 operations\n", then the log's operations, 44 bytes each
//	evidence/     signed notes that show a registrar's fault
//	lock          held during a sync
//
// Operations are made durable before the checkpoint that covers them. After a
// crash, those beyond the last checkpoint are compared with the log's hashes
// and used, or fetched again. A damaged copy is said to be damaged, refuses to
// give paths, and is mended by the next sync.
package mirror

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/fetch"
	"github.com/zkkex/zkkex/registry"
)

// ErrNotSynced reports a mirror that has no checkpoint yet, or none that it can
// use: sync first.
var ErrNotSynced = errors.New("the registry is not synced")

// Mirror is a copy of a registry in a folder. It is safe for concurrent use.
// Several processes may use one folder: their syncs wait for one another.
type Mirror struct {
	dir        string
	policy     *policy
	source     fetch.Source
	roots      *registry.Roots
	operations *operations

	found found // roots of the past

	syncing sync.Mutex  // one sync at a time
	saved   fs.FileInfo // of the checkpoints file, as last read or written; nil if it must be written

	mu       sync.RWMutex
	tree     *registry.Tree
	head     *registry.SignedCheckpoint // the one the tree is at; nil before the first sync
	unusable error                      // why a copy that was synced has no head
}

// Open opens the mirror in a folder, which it creates, with mode 0700, if there
// is none. It replays what is there, about two seconds for a million members.
// It does not sync, and needs no network.
//
// It returns an error if the configuration is wrong, if the folder belongs to
// another registry, or if its checkpoints, which are the memory that forks are
// found with, are damaged.
func Open(dir string, c Config) (*Mirror, error) {
	p, err := newPolicy(&c)
	if err != nil {
		return nil, err
	}
	src, err := openSource(&c)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	m := &Mirror{dir: dir, policy: p, source: src}
	if m.roots, m.saved, err = loadRoots(m.path("checkpoints"), c.VerifierKey); err != nil {
		return nil, err
	}
	if m.operations, err = openOperations(m.path("operations")); err != nil {
		return nil, err
	}
	if err := m.load(); err != nil {
		return nil, errors.Join(err, m.operations.close())
	}
	return m, nil
}

// Close closes the mirror's files and connections.
func (m *Mirror) Close() error {
	m.syncing.Lock()
	defer m.syncing.Unlock()
	m.source.Close()
	return m.operations.close()
}

// Registry returns the identifier of the registry.
func (m *Mirror) Registry() zkkex.RegistryID { return m.policy.registry }

// Roots returns the history of checkpoints, for a verifier's root policy. It is
// updated by every sync.
func (m *Mirror) Roots() *registry.Roots { return m.roots }

// Checkpoint returns the checkpoint that the mirror is at. It is nil before the
// first sync, while the copy is damaged, and while the newest checkpoint known
// has fewer cosignatures than the configuration demands by now.
func (m *Mirror) Checkpoint() *registry.SignedCheckpoint {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.head
}

// Members returns the number of live members of a key type at the current
// checkpoint: the anonymity set of its circuits.
func (m *Mirror) Members(k zkkex.KeyType) uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.head == nil {
		return 0
	}
	return m.head.Members[k]
}

// Age returns how long ago the current checkpoint was signed, and whether there
// is one.
func (m *Mirror) Age() (age time.Duration, ok bool) {
	head := m.Checkpoint()
	if head == nil {
		return 0, false
	}
	return max(0, m.policy.now().Sub(head.Time)), true
}

func (m *Mirror) path(name string) string { return filepath.Join(m.dir, name) }

// sequence is the number of operations that are on disk and checked.
func (m *Mirror) sequence() uint64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.tree.Sequence()
}

// loadRoots reads the history, or begins one.
func loadRoots(path, verifierKey string) (*registry.Roots, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		roots, err := registry.NewRoots(verifierKey)
		return roots, nil, err
	}
	if err != nil {
		return nil, nil, err
	}
	roots, err := registry.LoadRoots(path)
	if err != nil {
		return nil, nil, fmt.Errorf("the memory of the registry's checkpoints is damaged: %w; restore it from a backup, or, to begin without it, use a new folder", err)
	}
	if roots.VerifierKey() != verifierKey {
		return nil, nil, zkkex.Reject(zkkex.WrongRegistry, "%s belongs to the registry with the key %s, expected %s; use another folder", filepath.Dir(path), roots.VerifierKey(), verifierKey)
	}
	return roots, info, nil
}

// load replays the operations on disk up to the newest checkpoint. A copy that
// does not match it is damaged, which is no error here: the next sync mends it.
func (m *Mirror) load() error {
	if err := m.reset(nil); err != nil {
		return err
	}
	newest := m.roots.Latest()
	if newest == nil {
		return nil
	}
	head, err := m.policy.cosigned(newest.Note)
	if err != nil {
		return m.reset(err) // the configuration has changed
	}
	err = m.applyUpTo(newest)
	if err == nil {
		err = m.compare(newest)
	}
	if err == nil {
		err = m.compareLog(newest)
	}
	if err != nil {
		return m.reset(fmt.Errorf("the copy in %s is damaged: %w", m.dir, err))
	}
	m.head = head
	return nil
}

// reset empties the tree.
func (m *Mirror) reset(unusable error) (err error) {
	m.head, m.unusable = nil, unusable
	m.tree, err = registry.NewTree(registry.SmallCapacityBits)
	return err
}

// compareLog compares the operations on disk with a checkpoint's log root.
func (m *Mirror) compareLog(c *registry.SignedCheckpoint) error {
	head, err := m.logRootAt(c.Sequence)
	if err != nil {
		return err
	}
	if head != c.LogRoot {
		return fmt.Errorf("the log root of the first %d operations is %v, expected %v", c.Sequence, head, c.LogRoot)
	}
	return nil
}

// logRootAt returns the log root of the first operations on disk.
func (m *Mirror) logRootAt(sequence uint64) (tlog.Hash, error) {
	l, err := m.hashRange(0, sequence)
	if err != nil {
		return tlog.Hash{}, err
	}
	return l.root(), nil
}

// hashRange hashes operations on disk.
func (m *Mirror) hashRange(first, end uint64) (*logHash, error) {
	l := new(logHash)
	for first < end {
		b, err := m.operations.read(first, min(batchSize, end-first))
		if err != nil {
			return nil, err
		}
		for ; len(b) > 0; b = b[registry.OperationSize:] {
			l.append(b[:registry.OperationSize])
			first++
		}
	}
	return l, nil
}

// localHashes is a [tlog.HashReader] of the log on disk.
type localHashes struct{ m *Mirror }

// ReadHashes hashes the records below each of the hashes that are asked for.
func (h localHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		l, err := h.m.hashRange(uint64(n)<<level, uint64(n+1)<<level)
		if err != nil {
			return nil, err
		}
		hashes[i] = l.root()
	}
	return hashes, nil
}

// notSynced says why there is no path to give.
func (m *Mirror) notSynced() error {
	if m.unusable != nil {
		return fmt.Errorf("%w: %w; the next sync mends it", ErrNotSynced, m.unusable)
	}
	return fmt.Errorf("%w: no checkpoint in %s yet", ErrNotSynced, m.dir)
}
