package handshake

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// interruptible runs f, which reads and writes raw, and makes it fail when ctx
// ends: it then returns the cause of that. What was found out before, such as that
// the peer is not to be admitted, is returned even so: it was told the peer, or by
// it. Afterwards raw has no deadline.
func interruptible(ctx context.Context, raw net.Conn, f func() error) error {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		raw.SetDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	err := f()
	if !stop() {
		<-interrupted
		if err == nil || broken(err) {
			return context.Cause(ctx)
		}
		return err
	}
	if err != nil {
		return err
	}
	// A connection that its peer has closed may refuse. What comes next on it
	// finds that out.
	_ = raw.SetDeadline(time.Time{})
	return nil
}

// broken reports whether an error is one that the end of a context can be behind: a
// connection's, or that of what was called with the context.
func broken(err error) bool {
	if _, network := errors.AsType[net.Error](err); network {
		return true
	}
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, context.Canceled} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
