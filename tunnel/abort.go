package tunnel

import (
	"net"

	"github.com/zkkex/zkkex/internal/record"
)

// alerter is a channel of package handshake: it can be ended with an alert.
type alerter interface{ Abort(a record.Alert) error }

// aborter is another connection that can be ended so that the peer sees an error.
type aborter interface{ Abort() error }

// lingerer is a TCP connection: closed without lingering, it is reset.
type lingerer interface{ SetLinger(seconds int) error }

// canAbort reports whether the peer of c cannot take [abort] for an end of
// stream.
func canAbort(c net.Conn) bool {
	switch c.(type) {
	case alerter, aborter, lingerer:
		return true
	default:
		return false
	}
}

// abort ends a connection so that its peer sees an error, where it can be told.
// Closing would not do: channels close with an authenticated end. What is on the
// way to the peer may be lost. Errors of abort tell nothing new, because it is
// called on account of one.
func abort(c net.Conn, why record.Alert) {
	switch c := c.(type) {
	case alerter:
		_ = c.Abort(why)
		return
	case aborter:
		_ = c.Abort()
		return
	case lingerer:
		_ = c.SetLinger(0)
	}
	_ = c.Close()
}

// guard has the system reset a program's connection if this process ends before
// [release], such as when it is killed. The system would otherwise end the stream,
// and the program would take what it got for all there was.
func guard(c net.Conn) {
	if l, ok := c.(lingerer); ok {
		_ = l.SetLinger(0) // fails for a connection that is gone
	}
}

// release closes a guarded connection of which both directions have ended: what
// is on the way to the program still arrives.
func release(c net.Conn) {
	if l, ok := c.(lingerer); ok {
		_ = l.SetLinger(-1)
	}
	_ = c.Close()
}

// halfCloser is a connection of which one direction can be ended.
type halfCloser interface{ CloseWrite() error }

// closeWrite tells the peer of c that nothing more will come. Where the
// connection cannot say that of one direction, it says it of both.
func closeWrite(c net.Conn) error {
	if h, ok := c.(halfCloser); ok {
		return h.CloseWrite()
	}
	return c.Close()
}
