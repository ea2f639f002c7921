package handshake

import (
	"bytes"
	"errors"
	"testing"

	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// All kinds with all suites, with and without early data: both sides get the same
// channel, and know the same of it.
func TestRoundTrip(t *testing.T) {
	for _, name := range suiteNames {
		for _, kind := range []Kind{Open, Admit, Inline} {
			t.Run(name+" "+kind.String(), func(t *testing.T) { roundTrip(t, name, kind, nil) })
			if suite, _ := ParseSuite(name); suite.EarlyData() && kind.opens() {
				t.Run(name+" "+kind.String()+" early", func(t *testing.T) { roundTrip(t, name, kind, []byte("buy 100")) })
			}
		}
	}
}

func roundTrip(t *testing.T, suite string, kind Kind, early []byte) {
	s := newScene(t)
	c := s.certificate(t)
	if kind == Open {
		c = s.admitted(t)
	}
	i, message := s.first(t, suite, c, InitiatorOptions{Kind: kind, Early: early})
	answer, a, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	e, err := i.Finish(answer)
	if err != nil {
		t.Fatal(err)
	}
	requireAgreement(t, s, c, e, a)
	if !bytes.Equal(a.Early, early) {
		t.Errorf("early data %q, expected %q", a.Early, early)
	}
	if kind == Admit {
		requireNoChannel(t, e, a)
		return
	}
	requireSpent(t, s, a, len(early) > 0)
	requireChannel(t, e, a)
	if _, err := e.Session(ChannelOptions{}); !errors.Is(err, ErrUsed) {
		t.Errorf("second session of the initiator: got %v", err)
	}
	if _, err := a.Session(ChannelOptions{}); !errors.Is(err, ErrUsed) {
		t.Errorf("second session of the responder: got %v", err)
	}
}

// requireAgreement checks what both sides say of the handshake.
func requireAgreement(t *testing.T, s *scene, c *session.Certificate, e *Established, a *Accepted) {
	t.Helper()
	switch {
	case e.Kind != a.Kind, e.Suite != a.Suite, e.Counter != a.Counter, e.Venue != a.Venue, e.Descriptor != a.Descriptor:
		t.Errorf("the sides differ: %v %v %d, %v %v %d", e.Kind, e.Suite, e.Counter, a.Kind, a.Suite, a.Counter)
	case e.Certificate != c.Digest(), a.Admission.Certificate != c.Digest():
		t.Errorf("certificate %s and %s, expected %s", e.Certificate, a.Admission.Certificate, c.Digest())
	case !e.Until.Equal(s.gate.until), !a.Until.Equal(s.gate.until), e.Generation != 7:
		t.Errorf("until %s and %s, generation %d", e.Until, a.Until, e.Generation)
	}
}

// requireSpent checks that the open is spent once confirmed, not before unless
// early data came, and that the channel counts until it is released.
func requireSpent(t *testing.T, s *scene, a *Accepted, early bool) {
	t.Helper()
	if opens, channels := s.gate.changed(); (opens == 1) != early || (channels == 1) != early {
		t.Errorf("before Confirm: %d opens, %d channels", opens, channels)
	}
	for range 2 {
		if err := a.Confirm(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if opens, channels := s.gate.changed(); opens != 1 || channels != 1 || s.gate.durable != map[bool]int{true: 1}[early] {
		t.Errorf("after Confirm: %d opens, %d channels, %d durable", opens, channels, s.gate.durable)
	}
	t.Cleanup(func() {
		a.Release()
		a.Release()
		if _, channels := s.gate.changed(); channels != 0 {
			t.Errorf("after Release: %d channels", channels)
		}
	})
}

func requireNoChannel(t *testing.T, e *Established, a *Accepted) {
	t.Helper()
	if _, err := e.Session(ChannelOptions{}); !errors.Is(err, ErrUsed) {
		t.Errorf("initiator: got %v", err)
	}
	if _, err := a.Session(ChannelOptions{}); !errors.Is(err, ErrUsed) {
		t.Errorf("responder: got %v", err)
	}
	if err := a.Confirm(t.Context()); !errors.Is(err, ErrUsed) {
		t.Errorf("confirm: got %v", err)
	}
}

// A channel is opened again with the same certificate and the next counter, until
// the venue's cap.
func TestResume(t *testing.T) {
	s := newScene(t)
	c := s.admitted(t)
	for n := range s.keys.MaxOpens {
		i, message := s.first(t, plainSuite, c, InitiatorOptions{Kind: Open})
		answer, a, err := s.respond(t, message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Finish(answer); err != nil {
			t.Fatal(err)
		}
		if err := a.Confirm(t.Context()); err != nil || a.Counter != n || i.Counter() != n {
			t.Fatalf("open %d: counter %d, %v", n, a.Counter, err)
		}
		a.Release()
	}
	if _, err := NewInitiator(s.venue(plainSuite), c, InitiatorOptions{Kind: Open}); !errors.Is(err, session.ErrOpensUsed) {
		t.Errorf("got %v, expected ErrOpensUsed", err)
	}
}

// An admission that is asked for again, and an inline open of what is admitted
// already, cost no second pairing.
func TestAdmittedAlready(t *testing.T) {
	s := newScene(t)
	c := s.certificate(t)
	for _, kind := range []Kind{Admit, Admit, Inline, Open} {
		i, message := s.first(t, plainSuite, c, InitiatorOptions{Kind: kind})
		answer, _, err := s.respond(t, message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Finish(answer); err != nil {
			t.Fatal(err)
		}
	}
	if s.gate.pairings != 1 {
		t.Errorf("%d pairings, expected 1", s.gate.pairings)
	}
}

// A secret that nobody took is gone after Wipe and Release.
func TestWipedSecrets(t *testing.T) {
	s := newScene(t)
	i, message := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Inline})
	answer, a, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	e, err := i.Finish(answer)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []*[32]byte{e.channel.secret, a.channel.secret}
	if *secrets[0] == [32]byte{} || *secrets[0] != *secrets[1] {
		t.Fatal("not one secret to wipe")
	}
	e.Wipe()
	a.Release()
	if *secrets[0] != [32]byte{} || *secrets[1] != [32]byte{} {
		t.Error("the secret is still there")
	}
	if _, err := e.Session(ChannelOptions{Padding: record.PadBuckets}); !errors.Is(err, ErrUsed) {
		t.Errorf("got %v, expected ErrUsed", err)
	}
	if err := a.Confirm(t.Context()); !errors.Is(err, ErrUsed) {
		t.Errorf("got %v, expected ErrUsed", err)
	}
}
