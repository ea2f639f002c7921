package mirror

import (
	"context"
	"math/rand/v2"
	"time"
)

// minInterval keeps a wrong interval from becoming a flood.
const minInterval = time.Second

// Run syncs, and then again at random times, half an interval to one and a half
// apart, until ctx ends; it returns ctx's error. The times are random so that
// they do not tell one client from another, nor tie a sync to what the member
// does. Each result goes to report, whose error is [Mirror.Sync]'s; an error is
// tried again at the next time. An interval below a second counts as one.
func (m *Mirror) Run(ctx context.Context, interval time.Duration, report func(*Report, error)) error {
	for {
		r, err := m.Sync(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		report(r, err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(jitter(interval)):
		}
	}
}

// jitter returns a random time between half of d and one and a half of it.
func jitter(d time.Duration) time.Duration {
	d = max(d, minInterval)
	return d/2 + rand.N(d)
}
