package session

import (
	"errors"
	"time"
)

var (
	// ErrClosed reports a pool that was closed.
	ErrClosed = errors.New("the certificate pool is closed")
	// ErrBusy reports a pool that has [MaxWaiters] callers waiting already. Try
	// again later, or open fewer sessions at a time.
	ErrBusy = errors.New("too many callers wait for a certificate: try again later")
)

// MakeError reports that no certificate could be made. It unwraps to the
// prover's error, such as slots.ErrNoSlot, which says what to do.
type MakeError struct {
	// Err is why.
	Err error
	// Next is when the next epoch begins, with fresh slots.
	Next time.Time
}

// Error returns the cause.
func (e *MakeError) Error() string { return "making a session certificate: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *MakeError) Unwrap() error { return e.Err }
