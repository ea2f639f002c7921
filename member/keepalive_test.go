package member

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// kept is a session that is kept alive.
type kept struct {
	*Session
	failed chan error
	done   chan struct{}
	stop   context.CancelFunc
}

func keepAlive(t *testing.T, s *Session) *kept {
	t.Helper()
	k := &kept{Session: s, failed: make(chan error, 1), done: make(chan struct{})}
	var ctx context.Context
	ctx, k.stop = context.WithCancel(context.Background())
	go func() {
		defer close(k.done)
		s.KeepAlive(ctx, func(err error) {
			select {
			case k.failed <- err:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		k.stop()
		<-k.done
	})
	return k
}

// renewed waits until the session was renewed so many times, while the clock goes on
// slowly. The timeout of the test is the only one.
func (k *kept) renewed(c *clock, times int) {
	for k.ConnectionState().Renewals < times {
		c.add(10 * time.Millisecond)
		time.Sleep(10 * time.Millisecond)
	}
}

func midnightAfter(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(24 * time.Hour) }

// A session that is kept alive outlives the ends of epochs, each by one renewal.
func TestKeepAlive(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	one := fresh(t, v)
	epoch := one.ConnectionState().Epoch.Number
	k := keepAlive(t, one)
	for n := range 2 {
		midnight := midnightAfter(s.clock.now())
		s.clock.set(midnight.Add(-30 * time.Minute))
		there.turn()
		s.must(v.Sync(t.Context()))
		s.clock.set(midnight.Add(150 * time.Second)) // half of the grace
		k.renewed(s.clock, n+1)
		state := k.ConnectionState()
		if state.Renewals != n+1 || state.Epoch.Number != epoch+uint64(n)+1 {
			t.Fatalf("%d renewals, epoch %d; want %d, %d", state.Renewals, state.Epoch.Number, n+1, epoch+uint64(n)+1)
		}
		if until := midnightAfter(midnight); !state.Ends.After(until) {
			t.Errorf("it ends at %v, want after %v", state.Ends, until)
		}
		works(t, k)
	}
	if taken := v.State().Pool.Taken; taken != 3 {
		t.Errorf("%d certificates for one session and two renewals, want 3", taken)
	}
}

// An epoch for which nothing is named yet: KeepAlive says so, and tries again.
func TestKeepAliveWithoutTerms(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	k := keepAlive(t, fresh(t, v))
	there.show(http.NotFoundHandler())
	s.clock.set(midnightAfter(s.clock.now()).Add(150 * time.Second)) // the descriptor ended long ago
	if err := <-k.failed; err == nil {
		t.Error("a failure without an error")
	}
	there.turn()
	there.show(there.venue.Handler())
	k.renewed(s.clock, 1)
	works(t, k)
}

// A machine that slept beyond the session's end wastes no certificate on it.
func TestKeepAliveOfAnEndedSession(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	k := keepAlive(t, fresh(t, v))
	s.clock.add(24 * time.Hour)
	there.turn()
	<-k.done
	if taken := v.State().Pool.Taken; taken != 1 {
		t.Errorf("%d certificates were taken, want 1", taken)
	}
	if _, err := k.Write([]byte("order")); err == nil {
		t.Error("a session outlived its end")
	}
}

// KeepAlive ends with its session, and with its context.
func TestKeepAliveEnds(t *testing.T) {
	s := newScene(t)
	m := s.member()
	v := s.venue("venue.invalid").trustedBy(m)
	closed, cancelled := keepAlive(t, fresh(t, v)), keepAlive(t, fresh(t, v))
	s.must(closed.Close())
	cancelled.stop()
	<-closed.done
	<-cancelled.done
	works(t, cancelled)
}

// A renewal that the venue could not decide presents the same certificate again.
func TestRenewAgain(t *testing.T) {
	s := newScene(t)
	m := s.member()
	there := s.venue("venue.invalid")
	v := there.trustedBy(m)
	one := fresh(t, v)
	s.clock.add(5 * time.Minute)
	s.publish()
	first, err := one.nextCertificate(t.Context())
	s.must(err)
	one.next = first
	again, err := one.nextCertificate(t.Context())
	s.must(err)
	if again != first {
		t.Error("a certificate that was not refused was thrown away")
	}
	one.renewing <- struct{}{}
	if err := one.Renew(t.Context()); !errors.Is(err, handshake.ErrRenewing) {
		t.Errorf("while it is renewed: %v; want ErrRenewing", err)
	}
	<-one.renewing
	_, err = there.venue.Raise(t.Context())
	s.must(err)
	one.stale = true // the venue's answer to what it does not know is that it cannot tell
	other, err := one.nextCertificate(t.Context())
	s.must(err)
	if d := v.State().Descriptor; other == first || d != 2 {
		t.Errorf("after the generation was raised: descriptor %d, the same certificate: %v", d, other == first)
	}
}

// Whoever gives evidence up to another process gives none up.
func TestEvidenceIsNotOverwritten(t *testing.T) {
	s := newScene(t)
	s.admit(s.stranger())
	there := s.silentVenue("venue.invalid")
	dir := t.TempDir()
	open := func() *venueChain {
		c, err := openVenueChain(dir, there.config())
		s.must(err)
		return c
	}
	client := there.trustedBy(s.stranger()).client
	one, two := open(), open()
	s.must(one.update(t.Context(), client))
	s.must(two.update(t.Context(), client))
	there.show(there.fork().Handler())
	if err := one.update(t.Context(), client); !errors.Is(err, descriptor.ErrFork) {
		t.Fatalf("%v; want ErrFork", err)
	}
	there.show(there.venue.Handler())
	s.clock.add(time.Hour)
	there.turn()
	_ = two.update(t.Context(), client)
	for _, c := range []*venueChain{two, open()} {
		if c.known().Fork() == nil {
			t.Error("the evidence is gone")
		}
	}
}
