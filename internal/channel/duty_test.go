package channel

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// reading returns a pair over TCP of which the second end is blocked in a Read that
// reads for itself, and what that Read comes to.
func reading(t *testing.T, options ...option) (pair [2]*Conn, read chan error) {
	t.Helper()
	near, far := tcpPair(t)
	pair = startPair(t, near, far, options...)
	read = make(chan error, 1)
	// The first record is for the goroutine that began to read.
	requireWrite(t, pair[0], "order")
	requireRead(t, pair[1], "order")
	blocked := make(chan struct{})
	go func() {
		var b [5]byte
		_, err := io.ReadFull(pair[1], b[:])
		if err == nil {
			close(blocked)
			_, err = pair[1].Read(b[:])
		}
		read <- err
	}()
	eventually(t, func() bool { return pair[1].in.waits() })
	requireWrite(t, pair[0], "order")
	<-blocked
	eventually(t, func() bool { return pair[1].in.readBy() == readsHere })
	return pair, read
}

func (in *input) readBy() whoReads {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.duty.who
}

// waits reports whether a Read waits for another reader, or is one.
func (in *input) waits() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.duty.waiting > 0 || in.duty.who == readsHere
}

// Whatever ends a channel or a wait ends a Read that reads for itself as well.
func TestReadHereEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(pair [2]*Conn)
		want error
	}{
		"close":        {func(pair [2]*Conn) { pair[1].Close() }, net.ErrClosed},
		"abort":        {func(pair [2]*Conn) { pair[1].Abort(record.AlertShutdown) }, net.ErrClosed},
		"their close":  {func(pair [2]*Conn) { pair[0].Close() }, io.EOF},
		"their alert":  {func(pair [2]*Conn) { pair[0].Abort(record.AlertShutdown) }, record.AlertShutdown},
		"its time":     {func(pair [2]*Conn) { pair[1].SetEnd(time.Now(), record.AlertExpired) }, record.AlertExpired},
		"a cut":        {func(pair [2]*Conn) { pair[0].raw.Close() }, record.ErrTruncated},
		"garbage":      {func(pair [2]*Conn) { pair[0].raw.Write(bytes.Repeat([]byte{9}, 64)) }, nil},
		"a deadline":   {func(pair [2]*Conn) { pair[1].SetReadDeadline(time.Now().Add(time.Millisecond)) }, os.ErrDeadlineExceeded},
		"one too late": {func(pair [2]*Conn) { pair[1].SetDeadline(past) }, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, read := reading(t)
			c.end(pair)
			if err := <-read; err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("read: %v, expected %v", err, c.want)
			}
			closeAll(pair[:]...)
			<-pair[1].Done()
		})
	}
}

// A deadline that is taken back leaves a channel that goes on.
func TestReadHereAfterADeadline(t *testing.T) {
	pair, read := reading(t)
	for range 3 {
		pair[1].SetReadDeadline(time.Now())
		if err := <-read; err != os.ErrDeadlineExceeded {
			t.Fatal(err)
		}
		pair[1].SetReadDeadline(time.Time{})
		requireWrite(t, pair[0], "order")
		requireRead(t, pair[1], "order")
		go func() {
			_, err := pair[1].Read(make([]byte, 1))
			read <- err
		}()
	}
	pair[1].Close()
	if err := <-read; err != net.ErrClosed {
		t.Fatal(err)
	}
}

// Ratchets and ends are seen though the application that read for itself has
// stopped to read.
func TestReadHereNoMore(t *testing.T) {
	c := &clock{}
	pair, read := reading(t, withClock(c))
	requireWrite(t, pair[0], "order")
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.advance(record.MaxStaleAge + time.Second)
		requireWrite(t, pair[0], "order") // waits for a ratchet, which the other end has to read
	}
	eventually(t, generation(pair, 3))
	pair[0].Abort(record.AlertShutdown)
	<-pair[1].Done()
}

// More than fits in a block, in records of all sizes, comes in order to a Read that
// reads for itself.
func TestReadHereInPieces(t *testing.T) {
	pair, read := reading(t)
	text := random(2 << 20)
	go func() {
		for rest, n := text, 1; len(rest) > 0; n = n*7%16_001 + 1 {
			n := min(n, len(rest))
			if _, err := pair[0].Write(rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
		pair[0].CloseWrite()
	}()
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(pair[1]) // the Read before has taken some
	if err != nil || !bytes.HasSuffix(text, got) || len(text)-len(got) > 5 {
		t.Fatalf("%d bytes arrive of %d: %v", len(got), len(text), err)
	}
}

// However channels end whose Reads read for themselves, no goroutine is left.
func TestReadHereLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 40 {
		pair, read := reading(t)
		switch i % 4 {
		case 0:
			go pair[0].Close()
			pair[1].Close()
		case 1:
			go pair[1].SetReadDeadline(time.Now())
			pair[1].Close()
		case 2:
			pair[0].raw.Close()
		case 3:
			go pair[1].SetReadDeadline(time.Now())
			pair[0].Abort(record.AlertShutdown)
		}
		if err := <-read; err == nil {
			t.Fatal("something was read")
		}
		closeAll(pair[:]...)
	}
	eventually(t, func() bool { return runtime.NumGoroutine() <= before })
}
