package member

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Session is a channel at a venue, and what it takes to open it again.
type Session struct {
	*handshake.Conn

	venue       *Venue
	mu          sync.Mutex
	certificate *session.Certificate
}

// Fresh opens a session with a certificate that was never used: the venue cannot
// tell that it is of the same member as any other session. It returns the errors
// of [session.Pool.Take] and [handshake.Dialer.Open].
func (v *Venue) Fresh(ctx context.Context) (*Session, error) { return v.fresh(ctx, nil) }

// FreshEarly is Fresh with data in the first message, which the venue delivers at
// most once. It has no forward secrecy once the venue's prekey is known, so orders
// do not belong there. Venue and suite must allow it: [VenueConfig.RequirePrekey].
func (v *Venue) FreshEarly(ctx context.Context, early []byte) (*Session, error) {
	return v.fresh(ctx, early)
}

func (v *Venue) fresh(ctx context.Context, early []byte) (*Session, error) {
	c, err := v.take(ctx)
	if err != nil {
		return nil, err
	}
	return v.open(ctx, c, early)
}

// take returns a certificate, after a sync if the venue's terms are not known.
func (v *Venue) take(ctx context.Context) (*session.Certificate, error) {
	if _, err := v.current(ctx, false); err != nil {
		return nil, err
	}
	c, err := v.pool.Take(ctx)
	if errors.Is(err, session.ErrNoTerms) || errors.Is(err, session.ErrTerms) {
		if err := v.Sync(ctx); err != nil {
			return nil, err
		}
		c, err = v.pool.Take(ctx)
	}
	return c, err
}

func (v *Venue) open(ctx context.Context, c *session.Certificate, early []byte) (*Session, error) {
	end, err := v.pool.BeginOpen(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	conn, err := v.dialer.Open(ctx, c, early)
	if err != nil {
		return nil, fmt.Errorf("venue %s: %w", v.Name(), err)
	}
	return &Session{Conn: conn, venue: v, certificate: c}, nil
}

// Resume opens another session with the certificate of this one. The venue knows
// that both are of one member; in exchange, it can find what belongs to the first.
// It returns an error wrapping [session.ErrOpensUsed] when the certificate was
// opened as often as the venue allows, and those of [handshake.Dialer.Open].
func (s *Session) Resume(ctx context.Context) (*Session, error) {
	return s.venue.open(ctx, s.present(), nil)
}

func (s *Session) present() *session.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.certificate
}

// Renew presents a fresh certificate of the present epoch in the live session,
// which then outlives the epoch it was opened in. The venue knows that both
// certificates are of one member. If the venue refuses, the session goes on until
// its end as before.
func (s *Session) Renew(ctx context.Context) error {
	c, err := s.venue.take(ctx)
	if err != nil {
		return err
	}
	known, _, err := s.venue.present(ctx, false)
	if err != nil {
		return err
	}
	end, err := s.venue.pool.BeginOpen(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := s.Conn.Renew(ctx, known, c); err != nil {
		return err
	}
	c.MarkAdmitted()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certificate = c
	return nil
}

// renewRetry is the time between two tries of a renewal.
const renewRetry = 10 * time.Second

// KeepAlive renews the session after every end of an epoch, at a random time
// before its grace is over, until the session or ctx ends. It reports renewals
// that failed, which are tried again.
func (s *Session) KeepAlive(ctx context.Context, failed func(error)) {
	for {
		state := s.ConnectionState()
		epoch, err := state.Epoch.End()
		if err != nil {
			failed(err)
			return
		}
		at := epoch
		if grace := state.Ends.Sub(epoch); grace > 0 {
			at = at.Add(rand.N(grace/2 + 1))
		}
		if !s.sleep(ctx, at.Sub(s.venue.member.options.Now())) {
			return
		}
		for err := s.Renew(ctx); err != nil; err = s.Renew(ctx) {
			failed(err)
			if !s.sleep(ctx, renewRetry) {
				return
			}
		}
	}
}

// sleep waits, and reports whether session and ctx go on.
func (s *Session) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.Done():
		return false
	case <-ctx.Done():
		return false
	}
}

// VenueState is what a member has at a venue.
type VenueState struct {
	ID   descriptor.VenueID
	Name string
	// Descriptor is the number of the descriptor of now, and Until when it ends;
	// zero if none is valid.
	Descriptor uint64
	Until      time.Time
	// Terms are those of the present epoch and of the next one, as far as named.
	Terms []session.Terms
	// Pool is the state of the certificates.
	Pool session.State
	// Problem is why no session can be opened, or nil.
	Problem error
}

// State returns the present state, from what is known here.
func (v *Venue) State() VenueState {
	now := v.member.options.Now()
	s := VenueState{ID: v.id, Name: v.Name(), Pool: v.pool.State()}
	d, err := v.chain.Current(now)
	if err != nil {
		s.Problem = err
		return s
	}
	s.Descriptor, s.Until = d.Number, d.NotAfter
	s.Terms, s.Problem = v.Terms(context.Background(), now)
	return s
}

// Dialed is a session with one of several venues, or why there is none.
type Dialed struct {
	Venue   *Venue
	Session *Session
	Err     error
}

// FreshAll opens a fresh session at each venue, all at once. One that fails does
// not hinder the others, and the context bounds them all. Results are in the order
// of the venues.
func FreshAll(ctx context.Context, venues ...*Venue) []Dialed {
	out := make([]Dialed, len(venues))
	var all sync.WaitGroup
	for i, v := range venues {
		all.Go(func() {
			s, err := v.Fresh(ctx)
			out[i] = Dialed{Venue: v, Session: s, Err: err}
		})
	}
	all.Wait()
	return out
}
