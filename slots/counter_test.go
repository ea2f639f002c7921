package slots

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

// now is in the middle of a day, the 20000th epoch.
var now = time.Unix(20000*86400+43200, 0)

func clock() time.Time { return now }

func today() zkkex.Epoch { return epochAt(now) }

func epochAt(t time.Time) zkkex.Epoch {
	e, err := zkkex.DefaultSchedule().At(t)
	if err != nil {
		panic(err)
	}
	return e
}

func scopeOf(e zkkex.Epoch, name string) zkkex.Scope {
	return zkkex.NamedScope{Name: name, Epoch: e}.Scope()
}

func fresh(t *testing.T, options ...Option) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := Init(dir, true, options...); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustOpen(t *testing.T, dir string, options ...Option) *Counter {
	t.Helper()
	c, err := Open(dir, append([]Option{WithClock(clock)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func mustTake(t *testing.T, c *Counter, scope zkkex.Scope, epoch zkkex.Epoch, limit, want uint32) {
	t.Helper()
	if got, err := c.Take(scope, epoch, limit); err != nil || got != want {
		t.Fatalf("Take: %d, %v; want slot %d", got, err, want)
	}
}

func TestTakeCountsUpToTheLimit(t *testing.T) {
	c := mustOpen(t, fresh(t))
	scope := scopeOf(today(), "venue")
	for want := range uint32(3) {
		left, err := c.Remaining(scope, today(), 3)
		if err != nil || left != 3-want {
			t.Fatalf("Remaining: %d, %v; want %d", left, err, 3-want)
		}
		mustTake(t, c, scope, today(), 3, want)
	}
	if left, err := c.Remaining(scope, today(), 3); err != nil || left != 0 {
		t.Fatalf("Remaining at the limit: %d, %v; want 0", left, err)
	}
	slot, err := c.Take(scope, today(), 3)
	var exhausted *ExhaustedError
	if !errors.Is(err, ErrNoSlot) || !errors.As(err, &exhausted) || slot != 0 {
		t.Fatalf("Take at the limit: %d, %v; want ErrNoSlot", slot, err)
	}
	if want := time.Unix(20001*86400, 0); !exhausted.Next.Equal(want) {
		t.Errorf("next epoch at %v, want %v", exhausted.Next, want)
	}
	// Other scopes count for themselves.
	mustTake(t, c, scopeOf(today(), "another"), today(), 3, 0)
	// A limit that is raised gives the slots above, and lowered, none.
	mustTake(t, c, scope, today(), 4, 3)
	if _, err := c.Take(scope, today(), 1); !errors.Is(err, ErrNoSlot) {
		t.Errorf("Take below what is used: %v; want ErrNoSlot", err)
	}
}

func TestTakeGoesOnAfterReopening(t *testing.T) {
	dir := fresh(t)
	scope := scopeOf(today(), "venue")
	for want := range uint32(4) {
		c, err := Open(dir, WithClock(clock))
		if err != nil {
			t.Fatal(err)
		}
		mustTake(t, c, scope, today(), 9, want)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTakeAfterClose(t *testing.T) {
	c, err := Open(fresh(t), WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if slot, err := c.Take(scopeOf(today(), "venue"), today(), 3); err == nil {
		t.Fatalf("Take after Close: slot %d; want an error", slot)
	}
}

func TestStateIsForItsOwnerOnly(t *testing.T) {
	dir := fresh(t)
	mustTake(t, mustOpen(t, dir), scopeOf(today(), "venue"), today(), 3, 0)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the folder holds %v, %v; want the state alone", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestConcurrentTakes(t *testing.T) {
	const counters, goroutines, each = 3, 8, 6
	dir := fresh(t)
	scope := scopeOf(today(), "venue")
	seen := newLedger()
	var wg sync.WaitGroup
	for range counters {
		c := mustOpen(t, dir)
		for range goroutines {
			wg.Go(func() {
				for range each {
					slot, err := c.Take(scope, today(), 1<<20)
					if err != nil {
						t.Error(err)
						return
					}
					seen.add(fmt.Sprint(scope, slot))
				}
			})
		}
	}
	wg.Wait()
	if seen.twice != nil {
		t.Errorf("handed out twice: %v", seen.twice)
	}
	if len(seen.times) != counters*goroutines*each {
		t.Errorf("%d slots, want %d", len(seen.times), counters*goroutines*each)
	}
	// None is lost without a crash.
	mustTake(t, mustOpen(t, dir), scope, today(), 1<<20, counters*goroutines*each)
}

func TestConcurrentTakesShareReplacements(t *testing.T) {
	m := newMemory()
	if err := initialise(m, true, nil); err != nil {
		t.Fatal(err)
	}
	c, err := open(m, []Option{WithClock(clock)})
	if err != nil {
		t.Fatal(err)
	}
	const takers = 50
	c.committing.Lock() // everybody waits
	var wg sync.WaitGroup
	for range takers {
		wg.Go(func() {
			if _, err := c.Take(scopeOf(today(), "venue"), today(), takers); err != nil {
				t.Error(err)
			}
		})
	}
	for queued := 0; queued < takers; {
		c.queueing.Lock()
		queued = len(c.queue)
		c.queueing.Unlock()
	}
	before := c.newest
	c.committing.Unlock()
	wg.Wait()
	if c.newest != before+1 {
		t.Errorf("%d replacements of the state for %d slots, want 1", c.newest-before, takers)
	}
}

// ledger counts what was handed out.
type ledger struct {
	mu    sync.Mutex
	times map[string]int
	twice []string
}

func newLedger() *ledger { return &ledger{times: map[string]int{}} }

func (l *ledger) add(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.times[what]++; l.times[what] > 1 {
		l.twice = append(l.twice, what)
	}
}

// takeThroughPowerLosses uses a folder that loses power again and again, at
// random points, and returns what was handed out twice, or the error with which
// the state could not be opened any more.
func takeThroughPowerLosses(seed uint64, fault func(*memory)) (twice []string, err error) {
	random := rand.New(rand.NewPCG(seed, 0))
	m := newMemory()
	if err := initialise(m, true, []Option{WithClock(clock)}); err != nil {
		return nil, err
	}
	fault(m)
	seen := newLedger()
	for range 12 {
		c, err := open(m, []Option{WithClock(clock)})
		if err != nil {
			return seen.twice, err
		}
		m.power = random.IntN(40)
		for {
			scope := scopeOf(today(), fmt.Sprint(random.IntN(2)))
			slot, err := c.Take(scope, today(), 1<<20)
			if errors.Is(err, errPowerLoss) {
				break
			}
			if err != nil {
				return seen.twice, err
			}
			seen.add(fmt.Sprint(scope, slot))
		}
		m = m.afterPowerLoss(random)
	}
	return seen.twice, nil
}

func TestPowerLossNeverReusesASlot(t *testing.T) {
	for seed := range uint64(300) {
		twice, err := takeThroughPowerLosses(seed, func(*memory) {})
		if err != nil || twice != nil {
			t.Fatalf("seed %d: handed out twice: %v; error: %v", seed, twice, err)
		}
	}
}

// The same check must notice a disk that says "synced" and did not.
func TestPowerLossCheckCatchesMissingSync(t *testing.T) {
	for name, fault := range map[string]func(*memory){
		"file not synced":   func(m *memory) { m.ignoreFileSync = true },
		"folder not synced": func(m *memory) { m.ignoreFolderSync = true },
	} {
		caught := 0
		for seed := range uint64(300) {
			if twice, err := takeThroughPowerLosses(seed, fault); err != nil || twice != nil {
				caught++
			}
		}
		if caught == 0 {
			t.Errorf("%s: not noticed in 300 runs", name)
		}
	}
}

func TestFailingDiskGivesAnErrorAndKeepsTheState(t *testing.T) {
	diskFull := errors.New("no space left on device")
	for _, operation := range []string{"create", "write", "sync file", "rename", "sync folder"} {
		m := newMemory()
		if err := initialise(m, true, nil); err != nil {
			t.Fatal(err)
		}
		c, err := open(m, []Option{WithClock(clock)})
		if err != nil {
			t.Fatal(err)
		}
		scope := scopeOf(today(), "venue")
		mustTake(t, c, scope, today(), 100, 0)
		m.fail[operation] = diskFull
		if slot, err := c.Take(scope, today(), 100); !errors.Is(err, diskFull) {
			t.Fatalf("%s fails: slot %d, %v; want the disk's error", operation, slot, err)
		}
		clear(m.fail)
		if m.names[temporaryName] != nil {
			t.Errorf("%s fails: a temporary file is left", operation)
		}
		// Slot 1 may be lost, where the state was replaced; never 0 again.
		slot, err := c.Take(scope, today(), 100)
		if err != nil || slot < 1 || slot > 2 {
			t.Errorf("after %s failed: slot %d, %v; want 1 or 2", operation, slot, err)
		}
	}
}
