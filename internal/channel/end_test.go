package channel

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// requireEnd reads to the end, which has the reason.
func requireEnd(t testing.TB, c *Conn, reason error) {
	t.Helper()
	for range 2 { // it stays
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, reason) {
			t.Fatalf("read %d bytes and %v, expected %v", n, err, reason)
		}
	}
}

// requireDone waits until the channel is over, and checks why.
func requireDone(t testing.TB, c *Conn, reason error) {
	t.Helper()
	<-c.Done()
	if err := c.Err(); !errors.Is(err, reason) {
		t.Fatalf("done: %v, expected %v", err, reason)
	}
	if _, err := c.Export("test", nil, 32); !errors.Is(err, record.ErrWiped) {
		t.Fatalf("keys after the end: %v", err)
	}
	if n, err := c.Write([]byte("order")); n != 0 || !errors.Is(err, reason) {
		t.Fatalf("wrote %d bytes and %v, expected %v", n, err, reason)
	}
	if err := c.Close(); err != nil {
		t.Fatalf("closing what is over: %v", err)
	}
}

func TestClose(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		pair := newPair(t)
		near, far := pair[role], pair[record.Responder-role]
		if near.Err() != nil {
			t.Fatal("over before it began")
		}
		requireWrite(t, near, "last order")
		requireWrite(t, far, "unread")
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
		requireDone(t, near, net.ErrClosed)
		requireEnd(t, near, net.ErrClosed)
		for _, set := range []func(time.Time) error{near.SetDeadline, near.SetReadDeadline, near.SetWriteDeadline} {
			if err := set(time.Time{}); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("a deadline for what is closed: %v", err)
			}
		}
		requireRead(t, far, "last order")
		requireEnd(t, far, io.EOF)
		if err := far.Close(); err != nil {
			t.Fatal(err)
		}
		requireDone(t, far, net.ErrClosed)
	})
}

func TestCloseWrite(t *testing.T) {
	pair := newPair(t)
	for i, c := range pair {
		requireWrite(t, c, "last")
		for range 2 {
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Write([]byte("more")); !errors.Is(err, record.ErrClosed) {
			t.Fatalf("wrote after the close: %v", err)
		}
		requireRead(t, pair[1-i], "last")
		requireEnd(t, pair[1-i], io.EOF)
	}
	for _, c := range pair {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A stream that is cut off is never taken for one that ended, wherever the cut
// is, and what came before can be read.
func TestTruncation(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		near, far := net.Pipe()
		conn, peer := start(t, near, role), start(t, far, record.Responder-role)
		requireWrite(t, peer, "order")
		far.Close()
		requireRead(t, conn, "order")
		requireEnd(t, conn, record.ErrTruncated)
		requireDone(t, conn, record.ErrTruncated)
		peer.Close()
	})
}

func TestAbort(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		pair := newPair(t)
		requireWrite(t, pair[role], "order")
		if err := pair[role].Abort(record.AlertShutdown); err != nil {
			t.Fatal(err)
		}
		requireDone(t, pair[role], net.ErrClosed)
		requireRead(t, pair[record.Responder-role], "order")
		requireEnd(t, pair[record.Responder-role], record.AlertShutdown)
		requireDone(t, pair[record.Responder-role], record.AlertShutdown)
	})
}

// A channel ends when its time is up: by the timer, or at its next use if the
// timer stood still. The time can be moved and taken back.
func TestSetEnd(t *testing.T) {
	t.Run("timer", func(t *testing.T) {
		pair := newPair(t)
		requireWrite(t, pair[1], "order")
		pair[1].SetEnd(time.Now().Add(10*time.Millisecond), record.AlertExpired)
		requireDone(t, pair[1], record.AlertExpired)
		requireRead(t, pair[0], "order")
		requireEnd(t, pair[0], record.AlertExpired)
		requireDone(t, pair[0], record.AlertExpired)
		pair[1].SetEnd(time.Now(), record.AlertGeneration) // does nothing
		requireDone(t, pair[1], record.AlertExpired)
	})
	t.Run("use", func(t *testing.T) {
		c := &clock{}
		pair := newPair(t, withClock(c))
		pair[1].SetEnd(c.now().Add(time.Hour), record.AlertExpired)
		c.advance(time.Hour)
		if _, err := pair[1].Write([]byte("order")); !errors.Is(err, record.AlertExpired) {
			t.Fatalf("written after the end: %v", err)
		}
		requireEnd(t, pair[0], record.AlertExpired)
	})
	t.Run("arrival", func(t *testing.T) {
		c := &clock{}
		pair := newPair(t, withClock(c))
		pair[1].SetEnd(c.now().Add(time.Hour), record.AlertGeneration)
		c.advance(time.Hour)
		pair[0].Write([]byte("order")) // may get to see the alert already
		requireEnd(t, pair[0], record.AlertGeneration)
	})
	t.Run("moved", func(t *testing.T) {
		c := &clock{}
		pair := newPair(t, withClock(c))
		for range 2 {
			pair[1].SetEnd(c.now().Add(time.Hour), record.AlertExpired)
			pair[1].SetEnd(c.now().Add(2*time.Hour), record.AlertExpired)
			c.advance(time.Hour)
			requireWrite(t, pair[1], "order")
			requireRead(t, pair[0], "order")
		}
		pair[1].SetEnd(time.Time{}, 0)
		c.advance(2 * time.Hour)
		requireWrite(t, pair[1], "order")
		requireRead(t, pair[0], "order")
	})
}

// Until the initiator has shown that it has the keys, the responder neither
// writes nor gives out data; then it is asked once.
func TestConfirmed(t *testing.T) {
	for name, speak := range map[string]func(c *Conn) error{
		"write":   func(c *Conn) error { c.confirm.Stop(); _, err := io.WriteString(c, "order"); return err },
		"read":    func(c *Conn) error { c.confirm.Stop(); _, err := c.Read(make([]byte, 1)); return err },
		"nothing": func(*Conn) error { return nil },
		"close":   func(c *Conn) error { c.confirm.Stop(); return c.CloseWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			var asked int
			var answered bool
			pair := newPair(t, only(record.Responder, func(_ record.Role, _ *record.Config, c *Config) {
				c.Confirmed = func() error { asked++; time.Sleep(time.Millisecond); answered = true; return nil }
			}))
			spoken := make(chan error)
			go func() { spoken <- speak(pair[0]) }()
			if _, err := pair[1].Write([]byte("banner")); err != nil {
				t.Fatal(err)
			}
			<-pair[1].Confirmed()
			if asked != 1 || !answered {
				t.Fatal("written before the peer was confirmed")
			}
			if err := <-spoken; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A peer that is not confirmed gets an alert, and nothing that it sent is given
// out.
func TestNotConfirmed(t *testing.T) {
	spent := errors.New("this open was used before")
	for name, test := range map[string]struct {
		err   error
		alert record.Alert
	}{
		"plain": {spent, record.AlertInternal},
		"alert": {errors.Join(spent, record.AlertExpired), record.AlertExpired},
	} {
		t.Run(name, func(t *testing.T) {
			pair := newPair(t, only(record.Responder, func(_ record.Role, _ *record.Config, c *Config) {
				c.Confirmed = func() error { return test.err }
			}))
			go pair[0].Write([]byte("order"))
			requireEnd(t, pair[1], ErrConfirm)
			requireDone(t, pair[1], spent)
			requireEnd(t, pair[0], test.alert)
			select {
			case <-pair[1].Confirmed():
				t.Fatal("confirmed all the same")
			default:
			}
		})
	}
}

// A peer that does not read holds up Close no longer than the linger, and is cut
// off rather than told that all is well.
func TestCloseWithPeerThatDoesNotRead(t *testing.T) {
	near, far := net.Pipe()
	conn := start(t, near, record.Initiator, func(_ record.Role, _ *record.Config, c *Config) { c.Linger = 10 * time.Millisecond })
	if err := conn.Close(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("closed: %v", err)
	}
	requireDone(t, conn, net.ErrClosed)
	peer := start(t, far, record.Responder)
	requireEnd(t, peer, record.ErrTruncated)
}

// A connection below that knows no deadlines is closed when the linger is over.
func TestCloseWithoutDeadlines(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	conn := start(t, noDeadlines{near}, record.Initiator, func(_ record.Role, _ *record.Config, c *Config) { c.Linger = 10 * time.Millisecond })
	go conn.Write([]byte("order"))
	eventually(t, conn.spoken.Load)
	conn.Close()
	requireDone(t, conn, net.ErrClosed)
}

type noDeadlines struct{ net.Conn }

func (noDeadlines) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// Close interrupts a Write. What that says to have written arrives, and no more.
func TestCloseInterruptsWrite(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		pair := newPair(t)
		near, far := pair[role], pair[record.Responder-role]
		text := random(1 << 20)
		written := make(chan int)
		go func() {
			n, err := near.Write(text)
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("write: %v", err)
			}
			written <- n
		}()
		eventually(t, far.in.isFull)
		closed := make(chan error)
		go func() { closed <- near.Close() }()
		n := <-written
		got, err := io.ReadAll(far)
		if err != nil || !bytes.Equal(got, text[:n]) {
			t.Fatalf("%d bytes arrive of %d: %v", len(got), n, err)
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
	})
}

// A Write that runs into its deadline part way through a record harms nothing:
// what it has sealed arrives without any other call, and the next one goes on.
func TestWriteDeadlinePartWay(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		pair := newPair(t)
		near, far := pair[role], pair[record.Responder-role]
		text := random(1 << 20)
		n := 0
		for n < len(text) {
			near.SetWriteDeadline(time.Now().Add(5 * time.Millisecond))
			wrote, err := near.Write(text[n:])
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			before := n
			n += wrote
			got := make([]byte, n-before)
			if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, text[before:n]) {
				t.Fatalf("what was sealed does not arrive: %v", err)
			}
		}
		near.SetWriteDeadline(past)
		if n, err := near.Write([]byte("order")); n != 0 || err != os.ErrDeadlineExceeded {
			t.Fatalf("wrote %d bytes after the deadline: %v", n, err)
		}
	})
}

// However channels end, no goroutine is left.
func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	endings := []func(pair [2]*Conn){
		func(pair [2]*Conn) { pair[0].Close() },
		func(pair [2]*Conn) { pair[1].Close() },
		func(pair [2]*Conn) { pair[0].raw.Close() },
		func(pair [2]*Conn) { pair[1].Abort(record.AlertShutdown) },
		func(pair [2]*Conn) { pair[1].SetEnd(time.Now(), record.AlertExpired); <-pair[1].Done() },
		func(pair [2]*Conn) { pair[0].Ratchet(); pair[0].Close() },
		func(pair [2]*Conn) { pair[0].out.raw.Write([]byte("garbage")); <-pair[1].Done() },
		func(pair [2]*Conn) { pair[0].CloseWrite(); pair[1].CloseWrite() },
	}
	var all sync.WaitGroup
	for i := range 25 * len(endings) {
		pair := newPair(t)
		all.Go(func() {
			if _, err := io.WriteString(pair[0], "order"); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(pair[1], make([]byte, len("order"))); err != nil {
				t.Error(err)
			}
			endings[i%len(endings)](pair)
			closeAll(pair[:]...)
		})
	}
	all.Wait()
	eventually(t, func() bool { return runtime.NumGoroutine() <= before })
}

// The end comes behind the data, also where both arrive together and Read waits
// already.
func TestEndBehindData(t *testing.T) {
	for range 500 {
		raw, peer := net.Pipe()
		conn, s := newScript(t, record.Responder, raw, peer)
		wire := s.seal("order")
		wire = append(wire, s.close()...)
		go peer.Write(wire)
		requireRead(t, conn, "order")
		requireEnd(t, conn, io.EOF)
	}
}
