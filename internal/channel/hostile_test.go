package channel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/record"
)

// script is a peer that has the keys and keeps to no rule.
type script struct {
	t       testing.TB
	session *record.Session
	raw     net.Conn
	sent    []byte // the latest record
}

// newScript starts a channel whose peer is a script.
func newScript(t testing.TB, role record.Role, raw, peer net.Conn) (*Conn, *script) {
	t.Helper()
	session, _ := newSession(t, record.Responder-role)
	conn := start(t, raw, role)
	t.Cleanup(func() { peer.Close(); conn.Close() })
	return conn, &script{t: t, session: session, raw: peer}
}

func (s *script) seal(text string) []byte {
	s.t.Helper()
	sealed, err := s.session.Seal(nil, record.Application, []byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	return sealed
}

func (s *script) close() []byte {
	s.t.Helper()
	sealed, err := s.session.Close(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return sealed
}

// opens reads and opens what the channel sends, to its end, and returns the
// error that ends it.
func (s *script) opens() error {
	for {
		sealed := make([]byte, record.MaxRecord)
		if _, err := io.ReadFull(s.raw, sealed[:record.HeaderSize]); err != nil {
			return s.session.End()
		}
		n, err := record.BodySize(sealed)
		if err != nil {
			return err
		}
		if _, err := io.ReadFull(s.raw, sealed[record.HeaderSize:record.HeaderSize+n]); err != nil {
			return s.session.End()
		}
		if _, _, err := s.session.Open(nil, sealed[:record.HeaderSize+n]); err != nil {
			return err
		}
	}
}

// Whatever a peer sends that is not its next record ends the channel, with the
// one reason, behind what was good. The peer learns that a record was refused,
// and not why.
func TestHostilePeer(t *testing.T) {
	for name, test := range map[string]struct {
		bytes  func(s *script) []byte
		reason error
	}{
		"another type":      {func(s *script) []byte { b := s.seal("x"); b[0] = 23; return b }, record.ErrHeader},
		"too long":          {func(s *script) []byte { return []byte{1, 0xff, 0xff, 0, 0, 0, 0} }, record.ErrLength},
		"longer by one":     {func(s *script) []byte { return binary.BigEndian.AppendUint32([]byte{1, 0x40, 0x14}, 0) }, record.ErrLength},
		"too short":         {func(s *script) []byte { return []byte{1, 0, 18, 0, 0, 0, 0} }, record.ErrLength},
		"changed":           {func(s *script) []byte { b := s.seal("x"); b[len(b)-1] ^= 1; return b }, record.ErrAuthentication},
		"repeated":          {func(s *script) []byte { return s.sent }, record.ErrAuthentication},
		"dropped":           {func(s *script) []byte { s.seal("x"); return s.seal("y") }, record.ErrAuthentication},
		"reordered":         {func(s *script) []byte { x, y := s.seal("x"), s.seal("y"); return slices.Concat(y, x) }, record.ErrAuthentication},
		"phase to come":     {func(s *script) []byte { b := s.seal("x"); b[6] = 2; return b }, record.ErrPhase},
		"next phase":        {func(s *script) []byte { b := s.seal("x"); b[6] = 1; return b }, record.ErrAuthentication},
		"garbage":           {func(s *script) []byte { return append([]byte{1, 0, 100, 0, 0, 0, 0}, random(100)...) }, record.ErrAuthentication},
		"zeros":             {func(s *script) []byte { return make([]byte, 1000) }, record.ErrHeader},
		"after close":       {func(s *script) []byte { return slices.Concat(s.close(), s.badAfterClose()) }, io.EOF},
		"an alert":          {func(s *script) []byte { b, _ := s.session.Alert(nil, 200); return b }, record.Alert(200)},
		"an alert and more": {func(s *script) []byte { b, _ := s.session.Alert(nil, 200); return append(b, 1, 2, 3) }, record.Alert(200)},
	} {
		t.Run(name, func(t *testing.T) {
			roles(t, func(t *testing.T, role record.Role) {
				raw, peer := net.Pipe()
				conn, s := newScript(t, role, raw, peer)
				ended := make(chan error, 1)
				go func() { ended <- s.opens() }()
				s.sent = s.seal("order")
				s.raw.Write(slices.Concat(s.sent, test.bytes(s)))
				requireRead(t, conn, "order")
				requireEnd(t, conn, test.reason)
				if test.reason == io.EOF {
					requireDone(t, conn, record.ErrAuthentication)
				} else {
					requireDone(t, conn, test.reason)
				}
				var alert record.Alert
				if err := <-ended; errors.As(test.reason, &alert) {
					if !errors.Is(err, record.ErrTruncated) {
						t.Fatalf("an alert was answered: %v", err)
					}
				} else if !errors.Is(err, record.AlertRecord) {
					t.Fatalf("the peer gets to know %v", err)
				}
			})
		})
	}
}

// badAfterClose returns what is no record at all.
func (s *script) badAfterClose() []byte {
	return append([]byte{1, 0, 100, 0, 0, 0, 0}, random(100)...)
}

// A connection that ends after any number of bytes is cut off, and gives out
// nothing of a record that is not whole. One that only stalls there goes on.
func TestCutAndStallAtEveryByte(t *testing.T) {
	length := len("order") + record.Overhead
	for cut := range length + 1 {
		raw, peer := net.Pipe()
		conn, s := newScript(t, record.Responder, raw, peer)
		sealed := s.seal("order")
		if len(sealed) != length {
			t.Fatalf("a record of %d bytes", len(sealed))
		}
		s.raw.Write(sealed[:cut])
		if cut < length {
			conn.SetReadDeadline(time.Now().Add(100 * time.Microsecond))
			if n, err := conn.Read(make([]byte, 1)); n != 0 || err != os.ErrDeadlineExceeded {
				t.Fatalf("stalled at %d: read %d bytes and %v", cut, n, err)
			}
			conn.SetReadDeadline(time.Time{})
		}
		if cut%2 == 0 {
			s.raw.Write(sealed[cut:])
			requireRead(t, conn, "order")
		} else if cut == length {
			requireRead(t, conn, "order")
		}
		s.raw.Close()
		requireEnd(t, conn, record.ErrTruncated)
		requireDone(t, conn, record.ErrTruncated)
	}
}

// The system's half close and reset are no close of the channel.
func TestHalfCloseAndReset(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn) error{
		"half close": (*net.TCPConn).CloseWrite,
		"reset":      func(c *net.TCPConn) error { c.SetLinger(0); return c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			raw, peer := tcpPair(t)
			conn, s := newScript(t, record.Responder, raw, peer)
			s.raw.Write(s.seal("order"))
			requireRead(t, conn, "order")
			if err := end(peer.(*net.TCPConn)); err != nil {
				t.Fatal(err)
			}
			requireEnd(t, conn, record.ErrTruncated)
			requireDone(t, conn, record.ErrTruncated)
			if reset := errors.Is(conn.Err(), syscall.ECONNRESET); reset != (name == "reset") {
				t.Fatalf("%v", conn.Err())
			}
		})
	}
}

// A connection below that returns nothing, and no error, is given up.
func TestNoProgress(t *testing.T) {
	raw, peer := net.Pipe()
	defer peer.Close()
	conn := start(t, nothing{raw}, record.Responder)
	requireEnd(t, conn, io.ErrNoProgress)
	requireDone(t, conn, record.ErrTruncated)
}

type nothing struct{ net.Conn }

func (nothing) Read([]byte) (int, error) { return 0, nil }

// Bytes that came with the handshake's last message are the first records, in
// whatever pieces.
func TestBuffered(t *testing.T) {
	text := random(200 << 10)
	for _, split := range []int{0, 1, record.HeaderSize, 600, record.MaxRecord, 150 << 10} {
		raw, peer := net.Pipe()
		session, _ := newSession(t, record.Initiator)
		var wire []byte
		for rest := text; len(rest) > 0; rest = rest[min(len(rest), record.MaxPlaintext):] {
			var err error
			if wire, err = session.Seal(wire, record.Application, rest[:min(len(rest), record.MaxPlaintext)]); err != nil {
				t.Fatal(err)
			}
		}
		conn := start(t, raw, record.Responder, func(_ record.Role, _ *record.Config, c *Config) { c.Buffered = wire[:split] })
		go func() { peer.Write(wire[split:]); peer.Close() }()
		got := make([]byte, len(text))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("split at %d: %v", split, err)
		}
		requireEnd(t, conn, record.ErrTruncated)
	}
}

// Records of all lengths arrive whole, however the connection below cuts them.
func TestEveryPiece(t *testing.T) {
	for _, piece := range []int{1, 7, 511, 512, 513, 4000, sealedBlock} {
		raw, peer := net.Pipe()
		conn, s := newScript(t, record.Responder, raw, peer)
		var wire []byte
		text := random(40000)
		for rest, n := text, 0; len(rest) > 0; n = (n*5 + 1) % record.MaxPlaintext {
			size := min(n, len(rest))
			wire = append(wire, s.seal(string(rest[:size]))...)
			rest = rest[size:]
		}
		go func() {
			for chunk := range slices.Chunk(wire, piece) {
				peer.Write(chunk)
			}
			peer.Close()
		}()
		got := make([]byte, len(text))
		if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("pieces of %d: %v", piece, err)
		}
		requireEnd(t, conn, record.ErrTruncated)
	}
}

// What cannot be a configuration is refused.
func TestConfig(t *testing.T) {
	raw, peer := net.Pipe()
	defer raw.Close()
	defer peer.Close()
	session, _ := newSession(t, record.Initiator)
	for name, c := range map[string]Config{
		"no connection":   {Session: session},
		"no session":      {Raw: raw},
		"role":            {Raw: raw, Session: session, Role: 2},
		"negative linger": {Raw: raw, Session: session, Linger: -1},
	} {
		if conn, err := New(c); conn != nil || !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Bytes of a stranger's, behind a good record, give nothing but a typed error.
func FuzzHostilePeer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 19, 0, 0, 0, 0})
	f.Add([]byte{1, 0x40, 0x14, 0, 0, 0, 0})
	f.Add(make([]byte, 2000))
	f.Add(append([]byte{1, 0, 100, 0, 0, 0, 1}, make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, garbage []byte) {
		raw, peer := net.Pipe()
		conn, s := newScript(t, record.Responder, raw, peer)
		sealed := s.seal("order")
		go io.Copy(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{peer})
		go func() { peer.Write(slices.Concat(sealed, garbage)); peer.Close() }()
		got, err := io.ReadAll(conn)
		if string(got) != "order" {
			t.Fatalf("read %q", got)
		}
		for _, reason := range []error{zkkex.ErrMalformed, record.ErrAuthentication, record.ErrPhase, record.ErrTruncated} {
			if errors.Is(err, reason) {
				return
			}
		}
		t.Fatalf("untyped: %v", err)
	})
}
