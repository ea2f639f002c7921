package pebblejournal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/internal/pebblelog"
	"github.com/zkkex/zkkex/order/journal"
)

// Journal is a journal in a folder, for one process at a time.
type Journal struct {
	path  string
	files vfs.FS
	// lock keeps other journals out, and hold other users of the database.
	lock *filelock.Lock
	hold io.Closer

	// life is held shared by every call; by Close and repair, alone.
	life sync.RWMutex
	done bool
	db   *database
	// last is when the database was last tried to be opened again.
	last time.Time
}

var _ journal.Store = (*Journal)(nil)

// retryDelay is how long a database that failed is left alone before it is tried to
// be opened again.
const retryDelay = 100 * time.Millisecond

// Open opens the journal that [Init] made in the folder at path. It returns an error
// wrapping [ErrMissing] if the folder is missing or empty, as is the place of a
// volume that is not mounted, one wrapping [ErrNotJournal] if it holds something
// else, one wrapping [filelock.ErrLocked] if another process has the journal open,
// and one wrapping [ErrDamaged] if its files are not whole.
func Open(path string) (*Journal, error) {
	j := &Journal{path: path, files: vfs.Default}
	if err := j.open(); err != nil {
		return nil, fmt.Errorf("opening the journal in %s: %w", path, err)
	}
	return j, nil
}

func (j *Journal) open() (err error) {
	if err := checkFormat(j.path); err != nil {
		return err
	}
	if j.lock, err = filelock.Acquire(filepath.Join(j.path, lockFile)); err != nil {
		return err
	}
	if err := j.openDatabase(); err != nil {
		return errors.Join(err, j.release())
	}
	return nil
}

func (j *Journal) databasePath() string { return j.files.PathJoin(j.path, databaseDir) }

// openDatabase opens the database in place of one that failed, if there is one.
func (j *Journal) openDatabase() (err error) {
	if j.hold == nil {
		if j.hold, err = j.files.Lock(j.files.PathJoin(j.databasePath(), databaseLock)); err != nil {
			return explain(err)
		}
	}
	if err := checkLog(j.files, j.databasePath()); err != nil {
		return err
	}
	if j.lock != nil {
		if err := checkWritable(j.path); err != nil {
			return err
		}
	}
	db := newDatabase(j.databasePath(), j.files)
	if err := db.room(); err != nil {
		return err
	}
	if err := db.start(); err != nil {
		return explainOpen(err)
	}
	j.db = db
	return explain(pebblelog.Opened(j.files, j.databasePath()))
}

// release lets go of the folder.
func (j *Journal) release() (err error) {
	if j.hold != nil {
		err = j.hold.Close()
		j.hold = nil
	}
	if j.lock != nil {
		err = errors.Join(err, j.lock.Release())
		j.lock = nil
	}
	return err
}

// Close lets go of the journal. What was acknowledged is on disk already.
func (j *Journal) Close() error {
	j.life.Lock()
	defer j.life.Unlock()
	if j.done {
		return nil
	}
	j.done = true
	var err error
	if j.db.failed() == nil {
		err = j.db.close()
	} else {
		j.db.giveUp()
	}
	return errors.Join(err, j.release())
}

// with calls f with a database that is whole, while it is open.
func (j *Journal) with(ctx context.Context, f func(*database) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err, again := j.once(f)
		if !again {
			return j.unavailable(err)
		}
		if err := j.repair(); err != nil {
			return j.unavailable(err)
		}
	}
}

// once calls f, unless the database failed before: again says that it has to be
// opened again.
func (j *Journal) once(f func(*database) error) (err error, again bool) {
	j.life.RLock()
	defer j.life.RUnlock()
	if j.done {
		return errors.New("the journal is closed"), false
	}
	if j.db.failed() != nil {
		return nil, true
	}
	return f(j.db), false
}

// repair opens a database that failed again: what it holds is then known.
func (j *Journal) repair() error {
	if !j.life.TryLock() {
		// Somebody still waits for the one that failed, or opens the next.
		return errors.New("the database failed, and is being opened again")
	}
	defer j.life.Unlock()
	failed := j.db.failed()
	if j.done || failed == nil {
		return nil
	}
	if time.Since(j.last) < retryDelay {
		return failed
	}
	j.db.giveUp()
	err := j.openDatabase()
	j.last = time.Now()
	if err != nil {
		return fmt.Errorf("%w, and then: %w", failed, err)
	}
	return nil
}
