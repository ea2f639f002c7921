package slots

import (
	"errors"
	"fmt"
	"time"
)

// Reasons why no slot is handed out. Nothing is recorded when one is returned.
var (
	// ErrMissing reports a folder without a state.
	ErrMissing = errors.New("no slot state: it was deleted, or the key was copied without it")
	// ErrDamaged reports a state that cannot be read. The error also wraps
	// [zkkex.ErrMalformed].
	ErrDamaged = errors.New("the slot state is damaged")
	// ErrCopied reports a state that is a copy of the file it was written to.
	ErrCopied = errors.New("the slot state was copied or restored from a backup")
	// ErrLinked reports a state file that has a second name, as backups by hard
	// links make. The error says what to do.
	ErrLinked = errors.New("the file of the slot state has more than one name")
	// ErrRolledBack reports a state that is older than one seen before.
	ErrRolledBack = errors.New("the slot state went back")
	// ErrOtherKey reports a state that belongs to another key, or to none.
	ErrOtherKey = errors.New("the slot state belongs to another key")
	// ErrRestored reports an epoch in which slots may have been taken before
	// the state was recovered. It comes in a [RestoredError].
	ErrRestored = errors.New("slots of this epoch may have been used before the state was recovered")
	// ErrNoSlot reports that all slots of the epoch are used. It comes in an
	// [ExhaustedError].
	ErrNoSlot = errors.New("no slot left in this epoch")
	// ErrEpochOver reports an epoch that has ended, by the clock or because
	// its records were dropped.
	ErrEpochOver = errors.New("the epoch is over")
	// ErrTooEarly reports an epoch whose slots cannot be taken yet. It comes
	// in an [EarlyError].
	ErrTooEarly = errors.New("too early to take slots of this epoch")
	// ErrEpochMismatch reports a scope that was used with another epoch
	// before: scopes must be derived from the epoch they are used with. It is
	// noticed until the scope's record is dropped.
	ErrEpochMismatch = errors.New("this scope was used with another epoch before")
	// ErrTooMany reports more scopes or schedules at a time than a state
	// holds; see [MaxScopes].
	ErrTooMany = errors.New("too many scopes at a time")
)

// adviseRecover says what to do about a state that cannot be relied on.
const adviseRecover = "if no other device uses this key, recover the state, which waits for an epoch not begun yet; otherwise give each device a range of its own first"

// RestoredError says which epochs are refused. It matches [ErrRestored].
type RestoredError struct {
	// Recovered is when the state was recovered.
	Recovered time.Time
	// Next is when the first epoch begins whose slots can be used, or zero if
	// there is none.
	Next time.Time
}

// Error says when the next usable epoch begins.
func (e *RestoredError) Error() string {
	return fmt.Sprintf("%v, at %s: %s", ErrRestored, stamp(e.Recovered), nextEpoch(e.Next))
}

// Is reports whether target is [ErrRestored].
func (e *RestoredError) Is(target error) bool { return target == ErrRestored }

// ExhaustedError says when there are slots again. It matches [ErrNoSlot].
type ExhaustedError struct {
	// Limit is the number of slots per member and epoch.
	Limit uint32
	// Range is the range that this state takes slots from.
	Range Range
	// Next is when the next epoch begins, or zero if there is none.
	Next time.Time
}

// Error says how many slots there were and when the next epoch begins.
func (e *ExhaustedError) Error() string {
	return fmt.Sprintf("%v: all %d of limit %d and range %v are used; %s", ErrNoSlot, e.Range.within(e.Limit), e.Limit, e.Range, nextEpoch(e.Next))
}

// Is reports whether target is [ErrNoSlot].
func (e *ExhaustedError) Is(target error) bool { return target == ErrNoSlot }

// EarlyError says when slots of the epoch can be taken. It matches
// [ErrTooEarly].
type EarlyError struct {
	// From is when slots of the epoch can be taken.
	From time.Time
	// Now is what the clock says.
	Now time.Time
}

// Error says when slots can be taken.
func (e *EarlyError) Error() string {
	return fmt.Sprintf("%v: from %s, and it is %s; check the clock", ErrTooEarly, stamp(e.From), stamp(e.Now))
}

// Is reports whether target is [ErrTooEarly].
func (e *EarlyError) Is(target error) bool { return target == ErrTooEarly }

func nextEpoch(at time.Time) string {
	if at.IsZero() {
		return "no later epoch can be counted"
	}
	return "the next usable epoch begins at " + stamp(at)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
