package mirror

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/registry"
)

// syncEnv makes this test binary sync a folder from a URL with a key, say so,
// and end: the three are joined by spaces.
const syncEnv = "ZKKEX_TEST_SYNC"

func TestMain(m *testing.M) {
	if args := strings.Fields(os.Getenv(syncEnv)); len(args) == 3 {
		os.Exit(syncOnce(args[0], args[1], args[2]))
	}
	os.Exit(m.Run())
}

func syncOnce(dir, url, key string) int {
	m, err := Open(dir, Config{URL: url, VerifierKey: key, Now: func() time.Time { return testTime }})
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	fmt.Println("opened")
	if _, err := m.Sync(context.Background()); err != nil {
		fmt.Println("sync:", err)
		return 1
	}
	fmt.Println("synced")
	return 0
}

// TestInterruptedSync fails every request of a sync once, and goes on: what was
// fetched is not fetched again.
func TestInterruptedSync(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 1000)
	s := newTestServer(t, l)
	whole := mustMirror(t, t.TempDir(), s.config())
	mustSync(t, whole)
	requests := len(s.forget())

	for fail := 1; fail <= requests; fail++ {
		dir := t.TempDir()
		m := mustMirror(t, dir, s.config())
		var n atomic.Int32
		s.set(func() {
			s.intercept = func(w http.ResponseWriter, _ *http.Request) bool {
				if n.Add(1) < int32(fail) {
					return false
				}
				panic(http.ErrAbortHandler) // the connection breaks
			}
		})
		if _, err := m.Sync(t.Context()); err == nil {
			t.Fatal("no error though the connection broke")
		}
		s.set(func() { s.intercept = nil })
		first := entries(s.forget())
		first = slices.Compact(first) // package http asks twice where a used connection breaks
		if fail%2 == 0 {              // sometimes in a new process
			m = mustMirror(t, dir, s.config())
		}
		if m.Checkpoint() != nil {
			t.Fatal("an interrupted sync counts")
		}
		mustSync(t, m)
		checkAt(t, m, l)
		again := entries(s.forget())
		if done := max(0, len(first)-1); len(again) != 4-done {
			t.Fatalf("after %d of 4 bundles, fetched %q", done, again)
		}
	}
}

// TestKilledSync kills real processes in the middle of a sync, until one of them
// gets through.
func TestKilledSync(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 5000)
	s := newTestServer(t, l)
	s.set(func() {
		s.intercept = func(http.ResponseWriter, *http.Request) bool {
			time.Sleep(2 * time.Millisecond)
			return false
		}
	})
	dir := t.TempDir()
	kills := 0
	for {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), syncEnv+"="+strings.Join([]string{dir, s.URL, l.verifierKey}, " "))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() || lines.Text() != "opened" {
			t.Fatalf("after %d kills: %q", kills, lines.Text())
		}
		after := time.Duration(rand.IntN(30+10*kills)) * time.Millisecond
		kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		done := lines.Scan()
		kill.Stop()
		_ = cmd.Wait() // it was killed, or it is told by done
		if done {
			if lines.Text() != "synced" {
				t.Fatalf("after %d kills: %q", kills, lines.Text())
			}
			break
		}
		if kills++; kills > 200 {
			t.Fatal("no progress")
		}
	}
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Fatal("nothing was killed; raise the number of operations")
	}
	m := mustMirror(t, dir, s.config())
	checkAt(t, m, l)
}

// TestDamagedCopy damages the operations on disk in every way, and syncs again.
func TestDamagedCopy(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 600)
	s := newTestServer(t, l)
	original := t.TempDir()
	mustSync(t, mustMirror(t, original, s.config()))
	good, err := os.ReadFile(filepath.Join(original, "operations"))
	if err != nil {
		t.Fatal(err)
	}
	checkpoints, err := os.ReadFile(filepath.Join(original, "checkpoints"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		operations []byte
		whole      bool // the checkpoint's operations are all there
		fetched    int  // bundles to fetch again
	}{
		"missing":                 {nil, false, 3},
		"first line torn":         {good[:7], false, 3},
		"cut between operations":  {good[:offset(599)], false, 1},
		"cut within an operation": {good[:offset(300)+11], false, 2},
		"bit flipped":             {flip(append([]byte(nil), good...), int(8*offset(10)+100)), false, 1},
		"two operations swapped":  {swapped(good, 20, 21), false, 1},
		"torn tail":               {append(append([]byte(nil), good...), good[:100]...), true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, data := range map[string][]byte{"operations": test.operations, "checkpoints": checkpoints} {
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			m := mustMirror(t, dir, s.config())
			if whole := m.Checkpoint() != nil; whole != test.whole {
				t.Fatalf("usable: %v; want %v", whole, test.whole)
			}
			if _, _, err := m.Path(leaf(1)); !test.whole && (!errors.Is(err, ErrNotSynced) || !strings.Contains(err.Error(), "damaged")) {
				t.Fatalf("got %v; want ErrNotSynced that says what is damaged", err)
			}
			s.forget()
			if r := mustSync(t, m); r.Added != 0 {
				t.Fatalf("%d operations are new, but none is", r.Added)
			}
			if got := entries(s.forget()); len(got) != test.fetched {
				t.Fatalf("fetched %q; want %d bundles", got, test.fetched)
			}
			checkAt(t, m, l)
			checkAt(t, mustMirror(t, dir, s.config()), l)
		})
	}
	t.Run("another file", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "operations"), []byte("a letter to my mother"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, s.config()); err == nil || !strings.Contains(err.Error(), "zkkex/v1 operations") {
			t.Fatalf("got %v; want an error that says what was expected", err)
		}
	})
	t.Run("checkpoints", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "checkpoints"), checkpoints[:len(checkpoints)-9], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, s.config()); err == nil || !strings.Contains(err.Error(), "memory of the registry's checkpoints") {
			t.Fatalf("got %v; want an error that says what is damaged", err)
		}
	})
}

// swapped swaps two admissions' places in the log, which leaves the tree as it
// is.
func swapped(file []byte, a, b uint64) []byte {
	out := append([]byte(nil), file...)
	copy(out[offset(a):offset(a+1)], file[offset(b):])
	copy(out[offset(b):offset(b+1)], file[offset(a):])
	return out
}

// TestDiskErrors lets writes fail. The mirror stays as it was, and goes on when
// they work again.
func TestDiskErrors(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 300)
	before := l.first(t, 300)
	s := newTestServer(t, l)
	m := mustMirror(t, t.TempDir(), s.config())
	mustSync(t, m)
	l.admit(t, 300, 300)
	s.serve(t, l, testTime)

	writable := m.operations.f
	readOnly, err := os.Open(m.path("operations"))
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	m.operations.f = readOnly
	if _, err := m.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "operations") {
		t.Fatalf("operations cannot be written: %v; want an error that names the file", err)
	}
	m.operations.f = writable
	checkAt(t, m, before)

	// The name is taken by a folder, so the checkpoint cannot be saved.
	saved := m.path("checkpoints")
	if err := os.Rename(saved, saved+".away"); err != nil {
		t.Fatal(err)
	}
	m.saved = nil
	if err := os.MkdirAll(filepath.Join(saved, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "checkpoint") {
		t.Fatalf("checkpoint cannot be saved: %v; want an error that names the file", err)
	}
	if err := os.RemoveAll(saved); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(saved+".away", saved); err != nil {
		t.Fatal(err)
	}
	mustSync(t, m)
	checkAt(t, m, l)
	checkAt(t, mustMirror(t, m.dir, s.config()), l)
}

// TestConcurrentUse syncs, reads and grows at once, in two mirrors of one
// folder, as two processes would have it.
func TestConcurrentUse(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 100)
	s := newTestServer(t, l)
	dir := t.TempDir()
	mirrors := []*Mirror{mustMirror(t, dir, s.config()), mustMirror(t, dir, s.config())}
	mustSync(t, mirrors[0])
	mustSync(t, mirrors[1])

	var wg sync.WaitGroup
	stop := make(chan struct{})
	for _, m := range mirrors {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				path, c, err := m.Path(leaf(3))
				if err != nil {
					t.Error(err)
					return
				}
				if root, err := path.Root(leaf(3)); err != nil || root != c.Root {
					t.Errorf("path leads to %v (%v); want %v", root, err, c.Root)
					return
				}
				if _, err := m.Roots().Grace(time.Hour, registry.DefaultMaxAge).Accept(c.Sequence, c.Root, testTime); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	for round := range 6 {
		s.mu.Lock()
		grown := l.first(t, len(l.ops))
		s.mu.Unlock()
		grown.admit(t, grown.tree.Next(), 100)
		l = grown
		s.serve(t, l, testTime.Add(time.Duration(round)*time.Second))
		var syncs sync.WaitGroup
		for i := range 6 {
			syncs.Go(func() {
				if _, err := mirrors[i%2].Sync(t.Context()); err != nil {
					t.Errorf("sync: %v", err)
				}
			})
		}
		syncs.Wait()
	}
	close(stop)
	wg.Wait()
	for _, m := range mirrors {
		checkAt(t, m, l)
	}
}

func TestRun(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 3)
	s := newTestServer(t, l)
	m := mustMirror(t, t.TempDir(), s.config())
	ctx, cancel := context.WithCancel(t.Context())
	var reports []*Report
	err := m.Run(ctx, time.Second, func(r *Report, err error) {
		if err != nil {
			t.Error(err)
		}
		if reports = append(reports, r); len(reports) == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(reports) != 2 || reports[0].Added != 3 || reports[1].Added != 0 {
		t.Fatalf("%v, %d reports", err, len(reports))
	}
	low, high := time.Hour, time.Duration(0)
	for range 1000 {
		j := jitter(time.Minute)
		low, high = min(low, j), max(high, j)
	}
	if low < 30*time.Second || high > 90*time.Second || high-low < 50*time.Second {
		t.Fatalf("jitter from %v to %v; want half a minute to one and a half", low, high)
	}
	if j := jitter(-time.Hour); j < minInterval/2 {
		t.Fatalf("jitter of a negative interval is %v", j)
	}
}
