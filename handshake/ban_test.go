package handshake

import (
	"errors"
	"testing"

	"github.com/zkkex/zkkex"
)

// ban has the gate refuse a pseudonym from now on.
func (g *testGate) ban() {
	g.set(func(g *testGate) { g.liveErr = zkkex.Reject(Banned, "x") })
}

// A ban is told to the peer by its own reason, at any kind of first message, and
// nothing is spent.
func TestBanned(t *testing.T) {
	for _, kind := range []Kind{Open, Inline, Admit} {
		s := newScene(t)
		i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: kind})
		s.gate.ban()
		answer, _, err := s.respond(t, message)
		requireReason(t, err, Banned)
		_, err = i.Finish(answer)
		requireReason(t, err, Banned)
		if opens, channels := s.gate.changed(); opens+channels != 0 {
			t.Errorf("%v: %d opens and %d channels are recorded", kind, opens, channels)
		}
	}
}

// Channels that are open end with an alert of their own as soon as the listener is
// told to look.
func TestBanEndsChannels(t *testing.T) {
	s := listen(t, newScene(t))
	member, _ := s.pair(s.certificate(t))
	s.listener.Check()
	select {
	case <-member.Done():
		t.Fatal("ended without a ban")
	default:
	}
	s.gate.ban()
	s.listener.Check()
	_, err := member.Read(make([]byte, 1))
	if alert, ok := errors.AsType[Alert](err); !ok || alert != AlertBanned {
		t.Errorf("%v, expected the alert %v", err, AlertBanned)
	}
}

// Whoever is banned does not get another epoch's certificate into the channel: it is
// not even looked at.
func TestBannedRenewal(t *testing.T) {
	s := listen(t, newScene(t))
	member, venue := s.pair(s.certificate(t))
	s.gate.ban()
	s.gate.mu.Lock()
	pairings := s.gate.pairings
	s.gate.mu.Unlock()
	if err := member.Renew(t.Context(), s.venue(plainSuite), s.certificate(t)); !isReason(err, Banned) {
		t.Errorf("%v, expected a rejection for %s", err, Banned)
	}
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.gate.pairings != pairings || venue.ConnectionState().Renewals != 0 {
		t.Error("the certificate was looked at")
	}
}
