package registrar

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/registry"
)

// TestKill kills a process that admits and revokes members, at random moments,
// and checks that everything it acknowledged is there. ZKKEX_DEEP=1 kills it
// 400 times.
func TestKill(t *testing.T) {
	kills := 40
	if deep() {
		kills = 400
	}
	dir, r := newRegistrar(t)
	mustClose(t, r)
	var acks []acked
	torn := 0
	for range kills {
		acks = append(acks, runAndKill(t, dir, "admit")...)
		r, err := Open(dir)
		if err != nil {
			t.Fatalf("after %d acknowledged operations: %v", len(acks), err)
		}
		if r.Report().TornBytes > 0 {
			torn++
		}
		checkpoint(t, r, time.Now())
		if err := checkAcked(r, acks); err != nil {
			t.Fatal(err)
		}
		mustClose(t, r)
	}
	if len(acks) < kills {
		t.Fatalf("only %d operations were acknowledged in %d runs; the test shows nothing", len(acks), kills)
	}
	t.Logf("%d kills, %d acknowledged operations, %d torn tails", kills, len(acks), torn)
}

// TestKillFindsEarlyAcknowledgement kills a process that acknowledges before it
// writes. The check must notice, or TestKill shows nothing.
func TestKillFindsEarlyAcknowledgement(t *testing.T) {
	dir, r := newRegistrar(t)
	mustClose(t, r)
	var acks []acked
	for range 40 {
		acks = append(acks, runAndKill(t, dir, "admit-early")...)
		r, err := Open(dir)
		if err != nil {
			return // a checkpoint covers records that were never written
		}
		checkpoint(t, r, time.Now())
		err = checkAcked(r, acks)
		mustClose(t, r)
		if err != nil {
			return
		}
	}
	t.Fatalf("%d operations were acknowledged before they were written, and the check noticed nothing", len(acks))
}

// runAndKill runs a child until it is killed at a random moment, and returns
// what it acknowledged.
func runAndKill(t *testing.T, dir, part string) (acks []acked) {
	t.Helper()
	killed(t, dir, part, func(line string) error {
		var a acked
		_, err := fmt.Sscanf(line, "%d %d %d %d\n", &a.kind, &a.candidate, &a.index, &a.sequence)
		acks = append(acks, a)
		return err
	})
	return acks
}

// killed runs a child until it is killed at a random moment, and has take read the
// lines that it wrote.
func killed(t *testing.T, dir, part string, take func(line string) error) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+part, childDirEnv+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	timer := time.AfterFunc(time.Duration(rand.Int64N(int64(40*time.Millisecond))), func() {
		_ = child.Process.Kill() // it cannot have ended by itself
	})
	defer timer.Stop()
	if err := wholeLines(lines, take); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
}

// admitForever is the child: several callers admit members and revoke some, and
// one signs checkpoints.
func admitForever(dir string, openFile func(string) (file, error)) int {
	r, err := open(dir, openFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("open")
	var next atomic.Uint64
	next.Store(1000 * (r.Sequence() + 1)) // never a candidate of an earlier run
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for admitAndRevoke(r, next.Add(1)) {
			}
		})
	}
	wg.Go(func() {
		for {
			if _, err := r.Checkpoint(context.Background(), time.Now(), nil); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
		}
	})
	wg.Wait()
	return 1
}

func admitAndRevoke(r *Registrar, n uint64) bool {
	req := admission(fakeCandidate(n))
	r.submit(time.Now(), req)
	if req.err != nil {
		fmt.Fprintln(os.Stderr, req.err)
		return false
	}
	acknowledge(registry.Admit, n, req.result)
	if n%3 != 0 {
		return true
	}
	receipt, err := r.RevokeIndex(req.result.Operation.Index, time.Now())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return false
	}
	acknowledge(registry.Revoke, n, receipt)
	return true
}

// acknowledge writes one line in one call, which a pipe takes whole.
func acknowledge(kind registry.OperationKind, n uint64, receipt Receipt) {
	line := fmt.Sprintf("%d %d %d %d\n", kind, n, receipt.Operation.Index, receipt.Sequence)
	_, _ = os.Stdout.WriteString(line) // without the reader, nothing was acknowledged
}

// lazyFile is a journal file that writes some milliseconds late: whoever
// believes it acknowledges before writing. Reads see what is not written yet.
type lazyFile struct {
	file
	mu      sync.Mutex
	pending map[int64][]byte
}

func openLazyFile(path string) (file, error) {
	f, err := openFile(path)
	return &lazyFile{file: f, pending: make(map[int64][]byte)}, err
}

func (f *lazyFile) WriteAt(b []byte, at int64) (int, error) {
	late := append([]byte(nil), b...)
	f.mu.Lock()
	f.pending[at] = late
	f.mu.Unlock()
	time.AfterFunc(20*time.Millisecond, func() { _, _ = f.file.WriteAt(late, at) })
	return len(b), nil
}

func (f *lazyFile) ReadAt(b []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.file.ReadAt(b, at)
	for start, late := range f.pending {
		if start <= at && at+int64(len(b)) <= start+int64(len(late)) {
			return copy(b, late[at-start:]), nil
		}
	}
	return n, err
}

func (f *lazyFile) Sync() error { return nil }
