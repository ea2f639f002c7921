package admission

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/internal/pebblelog"
)

// Dir is a store in a folder, for one process at a time: a database of Pebble, an
// embedded LSM store with a write-ahead log. Many admissions at once share one
// sync of the log. It survives kill -9 and loss of power as far as the file
// system keeps its promises.
//
//	db/     the database
//	lock    held while the store is open
//
// A store that could not write, for a full disk as for a damaged one, tells
// nothing more until it is opened again.
type Dir struct {
	path string
	lock *filelock.Lock
	db   *pebble.DB
	fs   vfs.FS // nil for the system's

	// life is held shared by every call, and by Close.
	life sync.RWMutex
	done bool

	// write is held from the look at what stands to the write that follows
	// from it, but not while that is synced.
	write stripes
	// closed: epochs that ended then, in Unix seconds, or before are closed.
	closed atomic.Int64
	// broken is the first failure to write.
	broken atomic.Pointer[failure]

	pending pending
}

var (
	_ Store  = (*Dir)(nil)
	_ Banner = (*Dir)(nil)
)

var (
	// ErrMissing reports that there is no store where one was expected. A venue
	// must not make one by itself: in an empty store no slot is used.
	ErrMissing = errors.New("no store of admissions")
	// ErrNotStore reports a folder that holds something else than a store.
	ErrNotStore = errors.New("not a store of admissions")
	// ErrDamaged reports a store whose files are not what was written.
	ErrDamaged = errors.New("damaged store of admissions")
	// ErrBroken reports a store that could not write. Open it again once the
	// cause is gone.
	ErrBroken = errors.New("the store of admissions could not write, and must be opened again")
	// ErrNotOpen reports the use of a store after Close.
	ErrNotOpen = errors.New("the store of admissions is not open")
)

const (
	databaseDir = "db"
	unfinished  = "db.new"
	lockFile    = "lock"
	probeFile   = "probe"
	probeSize   = 64 << 10
	// format is the version of the layout of keys and values.
	format = "zkkex/v1 admission"
	// pebbleFormat is fixed: a newer version of the library must not make the
	// files unreadable to the one before.
	pebbleFormat = pebble.FormatWALSyncChunks

	// cacheSize holds the filters and indexes of some millions of records: without
	// them, each look-up of what is not there reads the disk.
	cacheSize    = 64 << 20
	memTableSize = 32 << 20
	maxOpenFiles = 512
	bloomBits    = 10
)

// Init makes an empty store in the folder at path, which is made with mode 0700
// if it is missing, and must be empty otherwise. It is for the first time only:
// whoever makes a store anew lets every slot of the epoch be used again, unless
// the venue raises its generation. It returns an error wrapping [fs.ErrExist] if
// there is a store, and one wrapping [ErrNotStore] if the folder holds something
// else.
func Init(path string) error {
	if err := create(path); err != nil {
		return fmt.Errorf("making a store of admissions: %w", err)
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
	fresh := filepath.Join(path, unfinished)
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := createDatabase(fresh); err != nil {
		return errors.Join(err, os.RemoveAll(fresh))
	}
	if err := os.Rename(fresh, filepath.Join(path, databaseDir)); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(path); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(filepath.Clean(path)))
}

func createDatabase(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	d := new(Dir)
	options := d.options()
	options.ErrorIfExists = true
	db, err := pebble.Open(path, options)
	if err != nil {
		return explain(err)
	}
	err = explain(db.Set(formatKey, []byte(format), pebble.Sync))
	return errors.Join(err, d.failed(), explain(db.Close()))
}

// OpenDir opens the store that [Init] made in the folder at path. It returns an
// error wrapping [ErrMissing] if the folder is missing or empty, as is the place
// of a volume that is not mounted, one wrapping [ErrNotStore] if it holds
// something else, one wrapping [filelock.ErrLocked] if another process has the
// store open, and one wrapping [ErrDamaged] if its files are not whole.
func OpenDir(path string) (*Dir, error) {
	d := &Dir{path: path}
	if err := d.open(); err != nil {
		return nil, fmt.Errorf("opening the store of admissions: %w", err)
	}
	return d, nil
}

func (d *Dir) open() (err error) {
	if err := checkPresent(d.path); err != nil {
		return err
	}
	if d.lock, err = filelock.Acquire(filepath.Join(d.path, lockFile)); err != nil {
		return err
	}
	if err := d.openDatabase(); err != nil {
		return errors.Join(err, d.lock.Release())
	}
	return nil
}

func (d *Dir) openDatabase() (err error) {
	path := filepath.Join(d.path, databaseDir)
	if err := checkLog(path); err != nil {
		return err
	}
	if err := checkRoom(d.path); err != nil {
		return err
	}
	options := d.options()
	options.ErrorIfNotExists = true
	if d.db, err = pebble.Open(path, options); err != nil {
		return explain(err)
	}
	if err := errors.Join(pebblelog.Opened(vfs.Default, path), d.readMeta()); err != nil {
		return errors.Join(err, d.db.Close())
	}
	return nil
}

func (d *Dir) readMeta() error {
	got, err := d.get(formatKey)
	if err != nil {
		return err
	}
	if string(got) != format {
		return fmt.Errorf("%w: %s has the format %q, expected %q", ErrNotStore, d.path, got, format)
	}
	closed, err := d.get(closedKey)
	if err != nil {
		return err
	}
	end := int64(neverClosed)
	if closed != nil {
		if end, err = parseEnd(closed); err != nil {
			return err
		}
	}
	d.closed.Store(end)
	return nil
}

// checkPresent says what is in the place of a store: nothing, or something else.
func checkPresent(path string) error {
	info, err := os.Lstat(filepath.Join(path, databaseDir))
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%w: %q in %s is no folder", ErrNotStore, databaseDir, path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := checkEmpty(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w in %s: make one, once, if this is the first time; otherwise find out where it went, such as a volume that is not mounted", ErrMissing, path)
}

// checkVacant returns an error if a store cannot be made here.
func checkVacant(path string) error {
	if _, err := os.Lstat(filepath.Join(path, databaseDir)); err == nil {
		return fmt.Errorf("%w: a store is in %s already; open that one", fs.ErrExist, path)
	}
	return checkEmpty(path)
}

// checkEmpty returns an error if the folder holds anything but what is left of an
// attempt to make a store.
func checkEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); name != lockFile && name != unfinished && name != databaseDir {
			return fmt.Errorf("%w: %s holds %q and no folder %q", ErrNotStore, path, name, databaseDir)
		}
	}
	return nil
}

// checkLog returns an error if the write-ahead log is missing, or damaged so that the
// database would take what it forgot for its end.
func checkLog(path string) error {
	err := pebblelog.Check(vfs.Default, path)
	if errors.Is(err, pebblelog.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return explain(err)
}

// checkRoom returns an error if nothing can be written. Opening the database writes
// what its log holds, and without room would try again for ever.
func checkRoom(path string) error {
	probe := filepath.Join(path, probeFile)
	if err := atomicfile.Write(probe, make([]byte, probeSize), 0o600); err != nil {
		return err
	}
	return os.Remove(probe)
}

func (d *Dir) options() *pebble.Options {
	o := &pebble.Options{
		CacheSize:          cacheSize,
		FormatMajorVersion: pebbleFormat,
		FS:                 d.fs,
		Logger:             logger{d},
		MaxOpenFiles:       maxOpenFiles,
		MemTableSize:       memTableSize,
		EventListener: &pebble.EventListener{
			BackgroundError: d.failInBackground,
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return o
}

// Close lets go of the store. What was acknowledged is on disk already.
func (d *Dir) Close() error {
	d.life.Lock()
	defer d.life.Unlock()
	if d.done {
		return nil
	}
	d.done = true
	var err error
	if f := d.broken.Load(); f == nil || !f.stuck {
		err = explain(d.db.Close())
	}
	return errors.Join(err, d.lock.Release())
}
