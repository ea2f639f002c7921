package gateway

import (
	"context"
	"time"
)

// Bounds of the time between attempts.
const (
	firstWait = 5 * time.Millisecond
	lastWait  = time.Second
)

// backoff doubles the time between attempts.
type backoff time.Duration

func newBackoff() backoff { return backoff(firstWait) }

// sleep waits, and reports whether ctx still lasts.
func (b *backoff) sleep(ctx context.Context) bool {
	t := time.NewTimer(time.Duration(*b))
	defer t.Stop()
	*b = min(2**b, backoff(lastWait))
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
