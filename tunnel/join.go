package tunnel

import (
	"context"
	"net"
	"sync"

	"github.com/zkkex/zkkex/internal/record"
)

// join copies in both directions until both have ended, and closes both sides.
// The first error, or the end of ctx, cuts both sides, and is returned.
func (f *forwarder) join(ctx context.Context, local, channel net.Conn) error {
	var once sync.Once
	var cause error
	cut := func(err error, why record.Alert) {
		once.Do(func() {
			cause = err
			abort(local, why) // first: it does not wait for a peer
			abort(channel, why)
		})
	}
	stop := context.AfterFunc(ctx, func() { cut(context.Cause(ctx), record.AlertShutdown) })

	l, c := &side{Conn: local}, &side{Conn: channel}
	var directions sync.WaitGroup
	directions.Go(func() {
		if err := copyStream(c, l, &f.counters.sent); err != nil {
			cut(err, record.AlertInternal)
		}
	})
	if err := copyStream(l, c, &f.counters.received); err != nil {
		cut(err, record.AlertInternal)
	}
	directions.Wait()
	stop()

	once.Do(func() {
		// Both directions have ended, and each side was told so: closing tells
		// nobody anything.
		release(local)
		_ = channel.Close()
	})
	return cause
}
