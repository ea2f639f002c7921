package handshake

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/internal/record"
)

// A replayed first message is dropped before anything is computed with a secret.
func TestReplayIsDropped(t *testing.T) {
	s := newScene(t)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	if _, _, err := s.respond(t, message); err != nil {
		t.Fatal(err)
	}
	before := s.gate.lookUps
	answer, a, err := s.respond(t, message)
	requireSilence(t, answer, a, err, ErrReplay)
	if s.gate.lookUps != before {
		t.Error("the gate was asked about a replay")
	}
}

// Of the same message many times at once, one is answered.
func TestConcurrentReplays(t *testing.T) {
	s := newScene(t, unlimited)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	var answered, dropped int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			_, _, err := s.responder.Respond(t.Context(), home, message)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				answered++
			case errors.Is(err, ErrReplay):
				dropped++
			}
		})
	}
	wg.Wait()
	if answered != 1 || dropped != 15 {
		t.Errorf("%d answered and %d dropped, expected 1 and 15", answered, dropped)
	}
}

// A replay that overtakes the message while that is being looked at: one of them is
// answered, however they interleave.
func TestReplayOvertakes(t *testing.T) {
	s := newScene(t)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	var overtook error
	s.responder.config.Gate = &overtakingGate{testGate: s.gate, during: func() {
		_, _, overtook = s.responder.Respond(t.Context(), elsewhere, message)
	}}
	answer, a, err := s.respond(t, message)
	requireSilence(t, answer, a, err, ErrReplay)
	if overtook != nil {
		t.Errorf("the one that overtook: %v", overtook)
	}
}

// overtakingGate has something happen during its first look-up.
type overtakingGate struct {
	*testGate
	during func()
}

func (g *overtakingGate) Admitted(ctx context.Context, key [32]byte) (*Admission, error) {
	if during := g.during; during != nil {
		g.during = nil
		during()
	}
	return g.testGate.Admitted(ctx, key)
}

// A forged message with the ephemeral key of an honest one, sent before it, does
// not keep the honest one out.
func TestForgeryDoesNotEnter(t *testing.T) {
	s := newScene(t)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	forged := slices.Clone(message)
	forged[len(forged)-macsSize-1] ^= 1
	answer, a, err := s.respond(t, remac(s.keys, forged))
	requireSilence(t, answer, a, err, ErrUnauthentic)
	if _, _, err := s.respond(t, message); err != nil {
		t.Errorf("the honest message: %v", err)
	}
}

// Without the cache, at another responder of the venue: a replay changes nothing
// and cannot spend, because whoever replays cannot make the first record.
func TestReplayChangesNothing(t *testing.T) {
	s := newScene(t)
	i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	answer, honest, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	e, err := i.Finish(answer)
	if err != nil {
		t.Fatal(err)
	}
	session, err := e.Session(ChannelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := session.Seal(nil, record.Application, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		other, a, err := s.another(t).Respond(t.Context(), home, message)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(other, answer) {
			t.Error("the answer is the same again")
		}
		replayed, err := a.Session(ChannelOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := replayed.Open(nil, sealed); !errors.Is(err, record.ErrAuthentication) {
			t.Errorf("the first record opens for a replay: %v", err)
		}
		if opens, channels := s.gate.changed(); opens != 0 || channels != 0 {
			t.Fatalf("a replay left %d opens, %d channels", opens, channels)
		}
		a.Release()
	}
	if err := honest.Confirm(t.Context()); err != nil {
		t.Errorf("the honest open after replays: %v", err)
	}
}

// A counter that was confirmed once is not confirmed again.
func TestConfirmSpendsOnce(t *testing.T) {
	s := newScene(t)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	_, one, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	_, two, err := s.another(t).Respond(t.Context(), home, message)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	requireReason(t, two.Confirm(t.Context()), OpensExceeded)
	if _, channels := s.gate.changed(); channels != 1 {
		t.Errorf("%d channels, expected 1", channels)
	}
}

// Early data is delivered once, whatever replays it and wherever: at the same
// responder, and at others that share the gate. That an inline certificate is
// admitted, the same again, gives no right to deliver again (B11).
func TestEarlyDataOnce(t *testing.T) {
	for _, kind := range []Kind{Open, Inline} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newScene(t, unlimited)
			c := s.certificate(t)
			if kind == Open {
				c = s.admitted(t)
			}
			i, message := s.first(t, earlySuite, c, InitiatorOptions{Kind: kind, Early: []byte("buy 100")})
			var delivered int
			var mu sync.Mutex
			var wg sync.WaitGroup
			responders := []*Responder{s.responder, s.responder, s.another(t, unlimited), s.another(t, unlimited), s.another(t, unlimited)}
			for _, r := range responders {
				wg.Go(func() {
					_, a, err := r.Respond(t.Context(), home, message)
					mu.Lock()
					defer mu.Unlock()
					if err == nil && len(a.Early) > 0 {
						delivered++
					}
				})
			}
			wg.Wait()
			if delivered != 1 || s.gate.durable != 1 {
				t.Errorf("delivered %d times, %d durable writes, expected 1", delivered, s.gate.durable)
			}
			answer, _, err := s.another(t).Respond(t.Context(), home, message)
			requireReason(t, err, OpensExceeded)
			_, err = i.Finish(answer)
			requireReason(t, err, OpensExceeded)
		})
	}
}

// Early data that the gate could not record is not delivered, and nothing is
// answered but that.
func TestEarlyDataNeedsTheStore(t *testing.T) {
	s := newScene(t)
	i, message := s.first(t, earlySuite, s.admitted(t), InitiatorOptions{Kind: Open, Early: []byte("buy 100")})
	s.responder.config.Gate = spendFails{s.gate}
	answer, a, err := s.respond(t, message)
	if a != nil || !errors.Is(err, ErrUnavailable) || !errors.Is(err, errDown) {
		t.Fatalf("got %v, expected ErrUnavailable", err)
	}
	if _, err := i.Finish(answer); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, expected ErrUnavailable", err)
	}
	if opens, channels := s.gate.changed(); opens != 0 || channels != 0 {
		t.Errorf("left %d opens, %d channels", opens, channels)
	}
}
