package handshake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	transport "github.com/zkkex/zkkex/internal/channel"
	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// ClientConfig is what a member's side of a channel is made of, beside venue and
// certificate.
type ClientConfig struct {
	// Timeout bounds a handshake; 0 is [Timeout], which is also the most.
	Timeout time.Duration
	// Limits and Padding are those of our records.
	Limits  Limits
	Padding Padding
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

func (c *ClientConfig) withDefaults() ClientConfig {
	var out ClientConfig
	if c != nil {
		out = *c
	}
	if out.Timeout <= 0 || out.Timeout > Timeout {
		out.Timeout = Timeout
	}
	if out.Now == nil {
		out.Now = time.Now
	}
	return out
}

// Client does the member's side of a handshake on a connection, which it closes
// if that fails, and returns the channel: one round trip, two if the venue is
// under load. The initiator is used up; made ahead, with its
// [Initiator.Message] called, it saves most of the member's time. config may be
// nil.
//
// It returns an error wrapping [zkkex.ErrRejected] with the venue's reason,
// [ErrUnavailable] if the venue could not decide, [ErrUnknownDescriptor] if the
// initiator's descriptor is too old, [ErrTimeout], [ErrUnauthentic] for an answer
// that is not the venue's, or the network's.
func Client(ctx context.Context, raw net.Conn, i *Initiator, config *ClientConfig) (*Conn, error) {
	c := config.withDefaults()
	established, err := c.exchange(ctx, raw, i)
	if err != nil {
		if established != nil {
			established.Wipe() // the context ended as the answer came
		}
		raw.Close()
		return nil, err
	}
	conn, err := c.open(raw, i, established)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// open opens the channel of a handshake that is through.
func (c *ClientConfig) open(raw net.Conn, i *Initiator, e *Established) (*Conn, error) {
	records, err := e.Session(ChannelOptions{Limits: c.Limits, Padding: c.Padding, Now: c.Now})
	if err != nil {
		return nil, err
	}
	p := i.presentation
	conn := &Conn{state: ConnectionState{
		Role: record.Initiator, Venue: e.Venue, Descriptor: e.Descriptor, Suite: e.Suite.String(),
		Statement: p.Statement, Epoch: p.Epoch, Certificate: e.Certificate, Opens: e.Counter, Ends: e.Until,
	}}
	conn.renewal = &renewal{conn: conn, answers: make(chan []byte, 1), keyed: make(chan struct{})}
	conn.renewal.begun.Add(1)
	conn.channel, err = transport.New(transport.Config{
		Raw: raw, Session: records, Role: record.Initiator, Now: c.Now,
		Message: conn.renewal.message, Ended: conn.ended,
	})
	if err != nil {
		records.Wipe()
		return nil, err
	}
	conn.renewal.begun.Done()
	conn.channel.SetEnd(e.Until, AlertExpired)
	return conn, nil
}

// AdmitOn has a certificate admitted over a connection, which it closes. The
// initiator is one of kind [Admit]. The errors are those of [Client].
func AdmitOn(ctx context.Context, raw net.Conn, i *Initiator, config *ClientConfig) error {
	defer raw.Close()
	c := config.withDefaults()
	established, err := c.exchange(ctx, raw, i)
	if err != nil {
		return err
	}
	established.Wipe()
	return nil
}

// exchange sends the first message and reads the answer, and once more if the
// venue wants its cookie back.
func (c *ClientConfig) exchange(ctx context.Context, raw net.Conn, i *Initiator) (e *Established, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, ErrTimeout)
	defer cancel()
	message, err := i.Message()
	if err != nil {
		return nil, err
	}
	err = interruptible(ctx, raw, func() error {
		e, err = finish(raw, i, message)
		return err
	})
	return e, err
}

// maxCookies is how often a venue's cookie is sent back in one handshake: it can
// change in between, once.
const maxCookies = 2

// finish sends the first message and takes the answer.
func finish(raw net.Conn, i *Initiator, message []byte) (*Established, error) {
	for cookies := 0; ; cookies++ {
		answer, err := sendFirst(raw, message)
		if err != nil {
			return nil, err
		}
		e, err := i.Finish(answer)
		if !errors.Is(err, ErrCookie) || cookies == maxCookies {
			return e, err
		}
		if message, err = i.Cookie(answer); err != nil {
			return nil, err
		}
	}
}

func sendFirst(raw net.Conn, message []byte) ([]byte, error) {
	if _, err := raw.Write(message); err != nil {
		return nil, unanswered(err)
	}
	answer, err := readMessage(raw)
	if err != nil {
		return nil, unanswered(err)
	}
	return answer, nil
}

// ErrNoAnswer reports a peer that closed the connection without an answer: it is no
// venue of this descriptor, does not take the first message, or is full.
var ErrNoAnswer = errors.New("the peer closed the connection without an answer: it is no venue of this descriptor, does not take this message, or is full")

// unanswered says what the end of a connection means here.
func unanswered(err error) error {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return fmt.Errorf("handshake: %w: %w", ErrNoAnswer, err)
		}
	}
	return fmt.Errorf("handshake: %w", err)
}

// readMessage reads a whole message, and not a byte more.
func readMessage(r io.Reader) ([]byte, error) {
	var prefix [PrefixSize]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	size, err := BodySize(prefix[:])
	if err != nil {
		return nil, err
	}
	message := make([]byte, PrefixSize+size)
	copy(message, prefix[:])
	if _, err := io.ReadFull(r, message[PrefixSize:]); err != nil {
		return nil, unexpected(err)
	}
	return message, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A Dialer connects to one venue, as [net.Dialer] does to addresses. It keeps
// nothing: certificates are the caller's.
type Dialer struct {
	// Venue returns what is known of the venue, and where it takes connections.
	// With refresh set, the venue did not know the descriptor: fetch the newest.
	Venue func(ctx context.Context, refresh bool) (*Venue, []Address, error)
	// Dial makes the connections, such as through a proxy; nil is [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Config is that of the channels.
	Config ClientConfig
}

// Address is where a venue takes connections.
type Address struct{ Network, Place string }

// ErrNoAddress reports a venue that names no address for connections.
var ErrNoAddress = errors.New("handshake: the venue names no address for connections")

// Open opens a channel with a certificate: without the certificate in the first
// message if the venue has admitted it, otherwise with it. Early data, which may
// be nil, goes out in the first message, in suites that hide it there. The venue
// delivers it at most once; after an error, it may have.
//
// The same certificate opened again tells the venue that the two sessions are of
// one member; see package member for the two ways to say that. The errors are
// those of [Client], and [session.ErrOpensUsed].
func (d *Dialer) Open(ctx context.Context, c *session.Certificate, early []byte) (*Conn, error) {
	kind := Inline
	if c.Admitted() {
		kind = Open
	}
	conn, err := d.open(ctx, c, InitiatorOptions{Kind: kind, Early: early})
	if isReason(err, NotAdmitted) && kind == Open {
		// The venue has forgotten: its store is new, or another one.
		conn, err = d.open(ctx, c, InitiatorOptions{Kind: Inline, Early: early})
	}
	if err == nil {
		c.MarkAdmitted()
	}
	return conn, err
}

func (d *Dialer) open(ctx context.Context, c *session.Certificate, o InitiatorOptions) (conn *Conn, err error) {
	err = d.attempt(ctx, c, o, func(raw net.Conn, i *Initiator) (err error) {
		conn, err = Client(ctx, raw, i, &d.Config)
		return err
	})
	return conn, err
}

// Admit has a certificate admitted, ahead of its use, on a connection of its own.
// It is what a [session.Pool] needs as its admitter.
func (d *Dialer) Admit(ctx context.Context, c *session.Certificate) error {
	return d.attempt(ctx, c, InitiatorOptions{Kind: Admit}, func(raw net.Conn, i *Initiator) error {
		return AdmitOn(ctx, raw, i, &d.Config)
	})
}

// attempt runs a handshake, and once more with a fresh descriptor if the venue
// does not know ours.
//
// Nobody vouches for that answer: the venue may have taken the first message all
// the same. Both carry the same open counter, so that it takes one at most.
func (d *Dialer) attempt(ctx context.Context, c *session.Certificate, o InitiatorOptions, run func(net.Conn, *Initiator) error) error {
	i, err := d.try(ctx, c, o, false, run)
	if errors.Is(err, ErrUnknownDescriptor) {
		o.again = i
		_, err = d.try(ctx, c, o, true, run)
	}
	return err
}

// try runs a handshake at the first address that takes it. It returns the last
// initiator that it made, if it got so far.
func (d *Dialer) try(ctx context.Context, c *session.Certificate, o InitiatorOptions, refresh bool, run func(net.Conn, *Initiator) error) (*Initiator, error) {
	venue, addresses, err := d.Venue(ctx, refresh)
	if err != nil {
		return nil, err
	}
	var failed error
	for {
		raw, others, err := d.connect(ctx, addresses)
		if err != nil {
			return o.again, errors.Join(failed, err)
		}
		i, err := NewInitiator(venue, c, o)
		if err != nil {
			raw.Close()
			return o.again, err
		}
		err = run(raw, i)
		i.Wipe()
		if err == nil || len(others) == 0 || ctx.Err() != nil || !othersMayAnswer(err, refresh) {
			return i, err
		}
		o.again, addresses, failed = i, others, err
	}
}

// othersMayAnswer reports whether another gateway of the venue may answer where one
// did not: it stops, hangs, its store is out of reach, or it does not have the
// newest descriptor yet. All get the same open counter, of which the venue takes
// one.
func othersMayAnswer(err error, newest bool) bool {
	for _, e := range []error{ErrNoAnswer, ErrTimeout, ErrUnavailable} {
		if errors.Is(err, e) {
			return true
		}
	}
	return newest && errors.Is(err, ErrUnknownDescriptor)
}
