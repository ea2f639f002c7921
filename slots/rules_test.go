package slots

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

func day(n uint64) zkkex.Epoch {
	return zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: n}
}

func start(e zkkex.Epoch) time.Time {
	t, err := e.Start()
	if err != nil {
		panic(err)
	}
	return t
}

func takeAt(s *state, e zkkex.Epoch, limit uint32, at time.Time) (uint32, error) {
	return s.take(&request{scope: scopeOf(e, "venue"), epoch: e, limit: limit}, at)
}

func TestTakeOnlyAroundTheEpoch(t *testing.T) {
	e := day(20000)
	begin, end := start(e), start(day(20001))
	for _, test := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"before the lead", begin.Add(-6*time.Hour - time.Second), ErrTooEarly},
		{"at the lead", begin.Add(-6 * time.Hour), nil},
		{"at the beginning", begin, nil},
		{"at the end", end, nil},
		{"within the margin", end.Add(ClockMargin - time.Second), nil},
		{"after the margin", end.Add(ClockMargin), ErrEpochOver},
	} {
		if _, err := takeAt(newState(), e, 1, test.at); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v; want %v", test.name, err, test.want)
		}
	}
}

// Whatever could be taken before the state was lost is refused after it was
// recovered, and the first epoch that is not refused is the one the error names.
func TestRecoveryRefusesEveryEpochThatCouldBeUsed(t *testing.T) {
	for _, length := range []uint32{1, 3, 60, 3600, 86400, 30 * 86400} {
		schedule := zkkex.Schedule{Origin: 1000, Length: length}
		for offset := time.Duration(0); offset < 2*time.Duration(length)*time.Second; offset += time.Duration(length)*time.Second/8 + time.Second/3 {
			lost := now.Add(offset)
			at, err := schedule.At(lost)
			if err != nil {
				t.Fatal(err)
			}
			recovered := newState()
			recovered.recover(lost)
			for number := at.Number - 2; number < at.Number+2; number++ {
				e := zkkex.Epoch{Schedule: schedule, Number: number}
				// The clock was ahead by as much as is allowed for.
				_, before := takeAt(newState(), e, 1, lost.Add(ClockMargin))
				err := recovered.checkTimes(e, start(e))
				if before == nil && !errors.Is(err, ErrRestored) {
					t.Fatalf("length %d, %v after: epoch %d could be used before, and is not refused: %v", length, offset, number, err)
				}
				var restored *RestoredError
				if !errors.As(err, &restored) {
					continue
				}
				next, err := schedule.At(restored.Next)
				if err != nil || next.Number <= number || !start(next).Equal(restored.Next) {
					t.Fatalf("length %d: the error names %v, no later epoch's beginning", length, restored.Next)
				}
				if err := recovered.checkTimes(next, restored.Next); err != nil {
					t.Fatalf("length %d: the epoch the error names is refused: %v", length, err)
				}
				next.Number--
				if err := recovered.checkTimes(next, start(next)); !errors.Is(err, ErrRestored) {
					t.Fatalf("length %d: the epoch before the one the error names is usable: %v", length, err)
				}
			}
		}
	}
}

func TestRangesAreDisjoint(t *testing.T) {
	const limit = 10
	taken := map[uint32]Range{}
	for _, r := range []Range{{First: 0, Count: 4}, {First: 4, Count: 3}, {First: 7}} {
		s := newState()
		s.slots = r
		for {
			slot, err := takeAt(s, day(20000), limit, now)
			if errors.Is(err, ErrNoSlot) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if other, twice := taken[slot]; twice {
				t.Errorf("slot %d is in the ranges %v and %v", slot, other, r)
			}
			taken[slot] = r
		}
	}
	if len(taken) != limit {
		t.Errorf("%d slots, want %d", len(taken), limit)
	}
}

func TestRangeBeyondTheLimitHasNoSlot(t *testing.T) {
	for _, r := range []Range{{First: 10}, {First: 11, Count: 5}, {First: math.MaxUint32, Count: math.MaxUint32}} {
		s := newState()
		s.slots = r
		if slot, err := takeAt(s, day(20000), 10, now); !errors.Is(err, ErrNoSlot) {
			t.Errorf("range %v: slot %d, %v; want ErrNoSlot", r, slot, err)
		}
	}
}

func TestRestrict(t *testing.T) {
	dir := fresh(t)
	c := mustOpen(t, dir)
	scope := scopeOf(today(), "venue")
	mustTake(t, c, scope, today(), 16, 0)
	check(t, c.Restrict(Range{First: 0, Count: 2}))
	if err := c.Restrict(Range{First: 0, Count: 3}); err == nil {
		t.Error("a range grew")
	}
	mustTake(t, c, scope, today(), 16, 1)
	if _, err := c.Take(scope, today(), 16); !errors.Is(err, ErrNoSlot) {
		t.Errorf("Take beyond the range: %v; want ErrNoSlot", err)
	}
}

func TestPruningNeverReopensAnEpoch(t *testing.T) {
	s := newState()
	if _, err := takeAt(s, day(20000), 5, start(day(20000))); err != nil {
		t.Fatal(err)
	}
	s.prune(start(day(20001)).Add(PruneMargin - time.Second))
	if len(s.scopes) != 1 {
		t.Fatal("pruned within the margin")
	}
	s.prune(start(day(20001)).Add(PruneMargin))
	if len(s.scopes) != 0 {
		t.Fatal("not pruned after the margin")
	}
	// The clock is set back into the epoch.
	for _, number := range []uint64{19999, 20000} {
		if slot, err := takeAt(s, day(number), 5, start(day(number))); !errors.Is(err, ErrEpochOver) {
			t.Errorf("epoch %d again: slot %d, %v; want ErrEpochOver", number, slot, err)
		}
	}
	if _, err := takeAt(s, day(20001), 5, start(day(20001))); err != nil {
		t.Errorf("the next epoch: %v", err)
	}
	// Another schedule is not concerned.
	hours := zkkex.Epoch{Schedule: zkkex.Schedule{Length: 3600}, Number: 10}
	if _, err := takeAt(s, hours, 5, start(hours)); err != nil {
		t.Errorf("another schedule: %v", err)
	}
}

func TestClockSetBackReusesNothing(t *testing.T) {
	at := now
	c := mustOpen(t, fresh(t), WithClock(func() time.Time { return at }))
	scope := scopeOf(today(), "venue")
	mustTake(t, c, scope, today(), 9, 0)
	at = now.Add(-5 * time.Hour)
	mustTake(t, c, scope, today(), 9, 1)
	at = now.Add(10 * 24 * time.Hour) // by mistake
	mustTake(t, c, scopeOf(epochAt(at), "venue"), epochAt(at), 9, 0)
	at = now
	if slot, err := c.Take(scope, today(), 9); !errors.Is(err, ErrEpochOver) {
		t.Errorf("after the clock was 10 days ahead: slot %d, %v; want ErrEpochOver", slot, err)
	}
}

func TestScopeIsForOneEpoch(t *testing.T) {
	s := newState()
	scope := scopeOf(day(20000), "venue")
	if _, err := s.take(&request{scope: scope, epoch: day(20000), limit: 5}, now); err != nil {
		t.Fatal(err)
	}
	hours := zkkex.Epoch{Schedule: zkkex.Schedule{Length: 3600}, Number: 20000*24 + 12}
	if slot, err := s.take(&request{scope: scope, epoch: hours, limit: 5}, now); !errors.Is(err, ErrEpochMismatch) {
		t.Errorf("slot %d, %v; want ErrEpochMismatch", slot, err)
	}
}

func TestTakeRefusesWhatIsNoEpoch(t *testing.T) {
	for name, r := range map[string]*request{
		"no length": {epoch: zkkex.Epoch{Number: 5}, limit: 1},
		"far away":  {epoch: day(math.MaxUint64), limit: 1},
		"no slots":  {epoch: day(20000)},
	} {
		s := newState()
		if slot, err := s.take(r, now); err == nil || len(s.scopes) != 0 {
			t.Errorf("%s: slot %d; want an error", name, slot)
		}
	}
}

func TestStateIsBounded(t *testing.T) {
	s := newState()
	for i := range MaxScopes {
		e := day(20000)
		if _, err := s.take(&request{scope: scopeOf(e, fmt.Sprint(i)), epoch: e, limit: math.MaxUint32}, now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := takeAt(s, day(20000), 1, now); !errors.Is(err, ErrTooMany) {
		t.Errorf("one scope more: %v; want ErrTooMany", err)
	}
	if _, err := s.take(&request{scope: scopeOf(day(20000), "0"), epoch: day(20000), limit: 5}, now); err != nil {
		t.Errorf("a known scope: %v", err)
	}
	for i := range MaxSchedules {
		s.over[zkkex.Schedule{Origin: -200000000000, Length: math.MaxUint32 - uint32(i)}] = 90
	}
	if n := len(s.encode()); n > MaxStateSize {
		t.Errorf("a full state has %d bytes, more than the bound %d", n, MaxStateSize)
	}
	if _, err := parseState(s.encode()); err != nil {
		t.Errorf("a full state cannot be read: %v", err)
	}
}

// TestScopeOfTwoSchedules uses one scope with epochs of two schedules, which no
// derivation gives: it is noticed while the record is kept, as the documentation
// of Take says.
func TestScopeOfTwoSchedules(t *testing.T) {
	at := now
	dir := fresh(t)
	c := mustOpen(t, dir, WithClock(func() time.Time { return at }))
	scope := zkkex.Scope{1}
	epoch := func(length uint32) zkkex.Epoch {
		e, err := zkkex.Schedule{Length: length}.At(at)
		check(t, err)
		return e
	}
	mustTake(t, c, scope, epoch(3600), 9, 0)
	if slot, err := c.Take(scope, epoch(7200), 9); !errors.Is(err, ErrEpochMismatch) {
		t.Errorf("Take: %d, %v; want ErrEpochMismatch", slot, err)
	}
	first := epoch(3600)
	at = at.Add(time.Hour + PruneMargin)
	mustTake(t, c, zkkex.Scope{2}, epoch(7200), 9, 0) // drops the record
	if slot, err := c.Take(scope, first, 9); !errors.Is(err, ErrEpochOver) {
		t.Errorf("Take in the epoch that is over: %d, %v; want ErrEpochOver", slot, err)
	}
	mustTake(t, c, scope, epoch(7200), 9, 0)
}
