//go:build unix

package admission_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/internal/filelock"
)

const (
	// admitterEnv makes this test binary admit and open certificates in the
	// store it names, and print those for which it was told yes.
	admitterEnv = "ZKKEX_TEST_ADMITTER"
	// roundEnv numbers such children, each with keys of its own.
	roundEnv = "ZKKEX_TEST_ADMITTER_ROUND"
	// limitEnv makes it do so while no file can grow.
	limitEnv = "ZKKEX_TEST_NO_ROOM"
)

// children are what this test binary does instead of its tests, by the variable
// that names the store.
var children = map[string]func(path string) error{admitterEnv: admitAll, limitEnv: admitWithoutRoom}

func TestMain(m *testing.M) {
	for env, child := range children {
		if path := os.Getenv(env); path != "" {
			if err := child(path); err != nil {
				fmt.Println("error", err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// keyOf is the key that a round's child admits under a nullifier.
func keyOf(n, round int) int { return n*1000 + round }

func admitAll(path string) error {
	const workers = 8
	round, err := strconv.Atoi(os.Getenv(roundEnv))
	if err != nil {
		return err
	}
	d, err := admission.OpenDir(path)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := w; ; n += workers {
				if err := admitOne(d, n, round); err != nil {
					fmt.Println("error", err)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.New("all workers ended")
}

// admitOne admits the n-th nullifier with this round's key, and opens it.
func admitOne(d *admission.Dir, n, round int) error {
	ctx := context.Background()
	r, err := admissiontest.NewRecord(testEpoch, n, keyOf(n, round))
	if err != nil {
		return err
	}
	var taken *admission.TakenError
	if _, _, err = d.Admit(ctx, r); err == nil {
		fmt.Println("admitted", n)
	} else if !errors.As(err, &taken) {
		return err
	}
	s, err := r.Shard()
	if err != nil {
		return err
	}
	var spent *admission.SpentError
	if err := d.Spend(ctx, s, r.Statement.Nullifier, 0, true); err == nil {
		fmt.Println("opened", n)
	} else if !errors.As(err, &spent) {
		return err
	}
	return nil
}

// acknowledged is what children were told yes for.
type acknowledged struct {
	admitted map[int]int // the round, by nullifier
	opened   map[int]bool
}

func (a *acknowledged) take(t *testing.T, line string, round int) {
	t.Helper()
	var what string
	var n int
	if _, err := fmt.Sscanf(line, "%s %d", &what, &n); err != nil {
		t.Fatalf("round %d: %s", round, line)
	}
	switch what {
	case "admitted":
		if first, ok := a.admitted[n]; ok {
			t.Fatalf("round %d: nullifier %d was admitted with another key in round %d", round, n, first)
		}
		a.admitted[n] = round
	case "opened":
		if a.opened[n] {
			t.Fatalf("round %d: nullifier %d was opened a second time", round, n)
		}
		a.opened[n] = true
	default:
		t.Fatalf("round %d: %s", round, line)
	}
}

// TestKill kills a process at random moments while it opens the store, admits,
// and opens certificates: nothing that it acknowledged is lost, and no slot is
// used twice.
func TestKill(t *testing.T) {
	const rounds = 40
	path := t.TempDir()
	must(t, admission.Init(path))
	a := &acknowledged{admitted: make(map[int]int), opened: make(map[int]bool)}
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), admitterEnv+"="+path, fmt.Sprintf("%s=%d", roundEnv, round))
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		kill := func(within int) {
			time.AfterFunc(time.Duration(rand.IntN(within))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		if round%4 == 0 {
			kill(150) // perhaps while it opens the store
		}
		lines := bufio.NewScanner(out)
		for first := true; lines.Scan(); first = false {
			if first {
				kill(60)
			}
			a.take(t, lines.Text(), round)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("round %d: the process ended before it was killed", round)
		}
	}
	if len(a.admitted) == 0 || len(a.opened) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	t.Logf("%d admitted and %d opened in %d rounds", len(a.admitted), len(a.opened), rounds)
	a.check(t, openDir(t, path))
}

// check expects that all that was acknowledged stands.
func (a *acknowledged) check(t *testing.T, d *admission.Dir) {
	t.Helper()
	ctx := context.Background()
	for n, round := range a.admitted {
		want := admissiontest.Record(t, testEpoch, n, keyOf(n, round))
		got, err := d.ByNullifier(ctx, shard(t, want), want.Statement.Nullifier)
		if err != nil || got == nil || *got != *want {
			t.Fatalf("nullifier %d was admitted in round %d, and now: %+v, %v", n, round, got, err)
		}
		if got, err := d.ByKey(ctx, shard(t, want), want.Key); err != nil || got == nil || *got != *want {
			t.Fatalf("nullifier %d was admitted in round %d, and by its key: %+v, %v", n, round, got, err)
		}
	}
	for n := range a.opened {
		r := admissiontest.Record(t, testEpoch, n, 0)
		var spent *admission.SpentError
		if err := d.Spend(ctx, shard(t, r), r.Statement.Nullifier, 0, true); !errors.As(err, &spent) {
			t.Fatalf("nullifier %d was opened, and now: %v", n, err)
		}
	}
}

// TestDiskFull has a process in which no file can grow, as on a full disk. It
// admits nothing and says so; later the same slots are free.
func TestDiskFull(t *testing.T) {
	path := t.TempDir()
	must(t, admission.Init(path))
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), limitEnv+"="+path)
	if out, err := child.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	d := openDir(t, path)
	if n := forgotten(t, d, 1); n != 0 {
		t.Error("the one from before is forgotten")
	}
	fill(t, d, 1, 2)
}

// admitWithoutRoom is the child of TestDiskFull: in a process of its own, because
// the limit holds for every file that the process writes.
func admitWithoutRoom(path string) error {
	ctx := context.Background()
	d, err := admission.OpenDir(path)
	if err != nil {
		return err
	}
	record := func(n int) *admission.Record {
		r, recordErr := admissiontest.NewRecord(testEpoch, n, n)
		err = errors.Join(err, recordErr)
		return r
	}
	before, after := record(0), record(1)
	if err != nil {
		return err
	}
	if _, _, err := d.Admit(ctx, before); err != nil {
		return err
	}
	if err := noRoom(); err != nil {
		return err
	}
	s, err := after.Shard()
	if err != nil {
		return err
	}
	_, _, admitted := d.Admit(ctx, after)
	_, again := d.ByKey(ctx, s, before.Key)
	for name, err := range map[string]error{
		"admitted": admitted, "looked up": again,
		"opened": d.Spend(ctx, s, after.Statement.Nullifier, 0, true),
	} {
		if !errors.Is(err, admission.ErrBroken) || !errors.Is(err, syscall.EFBIG) {
			return fmt.Errorf("%s: %v, want %v for the cause %v", name, err, admission.ErrBroken, syscall.EFBIG)
		}
	}
	if _, err := admission.OpenDir(filepath.Join(path, "none")); !errors.Is(err, admission.ErrMissing) {
		return err
	}
	if err := admission.Init(filepath.Join(path, "new")); !errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("made: %v, want %v", err, syscall.EFBIG)
	}
	// Whatever closing it says, it lets go of the store.
	_ = d.Close()
	if _, err := admission.OpenDir(path); err == nil || errors.Is(err, filelock.ErrLocked) {
		return fmt.Errorf("opened again without room: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(path, "new", "db*")); err != nil || len(left) > 0 {
		return fmt.Errorf("left half-made: %v, %v", left, err)
	}
	return nil
}

// noRoom keeps every file of the process from growing.
func noRoom() error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = 0
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
}
