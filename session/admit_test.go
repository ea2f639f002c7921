package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
)

// desk admits certificates as a venue would, and writes down when.
type desk struct {
	delay time.Duration

	mu    sync.Mutex
	err   error
	begun []time.Time
	ended []time.Time
	seen  []*session.Certificate
	busy  int
	both  bool // two at one time
}

func (d *desk) admit(ctx context.Context, c *session.Certificate) error {
	d.mu.Lock()
	d.begun = append(d.begun, time.Now())
	d.seen = append(d.seen, c)
	d.busy++
	d.both = d.both || d.busy > 1
	err, delay := d.err, d.delay
	d.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		err = ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
	d.ended = append(d.ended, time.Now())
	return err
}

func (d *desk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func (d *desk) times() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Time(nil), d.begun...)
}

// idle reports whether no admission is under way.
func (d *desk) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.busy == 0
}

// Every certificate is admitted once, within the spread, at a moment of its own.
func TestAdmissionsAreSpread(t *testing.T) {
	const pools, size, parts, spread = 40, 5, 4, 10 * time.Minute
	var count [parts]int
	for range pools {
		synctest.Test(t, func(t *testing.T) {
			v, d := newVenue(), &desk{delay: 100 * time.Millisecond}
			p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: size, Admit: d.admit, AdmitSpread: spread})
			made := time.Now()
			time.Sleep(3 * spread)
			synctest.Wait()
			times := d.times()
			if s := p.State(); len(times) != size || s.Admitted != size || d.both {
				t.Fatalf("%d admissions, %d admitted, two at a time %v; want %d", len(times), s.Admitted, d.both, size)
			}
			for i, at := range times {
				part := int64(at.Sub(made)) * parts / int64(spread)
				if part < parts { // a moment beside another admission is put off
					count[part]++
				}
				if i > 0 && at.Sub(d.ended[i-1]) < 4*time.Second {
					t.Errorf("admissions at %v and %v", times[i-1], at)
				}
			}
		})
	}
	// 50 of 200 are expected in each part; 12 and fewer have a chance below 2^-36.
	total := 0
	for i, n := range count {
		total += n
		if n <= 12 {
			t.Errorf("%d of %d in part %d of %d of the spread", n, pools*size, i+1, parts)
		}
	}
	if total < pools*size*9/10 {
		t.Errorf("%d of %d within the spread", total, pools*size)
	}
}

// While a session is opened nothing is admitted, nor just after.
func TestAdmissionsKeepAwayFromOpens(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			v, d := newVenue(), &desk{}
			p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 8, Admit: d.admit, AdmitSpread: time.Minute})
			end, err := p.BeginOpen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute) // all of them fall due
			if n := len(d.times()); n != 0 {
				t.Fatalf("%d admissions beside an open", n)
			}
			end()
			ended := time.Now()
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			times := d.times()
			if len(times) != 8 {
				t.Fatalf("%d admissions after the open, want 8", len(times))
			}
			if first := times[0].Sub(ended); first < 900*time.Millisecond {
				t.Errorf("the first %v after the open", first)
			}
		})
	}
}

// What fell due while the machine slept is not admitted when it wakes.
func TestAdmissionsAfterASleep(t *testing.T) {
	const pools = 40
	atOnce := 0
	for range pools {
		synctest.Test(t, func(t *testing.T) {
			var slept atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(slept.Load())) }
			v, d := newVenue(), &desk{}
			open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Now: now, Size: 1, Admit: d.admit, AdmitSpread: time.Hour})
			synctest.Wait()
			slept.Store(int64(2 * time.Hour))
			time.Sleep(time.Minute + time.Second)
			atOnce += len(d.times())
			time.Sleep(time.Hour)
			synctest.Wait()
			if n := len(d.times()); n != 1 {
				t.Errorf("%d admissions, want one", n)
			}
		})
	}
	// Less than one is expected, of moments drawn within an hour.
	if atOnce > pools/3 {
		t.Errorf("%d of %d admissions within a minute after the sleep", atOnce, pools)
	}
}

// A Take is the beginning of an open.
func TestAdmissionsKeepAwayFromTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, d := newVenue(), &desk{}
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 8, Admit: d.admit, AdmitSpread: 2 * time.Minute})
		var taken []time.Time
		for range 200 {
			time.Sleep(11 * time.Second)
			take(t, p)
			taken = append(taken, time.Now())
		}
		times := d.times()
		if len(times) < 50 {
			t.Errorf("%d admissions, want some", len(times))
		}
		for _, at := range times {
			for _, open := range taken {
				if after := at.Sub(open); after >= 0 && after < 1800*time.Millisecond {
					t.Errorf("admitted %v after a certificate was taken", after)
				}
			}
		}
	})
}

// An open waits for an admission under way, and not for long.
func TestOpenWaitsForAnAdmission(t *testing.T) {
	for _, c := range []struct{ takes, wait time.Duration }{{500 * time.Millisecond, 500 * time.Millisecond}, {20 * time.Second, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			v, d := newVenue(), &desk{delay: c.takes}
			p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 1, Admit: d.admit})
			for len(d.times()) == 0 {
				time.Sleep(time.Millisecond)
			}
			synctest.Wait()
			began := d.times()[0]
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := p.BeginOpen(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want the context's error", err)
			}
			end, err := p.BeginOpen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < c.wait || took > c.wait+200*time.Millisecond {
				t.Errorf("waited until %v after the admission began, want about %v", took, c.wait)
			}
			if !d.idle() {
				t.Error("an open beside an admission")
			}
			end()
			end() // once
			d.mu.Lock()
			d.delay = 0
			d.mu.Unlock()
			time.Sleep(time.Hour)
			if !take(t, p).Admitted() {
				t.Error("not admitted after the open")
			}
		})
	}
}

// Admitted certificates are handed out first.
func TestTakePrefersAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, d := newVenue(), &desk{}
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 6, Admit: d.admit, AdmitSpread: time.Hour})
		for p.State().Admitted < 3 {
			time.Sleep(time.Second)
		}
		for i := range 3 {
			if !take(t, p).Admitted() {
				t.Errorf("certificate %d was not admitted, though others were", i)
			}
		}
		if take(t, p).Admitted() {
			t.Error("the fourth certificate was admitted, of three")
		}
	})
}

// Without an Admitter nothing is admitted ahead.
func TestNoAdmitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v})
		time.Sleep(time.Hour)
		c := take(t, p)
		if c.Admitted() {
			t.Error("admitted by nobody")
		}
		if c.MarkAdmitted(); !c.Admitted() {
			t.Error("not marked")
		}
	})
}

// A certificate whose slot is used is dropped; after two, no more are made ahead:
// the venue learns no more slots.
func TestSlotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, d := newVenue(), &desk{}
		d.fail(fmt.Errorf("admitting: %w", zkkex.Reject(zkkex.SlotUsed, "")))
		prover := v.prover()
		p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: 4, Admit: d.admit, AdmitSpread: time.Minute})
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if n := len(d.times()); n != 2 {
			t.Errorf("%d certificates shown, want 2", n)
		}
		if s := p.State(); s.Dropped != 2 || !errors.Is(s.LastError, zkkex.ErrRejected) {
			t.Errorf("state %+v, want 2 dropped", s)
		}
		for _, c := range d.seen {
			if c.Key() != nil {
				t.Error("a dropped certificate has its key")
			}
		}
		if n := len(prover.asked()); n != 5 {
			t.Errorf("%d proofs, want 4 and one in place of the first that was refused", n)
		}
		take(t, p) // on demand, as before
	})
}

// A venue that cannot be reached is tried again, less and less often, and not
// for ever; the certificate is kept.
func TestAdmissionIsTriedAgain(t *testing.T) {
	for _, failure := range []error{errBroken, zkkex.Reject("unavailable", "")} {
		synctest.Test(t, func(t *testing.T) {
			v, d := newVenue(), &desk{}
			d.fail(failure)
			p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 1, Admit: d.admit})
			time.Sleep(6 * time.Hour)
			synctest.Wait()
			times := d.times()
			if len(times) != 8 {
				t.Fatalf("%d tries, want 8", len(times))
			}
			for i := 1; i < len(times); i++ {
				if gap := times[i].Sub(times[i-1]); gap < 15*time.Second || gap > 46*time.Minute {
					t.Errorf("tries %v apart", gap)
				}
			}
			if s := p.State(); s.Ready != 1 || s.Dropped != 0 || !errors.Is(s.LastError, failure) {
				t.Errorf("state %+v, want the certificate and the error", s)
			}
			if c := take(t, p); c.Admitted() || c.Key() == nil {
				t.Error("want a certificate that is not admitted")
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		v, d := newVenue(), &desk{}
		d.fail(errBroken)
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 1, Admit: d.admit})
		for len(d.times()) < 3 {
			time.Sleep(time.Second)
		}
		d.fail(nil)
		time.Sleep(time.Hour)
		if !take(t, p).Admitted() {
			t.Error("not admitted although the venue is back")
		}
	})
}

// Nobody gets a certificate while it is admitted.
func TestTakeDuringAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, d := newVenue(), &desk{delay: 10 * time.Second}
		v.limit = 1
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 1, Admit: d.admit, AdmitSpread: time.Second})
		time.Sleep(2 * time.Second)
		if !take(t, p).Admitted() {
			t.Error("handed out before the admission ended")
		}
	})
}

// A raised generation, or the end of the pool, during an admission.
func TestDroppedDuringAdmission(t *testing.T) {
	for _, raise := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			v, d := newVenue(), &desk{delay: 20 * time.Second}
			p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 1, Admit: d.admit, AdmitSpread: time.Second})
			time.Sleep(2 * time.Second)
			synctest.Wait()
			c := d.seen[0]
			if raise {
				v.set(func(v *venue) { v.generation++ })
				p.Refresh()
				synctest.Wait()
				if c.Key() == nil {
					t.Error("wiped while it is admitted")
				}
				time.Sleep(20 * time.Second)
				synctest.Wait()
			} else {
				p.Close()
			}
			if c.Key() != nil {
				t.Error("not wiped")
			}
			if s := p.State(); s.Dropped != 1 {
				t.Errorf("state %+v, want one dropped", s)
			}
		})
	}
}
