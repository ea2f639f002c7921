package registrar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/registry"
)

// Cosigner adds the cosignatures of witnesses to a signed checkpoint of the
// first size operations before it is published, and returns the note with them.
// The hashes are the log's, for consistency proofs.
type Cosigner func(ctx context.Context, signed []byte, size uint64, hashes tlog.HashReader) ([]byte, error)

// Checkpoint signs and publishes a checkpoint if anything changed since the
// last one, and returns the newest. With a cosigner, it is published only if
// the cosigner succeeds. Neither sequence nor time ever goes back: if the clock
// did, the checkpoint takes the time of the one before.
//
// A checkpoint that is returned is durable. If it could not be stored, the
// error wraps [ErrNotRecorded] and the one before stays the published one.
func (r *Registrar) Checkpoint(ctx context.Context, now time.Time, cosign Cosigner) (*registry.SignedCheckpoint, error) {
	return r.checkpoint(ctx, now, cosign, false)
}

// Renew is [Registrar.Checkpoint] even if nothing changed since the last one,
// to show that the registry is alive: only the time differs.
func (r *Registrar) Renew(ctx context.Context, now time.Time, cosign Cosigner) (*registry.SignedCheckpoint, error) {
	return r.checkpoint(ctx, now, cosign, true)
}

// Published returns the newest published checkpoint, or nil before the first.
func (r *Registrar) Published() *registry.SignedCheckpoint {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.published
}

// Hashes returns the hashes of the log, for proofs. It is safe for concurrent
// use.
func (r *Registrar) Hashes() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if r.closed {
			return nil, ErrClosed
		}
		return r.log.ReadHashes(indexes)
	})
}

func (r *Registrar) checkpoint(ctx context.Context, now time.Time, cosign Cosigner, always bool) (*registry.SignedCheckpoint, error) {
	r.checkpointMu.Lock()
	defer r.checkpointMu.Unlock()
	c, err := r.draft(now)
	if err != nil {
		return nil, err
	}
	published := r.Published()
	if published != nil && published.Sequence == c.Sequence && !always {
		return published, nil
	}
	signed, err := registry.Sign(c, r.signer)
	if err != nil {
		return nil, err
	}
	if cosign != nil {
		if signed, err = cosign(ctx, signed, c.Sequence, r.Hashes()); err != nil {
			return nil, err
		}
	}
	opened, err := registry.Open(signed, r.config.verifier)
	if err != nil {
		return nil, fmt.Errorf("opening the checkpoint just signed: %w", err)
	}
	if err := r.history.store(opened); err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.published = opened
	r.mu.Unlock()
	return opened, nil
}

// draft returns the checkpoint to sign. Everything it covers is durable.
func (r *Registrar) draft(now time.Time) (*registry.Checkpoint, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, ErrClosed
	}
	c, err := r.state()
	if err != nil {
		return nil, err
	}
	c.Time = time.Unix(now.Unix(), 0).UTC()
	if newest := r.history.newest; newest != nil && c.Time.Before(newest.Time) {
		c.Time = newest.Time
	}
	return c, nil
}

// checkpointStore is the file of all checkpoints published, and the file of the
// newest one. The former counts, the latter follows.
type checkpointStore struct {
	dir    string
	newest *registry.SignedCheckpoint
	good   int64 // bytes of the file of all that are complete
	torn   bool
	open   func(path string) (file, error)
}

// loadCheckpoints reads both files without changing them.
func loadCheckpoints(dir string, c config) (*checkpointStore, error) {
	text, err := os.ReadFile(filepath.Join(dir, checkpointsFile))
	if err != nil {
		return nil, err
	}
	key, entries, err := registry.CutCheckpointsHeader(text)
	if err == nil && key != c.verifierKey {
		err = fmt.Errorf("it is of the key %q, expected %q", key, c.verifierKey)
	}
	if err != nil {
		return nil, &DamageError{File: checkpointsFile, Record: -1, Err: err}
	}
	s := &checkpointStore{dir: dir, open: openFile}
	var last []byte
	for len(entries) > 0 {
		signed, rest, err := registry.CutCheckpoint(entries)
		if err != nil {
			s.torn = true
			break
		}
		last, entries = signed, rest
	}
	s.good = int64(len(text) - len(entries))
	if last != nil {
		if s.newest, err = registry.Open(last, c.verifier); err != nil {
			return nil, &DamageError{File: checkpointsFile, Record: -1, Offset: s.good - int64(len(last)), Err: err}
		}
	}
	return s, s.compare(c)
}

// compare checks that the file of the newest checkpoint, which is written last,
// is not ahead.
func (s *checkpointStore) compare(c config) error {
	signed, err := os.ReadFile(filepath.Join(s.dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	published, err := registry.Open(signed, c.verifier)
	if err != nil {
		return &DamageError{File: checkpointFile, Record: -1, Err: err}
	}
	if s.newest == nil || published.Sequence > s.newest.Sequence || published.Time.After(s.newest.Time) {
		return &DamageError{File: checkpointsFile, Record: -1, Offset: s.good, Err: fmt.Errorf(
			"the checkpoint of sequence %d in the file %s is missing", published.Sequence, checkpointFile)}
	}
	return nil
}

// repair cuts an interrupted write off the file of all checkpoints and brings
// the file of the newest one up to date.
func (s *checkpointStore) repair(report *OpenReport) error {
	if s.torn {
		if err := s.cut(); err != nil {
			return err
		}
		report.TornCheckpoint = true
	}
	if s.newest == nil {
		return nil
	}
	path := filepath.Join(s.dir, checkpointFile)
	if signed, err := os.ReadFile(path); err == nil && bytes.Equal(signed, s.newest.Note) {
		return nil
	}
	report.CheckpointRestored = true
	return atomicfile.Write(path, s.newest.Note, 0o644)
}

// cut truncates the file of all checkpoints to what is complete.
func (s *checkpointStore) cut() error {
	f, err := s.open(filepath.Join(s.dir, checkpointsFile))
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(s.good), f.Sync(), f.Close())
}

// store appends a checkpoint to the file of all, durably, and then replaces the
// file of the newest.
func (s *checkpointStore) store(c *registry.SignedCheckpoint) error {
	entry := registry.AppendCheckpoint(nil, c.Note)
	if err := s.append(entry); err != nil {
		return fmt.Errorf("%w: storing checkpoint %d: %w; the one before stays published", ErrNotRecorded, c.Sequence, errors.Join(err, s.cut()))
	}
	s.good += int64(len(entry))
	s.newest = c
	if err := atomicfile.Write(filepath.Join(s.dir, checkpointFile), c.Note, 0o644); err != nil {
		return fmt.Errorf("%w: publishing checkpoint %d: %w; the one before stays published", ErrNotRecorded, c.Sequence, err)
	}
	return nil
}

func (s *checkpointStore) append(entry []byte) error {
	f, err := s.open(filepath.Join(s.dir, checkpointsFile))
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(entry, s.good); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}
