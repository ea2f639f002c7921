package fixedge

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/zkkex/zkkex/order/journal"
)

// Limits of what waits for a client.
const (
	// maxWaiting is the most bytes; above it, quickfix waits.
	maxWaiting = 1 << 20
	// writeTimeout is how long a client may not read before it is cut off.
	writeTimeout = 10 * time.Second
	// patience is how long messages wait for a journal that cannot be written.
	patience = 10 * time.Second
	// retry is the time between attempts to write it.
	retry = 100 * time.Millisecond
)

// outbox carries what quickfix sends to the client. While a batch is written to the
// journal, the next one gathers: that is the group commit.
type outbox struct {
	// flush writes to the journal whatever quickfix has saved, and sent is told what
	// has gone out.
	flush func() error
	sent  func([]byte)

	mu      sync.Mutex
	changed sync.Cond
	waiting []byte
	ended   bool
}

func newOutbox(flush func() error) *outbox {
	o := &outbox{flush: flush, sent: func([]byte) {}}
	o.changed.L = &o.mu
	return o
}

// fill reads from quickfix until it ends.
func (o *outbox) fill(from io.Reader) {
	defer o.end()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		o.put(b[:n])
		if err != nil {
			return
		}
	}
}

func (o *outbox) put(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting) > maxWaiting && !o.ended {
		o.changed.Wait()
	}
	o.waiting = append(o.waiting, b...)
	o.changed.Broadcast()
}

func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.changed.Broadcast()
}

// take returns all that waits, and false at the end.
func (o *outbox) take() ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.waiting) == 0 && !o.ended {
		o.changed.Wait()
	}
	b := o.waiting
	o.waiting = nil
	o.changed.Broadcast()
	return b, len(b) > 0
}

// drain writes to the client what the journal has, until quickfix ends. After an
// error, which it returns, it calls lost, and goes on to record what cannot be
// sent: the client asks for it when it is back.
func (o *outbox) drain(to net.Conn, lost func()) error {
	var failed error
	for {
		b, ok := o.take()
		if !ok {
			return failed
		}
		if failed != nil {
			_ = o.flush() // close tries again, and tells
			continue
		}
		if failed = o.send(to, b); failed != nil {
			lost()
			continue
		}
		o.sent(b)
	}
}

func (o *outbox) send(to net.Conn, b []byte) error {
	if err := o.record(); err != nil {
		return err
	}
	if err := to.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := to.Write(b)
	return err
}

// record writes to the journal, and tries for a while.
func (o *outbox) record() error {
	for end := time.Now().Add(patience); ; time.Sleep(retry) {
		err := o.flush()
		if err == nil || final(err) || time.Now().After(end) {
			return err
		}
	}
}

// final reports whether it is of no use to try again.
func final(err error) bool {
	return errors.Is(err, journal.ErrTakenOver) || errors.Is(err, journal.ErrEnded)
}
