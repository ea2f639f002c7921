package channel

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// input is the queue of plaintext between the reader and Read. The reader opens
// records into one block while Read empties another.
type input struct {
	mu       sync.Mutex
	readable sync.Cond // for Read
	room     sync.Cond // for the reader
	deadline deadline

	draining *opened // what Read reads
	filling  *opened // what comes next; nil while the reader has it
	lent     bool    // the reader has a block that is not queued yet
	err      error   // behind what is queued
	closed   bool    // by us: nothing is read any more
	dropping bool    // nothing more is queued

	duty duty
}

func (in *input) begin(raw net.Conn, linger time.Duration, apart func()) {
	in.readable.L, in.room.L = &in.mu, &in.mu
	in.deadline.wake = &in.readable
	in.duty.begin(raw, linger, apart)
}

// Read reads what the peer wrote. It returns [io.EOF] only behind the peer's
// authenticated close; otherwise an error wrapping [record.ErrTruncated], an
// [record.Alert] of the peer's, the reason for which a record was refused,
// [os.ErrDeadlineExceeded], or [net.ErrClosed] after Close.
func (c *Conn) Read(p []byte) (int, error) {
	if c.role == record.Initiator && !c.spoken.Load() {
		c.speak()
	}
	in := &c.in
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		switch {
		case in.closed:
			return 0, net.ErrClosed
		case in.deadline.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case in.advance():
			return in.take(p), nil
		case in.err != nil && (!in.lent || in.dropping):
			return 0, in.err
		case in.takeDuty():
			in.mu.Unlock()
			c.readHere()
			in.mu.Lock()
			continue
		}
		in.wait()
	}
}

// advance lets what was filled be drained, and reports whether there is anything
// to drain.
func (in *input) advance() bool {
	if in.draining == nil && in.filling != nil {
		in.draining, in.filling = in.filling, nil
		in.room.Signal()
	}
	return in.draining != nil
}

// take moves what there is, and fits, to p.
func (in *input) take(p []byte) (n int) {
	for n < len(p) && in.advance() {
		n += in.draining.read(p[n:])
		if in.draining.empty() {
			in.draining.giveBack()
			in.draining = nil
		}
	}
	return n
}

// lend gives the reader a block with room for a record. A block that it has
// already is queued first if it is full, or holds as much as Read should wait
// for. What is to be dropped gets a block as well.
func (in *input) lend(b *opened) *opened {
	if b != nil && b.end < record.MaxPlaintext && b.room() {
		return b
	}
	in.queue(b)
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.full() && in.draining != nil && !in.dropping {
		in.room.Wait()
	}
	if in.full() {
		in.advance()
	}
	in.lent = true
	if in.filling == nil || in.dropping {
		return borrowOpened()
	}
	b = in.filling
	in.filling = nil
	return b
}

// full reports whether the block that is being filled has no room for a record.
func (in *input) full() bool { return in.filling != nil && !in.filling.room() }

// takes reports whether the reader, which has b, can open another record. The
// goroutine of a Read, which cannot wait for itself to drain something, takes one
// block at a time.
func (b *opened) takes(here bool) bool {
	return !here || b == nil || b.end < record.MaxPlaintext && b.room()
}

// queue takes a block back, and wakes Read.
func (in *input) queue(b *opened) {
	if b == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lent = false
	in.readable.Broadcast()
	if in.dropping || b.empty() {
		b.giveBack()
		return
	}
	in.filling = b
}

// stop puts err behind what is queued, unless something is there already, and
// drops what arrives from now on.
func (in *input) stop(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
	}
	in.dropping = true
	in.readable.Broadcast()
	in.room.Broadcast()
	in.interrupt()
}

// finish puts [io.EOF] behind what is queued, unless something is there already.
func (in *input) finish() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = io.EOF
	}
	in.readable.Broadcast()
}

// close lets go of everything.
func (in *input) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed, in.dropping = true, true
	for _, b := range []**opened{&in.draining, &in.filling} {
		if *b != nil {
			(*b).giveBack()
			*b = nil
		}
	}
	in.deadline.set(time.Time{})
	in.room.Broadcast()
	in.interrupt()
}

// SetReadDeadline sets the time from which Read returns [os.ErrDeadlineExceeded];
// zero is never. It returns [net.ErrClosed] after Close.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	if c.in.closed {
		return net.ErrClosed
	}
	c.in.deadline.set(t)
	if !t.IsZero() {
		c.in.interrupt()
	}
	return nil
}
