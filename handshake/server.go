package handshake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	transport "github.com/zkkex/zkkex/internal/channel"
	"github.com/zkkex/zkkex/internal/record"
)

const (
	// Timeout bounds a whole handshake, from the accepted or dialled connection
	// to the first record. Configuration can only shorten it.
	Timeout = 10 * time.Second
	// MaxHandshakes is how many handshakes a listener has under way at a time,
	// unless configuration says fewer.
	MaxHandshakes = 1024
	// MaxHandshakesPerAddress is how many of them one address may have; an IPv6
	// /64 counts as one.
	MaxHandshakesPerAddress = 64
)

// ServerConfig is what a venue's side of channels is made of.
type ServerConfig struct {
	// Responder answers first messages. Several listeners can share one.
	Responder *Responder
	// Keys and Gate are those of the responder.
	Keys KeySource
	Gate Gate
	// Source, if set, puts the address of a peer into the context of the gate's
	// calls, for verifiers that let sources take turns.
	Source func(ctx context.Context, address netip.Addr) context.Context
	// Timeout bounds a handshake; 0 is [Timeout], which is also the most.
	Timeout time.Duration
	// MaxHandshakes caps handshakes under way; 0 is [MaxHandshakes].
	MaxHandshakes int
	// Limits and Padding are those of our records.
	Limits  Limits
	Padding Padding
	// Renewed, if set, is told of every renewal, after it took effect.
	Renewed func(c *Conn)
	// Log gets a line for each handshake that fails, without addresses and
	// without anything that a peer said; nil logs nothing.
	Log *slog.Logger
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

// errors of a server's side.
var (
	// ErrAdmission reports a handshake that admitted a certificate ahead of time.
	// It was answered; there is no channel.
	ErrAdmission = errors.New("handshake: the peer had a certificate admitted, and wants no channel")
	// ErrTimeout reports a handshake that took too long.
	ErrTimeout = fmt.Errorf("handshake: not finished in time: %w", context.DeadlineExceeded)
)

func (c *ServerConfig) withDefaults() (*ServerConfig, error) {
	out := *c
	if c.Responder == nil || c.Keys == nil || c.Gate == nil {
		return nil, errors.New("handshake: a server needs Responder, Keys and Gate")
	}
	if out.Timeout <= 0 || out.Timeout > Timeout {
		out.Timeout = Timeout
	}
	if out.MaxHandshakes <= 0 || out.MaxHandshakes > MaxHandshakes {
		out.MaxHandshakes = MaxHandshakes
	}
	if out.Now == nil {
		out.Now = time.Now
	}
	if out.Log == nil {
		out.Log = slog.New(slog.DiscardHandler)
	}
	return &out, nil
}

// Server does the venue's side of a handshake on a connection, which it closes
// if that fails. It returns when the peer is authenticated: its first record has
// opened under keys that include our fresh ones. With early data, whose sender
// the durable record of it authenticates, it returns before that.
//
// It returns [ErrAdmission] if the peer wants no channel, [ErrTimeout], and the
// errors of [Responder.Respond], which are for the local log.
func Server(ctx context.Context, raw net.Conn, c *ServerConfig) (*Conn, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	conn, err := c.serve(ctx, raw)
	if err != nil {
		return nil, err
	}
	go conn.watch(c)
	return conn, nil
}

func (c *ServerConfig) serve(ctx context.Context, raw net.Conn) (*Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, ErrTimeout)
	defer cancel()
	var accepted *Accepted
	err := interruptible(ctx, raw, func() (err error) {
		accepted, err = c.respond(ctx, raw)
		return err
	})
	if err != nil {
		if accepted != nil {
			accepted.Release()
		}
		raw.Close()
		return nil, err
	}
	conn, err := c.open(ctx, raw, accepted)
	if err != nil {
		accepted.Release()
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// respond reads first messages and answers them: one, or more with the cookie that
// was asked for.
func (c *ServerConfig) respond(ctx context.Context, raw net.Conn) (*Accepted, error) {
	a, err := c.respondOnce(ctx, raw)
	for cookies := 0; errors.Is(err, ErrCookie) && cookies < maxCookies; cookies++ {
		a, err = c.respondOnce(ctx, raw)
	}
	if err == nil && a.Kind == Admit {
		return a, ErrAdmission
	}
	return a, err
}

func (c *ServerConfig) respondOnce(ctx context.Context, raw net.Conn) (*Accepted, error) {
	message, err := c.await(raw)
	if err != nil {
		return nil, err
	}
	answer, a, err := c.Responder.Respond(ctx, addressOf(raw), message)
	if answer == nil {
		return a, err
	}
	if _, failed := raw.Write(answer); failed != nil {
		return a, errors.Join(err, failed)
	}
	return a, err
}

// await reads a first message. Until it is there, it counts as a handshake in
// progress.
func (c *ServerConfig) await(raw net.Conn) ([]byte, error) {
	done, err := c.Responder.Progress()
	if err != nil {
		c.Responder.tally.unread(err)
		return nil, err
	}
	defer done()
	message, err := readMessage(raw)
	c.Responder.tally.unread(err)
	return message, err
}

// open opens the channel, and returns when its peer is authenticated.
func (c *ServerConfig) open(ctx context.Context, raw net.Conn, a *Accepted) (*Conn, error) {
	session, err := a.Session(ChannelOptions{Limits: c.Limits, Padding: c.Padding, Now: c.Now})
	if err != nil {
		return nil, err
	}
	conn := &Conn{early: a.Early, admission: a.Admission, release: a.Release, state: ConnectionState{
		Role: record.Responder, Venue: a.Venue, Descriptor: a.Descriptor, Suite: a.Suite.String(),
		Statement: a.Admission.Statement, Epoch: a.Admission.Epoch, Certificate: a.Admission.Certificate,
		Opens: a.Counter, Ends: a.Until,
	}}
	conn.renewal = &renewal{conn: conn, venue: c, source: c.source(raw)}
	conn.renewal.begun.Add(1)
	confirm := newConfirmation(func() error {
		ctx, cancel := context.WithTimeout(conn.renewal.source, c.Timeout)
		defer cancel()
		if err := a.Confirm(ctx); err != nil {
			return err
		}
		conn.releaseWith(a.handOver())
		return conn.renewal.offer()
	})
	defer confirm.leave()
	conn.channel, err = transport.New(transport.Config{
		Raw: raw, Session: session, Role: record.Responder, Now: c.Now,
		Message: conn.renewal.message, Ended: conn.ended, Confirmed: confirm.ask,
	})
	if err != nil {
		session.Wipe()
		return nil, err
	}
	conn.renewal.begun.Done()
	conn.channel.SetEnd(a.Until, AlertExpired)
	if a.Early != nil {
		return conn, nil
	}
	for {
		select {
		case <-confirm.asked:
			confirm.answer()
		case <-conn.channel.Confirmed():
			return conn, nil
		case <-conn.Done():
			return nil, conn.channel.Err()
		case <-ctx.Done():
			conn.end(AlertShutdown)
			return nil, context.Cause(ctx)
		}
	}
}

// source returns the context of what the gate is asked because of a peer.
func (c *ServerConfig) source(raw net.Conn) context.Context {
	if c.Source == nil {
		return context.Background()
	}
	return c.Source(context.Background(), addressOf(raw))
}
