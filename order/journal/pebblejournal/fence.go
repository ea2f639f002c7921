package pebblejournal

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence is a file system that can be cut off from writing: a database that failed
// may still be at work when the next one is opened in its place.
type fence struct {
	vfs.FS
	mu  sync.RWMutex // held shared while something is written
	off bool
}

var errCutOff = errors.New("the database was given up")

// cut returns when nothing is being written, and nothing will be.
func (f *fence) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
}

// write calls g unless the fence is cut.
func (f *fence) write(g func() error) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.off {
		return errCutOff
	}
	return g()
}

func (f *fence) file(open func() (vfs.File, error)) (out vfs.File, err error) {
	err = f.write(func() error {
		file, err := open()
		if err == nil {
			out = &fencedFile{file, f}
		}
		return err
	})
	return out, err
}

func (f *fence) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.file(func() (vfs.File, error) { return f.FS.Create(name, c) })
}

func (f *fence) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.file(func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, o...) })
}

func (f *fence) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.file(func() (vfs.File, error) { return f.FS.ReuseForWrite(from, to, c) })
}

func (f *fence) Link(from, to string) error {
	return f.write(func() error { return f.FS.Link(from, to) })
}

func (f *fence) Remove(name string) error {
	return f.write(func() error { return f.FS.Remove(name) })
}

func (f *fence) RemoveAll(name string) error {
	return f.write(func() error { return f.FS.RemoveAll(name) })
}

func (f *fence) Rename(from, to string) error {
	return f.write(func() error { return f.FS.Rename(from, to) })
}

func (f *fence) MkdirAll(dir string, mode fs.FileMode) error {
	return f.write(func() error { return f.FS.MkdirAll(dir, mode) })
}

// Lock locks nothing: the journal holds the lock, from one database to the next.
func (f *fence) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (f *fence) Unwrap() vfs.FS { return f.FS }

// fencedFile is a file that is written to.
type fencedFile struct {
	vfs.File
	fence *fence
}

func (f *fencedFile) Write(b []byte) (n int, err error) {
	err = f.fence.write(func() error {
		n, err = f.File.Write(b)
		return err
	})
	return n, err
}

func (f *fencedFile) WriteAt(b []byte, at int64) (n int, err error) {
	err = f.fence.write(func() error {
		n, err = f.File.WriteAt(b, at)
		return err
	})
	return n, err
}

func (f *fencedFile) Preallocate(at, length int64) error {
	return f.fence.write(func() error { return f.File.Preallocate(at, length) })
}

func (f *fencedFile) Sync() error { return f.fence.write(f.File.Sync) }

func (f *fencedFile) SyncData() error { return f.fence.write(f.File.SyncData) }

func (f *fencedFile) SyncTo(length int64) (full bool, err error) {
	err = f.fence.write(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}
