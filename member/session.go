package member

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/slots"
)

// Session is a channel at a venue, and what it takes to open it again.
type Session struct {
	*handshake.Conn

	venue    *Venue
	renewing chan struct{} // holds one while the session is renewed

	mu          sync.Mutex
	certificate *session.Certificate

	// Of who renews:
	next  *session.Certificate // was to replace the certificate, and still can
	stale bool                 // the venue may not know our descriptor
}

// Fresh opens a session with a certificate that was never used: the venue cannot
// tell that it is of the same member as any other session. A certificate that
// could not be sent, because the venue was out of reach, is kept for the next call.
//
// It returns the errors of [session.Pool.Take] and [handshake.Dialer.Open]. Of the
// former, a [session.MakeError] says when the next epoch begins: it wraps
// [slots.ErrNoSlot] if the limit is used up, a [NotNamedError] for a member that
// was admitted too late for this epoch, and [mirror.ErrNotMember] for none.
func (v *Venue) Fresh(ctx context.Context) (*Session, error) { return v.fresh(ctx, nil) }

// FreshEarly is Fresh with data in the first message, which the venue delivers at
// most once. It has no forward secrecy once the venue's prekey is known, so orders
// do not belong there. Venue and suite must allow it: [VenueConfig.RequirePrekey].
// It returns an error wrapping [handshake.ErrConfig], and nothing was sent, if the
// suite does not. After any other error the data may have been delivered: a call
// that sends it again may have it delivered again.
func (v *Venue) FreshEarly(ctx context.Context, early []byte) (*Session, error) {
	return v.fresh(ctx, early)
}

func (v *Venue) fresh(ctx context.Context, early []byte) (*Session, error) {
	s, err := v.tryFresh(ctx, early)
	// The venue told us in answer to the first message, or somebody on the way did:
	// early data may have been delivered, and is not sent under another certificate.
	if errors.Is(err, ErrRaised) && len(early) == 0 {
		s, err = v.tryFresh(ctx, early)
	}
	return s, err
}

func (v *Venue) tryFresh(ctx context.Context, early []byte) (*Session, error) {
	if err := v.canCarry(ctx, early); err != nil {
		return nil, err
	}
	c, err := v.take(ctx)
	if err != nil {
		return nil, err
	}
	s, err := v.open(ctx, c, early)
	if err != nil {
		v.spare.put(c)
	}
	return s, err
}

// canCarry refuses early data that no first message would have, before it costs a
// certificate.
func (v *Venue) canCarry(ctx context.Context, early []byte) error {
	if len(early) == 0 {
		return nil
	}
	if len(early) > handshake.MaxEarlyData {
		return fmt.Errorf("%w: %d bytes of early data, expected at most %d", handshake.ErrConfig, len(early), handshake.MaxEarlyData)
	}
	d, err := v.current(ctx, false)
	if err != nil {
		return err
	}
	known, err := v.handshake(d)
	if err != nil {
		return err
	}
	suite, err := handshake.ParseSuite(known.Suite)
	if err != nil {
		return err
	}
	if !suite.EarlyData() {
		return fmt.Errorf("%w: suite %s carries no early data: trust the venue with RequirePrekey", handshake.ErrConfig, suite)
	}
	return nil
}

// take returns a certificate for the present terms, after a sync if they are not
// known.
func (v *Venue) take(ctx context.Context) (*session.Certificate, error) {
	if _, err := v.current(ctx, false); err != nil {
		return nil, err
	}
	c, err := v.takeKnown(ctx)
	if !syncHelps(err) && !(errors.Is(err, slots.ErrNoSlot) && v.mayLook()) {
		return c, err
	}
	if err := v.Sync(ctx); err != nil {
		return nil, err
	}
	return v.takeKnown(ctx)
}

// lookAgain is how often a member that is out of slots asks whether the venue has
// raised its generation, which gives fresh ones.
const lookAgain = 10 * time.Second

// mayLook reports whether it is time for another look, and counts it.
func (v *Venue) mayLook() bool {
	now := v.member.options.Now().UnixNano()
	last := v.looked.Load()
	return now-last >= int64(lookAgain) && v.looked.CompareAndSwap(last, now)
}

func (v *Venue) takeKnown(ctx context.Context) (*session.Certificate, error) {
	terms, err := v.Terms(ctx, v.member.options.Now())
	if err != nil {
		return nil, err
	}
	if c := v.spare.take(terms[0].Scope); c != nil {
		return c, nil
	}
	return v.pool.Take(ctx)
}

func (v *Venue) open(ctx context.Context, c *session.Certificate, early []byte) (*Session, error) {
	end, err := v.pool.BeginOpen(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	conn, err := v.dialer(c).Open(ctx, c, early)
	if err != nil {
		return nil, fmt.Errorf("venue %s: %w", v.Name(), err)
	}
	return &Session{Conn: conn, venue: v, renewing: make(chan struct{}, 1), certificate: c}, nil
}

// Resume opens another session with the certificate of this one. The venue knows
// that both are of one member; in exchange, it can find what belongs to the first.
// It returns an error wrapping [session.ErrOpensUsed] when the certificate was
// opened as often as the venue allows, [ErrRaised], and those of
// [handshake.Dialer.Open].
func (s *Session) Resume(ctx context.Context) (*Session, error) {
	return s.venue.open(ctx, s.current(), nil)
}

// current returns the certificate that the session is open by.
func (s *Session) current() *session.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.certificate
}

// Renew presents a fresh certificate of the present epoch in the live session,
// which then outlives the epoch it was opened in. The venue knows that both
// certificates are of one member. If the venue refuses, or cannot tell, the session
// goes on until its end as before, and the next Renew presents the same certificate
// if it still can. If ctx ends while the venue is asked, the session ends as well.
//
// It returns the errors of [Venue.Fresh] and [handshake.Conn.Renew].
func (s *Session) Renew(ctx context.Context) error {
	select {
	case s.renewing <- struct{}{}:
		defer func() { <-s.renewing }()
	default:
		return handshake.ErrRenewing
	}
	c, err := s.nextCertificate(ctx)
	if err != nil {
		return err
	}
	s.next = c
	err = s.present(ctx, c)
	if err == nil || slotUsed(err) {
		s.next = nil
	}
	s.stale = errors.Is(err, handshake.ErrUnavailable)
	return err
}

// nextCertificate returns the certificate to renew with.
func (s *Session) nextCertificate(ctx context.Context) (*session.Certificate, error) {
	if s.stale {
		_ = s.venue.syncDescriptors(ctx) // as good as it goes: ours may still be the newest
	}
	if _, err := s.venue.current(ctx, false); err != nil {
		return nil, err
	}
	terms, err := s.venue.Terms(ctx, s.venue.member.options.Now())
	if err == nil && s.next != nil && s.next.Presentation().Statement.Scope == terms[0].Scope {
		return s.next, nil
	}
	return s.venue.take(ctx)
}

// present renews the session with a certificate.
func (s *Session) present(ctx context.Context, c *session.Certificate) error {
	d, err := s.venue.current(ctx, false)
	if err != nil {
		return err
	}
	known, err := s.venue.handshake(d)
	if err != nil {
		return err
	}
	end, err := s.venue.pool.BeginOpen(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := s.Conn.Renew(ctx, known, c); err != nil {
		return fmt.Errorf("venue %s: %w", s.venue.Name(), err)
	}
	c.MarkAdmitted()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certificate = c
	return nil
}

func slotUsed(err error) bool {
	var no *zkkex.RejectError
	return errors.As(err, &no) && no.Reason == zkkex.SlotUsed
}
