package tunnel

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Silences of all lengths, between bursts and within them, lose nothing.
func TestSilenceIsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, src := net.Pipe()
		dst, to := net.Pipe()
		var want, got bytes.Buffer
		go func() {
			r := rand.New(rand.NewPCG(1, 2))
			for range 300 {
				piece := bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(3*waitSize))
				want.Write(piece)
				if _, err := from.Write(piece); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(r.Int64N(int64(3 * quiet))))
			}
			_ = from.Close()
		}()
		done := make(chan error, 1)
		var counted counters
		go func() { done <- copyStream(&side{Conn: dst}, &side{Conn: src}, &counted.sent) }()
		if _, err := io.Copy(&got, to); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) || counted.sent.Load() != uint64(want.Len()) {
			t.Errorf("%d bytes arrived, and %d were counted; want %d", got.Len(), counted.sent.Load(), want.Len())
		}
	})
}

// sizes notes how long the buffers are that a connection is read with.
type sizes struct {
	net.Conn
	last atomic.Int64
}

func (s *sizes) Read(b []byte) (int, error) {
	s.last.Store(int64(len(b)))
	return s.Conn.Read(b)
}

// A direction that is silent waits with a short buffer, and one that is not with
// a long one.
func TestSilentDirectionHoldsNoBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, pipe := net.Pipe()
		src := &sizes{Conn: pipe}
		dst, to := net.Pipe()
		var counted counters
		done := make(chan error, 1)
		go func() { done <- copyStream(&side{Conn: dst}, &side{Conn: src}, &counted.sent) }()
		go func() { _, _ = io.Copy(io.Discard, to) }()
		for range 3 {
			synctest.Wait()
			if src.last.Load() != waitSize {
				t.Errorf("waits with %d bytes; want %d", src.last.Load(), waitSize)
			}
			if _, err := from.Write(make([]byte, 1<<20)); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if src.last.Load() != burstSize {
				t.Errorf("goes on with %d bytes; want %d", src.last.Load(), burstSize)
			}
			time.Sleep(3 * quiet)
		}
		_ = from.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
