package channel

import (
	"crypto/sha256"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// clock is a clock that tests move.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_800_000_000, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// label returns 32 bytes that follow from a text.
func label(text string) []byte {
	sum := sha256.Sum256([]byte("zkkex channel test: " + text))
	return sum[:]
}

// option changes the configuration of one side, before it starts.
type option func(role record.Role, s *record.Config, c *Config)

// newSession returns one side of a channel without its connection.
func newSession(t testing.TB, role record.Role, options ...option) (*record.Session, Config) {
	t.Helper()
	s := record.Config{Suite: record.AES256GCM, Role: role, Transcript: label("transcript")}
	c := Config{Role: role}
	for _, o := range options {
		o(role, &s, &c)
	}
	session, err := record.New(s, label("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return session, c
}

// start starts one side over raw.
func start(t testing.TB, raw net.Conn, role record.Role, options ...option) *Conn {
	t.Helper()
	session, c := newSession(t, role, options...)
	c.Raw, c.Session = raw, session
	conn, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// newPair starts both sides over a connection in memory, by role.
func newPair(t testing.TB, options ...option) [2]*Conn {
	t.Helper()
	near, far := net.Pipe()
	return startPair(t, near, far, options...)
}

func startPair(t testing.TB, near, far net.Conn, options ...option) [2]*Conn {
	t.Helper()
	pair := [2]*Conn{start(t, near, record.Initiator, options...), start(t, far, record.Responder, options...)}
	t.Cleanup(func() { closeAll(pair[:]...) })
	return pair
}

// tcpPair returns a connection over the loopback interface.
func tcpPair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// closeAll closes at once: a side that closes drops what the others send.
func closeAll(conns ...*Conn) {
	var all sync.WaitGroup
	for _, c := range conns {
		all.Go(func() { c.Close() })
	}
	all.Wait()
}

// requireRead reads exactly want.
func requireRead(t testing.TB, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatalf("read %q, expected %q", got, want)
	}
}

func requireWrite(t testing.TB, w io.Writer, text string) {
	t.Helper()
	if n, err := io.WriteString(w, text); n != len(text) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(text), err)
	}
}

// withClock lets sessions and ends go by c.
func withClock(c *clock) option {
	return func(_ record.Role, s *record.Config, o *Config) { s.Now, o.Now = c.now, c.now }
}

// only applies an option to one role.
func only(role record.Role, o option) option {
	return func(r record.Role, s *record.Config, c *Config) {
		if r == role {
			o(r, s, c)
		}
	}
}

// smallPipe returns a connection in memory that holds a few KiB in each
// direction.
func smallPipe(t testing.TB) (near, far net.Conn) {
	t.Helper()
	near, left := net.Pipe()
	right, far := net.Pipe()
	carry := func(to, from net.Conn) {
		io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 4<<10))
		to.Close()
		from.Close()
	}
	go carry(left, right)
	go carry(right, left)
	return near, far
}

// eventually waits for a condition that others bring about. How long that takes
// is not judged: a test that waits in vain is stopped by the time limit of all.
func eventually(t testing.TB, condition func() bool) {
	t.Helper()
	for !condition() {
		select {
		case <-t.Context().Done():
			t.Fatal("stopped")
		case <-time.After(time.Millisecond):
		}
	}
}

// isFull reports whether the queue holds all it can.
func (in *input) isFull() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.full() && in.draining != nil
}

// generation reports whether both sides have completed n ratchets at least.
func generation(pair [2]*Conn, n uint64) func() bool {
	return func() bool {
		return pair[0].RatchetState().Generation >= n && pair[1].RatchetState().Generation >= n
	}
}
