package handshake

import (
	"context"
	"net"
	"time"
)

// interruptible runs f, which reads and writes raw, and makes it fail when ctx
// ends. Afterwards raw has no deadline.
func interruptible(ctx context.Context, raw net.Conn, f func() error) error {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		raw.SetDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	err := f()
	if !stop() {
		<-interrupted
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	// A connection that its peer has closed may refuse. What comes next on it
	// finds that out.
	_ = raw.SetDeadline(time.Time{})
	return nil
}
