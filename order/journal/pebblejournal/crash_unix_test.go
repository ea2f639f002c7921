//go:build unix

package pebblejournal_test

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
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
)

const (
	// recorderEnv makes this test binary record events and reports in the journal
	// it names, and print those that were acknowledged.
	recorderEnv = "ZKKEX_TEST_RECORDER"
	// limitEnv makes it do so while no file can grow, and then again.
	limitEnv = "ZKKEX_TEST_NO_ROOM"
)

// children are what this test binary does instead of its tests, by the variable
// that names the journal.
var children = map[string]func(path string) error{recorderEnv: recordAll, limitEnv: recordWithoutRoom}

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

const epoch = 20_000

var events = journaltest.Session(epoch, 0)

func text(kind string, n uint64) []byte { return fmt.Appendf(nil, "%s %d", kind, n) }

// batch returns the n-th event with a few others, each with an order that is open
// if its number is even.
func batch(first uint64) (entries []journal.Entry) {
	for n := first; n < first+1+first%7; n++ {
		entries = append(entries, journal.Entry{
			Session: events, Event: n, Report: text("event", n), SeqNo: n,
			Request: &journal.Request{ID: journaltest.ID(int(n))},
			Order:   journaltest.Order(events, int(n), int64(1-n%2)),
		})
	}
	return entries
}

// recordAll records events in one session, as a pump does, and reports without
// event in others, each in a goroutine of its own.
func recordAll(path string) error {
	const others = 3
	j, err := pebblejournal.Open(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	var wg sync.WaitGroup
	fail := func(err error) { fmt.Println("error", err) }
	wg.Go(func() {
		cursor, err := j.Cursor(ctx)
		for err == nil {
			entries := batch(cursor + 1)
			if _, _, err = j.Append(ctx, entries); err == nil {
				cursor += uint64(len(entries))
				fmt.Println("event", 0, cursor)
			}
		}
		fail(err)
	})
	for w := 1; w <= others; w++ {
		wg.Go(func() {
			id := journaltest.Session(epoch, w)
			n, err := j.LastReport(ctx, id)
			for err == nil {
				n++
				if _, _, err = j.Append(ctx, []journal.Entry{{Session: id, Report: text("report", n)}}); err == nil {
					fmt.Println("report", w, n)
				}
			}
			fail(err)
		})
	}
	wg.Wait()
	return errors.New("all ended")
}

// rounds is how many processes are killed.
func rounds() int {
	if os.Getenv("ZKKEX_DEEP") == "1" {
		return 2000
	}
	return 30
}

// TestKill kills a process at random moments while it opens the journal and records
// in it: nothing that it acknowledged is lost, and nothing is there in part.
func TestKill(t *testing.T) {
	path := t.TempDir()
	must(t, pebblejournal.Init(path))
	acknowledged := make(map[int]uint64)
	for round := range rounds() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), recorderEnv+"="+path)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		kill := func(within int) {
			time.AfterFunc(time.Duration(rand.IntN(within))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		if round%4 == 0 {
			kill(150) // perhaps while it opens the journal
		}
		lines := bufio.NewScanner(out)
		for first := true; lines.Scan(); first = false {
			if first {
				kill(60)
			}
			var kind string
			var session int
			var n uint64
			if _, err := fmt.Sscanf(lines.Text(), "%s %d %d", &kind, &session, &n); err != nil {
				t.Fatalf("round %d: %s", round, lines.Text())
			}
			if n <= acknowledged[session] {
				t.Fatalf("round %d: number %d of session %d was given again, after %d", round, n, session, acknowledged[session])
			}
			acknowledged[session] = n
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("round %d: the process ended before it was killed", round)
		}
	}
	if len(acknowledged) != 4 {
		t.Fatalf("acknowledged was only %v", acknowledged)
	}
	t.Logf("acknowledged: %v", acknowledged)
	j, err := pebblejournal.Open(path)
	must(t, err)
	defer j.Close()
	check(t, j, acknowledged)
}

// check expects all that was acknowledged, and nothing in part.
func check(t *testing.T, j *pebblejournal.Journal, acknowledged map[int]uint64) {
	t.Helper()
	ctx := context.Background()
	cursor, err := j.Cursor(ctx)
	must(t, err)
	if cursor < acknowledged[0] {
		t.Fatalf("the last event is %d, and %d was acknowledged", cursor, acknowledged[0])
	}
	checkReports(t, j, 0, "event", cursor)
	for session, n := range acknowledged {
		if session == 0 {
			continue
		}
		last, err := j.LastReport(ctx, journaltest.Session(epoch, session))
		must(t, err)
		if last < n {
			t.Fatalf("the last report of session %d is %d, and %d was acknowledged", session, last, n)
		}
		checkReports(t, j, session, "report", last)
	}
	requests := make(map[uint64]int)
	must(t, j.Requests(ctx, events, func(r journal.Request) error {
		requests[r.Report]++
		return nil
	}))
	open := uint64(0)
	must(t, j.OpenOrders(ctx, func(o *engine.Order) error {
		open++
		if want := 2 * open; o.Place != want {
			return fmt.Errorf("an open order has the place %d, want %d", o.Place, want)
		}
		return nil
	}))
	if uint64(len(requests)) != cursor || open != cursor/2 {
		t.Fatalf("%d requests and %d open orders of %d events", len(requests), open, cursor)
	}
	for n := cursor; n > 0 && n+10 > cursor; n-- {
		if got, err := j.Orders(ctx, journaltest.ID(int(n))); err != nil || len(got) != 1 {
			t.Fatalf("%d orders of event %d, %v", len(got), n, err)
		}
	}
	if a, err := j.Attach(ctx, events, "one", 0, false); err != nil || a.LastReport != cursor || a.NextSeqNo != cursor+1 {
		t.Fatalf("the session is %+v, %v", a, err)
	}
}

func checkReports(t *testing.T, j *pebblejournal.Journal, session int, kind string, last uint64) {
	t.Helper()
	for next := uint64(1); next <= last; {
		page, err := j.Reports(context.Background(), journaltest.Session(epoch, session), next, 10_000)
		must(t, err)
		if len(page) == 0 {
			t.Fatalf("report %d of %d is missing", next, last)
		}
		for _, r := range page {
			if r.Number != next || string(r.Report) != string(text(kind, next)) {
				t.Fatalf("report %d is number %d: %q", next, r.Number, r.Report)
			}
			next++
		}
	}
}

// TestDiskFull has a process in which no file can grow, as on a full disk: it says
// that it cannot record, and goes on by itself once there is room.
func TestDiskFull(t *testing.T) {
	path := t.TempDir()
	must(t, pebblejournal.Init(path))
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), limitEnv+"="+path)
	if out, err := child.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v: %s", err, out)
	}
	j, err := pebblejournal.Open(path)
	must(t, err)
	defer j.Close()
	check(t, j, map[int]uint64{0: 4 * fullRounds})
}

const fullRounds = 3

// recordWithoutRoom is the child of TestDiskFull: in a process of its own, because
// the limit holds for every file that the process writes.
func recordWithoutRoom(path string) error {
	ctx := context.Background()
	j, err := pebblejournal.Open(path)
	if err != nil {
		return err
	}
	for range fullRounds {
		if err := record(j); err != nil {
			return err
		}
		cursor, err := j.Cursor(ctx)
		if err != nil {
			return err
		}
		grow, err := noRoom()
		if err != nil {
			return err
		}
		for range 3 {
			if _, _, err := j.Append(ctx, batch(cursor+1)); !errors.Is(err, journal.ErrUnavailable) {
				return fmt.Errorf("recorded without room: %v, want %v", err, journal.ErrUnavailable)
			}
			if _, err := j.LastReport(ctx, events); !errors.Is(err, journal.ErrUnavailable) {
				return fmt.Errorf("read after that: %v, want %v", err, journal.ErrUnavailable)
			}
		}
		if err := pebblejournal.Init(filepath.Join(path, "new")); !errors.Is(err, syscall.EFBIG) {
			return fmt.Errorf("made: %v, want %v", err, syscall.EFBIG)
		}
		if err := os.RemoveAll(filepath.Join(path, "new")); err != nil {
			return err
		}
		if err := grow(); err != nil {
			return err
		}
		if err := record(j); err != nil {
			return err
		}
	}
	return j.Close()
}

// record records the next events, as soon as the journal can.
func record(j *pebblejournal.Journal) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		cursor, err := j.Cursor(ctx)
		if err == nil {
			_, _, err = j.Append(ctx, batch(cursor + 1)[:1])
		}
		if err == nil {
			_, _, err = j.Append(ctx, batch(cursor + 2)[:1])
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, journal.ErrUnavailable) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("it did not go on")
}

// noRoom keeps every file of the process from growing, until grow is called.
func noRoom() (grow func() error, err error) {
	signal.Ignore(syscall.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		return nil, err
	}
	none := before
	none.Cur = 0
	return func() error { return unix.Setrlimit(unix.RLIMIT_FSIZE, &before) }, unix.Setrlimit(unix.RLIMIT_FSIZE, &none)
}
