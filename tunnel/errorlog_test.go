package tunnel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/record"
)

func TestErrorLogRepeatsLessAndLess(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	l := newErrorLog(slog.New(slog.NewTextHandler(&out, nil)))
	l.now = func() time.Time { return now }
	const seconds = 3600
	for range seconds {
		l.kind("cut", io.ErrUnexpectedEOF)
		l.kind("cut", syscall.ECONNRESET)
		now = now.Add(time.Second)
	}
	lines := strings.Count(out.String(), "kind=truncated")
	// 1 + 2 + 4 + … seconds until a quarter of an hour, then every one.
	if lines < 10 || lines > 15 {
		t.Errorf("%d lines in an hour", lines)
	}
	if !strings.Contains(out.String(), "omitted=1\n") || !strings.Contains(out.String(), "omitted=899\n") {
		t.Errorf("the omitted are not counted: %s", out.String())
	}
	out.Reset()
	now = now.Add(lastInterval)
	l.kind("cut", io.ErrUnexpectedEOF)
	if strings.Count(out.String(), "\n") != 1 {
		t.Error("a kind that was not seen for long is not told at once")
	}
}

func TestErrorLogIsBounded(t *testing.T) {
	l := newErrorLog(nil)
	for i := range 10 * maxKinds {
		l.kind("no", zkkex.Reject(zkkex.Reason(fmt.Sprint(i)), ""))
	}
	if len(l.kinds) > maxKinds {
		t.Errorf("%d kinds remembered", len(l.kinds))
	}
}

func TestKinds(t *testing.T) {
	address := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4433}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{zkkex.Reject(zkkex.SlotUsed, "nullifier %x", 7), "rejected: slot_used"},
		{fmt.Errorf("reading: %w", record.AlertExpired), "the certificate's epoch is over"},
		{&net.DNSError{Name: "venue.example", Err: "no such host"}, "name not found"},
		{&net.OpError{Op: "read", Addr: address, Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "reset"},
		{context.DeadlineExceeded, "timeout"},
		{&writeError{io.ErrUnexpectedEOF}, "truncated"},
		{errors.New("venue.example 192.0.2.7"), "other"},
	} {
		if got := kindOf(tc.err); got != tc.want {
			t.Errorf("%v is %q; want %q", tc.err, got, tc.want)
		}
	}
}

// A failing write ends a stream, whatever it fails with: it must never be taken
// for silence or for the end of what was read.
func TestWriteErrorsAreErrors(t *testing.T) {
	for _, failure := range []error{os.ErrDeadlineExceeded, io.EOF} {
		a, b := net.Pipe()
		go func() { _, _ = b.Write([]byte("lost")) }()
		var counted counters
		err := copyStream(&side{Conn: failingWriter{failure}}, &side{Conn: a}, &counted.sent)
		if !errors.Is(err, failure) {
			t.Errorf("writing fails with %v: copyStream returned %v", failure, err)
		}
		_, _ = a.Close(), b.Close()
	}
}

// failingWriter is a connection that nothing can be written to.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error)        { return 0, w.err }
func (w failingWriter) Read([]byte) (int, error)         { return 0, w.err }
func (w failingWriter) Close() error                     { return nil }
func (w failingWriter) LocalAddr() net.Addr              { return nil }
func (w failingWriter) RemoteAddr() net.Addr             { return nil }
func (w failingWriter) SetDeadline(time.Time) error      { return nil }
func (w failingWriter) SetReadDeadline(time.Time) error  { return nil }
func (w failingWriter) SetWriteDeadline(time.Time) error { return nil }
