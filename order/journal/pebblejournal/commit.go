package pebblejournal

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// commit is a write that others can see, and is durable once done is closed.
type commit struct {
	batch *pebble.Batch
	done  chan struct{}
}

// settled is the commit before the first.
var settled = func() *commit {
	c := &commit{done: make(chan struct{})}
	close(c.done)
	return c
}()

// update is a change in the making: a batch, and what stands in memory once it is
// written. Until then, nothing has changed.
type update struct {
	*overlay
	batch *pebble.Batch
	err   error
}

func (u *update) set(key, value []byte) { u.err = errors.Join(u.err, u.batch.Set(key, value, nil)) }

func (u *update) delete(key []byte) { u.err = errors.Join(u.err, u.batch.Delete(key, nil)) }

func (u *update) deleteRange(first, end []byte) {
	u.err = errors.Join(u.err, u.batch.DeleteRange(first, end, nil))
}

// update calls f, writes what it changed, and returns when that is durable, and all
// that it could see. If f returns an error, nothing is written.
func (j *Journal) update(ctx context.Context, f func(*database, *update) error) error {
	return j.with(ctx, func(db *database) error {
		if err := db.room(); err != nil {
			return err
		}
		return db.update(ctx, func(u *update) error { return f(db, u) })
	})
}

func (db *database) update(ctx context.Context, f func(*update) error) error {
	if err := db.enter(ctx); err != nil {
		return err
	}
	c, err := db.write(f)
	db.leave()
	if err != nil {
		return err
	}
	return db.settle(ctx, c)
}

// write returns the commit to wait for.
func (db *database) write(f func(*update) error) (*commit, error) {
	u := &update{overlay: db.overlay(), batch: db.NewBatch()}
	if err := f(u); err != nil {
		return nil, errors.Join(err, u.batch.Close())
	}
	u.writeSessions()
	if u.err != nil {
		return nil, errors.Join(u.err, u.batch.Close())
	}
	if u.batch.Empty() {
		return db.latest, u.batch.Close()
	}
	// Many share a sync: this only takes the place in the queue.
	if err := db.guard(func() error { return db.ApplyNoSyncWait(u.batch, pebble.Sync) }); err != nil {
		return nil, err
	}
	u.install()
	db.latest = &commit{batch: u.batch, done: make(chan struct{})}
	go db.sync(db.latest)
	return db.latest, nil
}

// sync waits until a commit is durable.
func (db *database) sync(c *commit) {
	defer close(c.done)
	if err := c.batch.SyncWait(); err != nil {
		db.fail(err)
		return
	}
	if db.failed() == nil {
		_ = c.batch.Close() // it only returns memory
	}
}

// settle returns when a commit is durable, or cannot be.
func (db *database) settle(ctx context.Context, c *commit) error {
	select {
	case <-c.done:
		return db.failed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// view calls f while nothing is written, then read, and returns when all that they
// could see is durable: what the journal tells, it holds.
func (j *Journal) view(ctx context.Context, f func(*database) error) error {
	return j.with(ctx, func(db *database) error {
		if err := db.enter(ctx); err != nil {
			return err
		}
		c, err := db.latest, f(db)
		db.leave()
		return errors.Join(err, db.settle(ctx, c))
	})
}

// snapshot calls look while nothing is written, and read with what stood then while
// others go on.
func (j *Journal) snapshot(ctx context.Context, look func(*database), read func(pebble.Reader) error) error {
	return j.with(ctx, func(db *database) error {
		if err := db.enter(ctx); err != nil {
			return err
		}
		look(db)
		c, s := db.latest, db.NewSnapshot()
		db.leave()
		return errors.Join(read(s), s.Close(), db.settle(ctx, c))
	})
}
