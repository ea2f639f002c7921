package tunnel

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// burstSize is two records' content, so that sealing one and reading the
	// next overlap.
	burstSize = 32 << 10
	// waitSize is what a silent direction holds, and one of short messages.
	waitSize = 512
	// quiet is how long a direction must be silent until it returns its buffer.
	quiet = 2 * time.Second
)

var bursts = sync.Pool{New: func() any { return new([burstSize]byte) }}

// copyStream copies one direction, and ends it on dst when src has ended. It
// returns nil only if all that src sent was written, and its end too.
func copyStream(dst, src *side, count *atomic.Uint64) error {
	wait := make([]byte, waitSize)
	for {
		n, err := copyOnce(dst, src, wait, count)
		if err == nil && n == len(wait) { // there is likely more
			err = copyBurst(dst, src, count)
		}
		if err == io.EOF { // exactly: a wrapped one is not an end of stream
			if !src.trueEnd() {
				return errReset
			}
			return dst.end()
		}
		if err != nil {
			return err
		}
	}
}

// errReset reports a reset that was read as an end of file.
var errReset = fmt.Errorf("reading: %w", syscall.ECONNRESET)

// copyBurst copies with a large buffer from the pool until src is silent for a
// while. That costs one deadline per [quiet], not one per read.
func copyBurst(dst, src net.Conn, count *atomic.Uint64) error {
	burst := bursts.Get().(*[burstSize]byte)
	defer func() {
		clear(burst[:]) // the next connection is somebody else's
		bursts.Put(burst)
	}()
	for {
		if err := src.SetReadDeadline(time.Now().Add(quiet)); err != nil {
			return err
		}
		copied, err := copyUntilError(dst, src, burst[:], count)
		if !errors.Is(err, errQuiet) {
			return err
		}
		if !copied {
			return src.SetReadDeadline(time.Time{})
		}
	}
}

// copyUntilError reports whether anything was copied, and why no more is.
func copyUntilError(dst, src net.Conn, buf []byte, count *atomic.Uint64) (copied bool, err error) {
	for {
		n, err := copyOnce(dst, src, buf, count)
		copied = copied || n > 0
		if err != nil {
			return copied, err
		}
	}
}

// errQuiet reports a read that met its deadline, as no write's error is.
var errQuiet = errors.New("nothing to read")

// copyOnce does one read, and writes what it gave.
func copyOnce(dst, src net.Conn, buf []byte, count *atomic.Uint64) (int, error) {
	n, readErr := src.Read(buf)
	if n > 0 {
		written, err := dst.Write(buf[:n])
		count.Add(uint64(written))
		if err != nil {
			return n, &writeError{err}
		}
	}
	if errors.Is(readErr, os.ErrDeadlineExceeded) {
		readErr = errQuiet
	}
	return n, readErr
}

// writeError hides from [copyBurst] which error a write ended with: its end of
// file or deadline is none of the reader's.
type writeError struct{ err error }

func (e *writeError) Error() string { return "writing: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }
