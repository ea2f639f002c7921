package channel

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

// Send queues a message about the channel itself, of 1 to
// [record.MaxPlaintext] bytes, for the peer's Config.Message. It does not wait:
// it may be called from there. It goes out before what is written after it. It returns an error wrapping [record.ErrLength],
// [ErrBacklog], or the reason for which nothing is sent any more. What is queued
// when CloseWrite or Close is called may be lost.
func (c *Conn) Send(message []byte) error {
	return c.queue(message, func(o *output) {
		o.eager = true // ahead of what is written from now on
		o.driveLater(c)
	})
}

// SendWithData is Send for a message without haste: it goes out together with what
// is written next and before it, or by itself soon.
func (c *Conn) SendWithData(message []byte) error {
	return c.queue(message, func(*output) { time.AfterFunc(confirmAfter, c.drive) })
}

// queue queues a message, and has it sent.
func (c *Conn) queue(message []byte, send func(*output)) error {
	if len(message) > record.MaxPlaintext {
		return fmt.Errorf("channel: %w: a message has at most %d bytes, got %d", record.ErrLength, record.MaxPlaintext, len(message))
	}
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return o.err
	case len(o.messages) == maxMessages:
		return fmt.Errorf("channel: %w: %d", ErrBacklog, maxMessages)
	}
	o.messages = append(o.messages, bytes.Clone(message))
	c.spoken.Store(true)
	send(o)
	return nil
}

// nudge drives the ratchet now, and again when the gap between two has passed.
// It is called after each event that can make a ratchet due.
func (c *Conn) nudge() {
	c.drive()
	c.retryLater()
}

// retryLater drives after the gap that has to lie between two ratchets.
func (c *Conn) retryLater() {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ended:
	case o.retry == nil:
		o.retry = time.AfterFunc(ratchetGap, c.drive)
	default:
		o.retry.Reset(ratchetGap)
	}
}

// drive makes sure that the driver looks at what there is to do.
func (c *Conn) drive() {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.out.driveLater(c)
}

// driveLater is drive for those who have the mutex.
func (o *output) driveLater(c *Conn) {
	switch {
	case o.ended:
	case o.driving:
		o.again = true
	default:
		o.driving = true
		go c.runDriver()
	}
}

// runDriver works until there is nothing more that can be done now.
func (c *Conn) runDriver() {
	for c.step() || c.out.lookAgain() {
	}
}

// lookAgain reports whether the driver was asked for while it worked. Otherwise
// it has ended.
func (o *output) lookAgain() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.driving = o.again && !o.ended
	o.again = false
	return o.driving
}

// step does one piece of the driver's work, and reports whether it did any.
func (c *Conn) step() bool {
	ratchets := c.ratchets()
	if ratchets && c.session.NeedsPrepare() {
		if err := c.session.Prepare(); err != nil {
			c.failWith(fmt.Errorf("channel: %w", err), record.AlertRecord)
			return false
		}
		return true
	}
	if !c.out.waiting() && !(ratchets && c.session.NeedsControl()) {
		return false
	}
	if !c.out.takeForDriver() {
		return false
	}
	defer c.out.release()
	return c.sendControl(ratchets)
}

// ratchets reports whether either side can still write.
func (c *Conn) ratchets() bool {
	sent, received := c.session.Closed()
	return !sent || !received
}

// waiting reports whether there is anything to send but ratchets.
func (o *output) waiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err == nil && (o.left || len(o.messages) > 0)
}

// sendControl sends what is left, ratchets, and messages, and reports whether it
// got anywhere. The turn is the driver's.
func (c *Conn) sendControl(ratchets bool) bool {
	o := &c.out
	sent := len(o.pending) > 0
	if err := o.flush(); err != nil {
		_ = c.unsent(err) // whoever writes next gets to see it
		return false
	}
	if err := c.sealControl(ratchets); err != nil {
		_ = c.unsealed(err)
		return false
	}
	sent = sent || len(o.pending) > 0
	if err := o.flush(); err != nil {
		_ = c.unsent(err)
		return false
	}
	return sent || c.session.Due(c.now())
}

// sealControl seals what the driver has to send.
func (c *Conn) sealControl(ratchets bool) (err error) {
	o := &c.out
	if ratchets {
		if o.pending, err = c.session.Control(o.space()); err != nil {
			return err
		}
	}
	return c.sealMessages()
}

// sealMessages seals the messages that are queued, as many as fit into a block.
func (c *Conn) sealMessages() (err error) {
	o := &c.out
	for sealedBlock-len(o.space()) >= record.MaxRecord {
		message, any := o.message()
		if !any {
			return nil
		}
		o.pending, err = c.session.Seal(o.space(), record.Channel, message)
		switch {
		case errors.Is(err, record.ErrStale):
			c.retryLater()
			return nil
		case errors.Is(err, record.ErrClosed):
			o.drop(maxMessages)
			return nil
		case err != nil:
			return err
		}
		o.drop(1)
	}
	return nil
}

// message returns the next message.
func (o *output) message() (b []byte, any bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) == 0 {
		return nil, false
	}
	return o.messages[0], true
}

// drop forgets up to n messages.
func (o *output) drop(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.messages = o.messages[min(n, len(o.messages)):]
	if len(o.messages) == 0 {
		o.messages = nil
	}
}
