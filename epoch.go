package zkkex

import (
	"fmt"
	"math"
	"time"
)

// Schedule divides time into epochs of equal length. Prover and verifier must
// agree on it: it is part of every scope.
type Schedule struct {
	// Origin is the beginning of epoch 0, in Unix seconds.
	Origin int64
	// Length is the length of an epoch in seconds, at least 1.
	Length uint32
}

// DefaultSchedule has epochs of 24 hours, beginning at midnight UTC.
func DefaultSchedule() Schedule { return Schedule{Origin: 0, Length: 24 * 60 * 60} }

// Epoch is one epoch of a schedule. Limits count per epoch.
type Epoch struct {
	Schedule
	// Number counts epochs from the origin.
	Number uint64
}

// At returns the epoch that t lies in. It returns an error if the length is 0
// or t is before the origin.
func (s Schedule) At(t time.Time) (Epoch, error) {
	if s.Length == 0 {
		return Epoch{}, fmt.Errorf("epoch length is 0 seconds, expected at least 1")
	}
	now := t.Unix()
	if now < s.Origin {
		return Epoch{}, fmt.Errorf("no epoch yet: the first begins at %s, and it is %s",
			time.Unix(s.Origin, 0).UTC().Format(time.RFC3339), t.UTC().Format(time.RFC3339))
	}
	elapsed := uint64(now) - uint64(s.Origin) // wraps to the right difference, for now >= origin
	return Epoch{Schedule: s, Number: elapsed / uint64(s.Length)}, nil
}

// Start returns the first instant of the epoch, and End the first instant
// after it. Both return an error if the epoch lies outside of what Unix seconds
// can count.
func (e Epoch) Start() (time.Time, error) { return e.boundary(e.Number) }

// End returns the first instant after the epoch; see [Epoch.Start].
func (e Epoch) End() (time.Time, error) {
	if e.Number == math.MaxUint64 {
		return time.Time{}, malformed("epoch", "number %d is out of range", e.Number)
	}
	return e.boundary(e.Number + 1)
}

// latestUnix bounds epochs to the year 9999, so that no arithmetic on times
// overflows.
const latestUnix = 253402300799

func (e Epoch) boundary(number uint64) (time.Time, error) {
	if e.Length == 0 {
		return time.Time{}, malformed("epoch", "length is 0 seconds, expected at least 1")
	}
	if e.Origin < -latestUnix || e.Origin > latestUnix || number > 2*latestUnix/uint64(e.Length) {
		return time.Time{}, malformed("epoch", "origin %d and number %d are out of range", e.Origin, e.Number)
	}
	at := e.Origin + int64(number*uint64(e.Length))
	if at > latestUnix {
		return time.Time{}, malformed("epoch", "origin %d and number %d are out of range", e.Origin, e.Number)
	}
	return time.Unix(at, 0).UTC(), nil
}
