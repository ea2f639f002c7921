package registrar

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zkkex/zkkex"
)

// brokenFile is a journal on a disk that is full or broken from some byte on.
type brokenFile struct {
	file
	room        int64 // size up to which writes succeed
	syncErr     error
	truncateErr error
}

func (f *brokenFile) WriteAt(b []byte, at int64) (int, error) {
	fits := min(max(f.room-at, 0), int64(len(b)))
	n, err := f.file.WriteAt(b[:fits], at)
	if err == nil && n < len(b) {
		err = syscall.ENOSPC
	}
	return n, err
}

func (f *brokenFile) Sync() error { return errors.Join(f.syncErr, f.file.Sync()) }

func (f *brokenFile) Truncate(size int64) error {
	if f.truncateErr != nil {
		return f.truncateErr
	}
	return f.file.Truncate(size)
}

// newBroken opens a registry with two members on a disk that still works.
func newBroken(t *testing.T) (string, *Registrar, *brokenFile) {
	t.Helper()
	dir, r := newRegistrar(t)
	mustClose(t, r)
	broken := &brokenFile{room: 1 << 40}
	r, err := open(dir, func(path string) (file, error) {
		f, err := openFile(path)
		broken.file = f
		return broken, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, r) })
	next := uint64(0)
	admitSome(t, r, &next, 2)
	return dir, r, broken
}

func submitOne(r *Registrar, n uint64) error {
	req := admission(fakeCandidate(n))
	r.submit(testTime, req)
	return req.err
}

// TestDiskFull fills the disk in the middle of a batch. Nothing of it may stay,
// and the registrar goes on when there is room again.
func TestDiskFull(t *testing.T) {
	dir, r, broken := newBroken(t)
	broken.room = offsetOf(3) + 10
	if err := submitOne(r, 2); err != nil {
		t.Fatal(err) // the third still fits
	}
	root := r.Root()
	next := uint64(3)
	reqs := candidates(&next, 3)
	r.submit(testTime, reqs...)
	for _, req := range reqs {
		if !errors.Is(req.err, ErrNotRecorded) || !errors.Is(req.err, syscall.ENOSPC) {
			t.Errorf("disk full: %v; want ErrNotRecorded and ENOSPC", req.err)
		}
	}
	if r.Root() != root || r.Sequence() != 3 || r.Members(zkkex.KeyBabyJubjub) != 3 {
		t.Errorf("%d operations, expected 3", r.Sequence())
	}
	if info, err := os.Stat(filepath.Join(dir, journalFile)); err != nil || info.Size() != offsetOf(3) {
		t.Errorf("journal of %d bytes, %v; expected %d", info.Size(), err, offsetOf(3))
	}
	broken.room = 1 << 40
	next = 3 // the same members as before
	for i, ack := range admitSome(t, r, &next, 2) {
		if ack.index != uint64(3+i) {
			t.Errorf("index %d, expected %d: the failed ones were not given back", ack.index, 3+i)
		}
	}
	reopen(t, dir, r)
}

// TestSyncFails: nobody knows what is on the disk. The registrar stops, and
// opening again finds out.
func TestSyncFails(t *testing.T) {
	dir, r, broken := newBroken(t)
	broken.syncErr = syscall.EIO
	for range 2 {
		if err := submitOne(r, 9); !errors.Is(err, ErrUndecided) || !errors.Is(err, syscall.EIO) {
			t.Fatalf("failed sync: %v; want ErrUndecided and EIO", err)
		}
		broken.syncErr = nil // a second sync may succeed; that proves nothing
	}
	if r.Sequence() != 2 {
		t.Errorf("%d operations, expected 2", r.Sequence())
	}
	mustClose(t, r)
	r = mustOpen(t, dir)
	if r.Sequence() != 3 || r.Report().Repaired() {
		t.Errorf("after opening: %d operations, %v", r.Sequence(), r.Report())
	}
}

// TestTakingBackFails leaves half a record behind, which the next open repairs.
func TestTakingBackFails(t *testing.T) {
	dir, r, broken := newBroken(t)
	broken.room = offsetOf(2) + 10
	broken.truncateErr = syscall.EIO
	if err := submitOne(r, 9); !errors.Is(err, ErrUndecided) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("half a record: %v; want ErrUndecided", err)
	}
	mustClose(t, r)
	r = mustOpen(t, dir)
	if r.Sequence() != 2 || r.Report().TornBytes != 10 {
		t.Errorf("after opening: %d operations, %v; expected 2, and 10 bytes cut off", r.Sequence(), r.Report())
	}
}
