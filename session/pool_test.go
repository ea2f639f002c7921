package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
)

// Every certificate is handed out once, with a slot and a key of its own, and
// its presentation verifies.
func TestTakesAreUnique(t *testing.T) {
	v := newVenue()
	p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 4})
	const callers, each = 8, 25
	var mu sync.Mutex
	nullifiers, keys := map[zkkex.Nullifier]bool{}, map[string]bool{}
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				c, err := p.Take(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if err := v.registry.Verify(c.Presentation(), zkkex.SessionKey([32]byte(c.Key().PublicKey().Bytes()))); err != nil {
					t.Error(err)
				}
				mu.Lock()
				nullifiers[c.Presentation().Statement.Nullifier] = true
				keys[string(c.Key().Bytes())] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(nullifiers) != callers*each || len(keys) != callers*each {
		t.Errorf("%d nullifiers and %d keys in %d certificates", len(nullifiers), len(keys), callers*each)
	}
	if s := p.State(); s.Taken != callers*each || s.Wanted != 0 || s.Dropped != 0 {
		t.Errorf("state %+v, want %d taken, none wanted or dropped", s, callers*each)
	}
}

// A pool fills itself, one at a time, and not beyond its size or the limit.
func TestPoolFills(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  int
		limit uint32
		ready int
	}{
		{"default", 0, 100, session.DefaultPoolSize},
		{"given", 5, 100, 5},
		{"limit", 5, 3, 3},
		{"none ahead", session.NoneAhead, 100, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVenue()
				v.limit = c.limit
				prover := v.prover()
				prover.delay = time.Second
				p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: c.size})
				time.Sleep(time.Minute)
				synctest.Wait()
				s := p.State()
				if s.Ready != c.ready || s.Making || len(prover.asked()) != c.ready {
					t.Errorf("%d ready, making %v, %d proofs asked for; want %d ready and no more", s.Ready, s.Making, len(prover.asked()), c.ready)
				}
				asked := prover.asked()
				for i := 1; i < len(asked); i++ {
					if asked[i].Sub(asked[i-1]) < prover.delay {
						t.Errorf("proofs %d and %d were made at the same time", i-1, i)
					}
				}
			})
		})
	}
}

// Whoever comes while a certificate is being made gets that one; whoever comes
// to a pool that makes none ahead has one made at once.
func TestTakeWaits(t *testing.T) {
	for _, size := range []int{1, session.NoneAhead} {
		synctest.Test(t, func(t *testing.T) {
			v := newVenue()
			prover := v.prover()
			prover.delay = 3 * time.Second
			p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: size})
			synctest.Wait()
			began := time.Now()
			c := take(t, p)
			if took := time.Since(began); took != prover.delay {
				t.Errorf("size %d: waited %v, want %v", size, took, prover.delay)
			}
			if got := prover.first().Authorization.Value; got != [32]byte(c.Key().PublicKey().Bytes()) {
				t.Errorf("size %d: not the certificate that was being made", size)
			}
		})
	}
}

// A waiting caller can give up; the certificate then goes to the next one.
func TestTakeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		prover := v.prover()
		prover.delay = time.Minute
		p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: session.NoneAhead})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want the context's error", err)
		}
		if _, err := p.Take(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v, want the context's error at once", err)
		}
		if s := p.State(); s.Wanted != 0 || !s.Making {
			t.Errorf("state %+v, want nobody waiting and one being made", s)
		}
		take(t, p)
		if n := len(prover.asked()); n != 1 {
			t.Errorf("%d proofs for one certificate", n)
		}
	})
}

// A certificate that is done at the moment in which its caller gives up goes to
// that caller, or to the next one.
func TestGivingUpLosesNothing(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			v := newVenue()
			prover := v.prover()
			prover.delay = time.Second
			p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: session.NoneAhead})
			ctx, cancel := context.WithTimeout(t.Context(), prover.delay)
			defer cancel()
			var got uint64
			if _, err := p.Take(ctx); err == nil {
				got++
			}
			synctest.Wait()
			if s := p.State(); s.Taken != got || s.Ready != int(1-got) {
				t.Errorf("the caller got %d; state %+v", got, s)
			}
		})
	}
}

func TestWaitersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		prover := v.prover()
		prover.delay = time.Hour
		p := open(t, session.PoolConfig{Prover: prover, Terms: v})
		var wg sync.WaitGroup
		for range session.MaxWaiters {
			wg.Go(func() {
				if _, err := p.Take(t.Context()); !errors.Is(err, session.ErrClosed) {
					t.Errorf("%v, want ErrClosed", err)
				}
			})
		}
		synctest.Wait()
		if _, err := p.Take(t.Context()); !errors.Is(err, session.ErrBusy) {
			t.Errorf("%v, want ErrBusy", err)
		}
		p.Close()
		wg.Wait()
	})
}

// Close stops a prover at work and leaves nothing behind; synctest fails if a
// goroutine goes on.
func TestCloseWhileMaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		prover := v.prover()
		prover.delay = time.Hour
		p := open(t, session.PoolConfig{Prover: prover, Terms: v})
		synctest.Wait()
		began := time.Now()
		for range 2 {
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if prover.done() != 1 || time.Since(began) != 0 {
			t.Errorf("%d proofs ended after %v, want the one that was begun, at once", prover.done(), time.Since(began))
		}
		if _, err := p.Take(t.Context()); !errors.Is(err, session.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
		if _, err := p.BeginOpen(t.Context()); !errors.Is(err, session.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	})
}

// stubborn ends with a proof although its context is over.
type stubborn struct{ zkkex.Prover }

func (s stubborn) Prove(ctx context.Context, c zkkex.Claim) (*zkkex.Presentation, error) {
	<-ctx.Done()
	return s.Prover.Prove(context.WithoutCancel(ctx), c)
}

// A certificate that is done after Close is lost and counted, not leaked.
func TestCloseDropsALateCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		p := open(t, session.PoolConfig{Prover: stubborn{v.prover()}, Terms: v})
		synctest.Wait()
		p.Close()
		if s := p.State(); s.Dropped != 1 || s.Ready != 0 {
			t.Errorf("state %+v, want one dropped, none ready", s)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	v := newVenue()
	good := session.PoolConfig{Prover: v.prover(), Terms: v}
	for name, change := range map[string]func(*session.PoolConfig){
		"no prover":      func(c *session.PoolConfig) { c.Prover = nil },
		"no terms":       func(c *session.PoolConfig) { c.Terms = nil },
		"size below":     func(c *session.PoolConfig) { c.Size = session.NoneAhead - 1 },
		"size above":     func(c *session.PoolConfig) { c.Size = session.MaxPoolSize + 1 },
		"spread below":   func(c *session.PoolConfig) { c.AdmitSpread = -1 },
		"spread too far": func(c *session.PoolConfig) { c.AdmitSpread = session.MaxAdmitSpread + 1 },
	} {
		c := good
		change(&c)
		if p, err := session.NewPool(c); err == nil {
			p.Close()
			t.Errorf("%s: accepted", name)
		}
	}
	open(t, good)
}

// A prover that fails is left to rest, longer each time, and asked again.
func TestProverFailsWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		prover := v.prover()
		prover.fail(errBroken)
		p := open(t, session.PoolConfig{Prover: prover, Terms: v})
		time.Sleep(time.Hour)
		synctest.Wait()
		// About 9 until five minutes are reached, then every 2.5 to 7.5 minutes.
		if n := len(prover.asked()); n < 12 || n > 40 {
			t.Errorf("asked %d times within an hour", n)
		}
		s := p.State()
		if !errors.Is(s.LastError, errBroken) || s.Failed != uint64(len(prover.asked())) || !s.NextRefresh.After(time.Now()) {
			t.Errorf("state %+v, want the prover's error and a later refresh", s)
		}
		prover.fail(nil)
		take(t, p) // a caller does not wait for the background's next try
		if time.Sleep(10 * time.Minute); p.State().Ready != session.DefaultPoolSize {
			t.Errorf("state %+v, want a full pool", p.State())
		}
	})
}

// Callers get the prover's error; trying again and again does not make the
// prover do so.
func TestTakeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		prover := v.prover()
		prover.fail(errBroken)
		p := open(t, session.PoolConfig{Prover: prover, Terms: v, Size: session.NoneAhead})
		for range 1000 {
			var failed *session.MakeError
			if _, err := p.Take(t.Context()); !errors.Is(err, errBroken) || !errors.As(err, &failed) {
				t.Fatalf("%v, want a MakeError with the prover's", err)
			}
		}
		if n := len(prover.asked()); n != 1 {
			t.Errorf("asked %d times at one moment", n)
		}
		time.Sleep(2 * time.Second)
		prover.fail(nil)
		take(t, p)
	})
}

// Without slots a caller is told so, and when there are some again; then there
// are.
func TestExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue()
		v.limit = 3
		p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v})
		for range v.limit {
			take(t, p)
		}
		var failed *session.MakeError
		if _, err := p.Take(t.Context()); !errors.Is(err, provertest.ErrNoSlot) || !errors.As(err, &failed) {
			t.Fatalf("%v, want a MakeError with the prover's", err)
		}
		if end, _ := presentEpoch(t).End(); !failed.Next.Equal(end) {
			t.Errorf("slots again at %v, want %v", failed.Next, end)
		}
		time.Sleep(time.Until(failed.Next))
		take(t, p)
	})
}
