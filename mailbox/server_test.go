package mailbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/mailbox"
)

// serve runs a server until the test ends.
func serve(t testing.TB, s *mailbox.Server) {
	t.Helper()
	s.Poll = time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
}

func wait(t testing.TB, m mailbox.Mailbox, id mailbox.ID) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := mailbox.Wait(ctx, m, id, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestServer(t *testing.T) {
	f, _ := openFolder(t, mailbox.FolderOptions{})
	var attempts, silent atomic.Int64
	early := post(t, f, "posted before")
	serve(t, &mailbox.Server{Store: f, Handle: func(_ context.Context, m []byte) ([]byte, error) {
		switch {
		case string(m) == "undecided" && attempts.Add(1) < 3:
			return nil, errors.New("the store is down")
		case string(m) == "silence":
			silent.Add(1)
			return nil, nil
		}
		return append([]byte("re: "), m...), nil
	}})
	quiet := post(t, f, "silence")
	for _, m := range []string{"one", "two", "undecided"} {
		if got := wait(t, f, post(t, f, m)); got != "re: "+m {
			t.Errorf("%s: %q", m, got)
		}
	}
	if got := wait(t, f, early); got != "re: posted before" {
		t.Errorf("got %q", got)
	}
	if _, err := f.Answer(t.Context(), quiet); !errors.Is(err, mailbox.ErrNoAnswer) || silent.Load() != 1 {
		t.Errorf("a message without an answer: %v, handled %d times", err, silent.Load())
	}
	requirePending(t, f)
}

// failingStore cannot keep answers for a while.
type failingStore struct {
	*mailbox.Folder
	failures atomic.Int64
}

func (s *failingStore) PutAnswer(ctx context.Context, id mailbox.ID, answer []byte) error {
	if s.failures.Add(-1) >= 0 {
		return &os.PathError{Op: "write", Path: "/mail/" + id.String(), Err: errors.New("no space left")}
	}
	return s.Folder.PutAnswer(ctx, id, answer)
}

// An answer that cannot be written is not made again: the message had its effect.
func TestAnswerIsKeptWhileTheDiskIsFull(t *testing.T) {
	f, _ := openFolder(t, mailbox.FolderOptions{})
	s := &failingStore{Folder: f}
	s.failures.Store(4)
	var handled atomic.Int64
	var log lockedBuffer
	serve(t, &mailbox.Server{Store: s, Log: slog.New(slog.NewTextHandler(&log, nil)), Handle: func(context.Context, []byte) ([]byte, error) {
		return fmt.Appendf(nil, "answer %d", handled.Add(1)), nil
	}})
	id := post(t, f, "m")
	if got := wait(t, f, id); got != "answer 1" || handled.Load() != 1 {
		t.Errorf("got %q after %d calls; want the first answer", got, handled.Load())
	}
	if text := log.String(); !strings.Contains(text, "write: no space left") || strings.Contains(text, id.String()) {
		t.Errorf("log: %s; want the reason without the identifier", text)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Two servers of one folder: one answers, the other waits its turn.
func TestOneServerAtATime(t *testing.T) {
	f, dir := openFolder(t, mailbox.FolderOptions{})
	var now, most atomic.Int64
	for range 2 {
		g, err := mailbox.OpenFolder(dir, mailbox.FolderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		serve(t, &mailbox.Server{Store: g, Handle: func(context.Context, []byte) ([]byte, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			return []byte("a"), nil
		}})
	}
	for range 20 {
		wait(t, f, post(t, f, "m"))
	}
	if most.Load() != 1 {
		t.Errorf("%d handlers at a time; want 1", most.Load())
	}
}

func TestIncompleteServer(t *testing.T) {
	if err := (&mailbox.Server{}).Serve(t.Context()); err == nil {
		t.Error("a server without a store serves")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	f, _ := openFolder(t, mailbox.FolderOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mailbox.Wait(ctx, f, mailbox.NewID(), time.Millisecond); !errors.Is(err, mailbox.ErrNoAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// serverEnv makes this test binary serve the folder that it names.
const serverEnv = "ZKKEX_TEST_MAILBOX"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serverEnv); dir != "" {
		f, err := mailbox.OpenFolder(dir, mailbox.FolderOptions{})
		if err != nil {
			panic(err)
		}
		// Each answer is another one, so that a second one would be seen.
		err = (&mailbox.Server{Store: f, Poll: time.Millisecond, Handle: func(_ context.Context, m []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%s answered by %s", m, mailbox.NewID()), nil
		}}).Serve(context.Background())
		panic(err)
	}
	os.Exit(m.Run())
}

// Servers are killed at random moments, again and again. No message stays
// without an answer, no answer is torn or changes, and nothing is left over.
func TestKilledServers(t *testing.T) {
	const messages, kills = 120, 25
	f, dir := openFolder(t, mailbox.FolderOptions{})
	var posted []mailbox.ID
	answers := make(map[mailbox.ID]string)
	look := func() {
		for i, id := range posted {
			answer, err := f.Answer(t.Context(), id)
			if errors.Is(err, mailbox.ErrNoAnswer) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			before, seen := answers[id]
			switch {
			case seen && before != string(answer):
				t.Fatalf("answer %d was %q and is %q", i, before, answer)
			case !strings.HasPrefix(string(answer), fmt.Sprintf("message %d answered by ", i)) || len(answer) != len(fmt.Sprintf("message %d answered by ", i))+32:
				t.Fatalf("answer %d is torn: %q", i, answer)
			}
			answers[id] = string(answer)
		}
	}
	start := func() *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^$")
		c.Env = append(os.Environ(), serverEnv+"="+dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for range kills {
		c := start()
		for range messages / kills {
			posted = append(posted, post(t, f, fmt.Sprintf("message %d", len(posted))))
		}
		for before := len(answers); len(answers) == before; {
			look() // it serves; the next moment it does not
		}
		_ = c.Process.Kill()
		_ = c.Wait()
		look()
	}
	c := start()
	for len(answers) < len(posted) {
		look()
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	requirePending(t, f)
	if entries := answersIn(t, dir); entries != len(posted) {
		t.Errorf("%d answers; want %d", entries, len(posted))
	}
	// What was being written when a server was killed ends with its time.
	later, err := mailbox.OpenFolder(dir, mailbox.FolderOptions{Now: func() time.Time { return time.Now().Add(3 * mailbox.DefaultTimeToLive) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := later.Sweep(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "answers")); err != nil || len(left) != 0 {
		t.Errorf("%d files left, %v", len(left), err)
	}
}

func answersIn(t *testing.T, dir string) (n int) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "answers"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := mailbox.ParseID(e.Name()); err == nil {
			n++
		}
	}
	return n
}
