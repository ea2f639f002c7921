package tunnel

import (
	"context"
	"net"
	"sync"
)

// join copies in both directions until both have ended, and closes both sides.
// The first error, or the end of ctx, cuts both sides, and is returned.
func (f *forwarder) join(ctx context.Context, local, channel net.Conn) error {
	var once sync.Once
	var cause error
	cut := func(err error) {
		once.Do(func() {
			cause = err
			abort(local)
			abort(channel)
		})
	}
	stop := context.AfterFunc(ctx, func() { cut(context.Cause(ctx)) })

	var directions sync.WaitGroup
	directions.Go(func() {
		if err := copyStream(channel, local, &f.counters.sent); err != nil {
			cut(err)
		}
	})
	if err := copyStream(local, channel, &f.counters.received); err != nil {
		cut(err)
	}
	directions.Wait()
	stop()

	once.Do(func() {
		// Both directions have ended, and each side was told so: closing tells
		// nobody anything.
		_ = local.Close()
		_ = channel.Close()
	})
	return cause
}
