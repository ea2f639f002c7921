package slots

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// folder is what a state needs of a folder of the file system. Tests replace it
// by one that loses whatever was not synced.
type folder interface {
	// lock waits until no one else, in any process, holds the folder's lock.
	lock() (unlock func(), err error)
	// create makes a new file with mode 0600; it must not exist.
	create(name string) (file, error)
	open(name string) (file, error)
	rename(from, to string) error
	remove(name string) error
	// sync makes the folder's names durable.
	sync() error
	close() error
}

// file is an open file of a folder.
type file interface {
	io.ReadWriter
	// place returns what a copy of the file does not share with it, and how
	// many names the file has; 0 where the system does not tell.
	place() (at place, names uint64, err error)
	// sync makes the content durable.
	sync() error
	close() error
}

// place identifies a file within its file system.
type place struct {
	inode uint64
	birth int64 // Unix nanoseconds, or 0 where the system does not tell
}

const (
	stateName     = "slots"
	temporaryName = "slots.tmp"
)

// stateFile is a state as it was found.
type stateFile struct {
	text  []byte
	at    place
	names uint64
}

// readState returns the file that the state is in.
func readState(f folder) (found stateFile, err error) {
	in, err := f.open(stateName)
	if err != nil {
		return stateFile{}, err
	}
	defer in.close()
	if found.at, found.names, err = in.place(); err != nil {
		return stateFile{}, err
	}
	found.text, err = io.ReadAll(io.LimitReader(in, MaxStateSize+1))
	return found, err
}

// writeState replaces the state by what encode returns for the place of the new
// file. When it returns nil, the new state is durable. When it fails, either
// the old or the new one is there, complete.
func writeState(f folder, encode func(at place) []byte) error {
	// One may be left from a process that died; the lock says it is nobody's.
	if err := f.remove(temporaryName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := f.create(temporaryName)
	if err != nil {
		return err
	}
	if err := fill(out, encode); err != nil {
		return errors.Join(err, f.remove(temporaryName))
	}
	if err := f.rename(temporaryName, stateName); err != nil {
		return errors.Join(err, f.remove(temporaryName))
	}
	return f.sync()
}

func fill(out file, encode func(at place) []byte) error {
	at, _, err := out.place()
	if err == nil {
		_, err = out.Write(encode(at))
	}
	if err == nil {
		err = out.sync()
	}
	return errors.Join(err, out.close())
}

// disk is a folder of the operating system.
type disk struct {
	root *os.Root
	self *os.File // the folder itself, to lock and sync
}

func openDisk(dir string) (folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	self, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &disk{root: root, self: self}, nil
}

func (d *disk) lock() (unlock func(), err error) {
	if unlock, err = lockFile(d.self); err != nil {
		return nil, fmt.Errorf("locking the folder %s: %w", d.root.Name(), err)
	}
	return unlock, nil
}

func (d *disk) create(name string) (file, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (d *disk) open(name string) (file, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (d *disk) rename(from, to string) error { return d.root.Rename(from, to) }

func (d *disk) remove(name string) error { return d.root.Remove(name) }

func (d *disk) sync() error {
	if runtime.GOOS == "windows" {
		return nil // it has no such call
	}
	return d.self.Sync()
}

func (d *disk) close() error { return errors.Join(d.self.Close(), d.root.Close()) }

type diskFile struct{ *os.File }

func (f diskFile) place() (place, uint64, error) { return placeOf(f.File) }
func (f diskFile) sync() error                   { return f.Sync() }
func (f diskFile) close() error                  { return f.Close() }
