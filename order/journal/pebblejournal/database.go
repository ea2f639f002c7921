package pebblejournal

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/zkkex/zkkex/order/journal"
)

const (
	// pebbleFormat is fixed: a newer version of the library must not make the files
	// unreadable to the one before.
	pebbleFormat = pebble.FormatWALSyncChunks

	cacheSize    = 64 << 20
	memTableSize = 16 << 20
	maxOpenFiles = 512
	bloomBits    = 10
	// reserve is the room that a write leaves on the disk, so that what is in memory
	// can be written out, in bytes.
	reserve = 8 * memTableSize
)

// database is an open database and what is in memory of it. It is whole until
// something failed; then nothing of it is used any more.
type database struct {
	*pebble.DB
	path  string
	fence *fence
	// failure is the first, and broken is closed then.
	failure atomic.Pointer[failure]
	broken  chan struct{}

	// turn is held from the look at what stands to the write that follows from it,
	// but not while that is synced.
	turn chan struct{}
	// latest is the last write, and state what stands after it; both need turn.
	latest *commit
	state
}

// failure is why a database cannot go on.
type failure struct {
	err error
	// stuck: it holds locks of its own for good.
	stuck bool
}

func newDatabase(path string, files vfs.FS) *database {
	return &database{
		path: path, fence: &fence{FS: files}, broken: make(chan struct{}), turn: make(chan struct{}, 1),
		latest: settled,
	}
}

func (db *database) options() *pebble.Options {
	o := &pebble.Options{
		CacheSize:                   cacheSize,
		FormatMajorVersion:          pebbleFormat,
		FS:                          db.fence,
		Logger:                      logger{db},
		MaxOpenFiles:                maxOpenFiles,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: 4,
		EventListener:               &pebble.EventListener{BackgroundError: db.failInBackground},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return o
}

func (db *database) start() (err error) {
	defer func() {
		if v := recover(); v != nil {
			db.fence.cut()
			err = damaged("opening it: %v", v)
		}
	}()
	options := db.options()
	options.ErrorIfNotExists = true
	if db.DB, err = pebble.Open(db.path, options); err != nil {
		db.fence.cut()
		return err
	}
	if err := errors.Join(db.load(), db.failed()); err != nil {
		db.giveUp()
		return err
	}
	return nil
}

// close writes out what is in memory, so that all is under checksums, and closes.
func (db *database) close() error {
	return explain(errors.Join(db.guard(db.DB.Flush), db.failed(), db.guard(db.DB.Close)))
}

// giveUp leaves a database that failed. It writes nothing after that, whatever it
// still does.
func (db *database) giveUp() {
	db.fail(errCutOff)
	db.fence.cut()
	if f := db.failure.Load(); f.stuck {
		return
	}
	go func() {
		defer func() { _ = recover() }() // it failed; there is nobody to tell again
		_ = db.DB.Close()
	}()
}

// fail makes every later call fail: what is on disk is not known any more.
func (db *database) fail(err error) { db.breakWith(&failure{err: explain(err)}) }

func (db *database) breakWith(f *failure) {
	if db.failure.CompareAndSwap(nil, f) {
		close(db.broken)
	}
}

// failed returns why the database cannot go on, or nil.
func (db *database) failed() error {
	if f := db.failure.Load(); f != nil {
		return f.err
	}
	return nil
}

// failInBackground is told of flushes and compactions that failed.
func (db *database) failInBackground(err error) {
	db.fail(err)
	time.Sleep(retryDelay) // the database would try again at once, for nobody
}

// guard calls f, which writes. A failed write is the database's last.
func (db *database) guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			db.breakWith(&failure{err: fmt.Errorf("writing: %v", v), stuck: true})
			err = db.failed()
		}
	}()
	if err := f(); err != nil {
		db.fail(err)
	}
	return db.failed()
}

// room returns an error if the disk is so full that the database could not go on
// for long. It is asked before a write, which then is not begun.
func (db *database) room() error {
	usage, err := db.fence.GetDiskUsage(db.path)
	if err != nil {
		return nil //nolint:nilerr // the write itself will tell
	}
	if usage.AvailBytes < reserve {
		return fmt.Errorf("%w: %d bytes are free at %s, expected %d at least: make room, and it goes on by itself", journal.ErrUnavailable, usage.AvailBytes, db.path, uint64(reserve))
	}
	return nil
}

// logger takes the place of Pebble's own, which writes to standard error and ends
// the process. What it calls fatal ends the database.
type logger struct{ db *database }

var _ pebble.Logger = logger{}

func (logger) Infof(string, ...any) {}

func (logger) Errorf(string, ...any) {}

func (l logger) Fatalf(format string, args ...any) { l.db.fail(fmt.Errorf(format, args...)) }

// enter takes the turn; leave gives it back.
func (db *database) enter(ctx context.Context) error {
	select {
	case db.turn <- struct{}{}:
		if err := db.failed(); err != nil {
			db.leave()
			return err
		}
		return nil
	case <-db.broken:
		return db.failed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (db *database) leave() { <-db.turn }

// get returns a copy of a value, or nil if there is none.
func (db *database) get(key []byte) ([]byte, error) {
	value, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err)
	}
	defer closer.Close()
	return append(make([]byte, 0, len(value)), value...), nil
}

// scan calls f with all entries from one key to before another.
func scan(from pebble.Reader, first, end []byte, f func(key, value []byte) error) (err error) {
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: first, UpperBound: end})
	if err != nil {
		return explain(err)
	}
	defer func() { err = errors.Join(err, explain(it.Close())) }()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return explain(err)
		}
		if err := f(it.Key(), value); err != nil {
			return err
		}
	}
	return explain(it.Error())
}

// scanAll is scan for all keys that begin with a prefix.
func scanAll(from pebble.Reader, prefix []byte, f func(key, value []byte) error) error {
	return scan(from, prefix, successor(prefix), f)
}
