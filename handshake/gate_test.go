package handshake

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/zkkex/zkkex"
)

// spendFails is a gate whose store is down when an open is to be recorded.
type spendFails struct{ *testGate }

func (spendFails) Spend(context.Context, *Admission, uint32, bool) error { return errDown }

// refusedWith has a first message refused, and returns the initiator's error.
func refusedWith(t *testing.T, s *scene, suite string, kind Kind) (responder, initiator error) {
	t.Helper()
	i, message := s.first(t, suite, s.certificate(t), InitiatorOptions{Kind: kind})
	answer, a, responder := s.respond(t, message)
	if a != nil || responder == nil {
		t.Fatal("accepted")
	}
	if len(answer) != answerSize(i.suite) {
		t.Fatalf("a refusal of %d bytes, expected %d", len(answer), answerSize(i.suite))
	}
	e, initiator := i.Finish(answer)
	if e != nil {
		t.Fatal("established")
	}
	return responder, initiator
}

// Every reason that a gate can have reaches the initiator, with every suite, in an
// answer as long as a yes.
func TestEveryReason(t *testing.T) {
	for _, suite := range suiteNames {
		s := newScene(t, unlimited)
		for _, reason := range reasons {
			if reason == Unavailable {
				continue
			}
			s.gate.set(func(g *testGate) { g.admitErr = fmt.Errorf("gate: %w", zkkex.Reject(reason, "for a test")) })
			responder, initiator := refusedWith(t, s, suite, Inline)
			requireReason(t, responder, reason)
			requireReason(t, initiator, reason)
			if Retryable(initiator) != (reason == zkkex.Busy) {
				t.Errorf("%s: Retryable is %v", reason, Retryable(initiator))
			}
		}
	}
}

// A reason without a code, and a rejection without a reason, are a no all the same.
func TestReasonsWithoutCode(t *testing.T) {
	for _, err := range []error{zkkex.Reject("something_new", ""), fmt.Errorf("gate: %w", zkkex.ErrRejected)} {
		s := newScene(t)
		s.gate.set(func(g *testGate) { g.admitErr = err })
		responder, initiator := refusedWith(t, s, plainSuite, Admit)
		if !errors.Is(responder, zkkex.ErrRejected) {
			t.Errorf("got %v, expected ErrRejected", responder)
		}
		requireReason(t, initiator, Refused)
	}
	for _, code := range []uint16{0, uint16(len(reasons) + 1), 65535} {
		requireReason(t, refusal(code), Refused)
	}
}

// A store that is down is no no: neither side takes it for one, whatever was asked.
func TestStoreDown(t *testing.T) {
	for _, kind := range []Kind{Open, Admit, Inline} {
		s := newScene(t)
		c := s.admitted(t)
		s.gate.set(func(g *testGate) { g.down = true })
		i, message := s.first(t, plainSuite, c, InitiatorOptions{Kind: kind})
		answer, _, responder := s.respond(t, message)
		_, initiator := i.Finish(answer)
		for side, err := range map[string]error{"responder": responder, "initiator": initiator} {
			if !errors.Is(err, ErrUnavailable) || errors.Is(err, zkkex.ErrRejected) || !Retryable(err) {
				t.Errorf("%s, %s: got %v, expected ErrUnavailable and no rejection", kind, side, err)
			}
		}
	}
}

// The same for an open that cannot be recorded once the peer is confirmed: it
// leaves no channel counted, and may be tried again.
func TestConfirmWithoutStore(t *testing.T) {
	s := newScene(t)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	_, a, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	s.gate.set(func(g *testGate) { g.down = true })
	if err := a.Confirm(t.Context()); !errors.Is(err, ErrUnavailable) || !errors.Is(err, errDown) || errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("got %v, expected ErrUnavailable", err)
	}
	s.gate.set(func(g *testGate) { g.down = false })
	if opens, channels := s.gate.changed(); opens != 0 || channels != 0 {
		t.Errorf("left %d opens, %d channels", opens, channels)
	}
	if err := a.Confirm(t.Context()); err != nil {
		t.Errorf("with the store back: %v", err)
	}
}

// The checks behind the payload that are not about a certificate that comes along.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		reason zkkex.Reason
		change func(*scene)
	}{
		{"not admitted", NotAdmitted, func(s *scene) { clear(s.gate.admissions) }},
		{"opened too often", OpensExceeded, func(s *scene) { s.keys.MaxOpens = 0 }},
		{"epoch over", zkkex.WrongEpoch, func(s *scene) { s.gate.liveErr = zkkex.Reject(zkkex.WrongEpoch, "over") }},
		{"generation raised", WrongGeneration, func(s *scene) { s.gate.liveErr = zkkex.Reject(WrongGeneration, "8") }},
		{"channels", ChannelsExceeded, func(s *scene) { s.gate.maxChannels = 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
			c.change(s)
			answer, _, err := s.respond(t, message)
			requireReason(t, err, c.reason)
			_, err = i.Finish(answer)
			requireReason(t, err, c.reason)
			if opens, channels := s.gate.changed(); opens != 0 || channels != 0 {
				t.Errorf("left %d opens, %d channels", opens, channels)
			}
		})
	}
}

// Early data at a venue that takes none is refused, and nothing is delivered.
func TestEarlyDataIsOff(t *testing.T) {
	s := newScene(t, func(c *ResponderConfig) { c.EarlyData = false })
	i, message := s.first(t, earlySuite, s.admitted(t), InitiatorOptions{Kind: Open, Early: []byte("buy 100")})
	answer, _, err := s.respond(t, message)
	requireReason(t, err, EarlyRefused)
	_, err = i.Finish(answer)
	requireReason(t, err, EarlyRefused)
}

// A refusal is never the same twice: randomness of the responder's is in its key
// (T1b), and what it says is not to be told from a yes.
func TestRefusalsAreFresh(t *testing.T) {
	s := newScene(t)
	_, message := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Open})
	seen := make(map[[64]byte]bool)
	for range 20 {
		answer, _, err := s.another(t).Respond(t.Context(), home, message)
		requireReason(t, err, NotAdmitted)
		for part := answer[PrefixSize:]; len(part) >= 64; part = part[64:] {
			if seen[[64]byte(part)] {
				t.Fatal("two refusals share bytes")
			}
			seen[[64]byte(part)] = true
		}
		if answer[PrefixSize+31]&0x80 != 0 {
			t.Error("what stands in e's place is no canonical X25519 key")
		}
	}
}

// The gate sees the address that a message came from.
func TestSourceHook(t *testing.T) {
	type key struct{}
	s := newScene(t, func(c *ResponderConfig) {
		c.Source = func(ctx context.Context, a netip.Addr) context.Context { return context.WithValue(ctx, key{}, a) }
	})
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	if _, _, err := s.respond(t, message); err != nil {
		t.Fatal(err)
	}
	if got := s.gate.lastContext.Value(key{}); got != home {
		t.Errorf("the gate's context has %v, expected %v", got, home)
	}
}

// What cannot be is refused before anything is sent.
func TestConfigurations(t *testing.T) {
	s := newScene(t)
	c := s.admitted(t)
	early := make([]byte, MaxEarlyData+1)
	for _, n := range []struct {
		name   string
		suite  string
		o      InitiatorOptions
		change func(*Venue)
		want   error
	}{
		{"no kind", plainSuite, InitiatorOptions{}, nil, ErrConfig},
		{"kind 4", plainSuite, InitiatorOptions{Kind: 4}, nil, ErrConfig},
		{"unknown suite", "Noise_IK_25519_AESGCM_SHA256", InitiatorOptions{Kind: Open}, nil, zkkex.ErrUnsupported},
		{"early data without prekey", plainSuite, InitiatorOptions{Kind: Open, Early: early[:1]}, nil, ErrConfig},
		{"early data with admit", earlySuite, InitiatorOptions{Kind: Admit, Early: early[:1]}, nil, ErrConfig},
		{"too much early data", earlySuite, InitiatorOptions{Kind: Open, Early: early}, nil, ErrConfig},
		{"no prekey", earlySuite, InitiatorOptions{Kind: Open}, func(v *Venue) { v.Prekey = nil }, ErrConfig},
		{"no static key", plainSuite, InitiatorOptions{Kind: Open}, func(v *Venue) { v.Static = nil }, ErrConfig},
		{"the venue is ourselves", plainSuite, InitiatorOptions{Kind: Open}, func(v *Venue) { v.Static = c.Key().PublicKey() }, ErrConfig},
	} {
		v := s.venue(n.suite)
		if n.change != nil {
			n.change(v)
		}
		if _, err := NewInitiator(v, c, n.o); !errors.Is(err, n.want) {
			t.Errorf("%s: got %v, expected %v", n.name, err, n.want)
		}
	}
	if c.Opens() != 0 {
		t.Errorf("%d open counters were taken for nothing", c.Opens())
	}
	for _, rc := range []ResponderConfig{
		{}, {Keys: keySource{}}, {Gate: s.gate}, {Keys: keySource{}, Gate: s.gate, Load: Load{Rate: -1}},
		{Keys: keySource{}, Gate: s.gate, Load: Load{Seen: -1}},
	} {
		if _, err := NewResponder(rc); !errors.Is(err, ErrConfig) {
			t.Errorf("got %v, expected ErrConfig", err)
		}
	}
}

// A handshake has an order.
func TestOrder(t *testing.T) {
	s := newScene(t)
	i := s.initiator(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	if _, err := i.Finish(nil); !errors.Is(err, ErrUsed) {
		t.Errorf("finish first: got %v", err)
	}
	if _, err := i.Cookie(nil); !errors.Is(err, ErrUsed) {
		t.Errorf("cookie first: got %v", err)
	}
	i.Wipe()
	if _, err := i.Message(); !errors.Is(err, ErrUsed) {
		t.Errorf("message after wipe: got %v", err)
	}
}
