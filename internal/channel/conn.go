package channel

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex/internal/record"
)

const (
	// defaultLinger is how long the last record waits for a peer that does not
	// read. crypto/tls waits as long.
	defaultLinger = 5 * time.Second
	// confirmAfter is how long an initiator that has nothing to say waits before
	// it shows its keys with an empty record.
	confirmAfter = 20 * time.Millisecond
	// ratchetGap is the least time between two ratchets (docs/spec/record.md).
	ratchetGap = time.Second
	// maxMessages is how many messages wait to be sent.
	maxMessages = 16
)

// Config is what a channel starts from.
type Config struct {
	// Raw carries the records. The channel closes it.
	Raw net.Conn
	// Session seals and opens them. The channel wipes it.
	Session *record.Session
	// Role is the session's: an initiator shows its keys unasked.
	Role record.Role
	// Confirmed is called once, by the reader, when the peer's first record has
	// opened and before any data is given out; until it has returned, Write waits.
	// An error ends the channel with the [record.Alert] in its chain, or with
	// [record.AlertInternal]. Nil allows everything at once.
	Confirmed func() error
	// Message is called by the reader with each message of the peer's, in order
	// and between what was written before and after it. It keeps b, and must not
	// block. Nil drops them.
	Message func(b []byte)
	// Ended is called once, when Done is closed. Nil is nothing.
	Ended func()
	// Buffered are bytes that were read from Raw already, behind the handshake.
	Buffered []byte
	// Linger is how long the last record waits for a peer that does not read; 0
	// is 5 seconds.
	Linger time.Duration
	// Now is the clock, that of the session; nil is [time.Now].
	Now func() time.Time
}

func (c *Config) check() error {
	switch {
	case c.Raw == nil:
		return fmt.Errorf("channel: %w: there is no connection", ErrConfig)
	case c.Session == nil:
		return fmt.Errorf("channel: %w: there is no session", ErrConfig)
	case c.Role > record.Responder:
		return fmt.Errorf("channel: %w: there is no role %d", ErrConfig, c.Role)
	case c.Linger < 0:
		return fmt.Errorf("channel: %w: Linger is negative", ErrConfig)
	}
	return nil
}

// Conn is one side of a channel. All methods may be called at once.
type Conn struct {
	raw       net.Conn
	session   *record.Session
	role      record.Role
	confirmed func() error
	message   func([]byte)
	ended     func()
	linger    time.Duration
	now       func() time.Time

	reader reader
	in     input
	out    output

	spoken  atomic.Bool // a record of ours was sealed, or is about to be
	shown   chan struct{}
	confirm *time.Timer
	end     end
}

// New starts a channel, with its reader. It returns an error wrapping
// [ErrConfig].
func New(c Config) (*Conn, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	conn := &Conn{
		raw: c.Raw, session: c.Session, role: c.Role, confirmed: c.Confirmed, message: c.Message, ended: c.Ended,
		linger: c.Linger, now: c.Now, shown: make(chan struct{}),
	}
	if conn.linger == 0 {
		conn.linger = defaultLinger
	}
	if conn.now == nil {
		conn.now = time.Now
	}
	conn.in.begin(c.Raw, conn.linger, conn.read)
	conn.out.begin(c.Raw, c.Confirmed == nil)
	conn.end.done = make(chan struct{})
	conn.reader.ahead = c.Buffered
	if c.Role == record.Initiator {
		conn.confirm = time.AfterFunc(confirmAfter, conn.speak)
	}
	go conn.read()
	return conn, nil
}

// speak shows the peer that we have the keys, if nothing else has.
func (c *Conn) speak() {
	if c.spoken.CompareAndSwap(false, true) {
		_ = c.Send(nil) // a channel that is over has nothing to show
	}
}

// Confirmed returns a channel that is closed once the peer has shown to have the
// keys, and Config.Confirmed has agreed. That need not happen before Done.
func (c *Conn) Confirmed() <-chan struct{} { return c.shown }

// Ratchet asks for fresh keys as soon as possible, at least a second after the
// last ones. It does not wait for them: see [Conn.RatchetState].
func (c *Conn) Ratchet() {
	c.session.Ratchet()
	c.nudge()
}

// RatchetState returns where the keys stand.
func (c *Conn) RatchetState() record.RatchetState { return c.session.RatchetState() }

// Export returns a key of length bytes for another use, the same to both peers:
// see [record.Session.Export]. After the end of the channel it returns an error
// wrapping [record.ErrWiped].
func (c *Conn) Export(label string, context []byte, length int) ([]byte, error) {
	return c.session.Export(label, context, length)
}

// LocalAddr returns that of the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr returns that of the connection below.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// Format writes a fixed text that tells nothing about the contents, for every
// verb.
func (c *Conn) Format(f fmt.State, _ rune) { io.WriteString(f, "channel(redacted)") }
