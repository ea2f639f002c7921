package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"net"
)

// Server connects each channel to the program that it protects, the upstream.
// Its fields must not be changed once [Server.Serve] runs.
type Server struct {
	// Listener accepts channels, of peers that the venue has admitted. Serve
	// closes it.
	Listener net.Listener
	// Network and Address are the upstream's, as for [net.Dial].
	Network, Address string
	// Dial, if not nil, connects to the upstream in place of Network and
	// Address. It may look at who the channel belongs to, but must neither read
	// nor write it. It must end when its context does. Its error is logged with
	// its text, so that no member may be named there.
	Dial func(ctx context.Context, channel net.Conn) (net.Conn, error)
	// KeepAlive, if not nil, runs beside every channel, until it returns or its
	// context ends with the channel.
	KeepAlive func(ctx context.Context, channel net.Conn)
	// Limits bound what the server takes on.
	Limits Limits
	// AllowSilentTruncation is as in [Client], for the upstream.
	AllowSilentTruncation bool
	// Log is as in [Client].
	Log *slog.Logger

	counters counters
}

// Serve connects channels until ctx ends, as [Client.Serve] does.
func (s *Server) Serve(ctx context.Context) error {
	dial := s.Dial
	if dial == nil {
		dial = s.dialAddress
	}
	if s.Listener == nil || s.Dial == nil && s.Address == "" {
		return errors.New("tunnel: a server needs a Listener and the upstream's Address, or a Dial function")
	}
	f := &forwarder{
		listener:   s.Listener,
		dial:       dial,
		keepAlive:  s.KeepAlive,
		isAccepted: true,
		limits:     s.Limits.withDefaults(),
		truncate:   s.AllowSilentTruncation,
		target:     "the upstream",
		log:        newErrorLog(s.Log),
		counters:   &s.counters,
	}
	return f.serve(ctx)
}

// Stats returns the present counts. It may be called at any time.
func (s *Server) Stats() Stats { return s.counters.stats() }

func (s *Server) dialAddress(ctx context.Context, _ net.Conn) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, s.Network, s.Address)
}
