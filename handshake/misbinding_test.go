package handshake

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
)

// liar is an initiator whose payload says what the test wants.
func (s *scene) liar(t *testing.T, suite string, c *session.Certificate, kind Kind, change func(*Initiator)) (*Initiator, []byte) {
	t.Helper()
	i := s.initiator(t, suite, c, InitiatorOptions{Kind: kind})
	change(i)
	message, err := i.Message()
	if err != nil {
		t.Fatal(err)
	}
	return i, message
}

// requireRefused checks that the responder refuses the message, and that the
// initiator learns why.
func requireRefused(t *testing.T, s *scene, i *Initiator, message []byte, reason zkkex.Reason) {
	t.Helper()
	answer, a, err := s.respond(t, message)
	if a != nil {
		t.Fatal("accepted")
	}
	requireReason(t, err, reason)
	_, err = i.Finish(answer)
	requireReason(t, err, reason)
}

// A certificate shown by somebody who does not hold its key is refused, and leaves
// nothing recorded: neither the shown one nor the sender's own (B10).
func TestStolenCertificate(t *testing.T) {
	for _, kind := range []Kind{Admit, Inline} {
		s := newScene(t)
		victim, thief := s.certificate(t), s.certificate(t)
		i, message := s.liar(t, plainSuite, thief, kind, func(i *Initiator) {
			i.certificate, _ = victim.Presentation().AppendBinary(nil)
			i.digest = victim.Digest()
		})
		requireRefused(t, s, i, message, zkkex.WrongBinding)
		if s.gate.pairings != 0 || len(s.gate.admissions) != 0 {
			t.Errorf("%s: %d pairings, %d admissions", kind, s.gate.pairings, len(s.gate.admissions))
		}
	}
}

// A member that proves its own slot over a victim's key cannot have it admitted:
// only who holds the key can, and does not want to (B10).
func TestSlotOverVictimsKey(t *testing.T) {
	s := newScene(t)
	victim, attacker := s.certificate(t), s.certificate(t)
	over := s.presentation(t, [32]byte(victim.Key().PublicKey().Bytes()))
	digest, err := session.DigestOf(over)
	if err != nil {
		t.Fatal(err)
	}
	i, message := s.liar(t, plainSuite, attacker, Admit, func(i *Initiator) {
		i.certificate, _ = over.AppendBinary(nil)
		i.digest = digest
	})
	requireRefused(t, s, i, message, zkkex.WrongBinding)
	if s.gate.admissions[[32]byte(victim.Key().PublicKey().Bytes())] != nil {
		t.Error("the victim's key is admitted with another's slot")
	}
}

// The digest that the message names is the certificate's: of the one that is
// recorded, and of the one that is shown.
func TestSwappedDigest(t *testing.T) {
	for _, kind := range []Kind{Open, Admit, Inline} {
		for _, recorded := range []bool{true, false} {
			if kind == Open && !recorded {
				continue
			}
			s := newScene(t)
			c, other := s.certificate(t), s.admitted(t)
			if recorded {
				c = s.admitted(t)
			}
			i, message := s.liar(t, plainSuite, c, kind, func(i *Initiator) { i.digest = other.Digest() })
			requireRefused(t, s, i, message, zkkex.WrongBinding)
		}
	}
}

// A second certificate for a session key that is recorded with another is refused.
func TestSecondCertificateOfAKey(t *testing.T) {
	s := newScene(t)
	c := s.admitted(t)
	second := s.certificateFor(t, c.Key())
	i, message := s.first(t, plainSuite, second, InitiatorOptions{Kind: Inline})
	requireRefused(t, s, i, message, zkkex.WrongBinding)
}

// A certificate for a message is none for a session.
func TestCertificateOfAnotherKind(t *testing.T) {
	s := newScene(t)
	i, message := s.liar(t, plainSuite, s.certificate(t), Inline, func(i *Initiator) {
		i.certificate[zkkex.StatementSize+92] = byte(zkkex.AuthorizeMessage)
	})
	requireRefused(t, s, i, message, zkkex.WrongBinding)
}

// A gate whose record is of another key, or certificate, is not believed, whether it
// had the record or just made it.
func TestGateWithWrongRecord(t *testing.T) {
	for name, change := range map[string]func(*Admission){
		"key":         func(a *Admission) { a.Key[0] ^= 1 },
		"certificate": func(a *Admission) { a.Certificate[0] ^= 1 },
	} {
		for _, kind := range []Kind{Open, Inline} {
			s := newScene(t)
			c := s.certificate(t)
			if kind == Open {
				c = s.admitted(t)
				change(s.gate.admissions[[32]byte(c.Key().PublicKey().Bytes())])
			}
			s.responder.config.Gate = lyingGate{s.gate, change}
			i, message := s.first(t, plainSuite, c, InitiatorOptions{Kind: kind})
			answer, a, err := s.respond(t, message)
			if a != nil || err == nil {
				t.Fatalf("%s, %s: accepted", name, kind)
			}
			if _, err := i.Finish(answer); err == nil {
				t.Errorf("%s, %s: established", name, kind)
			}
		}
	}
}

// lyingGate returns changed records of what it admits.
type lyingGate struct {
	*testGate
	change func(*Admission)
}

func (g lyingGate) Admit(ctx context.Context, p *zkkex.Presentation) (*Admission, error) {
	a, err := g.testGate.Admit(ctx, p)
	if err == nil {
		g.change(a)
	}
	return a, err
}

// Whoever is given another descriptor than the venue has, or another suite than
// the message says, gets silence: each of them is in the transcript (T4, T6).
func TestDisagreement(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*scene, *Venue)
		edit   func([]byte)
		want   error
	}{
		{"another digest", func(_ *scene, v *Venue) { v.Digest[0] ^= 1 }, nil, ErrUnauthentic},
		{"another static key", func(s *scene, v *Venue) { v.Static = newKeys(t, 9).Static.PublicKey() }, nil, ErrUnauthentic},
		{"another prekey", func(s *scene, v *Venue) { v.Prekey = newKeys(t, 9).Prekey.EncapsulationKey() }, nil, ErrUnauthentic},
		{"an edited suite", nil, func(b []byte) { b[PrefixSize+1]++ }, ErrUnauthentic},
		{"an edited number", nil, func(b []byte) { b[headerSize-1] = 6 }, ErrUnauthentic},
		{"a suite that is not offered", func(s *scene, _ *Venue) { s.keys.Suites = suiteNames[:4] }, nil, ErrSuite},
		{"no prekey is left", func(s *scene, _ *Venue) { s.keys.Prekey = nil }, nil, ErrSuite},
		{"suite 0", nil, func(b []byte) { b[PrefixSize+1] = 0 }, ErrSuite},
		{"suite 9", nil, func(b []byte) { b[PrefixSize+1] = 9 }, ErrSuite},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			six := *s.keys // a descriptor with the same keys and another number
			six.Number = 6
			s.responder.config.Keys = keySource{5: s.keys, 6: &six}
			v := s.venue(earlySuite)
			if c.change != nil {
				c.change(s, v)
			}
			i, err := NewInitiator(v, s.admitted(t), InitiatorOptions{Kind: Open})
			if err != nil {
				t.Fatal(err)
			}
			message, err := i.Message()
			if err != nil {
				t.Fatal(err)
			}
			if c.edit != nil {
				c.edit(message)
			}
			answer, a, err := s.respond(t, remac(s.keys, message))
			requireSilence(t, answer, a, err, c.want)
		})
	}
}

// A number that was never issued gets the fixed answer, whatever stands behind it.
func TestUnknownDescriptor(t *testing.T) {
	s := newScene(t)
	i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	binary.BigEndian.PutUint64(message[headerSize-8:], 99)
	answer, a, err := s.respond(t, message)
	if a != nil || !errors.Is(err, ErrUnknownDescriptor) || !slices.Equal(answer, []byte{0, 2, 1, 3}) {
		t.Fatalf("got %x, %v", answer, err)
	}
	if _, err := i.Finish(answer); !errors.Is(err, ErrUnknownDescriptor) {
		t.Errorf("got %v, expected ErrUnknownDescriptor", err)
	}
}

// Keys that cannot be had are no reason to send the peer for another descriptor.
func TestKeySourceFails(t *testing.T) {
	s := newScene(t)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	s.responder.config.Keys = failingKeys{}
	answer, a, err := s.respond(t, message)
	requireSilence(t, answer, a, err, ErrUnavailable)
}

type failingKeys struct{}

func (failingKeys) Keys(uint64) (*Keys, error) { return nil, errDown }

// Ephemeral keys of small order and others that are not canonical are refused, and
// the initiator does not talk to itself (T2, T3).
func TestBadKeys(t *testing.T) {
	s := newScene(t)
	c := s.certificateFor(t, s.keys.Static)
	if _, err := NewInitiator(s.venue(plainSuite), c, InitiatorOptions{Kind: Inline}); !errors.Is(err, ErrConfig) {
		t.Errorf("the venue's own key: got %v, expected ErrConfig", err)
	}
	for name, key := range map[string][32]byte{
		"zero": {}, "one": {1}, "2^255-19": {0: 0xed, 31: 0x7f}, "2^255-18": {0: 0xee, 31: 0x7f}, "top bit": {0: 9, 31: 0x80},
	} {
		for i := 1; name[0] == '2' && i < 31; i++ {
			key[i] = 0xff
		}
		_, message := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Inline})
		copy(message[headerSize:], key[:])
		answer, a, err := s.respond(t, remac(s.keys, message))
		requireSilence(t, answer, a, err, ErrUnauthentic)
		if !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("ephemeral key %s: got %v, expected a malformed key", name, err)
		}
	}
}
