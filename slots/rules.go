package slots

import (
	"fmt"
	"math"
	"time"

	"github.com/zkkex/zkkex"
)

// Times that decide what can be taken.
const (
	// ClockMargin is how far the clock may be off: a recovery refuses epochs
	// that begin up to this much later, and slots can be taken for this long
	// after an epoch's end.
	ClockMargin = 5 * time.Minute
	// PruneMargin is how long after the end of an epoch its records are kept.
	PruneMargin = 24 * time.Hour
	// leadFraction: slots of an epoch can be taken from a quarter of its
	// length before it begins. A recovery has to refuse that much more, as
	// slots taken ahead are lost with the state.
	leadFraction = 4
)

// Lead returns how long before the beginning of an epoch its slots can be
// taken: a quarter of the epoch's length.
func Lead(s zkkex.Schedule) time.Duration {
	return time.Duration(s.Length) * time.Second / leadFraction
}

// request is one call's question, and the answer to it.
type request struct {
	scope zkkex.Scope
	epoch zkkex.Epoch
	limit uint32

	slot uint32
	err  error
	done bool
}

// take answers r and records the slot in s. It changes s only if it succeeds.
func (s *state) take(r *request, now time.Time) (uint32, error) {
	next, err := s.next(r, now)
	if err != nil {
		return 0, err
	}
	if _, known := s.scopes[r.scope]; !known && len(s.scopes) == MaxScopes {
		return 0, fmt.Errorf("%w: the state holds %d, the most it can", ErrTooMany, MaxScopes)
	}
	if next >= s.slots.end(r.limit) {
		return 0, &ExhaustedError{Limit: r.limit, Range: s.slots, Next: startOf(r.epoch.Schedule, r.epoch.Number+1)}
	}
	s.scopes[r.scope] = record{epoch: r.epoch, next: next + 1}
	return next, nil
}

// next returns the lowest slot that was not taken, which can lie beyond the
// limit, or the reason why the epoch is refused.
func (s *state) next(r *request, now time.Time) (uint32, error) {
	if r.limit == 0 {
		return 0, fmt.Errorf("the limit is 0 slots, expected at least 1")
	}
	if err := s.checkTimes(r.epoch, now); err != nil {
		return 0, err
	}
	known, ok := s.scopes[r.scope]
	if ok && known.epoch != r.epoch {
		return 0, fmt.Errorf("%w: epoch %d of %d seconds, now epoch %d of %d seconds", ErrEpochMismatch,
			known.epoch.Number, known.epoch.Length, r.epoch.Number, r.epoch.Length)
	}
	return max(known.next, s.slots.First), nil
}

func (s *state) checkTimes(e zkkex.Epoch, now time.Time) error {
	start, err := e.Start()
	if err != nil {
		return err
	}
	end, err := e.End()
	if err != nil {
		return err
	}
	if last, ok := s.over[e.Schedule]; ok && e.Number <= last {
		return fmt.Errorf("%w: it ended at %s, and its records were dropped", ErrEpochOver, stamp(end))
	}
	if s.recovered != nil {
		recovered := time.Unix(*s.recovered, 0)
		if usable := recovered.Add(Lead(e.Schedule) + ClockMargin); start.Before(usable) {
			return &RestoredError{Recovered: recovered, Next: firstFrom(e.Schedule, usable)}
		}
	}
	if !now.Before(end.Add(ClockMargin)) {
		return fmt.Errorf("%w: it ended at %s, and it is %s", ErrEpochOver, stamp(end), stamp(now))
	}
	if from := start.Add(-Lead(e.Schedule)); now.Before(from) {
		return &EarlyError{From: from, Now: now}
	}
	return nil
}

// prune drops the records of epochs that ended more than [PruneMargin] ago, and
// remembers which: they stay refused, whatever the clock says later.
func (s *state) prune(now time.Time) {
	for scope, r := range s.scopes {
		end, err := r.epoch.End()
		if err != nil || now.Before(end.Add(PruneMargin)) {
			continue
		}
		last, known := s.over[r.epoch.Schedule]
		if !known && len(s.over) == MaxSchedules {
			continue // kept as it is, which is safe
		}
		s.over[r.epoch.Schedule] = max(last, r.epoch.Number)
		delete(s.scopes, scope)
	}
}

// firstFrom returns the beginning of the first epoch that begins at t or later,
// or zero if it cannot be counted.
func firstFrom(s zkkex.Schedule, t time.Time) time.Time {
	e, err := s.At(t.Add(-time.Nanosecond))
	if err != nil {
		return startOf(s, 0) // t is not after the origin
	}
	if e.Number == math.MaxUint64 {
		return time.Time{}
	}
	return startOf(s, e.Number+1)
}

// startOf returns the beginning of an epoch, or zero if it cannot be counted.
func startOf(s zkkex.Schedule, number uint64) time.Time {
	start, err := zkkex.Epoch{Schedule: s, Number: number}.Start()
	if err != nil {
		return time.Time{}
	}
	return start
}
