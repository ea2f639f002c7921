//go:build unix

package tunnel

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

func tcpPair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = dialed.Close(), accepted.Close() })
	return dialed.(*net.TCPConn), accepted.(*net.TCPConn)
}

// The system tells a write of the reset, and the read after it of an end.
func TestResetReadAsEndIsNone(t *testing.T) {
	near, far := tcpPair(t)
	_ = far.SetLinger(0)
	_ = far.Close()
	var err error
	for err == nil {
		_, err = near.Write([]byte("x"))
	}
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Logf("this system says %v, and needs no second look", err)
	}
	var counted counters
	dst, _ := tcpPair(t)
	if err := copyStream(&side{Conn: dst}, &side{Conn: near}, &counted.sent); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("copyStream: %v; want a reset", err)
	}
}

func TestTrueEnds(t *testing.T) {
	for _, ended := range []bool{false, true} {
		near, far := tcpPair(t)
		s := &side{Conn: near}
		if ended {
			if err := s.end(); err != nil {
				t.Fatal(err)
			}
			if _, err := far.Read(make([]byte, 1)); err != io.EOF {
				t.Fatal(err)
			}
		}
		_ = far.CloseWrite()
		if _, err := near.Read(make([]byte, 1)); err != io.EOF {
			t.Fatal(err)
		}
		if !s.trueEnd() {
			t.Errorf("our direction ended %v: the peer's end is taken for a reset", ended)
		}
	}
}
