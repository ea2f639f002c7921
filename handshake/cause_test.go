package handshake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
)

// No address, and nothing that a peer said, is in what is logged of an error.
func TestCauseIsInOurWords(t *testing.T) {
	const private = "192.0.2.77"
	for _, c := range []struct {
		err  error
		want string
	}{
		{zkkex.Reject(zkkex.SlotUsed, "certificate %s", private), "slot_used"},
		{fmt.Errorf("handshake: %w: %s", ErrRate, private), "too many from one address"},
		{malformed(payloadFormat, ErrPayload, "it says %s", private), "wrong payload"},
		{fmt.Errorf("%w: %w", ErrUnavailable, errors.New(private)), "undecided"},
		{ErrTimeout, "not in time"},
		{fmt.Errorf("%s: %w", private, io.EOF), "peer hung up"},
		{&net.OpError{Op: "read", Err: errors.New(private)}, "connection or channel failed"},
		{alertOf(AlertRecord), "connection or channel failed"},
	} {
		if got := cause(c.err); got != c.want {
			t.Errorf("%v: logged as %q, expected %q", c.err, got, c.want)
		}
	}
}

func alertOf(a Alert) error { return fmt.Errorf("the peer: %w", a) }

// A listener logs one line of each handshake that fails, and no address in it.
func TestLogNamesNobody(t *testing.T) {
	var log journal
	s := listen(t, newScene(t), func(c *ServerConfig) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, message := range [][]byte{{0, 1, 1, 1}, {0, 200, 1, 1}, nil, bytes.Repeat([]byte{1}, 2000)} {
		raw, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		raw.Write(message)
		raw.(*net.TCPConn).CloseWrite()
		io.ReadAll(raw)
		raw.Close()
	}
	i, err := NewInitiator(s.venue(plainSuite), s.certificate(t), InitiatorOptions{Kind: Open})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Client(t.Context(), raw, i, nil); !isReason(err, NotAdmitted) {
		t.Fatal(err)
	}
	s.listener.Close() // waits for the lines
	lines := strings.TrimSpace(log.String())
	if n := strings.Count(lines, "\n") + 1; n != 5 || !strings.Contains(lines, "cause=not_admitted") {
		t.Errorf("%d lines, expected 5, one of them for the refusal:\n%s", n, lines)
	}
	if strings.Contains(lines, "127.0.0.1") || strings.Contains(lines, "bytes") {
		t.Errorf("the log names a peer, or says what it said:\n%s", lines)
	}
}

// journal is a log that several write to.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}
