package session_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/slots"
)

// Certificates are made as early as slots can be taken, by the same rule.
func TestLeadIsThatOfSlots(t *testing.T) {
	lengths := []uint32{0, 1, 2, 3, 5, 3600, 86400, 1<<32 - 1}
	for range 1000 {
		lengths = append(lengths, rand.Uint32())
	}
	for _, length := range lengths {
		s := zkkex.Schedule{Length: length}
		if session.Lead(s) != slots.Lead(s) {
			t.Errorf("epochs of %d s: %v ahead, slots can be taken %v ahead", length, session.Lead(s), slots.Lead(s))
		}
	}
}

// Whatever the time, what is taken is of the present epoch, and at the beginning
// of an epoch it is there already.
func TestEpochsPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		prover := v.prover()
		prover.delay = time.Second
		p := open(t, session.PoolConfig{Prover: prover, Terms: v})
		for day := range 5 {
			began := time.Now()
			c := take(t, p)
			if took := time.Since(began); day > 0 && took != 0 {
				t.Errorf("day %d: waited %v although certificates were made ahead", day, took)
			}
			if c.Presentation().Epoch != presentEpoch(t) {
				t.Errorf("day %d: a certificate of epoch %d in epoch %d", day, c.Presentation().Epoch.Number, presentEpoch(t).Number)
			}
			if c.Key() == nil {
				t.Errorf("day %d: a wiped certificate", day)
			}
			end, _ := presentEpoch(t).End()
			time.Sleep(time.Until(end) - time.Minute)
			synctest.Wait()
			if s := p.State(); s.Next != session.DefaultPoolSize {
				t.Errorf("day %d: state %+v, want some for the next epoch", day, s)
			}
			for range 4 { // more than are ready
				if e := take(t, p).Presentation().Epoch; e != presentEpoch(t) {
					t.Errorf("day %d: a certificate of epoch %d in epoch %d", day, e.Number, presentEpoch(t).Number)
				}
			}
			time.Sleep(time.Until(end))
			synctest.Wait()
		}
		// Five taken a day, and two ready at the end of each day.
		if s := p.State(); s.Taken != 5*5 || s.Dropped != 5*session.DefaultPoolSize {
			t.Errorf("state %+v, want 25 taken and %d dropped", s, 5*session.DefaultPoolSize)
		}
	})
}

// Certificates of the next epoch are made at random moments between when slots
// can be taken and a margin before it begins, each at its own.
func TestRefreshMoments(t *testing.T) {
	const pools, size, parts = 60, 3, 4
	var times []time.Time
	var from, to time.Time
	for range pools {
		synctest.Test(t, func(t *testing.T) {
			v := newVenue()
			prover := v.prover()
			p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: size})
			start, _ := presentEpoch(t).End()
			lead := session.Lead(zkkex.DefaultSchedule())
			from, to = start.Add(-lead), start.Add(-lead/6)
			synctest.Wait()
			if planned := p.State().NextRefresh; planned.Before(from) || !planned.Before(to) {
				t.Errorf("the next refresh is planned at %v, want from %v to %v", planned, from, to)
			}
			time.Sleep(time.Until(start) - time.Nanosecond)
			synctest.Wait()
			if s := p.State(); s.Next != size || s.Ready != size {
				t.Errorf("state %+v before the epoch, want %d ready for it", s, size)
			}
			times = append(times, prover.asked()[size:]...)
		})
	}
	if len(times) != pools*size {
		t.Fatalf("%d certificates, want %d", len(times), pools*size)
	}
	var count [parts]int
	seen := map[time.Time]bool{}
	for _, at := range times {
		if at.Before(from) || !at.Before(to) {
			t.Fatalf("made at %v, want from %v to %v", at, from, to)
		}
		if seen[at] {
			t.Errorf("two at %v", at)
		}
		seen[at] = true
		count[int64(at.Sub(from))*parts/int64(to.Sub(from))]++
	}
	// 45 are expected in each part; 10 and fewer have a chance below 2^-36.
	for i, n := range count {
		if n <= 10 {
			t.Errorf("%d of %d in part %d of %d of the window", n, len(times), i+1, parts)
		}
	}
}

// A venue that raises its generation gets certificates of that; the others are
// dropped, those being made as well, and wiped.
func TestGenerationIsRaised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		prover := v.prover()
		prover.delay = time.Second
		p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: 3})
		time.Sleep(2500 * time.Millisecond) // two ready, one being made
		synctest.Wait()
		v.set(func(v *venue) { v.generation++ })
		p.Refresh()
		synctest.Wait()
		if s := p.State(); s.Ready != 0 || s.Dropped != 2 {
			t.Errorf("state %+v, want the two that were ready dropped", s)
		}
		c := take(t, p)
		if want := v.of(presentEpoch(t)).Scope; c.Presentation().Statement.Scope != want {
			t.Error("a certificate of the old generation")
		}
		if s := p.State(); s.Dropped != 3 {
			t.Errorf("state %+v, want the one that was being made dropped too", s)
		}
		// Without being told, the next Take notices.
		time.Sleep(10 * time.Second)
		v.set(func(v *venue) { v.generation++ })
		if want := v.of(presentEpoch(t)).Scope; take(t, p).Presentation().Statement.Scope != want {
			t.Error("a certificate of the old generation")
		}
	})
}

// A prover at another root is noticed, and not asked in a loop, which would cost
// a slot each time.
func TestProverAtAnotherRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		elsewhere := newVenue()
		elsewhere.registry = provertest.New("elsewhere")
		prover := elsewhere.prover()
		p := open(t, session.PoolConfig{Prover: prover, Terms: v})
		until := time.Now().Add(time.Minute)
		for time.Now().Before(until) {
			if _, err := p.Take(t.Context()); !errors.Is(err, session.ErrTerms) {
				t.Fatalf("%v, want ErrTerms", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(prover.asked()); n > 10 {
			t.Errorf("%d slots lost within a minute", n)
		}
	})
}

// Without terms for the present epoch there is no certificate, whatever is ready.
func TestNoTerms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v})
		synctest.Wait()
		v.set(func(v *venue) { v.unnamed = true })
		if _, err := p.Take(t.Context()); !errors.Is(err, session.ErrNoTerms) {
			t.Errorf("%v, want ErrNoTerms", err)
		}
		v.set(func(v *venue) { v.unnamed = false })
		take(t, p)
	})
}

// A source that cannot tell costs no certificates, unless their epoch is over.
func TestSourceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v})
		synctest.Wait()
		v.set(func(v *venue) { v.err = errBroken })
		if _, err := p.Take(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("%v, want the source's error", err)
		}
		if s := p.State(); s.Ready != session.DefaultPoolSize || !errors.Is(s.LastError, errBroken) {
			t.Errorf("state %+v, want all still there", s)
		}
		time.Sleep(49 * time.Hour)
		synctest.Wait()
		if s := p.State(); s.Ready != 0 || s.Next != 0 || s.Dropped != 2*session.DefaultPoolSize {
			t.Errorf("state %+v two days later, want all dropped", s)
		}
		v.set(func(v *venue) { v.err = nil })
		take(t, p)
	})
}
