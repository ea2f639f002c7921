package admission

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// failure is why a store cannot go on.
type failure struct {
	err error
	// stuck: the database holds locks of its own for good.
	stuck bool
}

// fail makes every later call fail: what is on disk is not known any more.
func (d *Dir) fail(err error) { d.broken.CompareAndSwap(nil, &failure{err: explain(err)}) }

// retryDelay is how long the database waits before it tries again what failed in
// the background, for nobody: it would do so at once.
const retryDelay = 100 * time.Millisecond

// failInBackground is told of flushes and compactions that failed.
func (d *Dir) failInBackground(err error) {
	d.fail(err)
	time.Sleep(retryDelay)
}

// failed returns an error wrapping [ErrBroken] if the store cannot go on.
func (d *Dir) failed() error {
	if f := d.broken.Load(); f != nil {
		return fmt.Errorf("%w: %w", ErrBroken, f.err)
	}
	return nil
}

// explain says what an error of the database means.
func explain(err error) error {
	if err == nil {
		return nil
	}
	missing := errors.Is(err, pebble.ErrDBDoesNotExist) || errors.Is(err, fs.ErrNotExist)
	if missing || pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// logger takes the place of Pebble's own, which writes to standard error and ends
// the process. What it calls fatal ends the store.
type logger struct{ d *Dir }

var _ pebble.Logger = logger{}

func (logger) Infof(string, ...any) {}

func (logger) Errorf(string, ...any) {}

func (l logger) Fatalf(format string, args ...any) { l.d.fail(fmt.Errorf(format, args...)) }
