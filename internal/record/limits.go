package record

import (
	"fmt"
	"time"
)

// Limits are bounds tighter than the package's constants, which stand for the
// fields that are 0. They bind what seals; nothing is assumed of the peer's.
type Limits struct {
	// Records is how many records are sealed under one key, at most
	// [MaxRecords].
	Records uint64
	// Bytes is how many bytes are sealed under one key, at most [MaxBytes] and
	// at least one longest record's.
	Bytes uint64
	// StepAge is how old a key gets, at most [MaxStepAge].
	StepAge time.Duration
	// RatchetAge is the age at which the initiator begins a ratchet, at most
	// [MaxRatchetAge].
	RatchetAge time.Duration
	// StaleAge is the age from which nothing of the application's is sealed, at
	// most [MaxStaleAge] and at least RatchetAge.
	StaleAge time.Duration
}

// complete fills in the constants. It returns an error wrapping [ErrConfig] for
// a limit that is looser than its constant, or impossible.
func (l Limits) complete() (Limits, error) {
	for _, f := range []struct {
		name  string
		value *uint64
		least uint64
		most  uint64
	}{
		{"Records", &l.Records, 1, MaxRecords},
		{"Bytes", &l.Bytes, maxInner, MaxBytes},
	} {
		if *f.value == 0 {
			*f.value = f.most
		}
		if *f.value < f.least || *f.value > f.most {
			return l, fmt.Errorf("record: %w: limit %s is %d to %d, got %d", ErrConfig, f.name, f.least, f.most, *f.value)
		}
	}
	for _, f := range []struct {
		name  string
		value *time.Duration
		most  time.Duration
	}{
		{"StepAge", &l.StepAge, MaxStepAge},
		{"RatchetAge", &l.RatchetAge, MaxRatchetAge},
		{"StaleAge", &l.StaleAge, MaxStaleAge},
	} {
		if *f.value == 0 {
			*f.value = f.most
		}
		if *f.value < 0 || *f.value > f.most {
			return l, fmt.Errorf("record: %w: limit %s is more than 0 and at most %v, got %v", ErrConfig, f.name, f.most, *f.value)
		}
	}
	if l.RatchetAge < minRatchetGap || l.RatchetAge > l.StaleAge {
		return l, fmt.Errorf("record: %w: limit RatchetAge is %v to StaleAge, got %v and %v", ErrConfig, minRatchetGap, l.RatchetAge, l.StaleAge)
	}
	return l, nil
}

// requestAge is the age at which a responder asks for a ratchet.
func (l *Limits) requestAge() time.Duration {
	return max(l.RatchetAge, l.StaleAge-requestLead)
}

// age returns how long ago a time was. The monotonic clock stands still while a
// machine sleeps, and the wall clock can be set back: the longer of both counts.
func age(now, then time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}
