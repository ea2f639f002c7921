package pebblejournal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"github.com/zkkex/zkkex/order/journal"
)

var (
	// ErrMissing means that there is no journal where one was expected. A gateway
	// must not make one by itself: in an empty journal nothing was reported, and no
	// order is open.
	ErrMissing = errors.New("no journal")
	// ErrNotJournal means that a folder holds something else, or a journal of
	// another version.
	ErrNotJournal = errors.New("not a journal of this version")
	// ErrDamaged means that the files are not what was written. Keep the folder, and
	// restore a copy of it; the venue's engine tells the events that came after.
	ErrDamaged = errors.New("damaged journal: keep the folder as it is, and restore a copy; what came after is told again by the matching engine")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}

// explain says what an error of the database means.
func explain(err error) error {
	if err == nil || errors.Is(err, ErrDamaged) {
		return err
	}
	missing := errors.Is(err, pebble.ErrDBDoesNotExist) || errors.Is(err, fs.ErrNotExist)
	if missing || pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// explainOpen is explain for what was not opened: if no call of the system failed,
// it is for what the files hold.
func explainOpen(err error) error {
	var system syscall.Errno
	if err = explain(err); err == nil || errors.Is(err, ErrDamaged) || errors.As(err, &system) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// answers are the errors that are no failures of the store.
var answers = []error{
	journal.ErrTakenOver, journal.ErrEnded, journal.ErrBanned, journal.ErrGap, journal.ErrEntry, journal.ErrUnavailable,
	context.Canceled, context.DeadlineExceeded,
}

// unavailable makes of an error what a caller of the store gets.
func (j *Journal) unavailable(err error) error {
	if err == nil {
		return nil
	}
	for _, answer := range answers {
		if errors.Is(err, answer) {
			return err
		}
	}
	return fmt.Errorf("%w: %s: %w", journal.ErrUnavailable, j.path, err)
}
