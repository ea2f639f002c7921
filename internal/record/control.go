package record

import (
	"fmt"
	"time"
)

// Ratchet asks for fresh keys as soon as possible: the initiator begins, the
// responder asks it to. A ratchet in flight began before, and is not enough.
func (s *Session) Ratchet() { s.want(true) }

// want asks for a ratchet; unless on demand, one in flight is enough.
func (s *Session) want(demand bool) {
	r := &s.ratchet
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = r.wanted || demand || r.stage == idle && !r.requested && !r.computing
}

// NeedsPrepare reports whether [Session.Prepare] has something to compute.
func (s *Session) NeedsPrepare() bool {
	now := s.now()
	s.ratchet.mu.Lock()
	defer s.ratchet.mu.Unlock()
	return s.ratchet.needsPrepare(now)
}

// Prepare computes the next part of a ratchet, if one is due: key generation,
// encapsulation or decapsulation, X25519, and the new secrets. It takes a
// fraction of a millisecond, during which sealing and opening go on. It returns
// nil if there was nothing to do. A failure ends opening as well; it returns an
// error wrapping [ErrKey] if the peer's keys are not acceptable.
func (s *Session) Prepare() error {
	err := s.ratchet.prepare(s.now())
	if err == nil {
		return nil
	}
	s.receive.mu.Lock()
	defer s.receive.mu.Unlock()
	err = s.receive.end(fmt.Errorf("record: ratchet: %w", err))
	s.ratchet.end(err)
	return err
}

// NeedsControl reports whether [Session.Control] has a record to seal.
func (s *Session) NeedsControl() bool {
	now := s.now()
	s.ratchet.mu.Lock()
	defer s.ratchet.mu.Unlock()
	_, needed := s.ratchet.pending(now)
	return needed
}

// Due reports whether [Session.NeedsPrepare] or [Session.NeedsControl] does, at a
// time of the session's clock: reading that can take longer than all the rest.
func (s *Session) Due(now time.Time) bool {
	s.ratchet.mu.Lock()
	defer s.ratchet.mu.Unlock()
	if s.ratchet.needsPrepare(now) {
		return true
	}
	_, needed := s.ratchet.pending(now)
	return needed
}

// Control appends the next control record to dst, or nothing if there is none:
// that can be so just after NeedsControl said otherwise, when an offer comes in
// before our request for it is sealed. It is to be sent like any record, also
// after Close, as long as the peer has not closed. It returns an error as [Session.Seal] does;
// keys that are too old for anything else are stepped, and then good for this.
func (s *Session) Control(dst []byte) ([]byte, error) {
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	if s.send.err != nil {
		return dst, s.send.err
	}
	r, now := &s.ratchet, s.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	t, needed := r.pending(now)
	if !needed {
		return dst, nil
	}
	out, err := s.seal(dst, t, r.content(t), now)
	if err != nil {
		return dst, err
	}
	r.sent(t, &s.send)
	return out, nil
}

// RatchetState is where a session stands. It holds no secrets.
type RatchetState struct {
	// Generation is how many ratchets are complete.
	Generation uint64
	// Age is how old the generation is, by our clock, counted from our fresh
	// keys.
	Age time.Duration
	// InFlight reports whether a ratchet has begun and is not complete.
	InFlight bool
	// SendPhase and ReceivePhase are the key phases of the latest records.
	SendPhase, ReceivePhase uint32
	// Transcript is a hash of the suite, the handshake and all ratchets' messages.
	// It is the same for both peers at the same generation.
	Transcript [32]byte
}

// RatchetState returns the present state.
func (s *Session) RatchetState() (state RatchetState) {
	now := s.now()
	s.send.mu.Lock()
	state.SendPhase = s.send.phase
	s.send.mu.Unlock()
	s.receive.mu.Lock()
	state.ReceivePhase = s.receive.phase
	s.receive.mu.Unlock()
	r := &s.ratchet
	r.mu.Lock()
	defer r.mu.Unlock()
	state.Generation, state.Transcript = r.current.number, r.current.transcript
	state.Age, state.InFlight = age(now, r.current.born), r.stage != idle || r.computing
	return state
}
