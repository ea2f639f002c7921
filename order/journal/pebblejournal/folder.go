package pebblejournal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/internal/pebblelog"
)

const (
	formatFile  = "format"
	databaseDir = "db"
	lockFile    = "lock"
	probeFile   = "probe"
	// databaseLock is the file that Pebble locks.
	databaseLock = "LOCK"
	probeSize    = 64 << 10
	// format is what formatFile holds: the version of the layout of keys and values.
	format = "zkkex/v1 journal\n"
)

// Init makes an empty journal in the folder at path, which is made with mode 0700 if
// it is missing, and must be empty otherwise. It is for the first time only: what
// an empty journal does not know of, such as open orders, nobody sees to. It
// returns an error wrapping [fs.ErrExist] if there is a journal, and one wrapping
// [ErrNotJournal] if the folder holds something else.
func Init(path string) error {
	if err := create(path); err != nil {
		return fmt.Errorf("making a journal: %w", err)
	}
	return nil
}

func create(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if err := checkVacant(path); err != nil {
		return err
	}
	lock, err := filelock.Acquire(filepath.Join(path, lockFile))
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := checkVacant(path); err != nil { // somebody may have been faster
		return err
	}
	database := filepath.Join(path, databaseDir)
	if err := os.RemoveAll(database); err != nil { // what an attempt left
		return err
	}
	if err := createDatabase(database); err != nil {
		return errors.Join(err, os.RemoveAll(database))
	}
	if err := atomicfile.SyncDir(path); err != nil {
		return err
	}
	// The format comes last: a folder that has it is whole.
	if err := atomicfile.Write(filepath.Join(path, formatFile), []byte(format), 0o600); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(filepath.Clean(path)))
}

func createDatabase(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	db := newDatabase(path, vfs.Default)
	options := db.options()
	options.ErrorIfExists = true
	pebbles, err := pebble.Open(path, options)
	if err != nil {
		return err
	}
	return errors.Join(pebbles.Set(cursorKey, appendNumber(0), pebble.Sync), db.failed(), pebbles.Close())
}

// checkVacant returns an error if a journal cannot be made here.
func checkVacant(path string) error {
	if _, err := os.Lstat(filepath.Join(path, formatFile)); err == nil {
		return fmt.Errorf("%w: a journal is in %s already; open that one", fs.ErrExist, path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{lockFile, databaseDir}, e.Name()) {
			return fmt.Errorf("%w: %s holds %q", ErrNotJournal, path, e.Name())
		}
	}
	return nil
}

// checkFormat returns an error unless the folder is that of a journal of this
// version.
func checkFormat(path string) error {
	f, err := os.Open(filepath.Join(path, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return missing(path)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := io.ReadAll(io.LimitReader(f, 100))
	if err != nil {
		return err
	}
	if string(got) != format {
		return fmt.Errorf("%w: %q in %s is %q, expected %q", ErrNotJournal, formatFile, path, got, format)
	}
	return nil
}

// missing says what is in the place of a journal: nothing, or something else.
func missing(path string) error {
	if err := checkVacant(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w in %s: make one, once, if this is the first time; otherwise find out where it went, such as a volume that is not mounted", ErrMissing, path)
}

// checkLog returns an error if the write-ahead log is missing, or damaged so that the
// database would take what it forgot for its end.
func checkLog(files vfs.FS, path string) error {
	err := pebblelog.Check(files, path)
	if errors.Is(err, pebblelog.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return explain(err)
}

// checkWritable returns an error if nothing can be written. Opening the database
// writes what its log holds, and without room would try again for ever.
func checkWritable(path string) error {
	probe := filepath.Join(path, probeFile)
	if err := atomicfile.Write(probe, make([]byte, probeSize), 0o600); err != nil {
		return err
	}
	return os.Remove(probe)
}
