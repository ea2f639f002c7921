package handshake

import (
	"errors"
	"maps"
	"sync"

	"github.com/zkkex/zkkex"
)

// Stats counts what became of first messages, since the responder was made. Every
// message counts once in Received and once in one of the others. Those count too
// that a listener did not read to their end, because their length or version is
// wrong, or because of [Load.HalfOpen].
type Stats struct {
	Received uint64

	// Dropped, before anything was computed with a secret.
	Malformed  uint64 // length, version or type
	WrongSuite uint64
	RateLimit  uint64
	HalfOpen   uint64
	Replayed   uint64
	WrongMAC   uint64
	// Answered with a fixed answer.
	UnknownDescriptor uint64
	Cookies           uint64
	// Dropped, after a DH or more.
	Unauthentic uint64
	// WrongPayload counts authentic messages with contents that there are not.
	WrongPayload uint64

	// Rejected counts refusals by their reason; Undecided those that were told
	// [Unavailable].
	Rejected  map[zkkex.Reason]uint64
	Undecided uint64

	// Admitted counts yeses to [Admit], Opened to the other kinds. Early counts
	// those of the latter that brought early data.
	Admitted uint64
	Opened   uint64
	Early    uint64
}

// tally counts.
type tally struct {
	mu    sync.Mutex
	stats Stats
}

// add counts one message by what became of it.
func (t *tally) add(a *Accepted, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Received++
	if err == nil {
		t.stats.accepted(a)
		return
	}
	t.stats.refused(err)
}

// unread counts a message that was dropped before it was read. Connections that
// broke are none.
func (t *tally) unread(err error) {
	if errors.Is(err, ErrLength) || errors.Is(err, ErrVersion) || errors.Is(err, ErrHalfOpen) {
		t.add(nil, err)
	}
}

func (s *Stats) accepted(a *Accepted) {
	if a.Kind == Admit {
		s.Admitted++
		return
	}
	s.Opened++
	if len(a.Early) > 0 {
		s.Early++
	}
}

func (s *Stats) refused(err error) {
	var reject *zkkex.RejectError
	switch {
	case errors.As(err, &reject):
		if s.Rejected == nil {
			s.Rejected = make(map[zkkex.Reason]uint64)
		}
		s.Rejected[reject.Reason]++
	case errors.Is(err, ErrUnavailable):
		s.Undecided++
	default:
		*s.dropped(err)++
	}
}

// dropped returns the counter of a message that was dropped for err, or got a fixed
// answer.
func (s *Stats) dropped(err error) *uint64 {
	for _, c := range []struct {
		reason  error
		counter *uint64
	}{
		{ErrSuite, &s.WrongSuite}, {ErrRate, &s.RateLimit}, {ErrHalfOpen, &s.HalfOpen}, {ErrReplay, &s.Replayed},
		{ErrMAC, &s.WrongMAC}, {ErrUnknownDescriptor, &s.UnknownDescriptor}, {ErrCookie, &s.Cookies},
		{ErrUnauthentic, &s.Unauthentic}, {ErrPayload, &s.WrongPayload},
	} {
		if errors.Is(err, c.reason) {
			return c.counter
		}
	}
	return &s.Malformed
}

// copy returns a copy that the caller may keep.
func (t *tally) copy() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.Rejected = maps.Clone(s.Rejected)
	return s
}
