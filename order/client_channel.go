package order

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/zkkex/zkkex/handshake"
)

// Channel is what a session of orders runs on: a *handshake.Conn, or a
// *member.Session.
type Channel interface {
	net.Conn
	// ConnectionState says which pseudonym the channel was opened with.
	ConnectionState() handshake.ConnectionState
	// Export returns a key that only both ends of the channel have.
	Export(label string, context []byte, length int) ([]byte, error)
}

// Want is what kind of channel a client asks for.
type Want struct {
	// Resume asks for the pseudonym of the channel before, so that the venue finds
	// the session. Otherwise it is to be one that was never used, so that it cannot.
	Resume bool
}

// link is one connection of a session.
type link struct {
	channel Channel
	stream  ClientStream
	cancel  context.CancelFunc // of what the stream was made with
	binding [32]byte
	ack     *EstablishmentAck
	early   []VenueFrame // read together with the acknowledgement

	closed chan struct{} // when the connection was given up
	err    error         // why, if that was on our side; guarded by the client's lock

	// Guarded by the client's lock:
	seq   uint64 // of the next request
	wrote bool   // a number, since the keeper looked
	heard bool
}

// connectTimeout bounds opening a channel and establishing the session on it.
const connectTimeout = 10 * time.Second

// connect opens a channel, and establishes the session on it.
func (c *Client) connect(ctx context.Context, want Want) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	channel, err := c.config.Open(ctx, want)
	if err != nil {
		return nil, err
	}
	l, err := c.establish(ctx, channel, want)
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(channel.Close()))
	}
	return l, nil
}

func (c *Client) establish(ctx context.Context, channel Channel, want Want) (*link, error) {
	binding, err := channel.Export(BindingLabel, nil, 32)
	if err != nil {
		return nil, err
	}
	// Whoever gives up waiting ends the connection, which ends the reading.
	stop := context.AfterFunc(ctx, func() { _ = channel.Close() })
	defer stop()
	lasting, cancel := context.WithCancel(c.ctx)
	stream, err := c.config.Stream(lasting, channel)
	if err != nil {
		cancel()
		return nil, err
	}
	l := &link{channel: channel, stream: stream, cancel: cancel, binding: [32]byte(binding), closed: make(chan struct{})}
	err = c.greet(ctx, l, want)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		cancel()
		return nil, errors.Join(err, ignoreClosed(stream.Close()))
	}
	return l, nil
}

// greet sends Establish and reads its answer.
func (c *Client) greet(ctx context.Context, l *link, want Want) error {
	next, err := c.expected(ctx, l, want)
	if err != nil {
		return err
	}
	hello := &Establish{
		NextReport: next, KeepAlive: c.config.KeepAlive, Grace: c.config.Grace,
		KeepOrders: c.config.KeepOrders, Quotes: c.config.Quotes,
	}
	if err := l.stream.WriteRequests([]ClientFrame{{Session: hello}}); err != nil {
		return err
	}
	frames, err := l.stream.ReadReports(nil)
	if err != nil {
		return err
	}
	if len(frames) == 0 {
		return fmt.Errorf("%w: it answered Establish with nothing", ErrProtocol)
	}
	switch m := frames[0].Session.(type) {
	case *EstablishmentAck:
		l.ack, l.early, l.seq = m, frames[1:], m.NextSeqNo
		return c.checkAck(m, want, next)
	case *EstablishmentReject:
		return &SessionError{Code: m.Code, Text: m.Text}
	case *Terminate:
		return &SessionError{Code: m.Code, Text: m.Text}
	}
	return fmt.Errorf("%w: it answered Establish with a %T", ErrProtocol, frames[0].Session)
}

// checkAck refuses another session than the one to be resumed, and one that has
// forgotten reports.
func (c *Client) checkAck(m *EstablishmentAck, want Want, next uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if want.Resume && !c.session.IsZero() && m.Session != c.session {
		return fmt.Errorf("%w: the venue answered with another session than the one to resume", ErrSessionLost)
	}
	if next > 0 && (m.NextReport != next || m.LastReport+1 < next) || m.KeepAlive <= 0 || m.NextSeqNo == 0 || m.Session.IsZero() {
		return fmt.Errorf("%w: it acknowledged reports from %d to %d, expected them from %d on", ErrProtocol, m.NextReport, m.LastReport, next)
	}
	return nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// end gives the connection up. c.mu is held.
func (c *Client) end(l *link, err error) {
	if c.link == l {
		c.link = nil
	}
	select {
	case <-l.closed:
		return
	default:
	}
	l.err = err
	close(l.closed)
	// Closing may wait for a blocked write to end; nobody else is to wait for that.
	go func() {
		_ = l.channel.SetDeadline(time.Now())
		_ = l.stream.Close()
		_ = l.channel.Close()
		l.cancel()
	}()
}
