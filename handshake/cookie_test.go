package handshake

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

// load puts a responder under load, as handshakes in progress do, until the test
// ends.
func load(t *testing.T, r *Responder) {
	t.Helper()
	for range r.config.Load.UnderLoad {
		done, err := r.Progress()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(done)
	}
}

// askedForCookie sends a first message to a responder under load, and returns the
// answer.
func askedForCookie(t *testing.T, s *scene, source netip.Addr, i *Initiator, message []byte) []byte {
	t.Helper()
	answer, a, err := s.responder.Respond(t.Context(), source, message)
	if a != nil || !errors.Is(err, ErrCookie) || len(answer) != cookieAnswerSize {
		t.Fatalf("got %d bytes and %v, expected a cookie", len(answer), err)
	}
	if _, err := i.Finish(answer); !errors.Is(err, ErrCookie) {
		t.Fatalf("got %v, expected ErrCookie", err)
	}
	return answer
}

// Under load, end to end: a cookie is asked for before anything is computed with a
// secret, the message comes again with it, and the channel opens.
func TestCookie(t *testing.T) {
	for _, source := range []netip.Addr{home, netip.MustParseAddr("2001:db8::1"), {}} {
		s := newScene(t)
		i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
		load(t, s.responder)
		answer := askedForCookie(t, s, source, i, message)
		if s.gate.lookUps != 0 {
			t.Error("the gate was asked before the cookie was there")
		}
		again, err := i.Cookie(answer)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(message) - macSize; len(again) != len(message) || !slices.Equal(again[:n], message[:n]) || slices.Equal(again, message) {
			t.Error("the message with a cookie differs in more, or less, than mac2")
		}
		answer, a, err := s.responder.Respond(t.Context(), source, again)
		if err != nil {
			t.Fatal(err)
		}
		e, err := i.Finish(answer)
		if err != nil {
			t.Fatal(err)
		}
		requireChannel(t, e, a)
	}
}

// A cookie is good for one address, one message and two minutes, and only as the
// responder made it.
func TestWrongCookies(t *testing.T) {
	s := newScene(t, unlimited)
	i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	_, other := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	load(t, s.responder)
	again, err := i.Cookie(askedForCookie(t, s, home, i, message))
	if err != nil {
		t.Fatal(err)
	}

	forged := slices.Clone(message)
	copy(forged[len(forged)-macSize:], "a forged cookie!")
	transplanted := slices.Clone(other)
	copy(transplanted[len(other)-macSize:], again[len(again)-macSize:])
	for _, c := range []struct {
		name    string
		source  netip.Addr
		message []byte
	}{
		{"none", home, message},
		{"forged", home, forged},
		{"another address's", elsewhere, again},
		{"another message's", home, transplanted},
	} {
		_, a, err := s.responder.Respond(t.Context(), c.source, c.message)
		if a != nil || !errors.Is(err, ErrCookie) {
			t.Errorf("%s: got %v, expected ErrCookie", c.name, err)
		}
	}

	s.clock.advance(cookieAge)
	if _, a, err := s.respond(t, again); a != nil || !errors.Is(err, ErrCookie) {
		t.Errorf("of an old secret: got %v, expected ErrCookie", err)
	}
	if again, err = i.Cookie(askedForCookie(t, s, home, i, message)); err != nil {
		t.Fatal(err)
	}
	s.clock.advance(cookieAge - time.Second)
	if _, _, err := s.respond(t, again); err != nil {
		t.Errorf("a fresh one, within its time: %v", err)
	}
}

// Every byte of the answer with a cookie matters, and none for another message is
// taken.
func TestTamperedCookieAnswer(t *testing.T) {
	s := newScene(t, unlimited)
	i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	other, otherMessage := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	load(t, s.responder)
	answer := askedForCookie(t, s, home, i, message)
	for at := range answer {
		tampered := slices.Clone(answer)
		tampered[at] ^= 1 << (at % 8)
		if _, err := i.Cookie(tampered); !errors.Is(err, answerReason(at)) {
			t.Fatalf("byte %d: got %v, expected %v", at, err, answerReason(at))
		}
	}
	if _, err := i.Cookie(unknownDescriptorAnswer()); !errors.Is(err, ErrType) {
		t.Errorf("another answer: got %v, expected ErrType", err)
	}
	short := append(appendPrefix(nil, typeCookie, 1), 0)
	if _, err := i.Cookie(short); !errors.Is(err, ErrLength) {
		t.Errorf("a short one: got %v, expected ErrLength", err)
	}
	if _, err := i.Cookie(askedForCookie(t, s, home, other, otherMessage)); !errors.Is(err, ErrUnauthentic) {
		t.Errorf("another message's: got %v, expected ErrUnauthentic", err)
	}
	if same, err := i.Message(); err != nil || !slices.Equal(same, message) {
		t.Error("a refused cookie changed the message")
	}
}

// Handshakes in progress are counted while they are, and capped.
func TestHalfOpen(t *testing.T) {
	s := newScene(t, func(c *ResponderConfig) { c.Load = Load{HalfOpen: 3, UnderLoad: 10} })
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	var done []func()
	for range 3 {
		d, err := s.responder.Progress()
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, d)
	}
	if _, err := s.responder.Progress(); !errors.Is(err, ErrHalfOpen) {
		t.Errorf("got %v, expected ErrHalfOpen", err)
	}
	answer, a, err := s.respond(t, message)
	requireSilence(t, answer, a, err, ErrHalfOpen)
	done[0]()
	if _, _, err := s.respond(t, message); err != nil {
		t.Errorf("one less in progress: %v", err)
	}
	done[1]()
	done[2]()
	if n := s.responder.halfOpen.Load(); n != 0 {
		t.Errorf("%d in progress, expected 0", n)
	}
}

// An address that sends too much is dropped; others, and it after a while, are not.
func TestRate(t *testing.T) {
	s := newScene(t, func(c *ResponderConfig) { c.Load = Load{Rate: 1, Burst: 2} })
	send := func(source string) error {
		_, message := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Inline})
		_, _, err := s.responder.Respond(t.Context(), netip.MustParseAddr(source), message)
		return err
	}
	for _, c := range []struct {
		source string
		want   error
	}{
		{"192.0.2.1", nil}, {"::ffff:192.0.2.1", nil}, {"192.0.2.1", ErrRate}, {"192.0.2.2", nil},
		{"2001:db8::1", nil}, {"2001:db8::2%eth0", nil}, {"2001:db8::3", ErrRate}, {"2001:db8:0:1::1", nil},
	} {
		if err := send(c.source); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, expected %v", c.source, err, c.want)
		}
	}
	s.clock.advance(time.Second)
	if err := send("192.0.2.1"); err != nil {
		t.Errorf("a second later: %v", err)
	}
	if err := send("192.0.2.1"); !errors.Is(err, ErrRate) {
		t.Errorf("and again: got %v, expected ErrRate", err)
	}
}

// What is remembered is bounded, whatever comes in.
func TestBoundedMemory(t *testing.T) {
	b := newBuckets(Load{Rate: 1, Burst: 1, Sources: 100}, time.Now)
	keys := newSeen(100)
	for i := range 10_000 {
		b.take(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		number := uint64(i / 1000)
		key := [32]byte{byte(i >> 8), byte(i)}
		if !keys.enter(number, key) || keys.enter(number, key) || !keys.has(number, key) {
			t.Fatalf("key %d is not entered once", i)
		}
		if n := b.last.len(); n > 100 {
			t.Fatalf("%d addresses are kept, at most 100", n)
		}
		if of := keys.keys[number].len(); of > 100 || len(keys.keys) > maxDescriptors {
			t.Fatalf("%d keys of %d descriptors are kept, at most 100 of %d", of, len(keys.keys), maxDescriptors)
		}
	}
	if keys.has(0, [32]byte{}) || keys.keys[9] == nil {
		t.Error("it is not the oldest descriptor that was forgotten")
	}
	for i, want := range map[int]bool{9999: true, 9950: true, 9949: true, 9900: true, 9899: false, 9000: false} {
		if keys.has(9, [32]byte{byte(i >> 8), byte(i)}) != want {
			t.Errorf("key %d is remembered: %v, expected %v", i, !want, want)
		}
	}
}

// Handshakes that wait for the gate are in progress: beside enough of them, the
// next one is asked for a cookie.
func TestLoadIsCountedWhileResponding(t *testing.T) {
	s := newScene(t, func(c *ResponderConfig) { c.Load = Load{UnderLoad: 3} })
	gate := &waitingGate{testGate: s.gate, arrived: make(chan struct{}), let: make(chan struct{})}
	s.responder.config.Gate = gate
	results := make(chan error)
	for range 2 {
		_, message := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Admit})
		go func() {
			_, _, err := s.responder.Respond(t.Context(), home, message)
			results <- err
		}()
		<-gate.arrived
	}
	_, message := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Inline})
	if _, _, err := s.respond(t, message); !errors.Is(err, ErrCookie) {
		t.Errorf("got %v, expected ErrCookie", err)
	}
	close(gate.let)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	s.responder.config.Gate = s.gate
	if _, _, err := s.respond(t, message); err != nil || s.responder.UnderLoad() {
		t.Errorf("afterwards: %v, under load %v", err, s.responder.UnderLoad())
	}
}

// waitingGate decides about certificates when it is let.
type waitingGate struct {
	*testGate
	arrived, let chan struct{}
}

func (g *waitingGate) Admit(ctx context.Context, p *zkkex.Presentation) (*Admission, error) {
	g.arrived <- struct{}{}
	<-g.let
	return g.testGate.Admit(ctx, p)
}
