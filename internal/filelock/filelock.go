// Package filelock keeps two processes from writing to one folder at once. The
// operating system lets go of a lock when its process ends, however it ends.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrLocked reports that another process, or another part of this one, holds
// the lock.
var ErrLocked = errors.New("locked by another process")

// Lock is a held lock.
type Lock struct{ f *os.File }

// Acquire takes the lock of the file at path, which it creates with mode 0600
// if there is none and leaves behind. It does not wait: it returns an error
// wrapping [ErrLocked] if the lock is held.
func Acquire(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return &Lock{f: f}, nil
}

// poll is how often [Wait] looks again.
const poll = 20 * time.Millisecond

// Wait is [Acquire], but waits while the lock is held. It returns ctx's error,
// beside [ErrLocked], if ctx ends first.
func Wait(ctx context.Context, path string) (*Lock, error) {
	for {
		l, err := Acquire(path)
		if !errors.Is(err, ErrLocked) {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case <-time.After(poll):
		}
	}
}

// Release lets go of the lock.
func (l *Lock) Release() error { return l.f.Close() }
