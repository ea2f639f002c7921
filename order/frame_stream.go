package order

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/zkkex/zkkex"
)

// Preamble is what a client sends first on a channel that carries framed messages:
// the protocol and its version. The venue sends none.
const Preamble = "zkkex/o1"

// frameHeader is the length of a frame's length: 4 bytes, big-endian.
const frameHeader = 4

// NewStream returns the venue's end of framed messages on a connection: after the
// client's [Preamble], each frame is preceded by its length. Reading returns an
// error wrapping [github.com/zkkex/zkkex.ErrUnsupported] for another version of the
// preamble.
func NewStream(conn net.Conn) Stream {
	return &venueStream{
		frameReader: frameReader{conn: conn, preamble: len(Preamble), parse: wireReader{interned: make(map[string]string)}},
		frameWriter: frameWriter{conn: conn},
	}
}

// NewClientStream returns the client's end of framed messages on a connection. The
// preamble goes with the first frames.
func NewClientStream(conn net.Conn) ClientStream {
	return &clientStream{
		frameReader: frameReader{conn: conn, parse: wireReader{interned: make(map[string]string)}},
		frameWriter: frameWriter{conn: conn, buffer: []byte(Preamble)},
	}
}

type venueStream struct {
	frameReader
	frameWriter
	// pending is an error that was met after frames that were returned first.
	pending error
}

func (s *venueStream) ReadRequests(dst []ClientFrame) ([]ClientFrame, error) {
	if err := s.pending; err != nil {
		s.pending = keepUnlessRequest(err)
		return dst, err
	}
	n := len(dst)
	for {
		body, err := s.next(len(dst) == n)
		if body == nil && err == nil {
			return dst, nil
		}
		var f ClientFrame
		if err == nil {
			f, err = s.clientFrame(body)
		}
		if err == nil {
			dst = append(dst, f)
			continue
		}
		if len(dst) > n {
			s.pending = err
			return dst, nil
		}
		s.pending = keepUnlessRequest(err)
		return dst, err
	}
}

// keepUnlessRequest returns the error that reading goes on to return.
func keepUnlessRequest(err error) error {
	if isRefusal(err) {
		return nil
	}
	return err
}

func (s *venueStream) clientFrame(body []byte) (ClientFrame, error) {
	s.parse.reset(body)
	return s.parse.clientFrame()
}

func (s *venueStream) WriteReports(frames []VenueFrame) error {
	return writeFrames(&s.frameWriter, frames, AppendVenueFrame)
}

type clientStream struct {
	frameReader
	frameWriter
	pending error
}

func (s *clientStream) ReadReports(dst []VenueFrame) ([]VenueFrame, error) {
	if s.pending != nil {
		return dst, s.pending
	}
	n := len(dst)
	for {
		body, err := s.next(len(dst) == n)
		if body == nil && err == nil {
			return dst, nil
		}
		var f VenueFrame
		if err == nil {
			s.parse.reset(body)
			f, err = s.parse.venueFrame()
		}
		if err == nil {
			dst = append(dst, f)
			continue
		}
		s.pending = err
		if len(dst) > n {
			return dst, nil
		}
		return dst, err
	}
}

func (s *clientStream) WriteRequests(frames []ClientFrame) error {
	return writeFrames(&s.frameWriter, frames, AppendClientFrame)
}

// reset begins with another frame.
func (r *wireReader) reset(b []byte) { r.b, r.err, r.fault = b, nil, nil }

// The buffers of a connection begin small, since most are idle, and grow to hold
// the longest frame.
const (
	firstBuffer = 4 << 10
	maxBuffer   = frameHeader + MaxFrame
)

// frameReader takes frames from a connection, as many as have come.
type frameReader struct {
	conn net.Conn
	// buffer[start:end] is what was read and not taken.
	buffer     []byte
	start, end int
	// full says that the last read filled the buffer.
	full bool
	// preamble is how many bytes of it are still to come.
	preamble int
	parse    wireReader
}

// next returns the next frame, without its length. If it has not come in whole, next
// reads on if wait is set, and returns nil otherwise. The frame is valid until the
// call of next that returns none.
func (r *frameReader) next(wait bool) ([]byte, error) {
	for {
		body, err := r.buffered()
		if body != nil || err != nil || !wait {
			return body, err
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// buffered returns the next frame if it is there.
func (r *frameReader) buffered() ([]byte, error) {
	got := r.buffer[r.start:r.end]
	if r.preamble > 0 {
		if len(got) < len(Preamble) {
			return nil, nil
		}
		if err := checkPreamble(string(got[:len(Preamble)])); err != nil {
			return nil, err
		}
		r.start += r.preamble
		r.preamble = 0
		return r.buffered()
	}
	if len(got) < frameHeader {
		return nil, nil
	}
	n := binary.BigEndian.Uint32(got)
	if n == 0 || n > MaxFrame {
		return nil, malformed("frame", "its length is %d, expected 1 to %d", n, MaxFrame)
	}
	if len(got) < frameHeader+int(n) {
		return nil, nil
	}
	r.start += frameHeader + int(n)
	return got[frameHeader : frameHeader+n : frameHeader+n], nil
}

func checkPreamble(got string) error {
	if got == Preamble {
		return nil
	}
	version := len(Preamble) - 1
	if got[:version] == Preamble[:version] {
		return fmt.Errorf("%w: version %q of order messages, expected %q: use a client of this venue's version", zkkex.ErrUnsupported, got[version:], Preamble[version:])
	}
	return malformed("preamble", "expected %q", Preamble)
}

// fill reads at least one byte, and as many as there are and fit.
func (r *frameReader) fill() error {
	r.room()
	n, err := r.conn.Read(r.buffer[r.end:])
	r.end += n
	r.full = r.end == len(r.buffer)
	if n > 0 {
		return nil // the error, if any, comes again
	}
	if err == nil {
		return io.ErrNoProgress
	}
	if errors.Is(err, io.EOF) && r.start != r.end {
		return malformed("frame", "%w: the connection ended within it", io.ErrUnexpectedEOF)
	}
	return err
}

// room moves what is left to the front of the buffer, which grows when a read
// filled it.
func (r *frameReader) room() {
	into := r.buffer
	switch {
	case into == nil:
		into = make([]byte, firstBuffer)
	case r.full && len(into) < maxBuffer:
		into = make([]byte, min(4*len(into), maxBuffer))
	}
	r.end = copy(into, r.buffer[r.start:r.end])
	r.start, r.buffer = 0, into
}

// frameWriter writes frames to a connection, together.
type frameWriter struct {
	conn net.Conn
	mu   sync.Mutex
	// buffer holds what is to be written: between calls, the client's preamble
	// until the first.
	buffer []byte
	err    error
}

// keepBuffer is the most that a writer keeps for the next frames.
const keepBuffer = 64 << 10

// writeFrames encodes all frames, and writes them at once. Nothing is written if one
// of them cannot be encoded.
func writeFrames[F any](w *frameWriter, frames []F, encode func([]byte, F) ([]byte, error)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || len(frames) == 0 {
		return w.err
	}
	before := len(w.buffer)
	for _, f := range frames {
		mark := len(w.buffer)
		b, err := encode(append(w.buffer, 0, 0, 0, 0), f)
		n := len(b) - mark - frameHeader
		if err == nil && n > MaxFrame {
			err = fmt.Errorf("a frame has %d bytes, expected at most %d", n, MaxFrame)
		}
		if err != nil {
			w.buffer = w.buffer[:before]
			return err
		}
		binary.BigEndian.PutUint32(b[mark:], uint32(n))
		w.buffer = b
	}
	_, w.err = w.conn.Write(w.buffer)
	w.buffer = w.buffer[:0]
	if cap(w.buffer) > keepBuffer {
		w.buffer = nil
	}
	return w.err
}

func (w *frameWriter) Close() error { return w.conn.Close() }
