package slots

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The kill test runs this test binary again, as a process that takes slots and
// writes each down on its standard output as soon as it has it. The parent
// kills such processes at random moments.
const (
	childFolder = "ZKKEX_TEST_SLOTS_FOLDER"
	childFaulty = "ZKKEX_TEST_SLOTS_FAULTY"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		os.Exit(m.Run())
	}
	take := correctAllocator
	if os.Getenv(childFaulty) != "" {
		take = faultyAllocator
	}
	if err := take(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// correctAllocator takes slots until it is killed.
func correctAllocator(dir string) error {
	c, err := Open(dir, WithClock(clock))
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range 3 {
		go func() {
			for {
				slot, err := c.Take(scopeOf(today(), "venue"), today(), 1<<31)
				if err != nil {
					failed <- err
					return
				}
				os.Stdout.WriteString(fmt.Sprintln(slot))
			}
		}()
	}
	return <-failed
}

// faultyAllocator hands slots out first, and records them a little later.
func faultyAllocator(dir string) error {
	path := filepath.Join(dir, "counter")
	text, _ := os.ReadFile(path)
	next, _ := strconv.Atoi(string(text))
	for ; ; next++ {
		os.Stdout.WriteString(fmt.Sprintln(next))
		if next%8 == 7 {
			if err := os.WriteFile(path, []byte(strconv.Itoa(next+1)), 0o600); err != nil {
				return err
			}
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// takeThroughKills runs processes on one folder and kills them, rounds times,
// and counts what they handed out.
func takeThroughKills(t *testing.T, dir string, rounds, processes int, environment ...string) *ledger {
	t.Helper()
	seen := newLedger()
	for range rounds {
		var wg sync.WaitGroup
		for range processes {
			wg.Go(func() {
				if err := runAndKill(dir, seen, environment); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	return seen
}

// runAndKill runs one process, and kills it a random time after its first slot.
func runAndKill(dir string, seen *ledger, environment []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self)
	child.Env = append(append(os.Environ(), childFolder+"="+dir), environment...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(out)
	for first := true; ; first = false {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // the end, or a line cut off by the kill, which nobody got
		}
		seen.add(line)
		if first {
			time.AfterFunc(time.Duration(rand.IntN(30_000))*time.Microsecond, func() { child.Process.Kill() })
		}
	}
	if err := child.Wait(); child.ProcessState.Exited() {
		return fmt.Errorf("the process ended by itself: %w", err)
	}
	return nil
}

// rounds is how often processes are killed; ZKKEX_DEEP=1 asks for more.
func rounds() int {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return 300
	}
	return 20
}

func TestKillNeverReusesASlot(t *testing.T) {
	const processes = 3
	dir := fresh(t)
	seen := takeThroughKills(t, dir, rounds(), processes)
	if seen.twice != nil {
		t.Errorf("handed out twice: %q", seen.twice)
	}
	if len(seen.times) < rounds()*processes {
		t.Errorf("%d slots in %d runs of %d processes; want at least one each", len(seen.times), rounds(), processes)
	}
	// What was handed out lies below what comes next.
	next, err := mustOpen(t, dir).Take(scopeOf(today(), "venue"), today(), 1<<31)
	if err != nil {
		t.Fatal(err)
	}
	for line := range seen.times {
		if slot, err := strconv.Atoi(line[:len(line)-1]); err != nil || slot >= int(next) {
			t.Errorf("slot %q was handed out, and the next is %d", line, next)
		}
	}
	t.Logf("%d slots from %d processes, all killed", len(seen.times), rounds()*processes)
}

// The same check must notice an allocator that returns before it records.
func TestKillCheckCatchesLateRecords(t *testing.T) {
	seen := takeThroughKills(t, t.TempDir(), 20, 1, childFaulty+"=1")
	if seen.twice == nil {
		t.Errorf("none of %d slots was handed out twice", len(seen.times))
	}
}
