package channel

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// turn says who may seal, and write to the connection below: one at a time.
type turn uint8

const (
	nobody   turn = iota
	writer        // Write or CloseWrite: has the caller's deadline
	driver        // has no deadline
	finisher      // has the linger's
)

// output is what Write, the driver and the end of the channel share.
type output struct {
	raw  net.Conn
	mu   sync.Mutex
	wake sync.Cond

	turn     turn
	eager    bool // the driver waits: it goes first
	writing  bool // a Write is under way, with or without the turn
	allowed  bool // the peer is confirmed
	deadline deadline
	armed    time.Time // raw's deadline
	err      error     // nothing of the caller's is sent any more
	ended    bool      // nothing at all, but the last record
	controls uint64    // how often the driver has sent something

	messages [][]byte    // to be sent by the driver
	driving  bool        // the driver runs,
	again    bool        // and has to look again
	retry    *time.Timer // when a ratchet had to wait for the gap
	left     bool        // something is sealed and not sent

	stale  uint64 // controls when a Write found stale keys; Write's
	queued bool   // messages waited when it took the turn; Write's

	// Of whoever has the turn:
	block   *sealed
	pending []byte // sealed and not sent; in the block
}

func (o *output) begin(raw net.Conn, allowed bool) {
	o.raw, o.allowed = raw, allowed
	o.wake.L, o.deadline.wake = &o.mu, &o.wake
}

// allow lets Write go on: the peer is confirmed.
func (o *output) allow() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.allowed = true
	o.wake.Broadcast()
}

// refuse lets nothing of the caller's be sent any more.
func (o *output) refuse(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.wake.Broadcast()
}

// enter begins a Write, of which there is one at a time.
func (o *output) enter() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.await(func() bool { return o.allowed && !o.writing }); err != nil {
		return err
	}
	o.writing = true
	return nil
}

// await waits for a condition, for the deadline, or for the end. The mutex is
// the caller's.
func (o *output) await(condition func() bool) error {
	for {
		switch {
		case o.err != nil:
			return o.err
		case o.deadline.passed:
			return os.ErrDeadlineExceeded
		case condition():
			return nil
		}
		o.wake.Wait()
	}
}

func (o *output) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writing = false
	o.wake.Broadcast()
}

// takeForWriter waits for the turn, behind the driver.
func (o *output) takeForWriter() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.await(func() bool { return o.turn == nobody && !o.eager }); err != nil {
		return err
	}
	o.turn, o.queued = writer, len(o.messages) > 0
	o.arm(o.deadline.at)
	return nil
}

// takeForDriver waits for the turn. It reports false if the channel has ended.
func (o *output) takeForDriver() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.eager = true
	for o.turn != nobody && !o.ended {
		o.wake.Wait()
	}
	o.eager = false
	if o.ended {
		return false
	}
	o.turn = driver
	o.arm(time.Time{})
	return true
}

// takeForFinisher waits for the turn, which nobody takes once the channel has
// ended.
func (o *output) takeForFinisher(t time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.turn != nobody {
		o.wake.Wait()
	}
	o.turn = finisher
	o.arm(t)
}

// release gives the turn back.
func (o *output) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.turn == driver {
		o.controls++
	}
	o.turn, o.left = nobody, len(o.pending) > 0
	o.wake.Broadcast()
}

// arm sets the deadline of the connection below, if it is another one.
func (o *output) arm(t time.Time) {
	if !t.Equal(o.armed) {
		_ = o.raw.SetWriteDeadline(t) // without deadlines below, a write takes as long as it takes
		o.armed = t
	}
}

// space returns where to append records behind what is pending.
func (o *output) space() []byte {
	if o.block == nil {
		o.block = borrowSealed()
		o.pending = o.block[:0]
	}
	return o.pending
}

// flush sends what is pending. What an error leaves is sent by the next flush.
func (o *output) flush() error {
	for len(o.pending) > 0 {
		n, err := o.raw.Write(o.pending)
		o.pending = o.pending[max(0, min(n, len(o.pending))):]
		if err != nil {
			return err
		}
		if n <= 0 {
			return io.ErrNoProgress
		}
	}
	if o.block != nil {
		o.block.giveBack()
		o.block = nil
	}
	o.pending = nil
	return nil
}

// SetWriteDeadline sets the time from which Write returns
// [os.ErrDeadlineExceeded]; zero is never. What was sealed before is sent all the
// same. It returns [net.ErrClosed] after Close.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return net.ErrClosed
	}
	o.deadline.set(t)
	if o.turn == writer {
		o.arm(t)
	}
	return nil
}
