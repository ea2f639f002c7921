package registry

import (
	"errors"
	"fmt"
	"time"
)

const (
	// DefaultMaxAge is a maximum age of a verifier's newest checkpoint that
	// fits a registrar who signs at least every hour: it takes several missed
	// signatures, or syncs, to exceed it.
	DefaultMaxAge = 4 * time.Hour
	// MaxClockSkew is how far ahead of this machine's clock a checkpoint may
	// be signed.
	MaxClockSkew = 5 * time.Minute
)

// Errors of a checkpoint's time. Nothing is decided by such a checkpoint, so
// they are no rejections.
var (
	// ErrOutdated reports a checkpoint that is older than allowed.
	ErrOutdated = errors.New("checkpoint is too old")
	// ErrClock reports a checkpoint from the future.
	ErrClock = errors.New("checkpoint is from the future")
)

// AgeError says how old a checkpoint is that is too old, or from the future. It
// matches [ErrOutdated] or [ErrClock].
type AgeError struct {
	// Sequence and Signed are the checkpoint's sequence number and time.
	Sequence uint64
	Signed   time.Time
	// Age is the time since then, negative for the future.
	Age time.Duration
	// Max is the largest age that was allowed.
	Max time.Duration
}

// Error names the checkpoint, what was expected, and what to do.
func (e *AgeError) Error() string {
	signed := e.Signed.Format(time.RFC3339)
	if e.Age < 0 {
		return fmt.Sprintf("%v: checkpoint %d was signed at %s, %v ahead of this machine's clock, expected at most %v; set this clock, or ask the registrar to set theirs",
			ErrClock, e.Sequence, signed, (-e.Age).Round(time.Second), MaxClockSkew)
	}
	return fmt.Sprintf("%v: checkpoint %d was signed at %s, %v ago, expected at most %v, and members may have been revoked since; sync, and if it stays old, ask why the registrar signs no newer one",
		ErrOutdated, e.Sequence, signed, e.Age.Round(time.Second), e.Max)
}

// Unwrap returns [ErrOutdated] or [ErrClock].
func (e *AgeError) Unwrap() error {
	if e.Age < 0 {
		return ErrClock
	}
	return ErrOutdated
}

// CheckAge returns an [*AgeError] if at time now the checkpoint is older than
// maxAge, or more than [MaxClockSkew] in the future.
func (c *Checkpoint) CheckAge(now time.Time, maxAge time.Duration) error {
	age := now.Sub(c.Time)
	if age > max(maxAge, 0) || age < -MaxClockSkew {
		return &AgeError{Sequence: c.Sequence, Signed: c.Time, Age: age, Max: max(maxAge, 0)}
	}
	return nil
}
