package channel

import (
	"errors"
	"fmt"
	"os"

	"github.com/zkkex/zkkex/internal/record"
)

// Write seals and sends p. It returns how much it has sealed: that much the peer
// gets, even if sending it ran into the deadline, because it is sent before
// anything else, by the next Write or without one.
//
// The error is [os.ErrDeadlineExceeded], [net.ErrClosed] after Close, one
// wrapping [record.ErrClosed] after CloseWrite, that of the connection below, or
// the reason for which the channel has ended. While the keys are too old
// ([record.ErrStale]), Write waits for a ratchet, and until Config.Confirmed has
// agreed it waits as well.
func (c *Conn) Write(p []byte) (n int, err error) {
	now := c.now()
	c.checkEnd(now)
	if err := c.out.enter(); err != nil {
		return 0, err
	}
	defer c.out.leave()
	if !c.spoken.Load() {
		c.spoken.Store(true)
	}
	for ; ; now = c.now() {
		if c.session.Due(now) {
			c.drive()
		}
		sealed, stale, err := c.writeSome(p[n:])
		n += sealed
		if err != nil || n == len(p) {
			return n, err
		}
		if stale {
			if err := c.awaitRatchet(); err != nil {
				return n, err
			}
		}
	}
}

// writeSome seals and sends up to a block.
func (c *Conn) writeSome(p []byte) (n int, stale bool, err error) {
	o := &c.out
	if err := o.takeForWriter(); err != nil {
		return 0, false, err
	}
	defer o.release()
	if err := o.flush(); err != nil {
		return 0, false, c.unsent(err)
	}
	n, err = c.seal(p)
	if stale = errors.Is(err, record.ErrStale); err != nil && !stale {
		return n, false, c.unsealed(err)
	}
	o.stale = o.controls
	if err := o.flush(); err != nil {
		return n, false, c.unsent(err)
	}
	return n, stale, nil
}

// seal appends records of p, as many as fit into a block, behind what messages
// there are.
func (c *Conn) seal(p []byte) (n int, err error) {
	if c.out.queued {
		if err := c.sealMessages(); err != nil {
			return 0, err
		}
	}
	for n < len(p) {
		dst := c.out.space()
		if sealedBlock-len(dst) < record.MaxRecord {
			return n, nil
		}
		content := p[n:min(len(p), n+record.MaxPlaintext)]
		if c.out.pending, err = c.session.Seal(dst, record.Application, content); err != nil {
			return n, err
		}
		n += len(content)
	}
	return n, nil
}

// unsealed takes a refusal to seal. After our close it is the caller's mistake,
// otherwise the end.
func (c *Conn) unsealed(err error) error {
	err = fmt.Errorf("channel: %w", err)
	if reason := c.out.reason(); reason != nil {
		return reason
	}
	if !errors.Is(err, record.ErrClosed) {
		c.fail(err, nil)
	}
	return err
}

// unsent takes an error of the connection below. After a deadline the driver
// sends the rest; after anything else nothing more can be sent, but there may
// still be something to read, such as the peer's reason.
func (c *Conn) unsent(err error) error {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return o.err
	case errors.Is(err, os.ErrDeadlineExceeded):
		o.left = true // the driver may look before the turn is given back
		o.driveLater(c)
		return os.ErrDeadlineExceeded
	}
	o.err = fmt.Errorf("channel: writing: %w", err)
	o.wake.Broadcast()
	return o.err
}

// reason returns why nothing more is sent, if that is so.
func (o *output) reason() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// awaitRatchet waits until the driver has sent something, which may have brought
// fresh keys.
func (c *Conn) awaitRatchet() error {
	c.nudge()
	c.in.attend()
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.await(func() bool { return o.controls != o.stale })
}

// CloseWrite ends our direction, authentically: the peer's Read returns
// [io.EOF] behind what was written. Ratchets go on as long as the peer writes.
// The errors are Write's; a second call does nothing.
func (c *Conn) CloseWrite() error {
	o := &c.out
	if err := o.enter(); err != nil {
		return err
	}
	defer o.leave()
	c.spoken.Store(true)
	if err := o.takeForWriter(); err != nil {
		return err
	}
	defer o.release()
	if err := o.flush(); err != nil {
		return c.unsent(err)
	}
	if sent, _ := c.session.Closed(); sent {
		return nil
	}
	sealed, err := c.session.Close(o.space())
	if err != nil {
		return c.unsealed(err)
	}
	o.pending = sealed
	if err := o.flush(); err != nil {
		return c.unsent(err)
	}
	return nil
}
