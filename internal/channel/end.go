package channel

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// end is when, and why, a channel is over.
type end struct {
	mu     sync.Mutex
	begun  bool
	reason error
	at     time.Time // zero: no time was set
	alert  record.Alert
	timer  *time.Timer

	watchdog *time.Timer // closes the connection below, whatever it does
	quiet    [2]bool     // nothing more is sent; nothing more is read
	done     chan struct{}
}

const (
	nothingSent = iota
	nothingRead
)

// Done returns a channel that is closed once the connection below is closed and
// the keys are wiped: after Close, or when the channel has failed or ended. That
// takes until the peer has hung up as well, but not longer than Config.Linger.
func (c *Conn) Done() <-chan struct{} { return c.end.done }

// Err returns nil until Done is closed, then why: [net.ErrClosed] after Close,
// otherwise what Read and Write return.
func (c *Conn) Err() error {
	select {
	case <-c.end.done:
	default:
		return nil
	}
	c.end.mu.Lock()
	defer c.end.mu.Unlock()
	return c.end.reason
}

// Close ends the channel. The peer's Read returns [io.EOF] behind what was
// written, and what it sends is dropped. Close waits until the connection below
// has taken the last record, at most Config.Linger: after that the peer is cut
// off, and Close returns an error wrapping [os.ErrDeadlineExceeded]. It returns
// nil for a channel that is over. What is left to do goes on without the caller:
// see [Conn.Done].
func (c *Conn) Close() error { return c.endWith(c.session.Close) }

// Abort ends the channel with an alert: the peer's Read returns it behind what
// was written. It is Close otherwise.
func (c *Conn) Abort(a record.Alert) error { return c.endWith(c.sealAlert(a)) }

func (c *Conn) endWith(last lastRecord) error {
	first := c.stop(net.ErrClosed)
	c.in.close()
	if !first {
		return nil
	}
	if err := c.finish(last); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("channel: closing: the peer does not read, and was cut off: %w", err)
	}
	return nil
}

// SetEnd ends the channel at t with an alert to the peer; the error here wraps
// the alert as well. A later call moves it, and zero takes it back.
func (c *Conn) SetEnd(t time.Time, a record.Alert) {
	e := &c.end
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.begun {
		return
	}
	e.at, e.alert = t, a
	if e.timer != nil {
		e.timer.Stop()
	}
	if t.IsZero() {
		return
	}
	left := max(0, t.Sub(c.now()))
	if e.timer == nil {
		e.timer = time.AfterFunc(left, func() { c.checkEnd(c.now()); e.rearm(c.now()) })
		return
	}
	e.timer.Reset(left)
}

// checkEnd ends the channel if it is time. It is called when the timer says so,
// and whenever the channel is used: a timer stands still while a machine sleeps.
func (c *Conn) checkEnd(now time.Time) {
	if alert, over := c.end.over(now); over {
		c.failWith(fmt.Errorf("channel: %w: %w", record.ErrClosed, alert), alert)
	}
}

// over reports whether the channel's time is up.
func (e *end) over(now time.Time) (record.Alert, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.alert, !e.begun && !e.at.IsZero() && !now.Before(e.at)
}

// rearm waits on, after a timer that fired for an end that has moved.
func (e *end) rearm(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.begun && !e.at.IsZero() {
		e.timer.Reset(e.at.Sub(now))
	}
}

// failWith ends the channel because of err, with an alert to the peer.
func (c *Conn) failWith(err error, a record.Alert) { c.fail(err, c.sealAlert(a)) }

// fail ends the channel because of err. It does not wait: the reader never
// writes.
func (c *Conn) fail(err error, last lastRecord) {
	if c.stop(err) {
		go c.finish(last)
	}
}

// lastRecord appends what is sent last.
type lastRecord func(dst []byte) ([]byte, error)

func (c *Conn) sealAlert(a record.Alert) lastRecord {
	return func(dst []byte) ([]byte, error) { return c.session.Alert(dst, a) }
}

// stop makes everybody return err, and reports whether it was the first to.
// Whoever was, has to finish.
func (c *Conn) stop(err error) bool {
	e := &c.end
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.begun {
		return false
	}
	e.begun, e.reason = true, err
	for _, timer := range []*time.Timer{e.timer, c.confirm} {
		if timer != nil {
			timer.Stop()
		}
	}
	c.out.stop(err)
	c.in.stop(err)
	return true
}

// stop lets nobody seal any more, and interrupts who is sending.
func (o *output) stop(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.err = true, err // says more than an error of the connection below
	if o.turn != nobody {
		o.arm(past)
	}
	o.deadline.set(time.Time{})
	if o.retry != nil {
		o.retry.Stop()
	}
	o.wake.Broadcast()
}

// finish sends what is left and the last record, if there is one, and hangs up.
func (c *Conn) finish(last lastRecord) error {
	// For a connection below without deadlines, or a reader that is kept.
	c.end.watch(time.AfterFunc(2*c.linger, func() { c.raw.Close() }))
	err := c.sendLast(last)
	if err != nil || last == nil || !halfClose(c.raw) {
		c.raw.Close()
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(c.linger))
	c.leave(nothingSent)
	return err
}

func (e *end) watch(timer *time.Timer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchdog = timer
}

// halfClose tells the connection below that nothing more is sent, and reports
// whether that can be said. A system that is to close a connection while
// something arrives resets it, and then the peer loses what it has not read: so
// we read on until the peer hangs up as well, or the linger is over.
func halfClose(raw net.Conn) bool {
	c, can := raw.(interface{ CloseWrite() error })
	return can && c.CloseWrite() == nil
}

// leave notes that sending or reading is over. When both are, the connection
// below is closed and the keys are forgotten.
func (c *Conn) leave(which int) {
	if !c.end.both(which) {
		return
	}
	c.raw.Close()
	c.session.Wipe()
	close(c.end.done)
	if c.ended != nil {
		c.ended()
	}
}

// both notes that sending or reading is over, and reports whether both are.
func (e *end) both(which int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.quiet[which] = true
	if e.quiet != [2]bool{true, true} {
		return false
	}
	e.watchdog.Stop()
	return true
}

func (c *Conn) sendLast(last lastRecord) error {
	o := &c.out
	o.takeForFinisher(time.Now().Add(c.linger))
	defer o.release()
	defer o.discard()
	if last == nil {
		return nil
	}
	if err := o.flush(); err != nil {
		return err
	}
	pending, err := last(o.space())
	if err != nil {
		return nil // it was sent before, or keys are gone: nothing can be added
	}
	o.pending = pending
	return o.flush()
}

// discard lets go of what nobody will send.
func (o *output) discard() {
	if o.block != nil {
		o.block.giveBack()
	}
	o.block, o.pending = nil, nil
	o.drop(maxMessages)
}
