// Package turn gives a device that does one thing at a time one thing at a time, and
// lets callers stop waiting for it: a call into a device's library cannot be
// interrupted, but the caller need not stay.
package turn

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed reports a call after [Turn.Close].
var ErrClosed = errors.New("closed")

// Turn is one device's. Make it with [New].
type Turn struct {
	taken  chan struct{} // holds one token while somebody has the turn
	closed chan struct{}
	once   sync.Once
}

// New returns the turn of a device that nobody waits for.
func New() *Turn {
	return &Turn{taken: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Do calls use once it is its turn. If ctx ends, Do returns its error at once; use,
// if it was called, goes on alone, keeps the turn until it returns, and what it
// returns is dropped. It must share no memory with the caller but what is the turn's.
// Do returns [ErrClosed] after [Turn.Close].
func Do[T any](ctx context.Context, t *Turn, use func() (T, error)) (T, error) {
	var none T
	if err := t.take(ctx); err != nil {
		return none, err
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := use()
		t.give() // first, so that who got the result finds the turn free
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

func (t *Turn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t.taken <- struct{}{}:
	case <-t.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-t.closed:
		t.give()
		return ErrClosed
	default:
		return nil
	}
}

func (t *Turn) give() { <-t.taken }

// Close lets nobody take the turn any more, and calls end for the last: at once, and
// then it returns its error, or when the call that is under way returns. A second
// Close does nothing.
func (t *Turn) Close(end func() error) (err error) {
	t.once.Do(func() {
		close(t.closed)
		select {
		case t.taken <- struct{}{}:
			err = end()
		default:
			go func() {
				t.taken <- struct{}{}
				_ = end() // nobody waits for it
			}()
		}
	})
	return err
}
