package member

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// maxNap is how long a session that is kept alive sleeps without looking at the
	// clock, which can be set, and goes on while a machine sleeps.
	maxNap = time.Minute
	// firstRenewRetry and lastRenewRetry bound the time between two tries of a
	// renewal: the venue takes one a second, and channels end five minutes after
	// their epoch at the latest.
	firstRenewRetry = 2 * time.Second
	lastRenewRetry  = 30 * time.Second
)

// KeepAlive renews the session after every end of an epoch, at a random time in the
// first half of what is left to it then, until the session or ctx ends. Everybody's
// sessions are renewed in that time, so the moment tells little.
//
// It calls failed, which may be nil, with each renewal that failed, such as while
// the venue has named nothing for the new epoch; that is tried again until the
// session has ended.
func (s *Session) KeepAlive(ctx context.Context, failed func(error)) {
	if failed == nil {
		failed = func(error) {}
	}
	for {
		at, err := s.renewAt()
		if err != nil {
			failed(err)
			return
		}
		if !s.sleepUntil(ctx, at) || !s.keepRenewing(ctx, failed) {
			return
		}
	}
}

// renewAt draws when to renew: after the end of the certificate's epoch, when the
// next one's are valid.
func (s *Session) renewAt() (time.Time, error) {
	state := s.ConnectionState()
	end, err := state.Epoch.End()
	if err != nil {
		return time.Time{}, fmt.Errorf("the session's epoch: %w", err)
	}
	if grace := state.Ends.Sub(end); grace > 1 {
		return end.Add(rand.N(grace / 2)), nil
	}
	return end, nil
}

// keepRenewing tries to renew until it succeeds, and reports whether it did.
func (s *Session) keepRenewing(ctx context.Context, failed func(error)) bool {
	pause := firstRenewRetry
	for {
		if !s.venue.member.options.Now().Before(s.ConnectionState().Ends) {
			return false // the machine slept for too long: a certificate would be wasted
		}
		err := s.Renew(ctx)
		if err == nil {
			return true
		}
		if s.over(ctx) {
			return false
		}
		failed(err)
		if !s.sleep(ctx, min(pause, s.venue.nap)) {
			return false
		}
		pause = min(2*pause, lastRenewRetry)
	}
}

// sleepUntil waits for a time of the clock, and reports whether session and ctx go
// on. A timer alone would stand still while the machine sleeps.
func (s *Session) sleepUntil(ctx context.Context, at time.Time) bool {
	for {
		left := at.Sub(s.venue.member.options.Now())
		if left <= 0 {
			return !s.over(ctx)
		}
		if !s.sleep(ctx, min(left, s.venue.nap)) {
			return false
		}
	}
}

func (s *Session) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.Done():
	case <-ctx.Done():
	}
	return !s.over(ctx)
}

// over reports whether session or ctx has ended.
func (s *Session) over(ctx context.Context) bool {
	select {
	case <-s.Done():
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}
