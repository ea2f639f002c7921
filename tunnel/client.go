package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"net"
)

// Client accepts connections of local programs and carries each over a channel
// of its own. Its fields must not be changed once [Client.Serve] runs.
type Client struct {
	// Listener is where local programs connect. Serve closes it.
	//
	// Whoever can connect to it acts with the member's certificates: it belongs
	// on the loopback interface.
	Listener net.Listener
	// Dial opens a channel to the venue, one for each connection. It must end
	// when its context does. Its error is logged with its text.
	Dial func(ctx context.Context) (net.Conn, error)
	// KeepAlive, if not nil, runs beside every channel, until it returns or its
	// context ends with the channel. A certificate is renewed here.
	KeepAlive func(ctx context.Context, channel net.Conn)
	// Limits bound what the client takes on.
	Limits Limits
	// AllowSilentTruncation admits connections that cannot be reset, such as
	// those of a Unix socket: where the channel is cut, the program then sees
	// an end of file. It is safe only for programs whose protocol marks the end
	// of each message.
	AllowSilentTruncation bool
	// Log takes what goes wrong, each kind at most a few times an hour; nil logs
	// nothing. Nothing that was carried is logged, no address of a program and
	// no member.
	Log *slog.Logger

	counters counters
}

// Serve accepts connections until ctx ends. Then it lets those under way end by
// themselves, for [Limits.Drain] at most, and resets the others. It returns nil
// if none had to be reset, an error wrapping [ErrCut] otherwise, and the
// listener's error if that failed before.
func (c *Client) Serve(ctx context.Context) error {
	if c.Listener == nil || c.Dial == nil {
		return errors.New("tunnel: a client needs a Listener and a Dial function")
	}
	f := &forwarder{
		listener:  c.Listener,
		dial:      func(ctx context.Context, _ net.Conn) (net.Conn, error) { return c.Dial(ctx) },
		keepAlive: c.KeepAlive,
		limits:    c.Limits.withDefaults(),
		truncate:  c.AllowSilentTruncation,
		target:    "the venue",
		log:       newErrorLog(c.Log),
		counters:  &c.counters,
	}
	return f.serve(ctx)
}

// Stats returns the present counts. It may be called at any time.
func (c *Client) Stats() Stats { return c.counters.stats() }
