package handshake

import (
	"errors"
	"testing"
)

// BenchmarkGarbage is what strangers cost the responder, by how much they know.
func BenchmarkGarbage(b *testing.B) {
	for _, suite := range []string{plainSuite, earlySuite} {
		s := newScene(b, unlimited)
		_, message := s.first(b, suite, s.admitted(b), InitiatorOptions{Kind: Open})
		wrongMAC := append([]byte(nil), message...)
		wrongMAC[len(wrongMAC)-macsSize] ^= 1
		badKey := append([]byte(nil), message...)
		badKey[headerSize+100] ^= 1
		name := "plain "
		if suite == earlySuite {
			name = "prekey "
		}
		b.Run(name+"wrong length", func(b *testing.B) { benchmarkDrop(b, s, message[:len(message)-1], ErrLength) })
		b.Run(name+"wrong mac1", func(b *testing.B) { benchmarkDrop(b, s, wrongMAC, ErrMAC) })
		b.Run(name+"behind es", func(b *testing.B) { benchmarkDrop(b, s, remac(s.keys, badKey), ErrUnauthentic) })
		b.Run(name+"stranger", func(b *testing.B) { benchmarkStranger(b, suite) })
		if _, _, err := s.respond(b, message); err != nil {
			b.Fatal(err)
		}
		b.Run(name+"replay", func(b *testing.B) { benchmarkDrop(b, s, message, ErrReplay) })
	}
}

func benchmarkDrop(b *testing.B, s *scene, message []byte, want error) {
	for b.Loop() {
		if _, _, err := s.respond(b, message); !errors.Is(err, want) {
			b.Fatal(err)
		}
	}
}

// benchmarkStranger is a first message that is right in everything but that its
// sender is no member: it knows the descriptor, and has made up a session key.
func benchmarkStranger(b *testing.B, suite string) {
	s := newScene(b, unlimited)
	_, message := s.first(b, suite, s.certificate(b), InitiatorOptions{Kind: Open})
	for b.Loop() {
		forget(s.responder)
		if _, _, err := s.respond(b, message); reasonOf(err) != NotAdmitted {
			b.Fatal(err)
		}
	}
}

// forget empties the cache of ephemeral keys, so that one message can be measured
// many times.
func forget(r *Responder) { r.seen = newSeen(r.config.Load.Seen) }

// BenchmarkOpen is an open of an admitted certificate, as the responder sees it.
func BenchmarkOpen(b *testing.B) {
	for _, suite := range []string{plainSuite, earlySuite} {
		b.Run(suite, func(b *testing.B) {
			s := newScene(b, unlimited)
			_, message := s.first(b, suite, s.admitted(b), InitiatorOptions{Kind: Open})
			for b.Loop() {
				forget(s.responder)
				_, a, err := s.respond(b, message)
				if err != nil {
					b.Fatal(err)
				}
				a.Release()
			}
		})
	}
}

// BenchmarkInitiator is message 1, which can be made ahead.
func BenchmarkInitiator(b *testing.B) {
	for _, suite := range []string{plainSuite, earlySuite} {
		b.Run(suite+" message", func(b *testing.B) {
			s := newScene(b, unlimited)
			c, venue := s.admitted(b), s.venue(suite)
			for b.Loop() {
				i, err := NewInitiator(venue, c, InitiatorOptions{Kind: Admit})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := i.Message(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
