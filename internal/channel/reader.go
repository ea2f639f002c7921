package channel

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/zkkex/zkkex/internal/record"
)

// emptyReads is how often a connection may return nothing and no error.
const emptyReads = 100

// reader splits what arrives into records. Only whoever has the duty uses it.
type reader struct {
	ahead      []byte // to be taken before anything is read
	small      [idleBuffer]byte
	large      *sealed // borrowed, or nil: small is in use
	start, end int     // of what has arrived and was not opened
	full       bool    // the last read filled the buffer: there is more
	shown      bool    // the peer has the keys
}

func (r *reader) buffer() []byte {
	if r.large != nil {
		return r.large[:]
	}
	return r.small[:]
}

// next returns the next record, or nil if it is not there as a whole. It returns
// an error for what cannot become a record.
func (r *reader) next() ([]byte, error) {
	b := r.buffer()[r.start:r.end]
	if len(b) < record.HeaderSize {
		return nil, nil
	}
	n, err := record.BodySize(b)
	if err != nil {
		return nil, fmt.Errorf("channel: %w", err)
	}
	if n += record.HeaderSize; len(b) < n {
		return nil, nil
	}
	r.start += n
	return b[:n:n], nil
}

// makeRoom moves what has arrived to the front of a buffer that holds the whole
// record, and gives the large one back when nothing has.
func (r *reader) makeRoom() {
	b := r.buffer()[r.start:r.end]
	if len(b) == 0 {
		r.release()
		r.start, r.end = 0, 0
		return
	}
	if r.large == nil && (r.full || r.needs(b) > len(r.small)) {
		r.large = borrowSealed()
	}
	if r.start > 0 || r.end <= len(r.small) {
		r.start, r.end = 0, copy(r.buffer(), b)
	}
}

// needs returns how long the record that b begins is.
func (r *reader) needs(b []byte) int {
	if len(b) < record.HeaderSize {
		return record.HeaderSize
	}
	n, _ := record.BodySize(b) // next has looked at it
	return record.HeaderSize + n
}

func (r *reader) release() {
	if r.large != nil {
		r.large.giveBack()
		r.large = nil
	}
}

// fill reads once.
func (r *reader) fill(from io.Reader) error {
	r.makeRoom()
	b := r.buffer()[r.end:]
	if len(r.ahead) > 0 {
		n := copy(b, r.ahead)
		r.ahead = r.ahead[n:]
		r.end += n
		return nil
	}
	r.ahead = nil
	for range emptyReads {
		n, err := from.Read(b)
		r.end += n
		r.full = n == len(b)
		if n > 0 {
			return nil // an error comes again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// whole reports whether there is something to open before anything is read.
func (r *reader) whole() bool {
	b := r.buffer()[r.start:r.end]
	if len(b) < record.HeaderSize {
		return false
	}
	n, err := record.BodySize(b)
	return err != nil || len(b) >= record.HeaderSize+n
}

// read is the reader in a goroutine of its own: it reads and opens until there is
// nothing more, or a Read does that.
func (c *Conn) read() {
	for !c.in.leaveToRead() {
		if err := c.readRecords(false); err != nil {
			c.readNoMore(err)
			return
		}
	}
}

// readHere is the reader in the goroutine of a Read.
func (c *Conn) readHere() {
	err := c.readRecords(true)
	if err == nil {
		c.in.leaveDuty()
		return
	}
	c.in.endDuty()
	go c.readNoMore(err)
}

// errOver says that the channel has ended because of a record.
var errOver = errors.New("the channel has ended")

// readRecords opens the records that have arrived; if there are none, it reads
// once. With here set, it opens no more than fit in a block. It returns the error of
// the connection below, or errOver.
func (c *Conn) readRecords(here bool) error {
	if !c.reader.whole() {
		if err := c.reader.fill(c.raw); err != nil {
			if c.in.interrupted() {
				return nil
			}
			c.cutOff(err)
			return err
		}
	}
	if err := c.open(here); err != nil {
		return errOver
	}
	now := c.now()
	c.checkEnd(now)
	if c.session.Due(now) {
		c.drive()
	}
	return nil
}

// readNoMore is the end of reading.
func (c *Conn) readNoMore(err error) {
	defer c.leave(nothingRead)
	c.reader.release()
	if err == errOver {
		c.drain()
	}
}

// drain reads on, so that the peer gets to read the reason before a reset.
func (c *Conn) drain() {
	for {
		if n, err := c.raw.Read(c.reader.small[:]); err != nil || n == 0 {
			return
		}
	}
}

// cutOff takes the end of what can be read. After the peer's close that is no
// news, but says that nobody reads there any more.
func (c *Conn) cutOff(err error) {
	switch end := c.session.End(); {
	case end == io.EOF:
		go c.hangUp()
	case err == io.EOF:
		c.fail(&cutError{end, nil}, nil)
	default:
		c.fail(&cutError{end, err}, nil)
	}
}

// hangUp answers a peer that has closed in both directions, and waits for us to.
func (c *Conn) hangUp() {
	if !c.out.takeForDriver() {
		return
	}
	defer c.out.release()
	c.out.refuse(fmt.Errorf("channel: writing: the peer has closed the connection: %w", io.ErrClosedPipe))
	halfClose(c.raw)
}

// open opens the records that have arrived. An error has been dealt with.
func (c *Conn) open(here bool) error {
	var b *opened // what the queue has lent
	for {
		if !b.takes(here) {
			c.in.queue(b)
			return nil
		}
		next, err := c.reader.next()
		if err == nil && next == nil {
			c.in.queue(b)
			return nil
		}
		if err == nil {
			b = c.in.lend(b)
			err = c.openRecord(b, next)
		}
		if err != nil {
			c.in.queue(b) // what came before it is good
			c.refuse(err)
			return err
		}
	}
}

// openRecord opens one record behind what the block holds.
func (c *Conn) openRecord(b *opened, sealed []byte) error {
	t, out, err := c.session.Open(b.data[:b.end], sealed)
	if err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	if err := c.show(); err != nil {
		return err
	}
	switch t {
	case record.Application:
		b.end = len(out)
	case record.Channel:
		c.deliver(out[b.end:])
	case record.CloseNotify:
		c.in.finish()
	default:
		c.nudge()
	}
	return nil
}

// refuse ends the channel because of what arrived. The peer is told, unless it
// was its own alert.
func (c *Conn) refuse(err error) {
	var alert record.Alert
	theirs := errors.As(err, &alert)
	switch {
	case errors.Is(err, ErrConfirm) && !theirs:
		c.failWith(err, record.AlertInternal)
	case errors.Is(err, ErrConfirm):
		c.failWith(err, alert) // which Confirmed has chosen
	case theirs:
		c.fail(err, nil)
	default:
		c.failWith(err, record.AlertRecord)
	}
}

// show takes the first record that opens for the proof that the peer has the
// keys.
func (c *Conn) show() error {
	if c.reader.shown {
		return nil
	}
	c.reader.shown = true
	if c.confirmed != nil {
		if err := c.confirmed(); err != nil {
			return fmt.Errorf("channel: %w: %w", ErrConfirm, err)
		}
		c.confirmed = nil // and what it holds
	}
	c.out.allow()
	close(c.shown)
	return nil
}

// deliver hands over a message. An empty one only shows the keys.
func (c *Conn) deliver(message []byte) {
	if len(message) > 0 && c.message != nil {
		c.message(bytes.Clone(message))
	}
	clear(message)
}
