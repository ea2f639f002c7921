package channel

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// roles runs a test for each role.
func roles(t *testing.T, test func(t *testing.T, role record.Role)) {
	for _, role := range []record.Role{record.Initiator, record.Responder} {
		t.Run(role.String(), func(t *testing.T) { test(t, role) })
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// Both sides write more than the connection holds, at once, while both ask for a
// ratchet, and nobody reads: a reader that had to write would wait for a writer
// that waits for the other reader. All writes return, and the ratchets complete,
// before anything is read; then all of it is there.
func TestRatchetWhileBothWritersAreBlocked(t *testing.T) {
	const rounds, size = 5, 48 << 10 // a queue's worth
	c := &clock{}
	near, far := smallPipe(t)
	pair := startPair(t, near, far, withClock(c))
	for round := range uint64(rounds) {
		c.advance(2 * ratchetGap)
		var texts [2][]byte
		var all sync.WaitGroup
		for i, conn := range pair {
			texts[i] = random(size)
			all.Go(func() {
				if n, err := conn.Write(texts[i]); n != size || err != nil {
					t.Errorf("wrote %d bytes: %v", n, err)
				}
			})
			all.Go(conn.Ratchet)
		}
		all.Wait()
		eventually(t, generation(pair, round+1))
		for i, conn := range pair {
			requireRead(t, conn, string(texts[1-i]))
		}
	}
}

// One side looks at its pager: it does not read for longer than keys may be old,
// while the other's Write waits. Then both go on, with fresh keys, and nothing is
// lost.
func TestReaderAwayForLongerThanKeysLast(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		c := &clock{}
		pair := newPair(t, withClock(c))
		writes, reads := pair[role], pair[record.Responder-role]
		text := random(1 << 20)
		written := make(chan error)
		go func() {
			_, err := writes.Write(text)
			written <- err
		}()
		eventually(t, reads.in.isFull)
		c.advance(record.MaxStaleAge + time.Minute)
		got := make([]byte, len(text))
		if _, err := io.ReadFull(reads, got); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("what arrives is not what was written: %v", err)
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		eventually(t, generation(pair, 1)) // not all was sent under keys that were too old
		requireWrite(t, reads, "back")
		requireRead(t, writes, "back")
	})
}

// An idle channel does nothing, for however long, and then goes on.
func TestIdleForADay(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		c := &clock{}
		pair := newPair(t, withClock(c))
		for round := range 3 {
			requireWrite(t, pair[role], "order")
			requireRead(t, pair[record.Responder-role], "order")
			eventually(t, generation(pair, uint64(round)))
			if state := pair[role].RatchetState(); state.Generation != uint64(round) {
				t.Fatalf("generation %d in round %d", state.Generation, round)
			}
			c.advance(24 * time.Hour)
		}
	})
}

// Whoever has closed its own direction still answers the other's ratchets.
func TestRatchetAfterCloseWrite(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		c := &clock{}
		pair := newPair(t, withClock(c))
		closed, open := pair[role], pair[record.Responder-role]
		if err := closed.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := open.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("read: %v", err)
		}
		for range 3 {
			c.advance(record.MaxStaleAge + time.Second)
			requireWrite(t, open, "order")
			requireRead(t, closed, "order")
		}
		eventually(t, generation(pair, 3))
	})
}

// A ratchet asked for within a second of the last one comes all the same, though
// nobody uses the channel.
func TestRatchetWithinTheGap(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		t.Parallel()
		pair := newPair(t)
		pair[role].Ratchet()
		eventually(t, generation(pair, 1))
		pair[role].Ratchet()
		eventually(t, generation(pair, 2))
	})
}

// With keys that are too old and a peer that says nothing, Write keeps to its
// deadline, and Close to the linger.
func TestStaleWriteKeepsItsDeadline(t *testing.T) {
	roles(t, func(t *testing.T, role record.Role) {
		c := &clock{}
		near, far := net.Pipe()
		go io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{far})
		conn := start(t, near, role, withClock(c))
		c.advance(record.MaxStaleAge)
		conn.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		if n, err := conn.Write([]byte("order")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d bytes: %v", n, err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Messages arrive in order and between what was written before and after them,
// can be answered from where they arrive, and survive keys that are too old.
func TestMessages(t *testing.T) {
	c := &clock{}
	const rounds = 3
	got := [2]chan string{make(chan string, 1), make(chan string, 1)}
	answer := make(chan *Conn, 1)
	near, far := net.Pipe()
	receive := func(role record.Role, _ *record.Config, o *Config) {
		o.Message = func(b []byte) {
			got[role] <- string(b)
			if role == record.Responder {
				conn := <-answer
				if err := conn.Send(append([]byte("answer to "), b...)); err != nil {
					t.Error(err)
				}
				answer <- conn
			}
		}
	}
	pair := startPair(t, near, far, withClock(c), receive)
	answer <- pair[1]
	for round := range rounds {
		requireWrite(t, pair[0], "before")
		text := fmt.Sprint("certificate ", round)
		if err := pair[0].Send([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if m := <-got[1]; m != text {
			t.Fatalf("got %q", m)
		}
		if m := <-got[0]; m != "answer to "+text {
			t.Fatalf("got %q", m)
		}
		requireRead(t, pair[1], "before")
		c.advance(2 * record.MaxStaleAge)
	}
}

// A message without haste goes out before the next data, and by itself if there is
// none.
func TestMessageWithData(t *testing.T) {
	got := make(chan string, 1)
	near, far := net.Pipe()
	pair := startPair(t, near, far, func(_ record.Role, _ *record.Config, o *Config) {
		o.Message = func(b []byte) { got <- string(b) }
	})
	for range 3 {
		if err := pair[0].SendWithData([]byte("message")); err != nil {
			t.Fatal(err)
		}
		requireWrite(t, pair[0], "data")
		if m := <-got; m != "message" {
			t.Fatalf("got %q", m)
		}
		requireRead(t, pair[1], "data")
	}
	if err := pair[0].SendWithData([]byte("alone")); err != nil {
		t.Fatal(err)
	}
	if m := <-got; m != "alone" {
		t.Fatalf("got %q", m)
	}
}

// What cannot be sent is refused, not piled up.
func TestMessageBacklog(t *testing.T) {
	near, far := net.Pipe()
	conn := start(t, near, record.Initiator)
	defer conn.Close()
	defer far.Close()
	if err := conn.Send(make([]byte, record.MaxPlaintext+1)); !errors.Is(err, record.ErrLength) {
		t.Fatalf("too long a message: %v", err)
	}
	var err error
	for range 4 * maxMessages {
		if err = conn.Send([]byte("certificate")); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrBacklog) {
		t.Fatalf("sent to nobody: %v", err)
	}
}

// Both directions at once, through steps and ratchets that traffic itself brings
// about: all arrives, and nobody waits for long enough to notice.
func TestTrafficAcrossRatchets(t *testing.T) {
	const chunks = 400
	c := &clock{}
	near, far := smallPipe(t)
	pair := startPair(t, near, far, withClock(c), func(_ record.Role, s *record.Config, _ *Config) {
		s.Limits.Records = 10
	})
	text := random(chunks * 5000)
	// Traffic moves the clock, but must not be all that does: a ratchet that has to
	// wait for the gap would wait for a Write that waits for it.
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	go func() {
		for {
			select {
			case <-t.Context().Done():
				return
			case <-tick.C:
				c.advance(ratchetGap)
			}
		}
	}()
	var all sync.WaitGroup
	for _, conn := range pair {
		all.Go(func() {
			for chunk := range slices.Chunk(text, 5000) {
				if _, err := conn.Write(chunk); err != nil {
					t.Error(err)
					return
				}
				c.advance(time.Second)
			}
			if err := conn.CloseWrite(); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, text) {
				t.Errorf("%d bytes arrive of %d: %v", len(got), len(text), err)
			}
		})
	}
	all.Wait()
	if state := pair[0].RatchetState(); state.Generation < 2 {
		t.Fatalf("%+v", state)
	}
}
