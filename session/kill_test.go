package session_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/slots"
)

// The kill test runs this test binary again, as a process with a pool on the
// durable slot counter. It writes down what leaves it: each certificate that is
// admitted, and each that is taken, by nullifier and digest. The parent kills
// such processes at random moments.
const (
	childFolder = "ZKKEX_TEST_SESSION_FOLDER"
	childFaulty = "ZKKEX_TEST_SESSION_FAULTY"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := useCertificates(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// killClock begins in the middle of a day, so that the processes of one test are
// in one epoch.
func killClock() time.Time { return time.Unix(20000*86400+43200, 0).Add(time.Since(began)) }

var began = time.Now()

// useCertificates admits and takes certificates until it is killed.
func useCertificates(dir string) error {
	take, err := allocator(dir)
	if err != nil {
		return err
	}
	v := newVenue()
	p, err := session.NewPool(session.PoolConfig{
		Prover: slotProver{registry: v.registry, take: take}, Terms: v, Now: killClock, Size: 3,
		AdmitSpread: 20 * time.Microsecond,
		Admit:       func(_ context.Context, c *session.Certificate) error { writeDown(c); return nil },
	})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range 2 {
		go func() {
			for {
				time.Sleep(time.Duration(rand.IntN(10_000)) * time.Microsecond)
				c, err := p.Take(context.Background())
				if err != nil {
					failed <- err
					return
				}
				writeDown(c)
			}
		}()
	}
	return <-failed
}

func writeDown(c *session.Certificate) {
	os.Stdout.WriteString(fmt.Sprintln(c.Presentation().Statement.Nullifier, c.Digest()))
}

// allocator returns the durable counter of slots, or one that records them too
// late.
func allocator(dir string) (func(zkkex.Claim) (uint32, error), error) {
	if os.Getenv(childFaulty) != "" {
		return lateAllocator(dir), nil
	}
	counter, err := slots.Open(dir, slots.WithClock(killClock))
	if err != nil {
		return nil, err
	}
	return func(c zkkex.Claim) (uint32, error) { return counter.Take(c.Scope, c.Epoch, c.Limit) }, nil
}

func lateAllocator(dir string) func(zkkex.Claim) (uint32, error) {
	path := filepath.Join(dir, "counter")
	text, _ := os.ReadFile(path)
	next, _ := strconv.Atoi(string(text))
	return func(zkkex.Claim) (uint32, error) {
		slot := next
		next++
		if next%8 == 0 {
			return uint32(slot), os.WriteFile(path, []byte(strconv.Itoa(next)), 0o600)
		}
		return uint32(slot), nil
	}
}

// slotProver makes presentations with the nullifiers of the slots it takes.
type slotProver struct {
	registry *provertest.Registry
	take     func(zkkex.Claim) (uint32, error)
}

func (s slotProver) Prove(_ context.Context, c zkkex.Claim) (*zkkex.Presentation, error) {
	slot, err := s.take(c)
	if err != nil {
		return nil, err
	}
	nullifier := sha256.Sum256([]byte(fmt.Sprint("slot ", slot)))
	nullifier[0] = 0 // below the field's order
	return s.registry.Present(c, nullifier)
}

// ledger is what left the processes: the certificates of each nullifier.
type ledger struct {
	mu    sync.Mutex
	first map[string]string
	twice []string // another certificate of one
	again int      // the same certificate: admitted, then taken
}

func (l *ledger) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	nullifier, digest, _ := strings.Cut(line, " ")
	switch l.first[nullifier] {
	case "":
	case digest:
		l.again++
	default:
		l.twice = append(l.twice, line)
	}
	l.first[nullifier] = digest
}

// useThroughKills runs processes on one folder, one after the other, and kills
// each a random time after its first certificate left it.
func useThroughKills(t *testing.T, dir string, rounds int, environment ...string) *ledger {
	t.Helper()
	seen := &ledger{first: map[string]string{}}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range rounds {
		child := exec.Command(self)
		child.Env = append(append(os.Environ(), childFolder+"="+dir), environment...)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		for first := true; ; first = false {
			line, err := lines.ReadString('\n')
			if err != nil {
				break // the end, or a line cut off by the kill, which nobody got
			}
			seen.add(line)
			if first {
				time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { child.Process.Kill() })
			}
		}
		if err := child.Wait(); child.ProcessState.Exited() {
			t.Fatalf("the process ended by itself: %v", err)
		}
	}
	return seen
}

// No slot leaves in two certificates, whenever the processes are killed.
func TestKillNeverReusesASlot(t *testing.T) {
	rounds := 40
	if os.Getenv("ZKKEX_DEEP") != "" {
		rounds = 500
	}
	dir := filepath.Join(t.TempDir(), "slots")
	if err := slots.Init(dir, true, slots.WithClock(killClock)); err != nil {
		t.Fatal(err)
	}
	seen := useThroughKills(t, dir, rounds)
	if seen.twice != nil {
		t.Errorf("slots in two certificates: %q", seen.twice)
	}
	if len(seen.first) < rounds {
		t.Errorf("%d slots from %d processes, want at least one each", len(seen.first), rounds)
	}
	if seen.again == 0 {
		t.Error("no certificate was admitted and then taken")
	}
	t.Logf("%d slots from %d processes, all killed; %d certificates admitted, then taken", len(seen.first), rounds, seen.again)
}

// The same check must notice slots that are recorded too late.
func TestKillCheckCatchesLateRecords(t *testing.T) {
	if seen := useThroughKills(t, t.TempDir(), 20, childFaulty+"=1"); seen.twice == nil {
		t.Errorf("none of %d slots left in two certificates", len(seen.first))
	}
}

// What the durable counter says reaches the caller.
func TestNoSlotOfTheCounter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "slots")
	if err := slots.Init(dir, true, slots.WithClock(killClock)); err != nil {
		t.Fatal(err)
	}
	take, err := allocator(dir)
	if err != nil {
		t.Fatal(err)
	}
	v := newVenue()
	v.limit = 2
	p := open(t, session.PoolConfig{Prover: slotProver{registry: v.registry, take: take}, Terms: v, Now: killClock})
	for range v.limit {
		_, err = p.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = p.Take(t.Context())
	var exhausted *slots.ExhaustedError
	if !errors.Is(err, slots.ErrNoSlot) || !errors.As(err, &exhausted) {
		t.Fatalf("%v, want slots.ErrNoSlot", err)
	}
	var failed *session.MakeError
	if !errors.As(err, &failed) || !failed.Next.Equal(exhausted.Next) {
		t.Errorf("the next epoch begins at %v, the counter says %v", failed.Next, exhausted.Next)
	}
}
