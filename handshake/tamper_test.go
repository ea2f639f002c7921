package handshake

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
)

// unlimited lets a test send as much as it likes.
func unlimited(c *ResponderConfig) { c.Load = Load{Rate: 1e9, Burst: 1e9} }

// Every byte of message 1 matters: changed, it gets nothing but silence or one of
// the two fixed answers, and the reason is that of its place.
func TestTamperedFirstMessage(t *testing.T) {
	for _, suite := range []string{plainSuite, earlySuite} {
		for _, kind := range []Kind{Open, Admit, Inline} {
			t.Run(suite+" "+kind.String(), func(t *testing.T) {
				s := newScene(t, unlimited)
				c := s.admitted(t)
				i, message := s.first(t, suite, c, InitiatorOptions{Kind: kind})
				for at := range message {
					tampered := slices.Clone(message)
					tampered[at] ^= 1 << (at % 8)
					requirePlace(t, s, tampered, at)
				}
				answer, _, err := s.respond(t, message)
				if err != nil {
					t.Fatalf("the message itself: %v", err)
				}
				if _, err := i.Finish(answer); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// requirePlace checks the reason for a message with a changed byte at a place.
func requirePlace(t *testing.T, s *scene, tampered []byte, at int) {
	t.Helper()
	answer, a, err := s.respond(t, tampered)
	var reasons []error
	switch macs := len(tampered) - macsSize; {
	case at < 2:
		reasons = []error{ErrLength}
	case at == 2:
		reasons = []error{ErrVersion}
	case at == 3:
		reasons = []error{ErrType}
	case at < 6: // another suite: there is none, or of another length, or of other keys
		reasons = []error{ErrSuite, ErrLength, ErrMAC}
	case at < headerSize:
		reasons = []error{ErrUnknownDescriptor}
	case at < macs+macSize:
		reasons = []error{ErrMAC}
	default:
		reasons = []error{ErrCookie}
	}
	if a != nil || !slices.ContainsFunc(reasons, func(r error) bool { return errors.Is(err, r) }) {
		t.Fatalf("byte %d: got %v, expected %v", at, err, reasons)
	}
	if fixed := errors.Is(err, ErrUnknownDescriptor) || errors.Is(err, ErrCookie); fixed != (answer != nil) {
		t.Fatalf("byte %d: an answer of %d bytes to %v", at, len(answer), err)
	}
}

// Whoever knows the descriptor can make mac1. Behind it, every byte of the Noise
// message is authenticated by the keys.
func TestTamperedUnderRightMAC(t *testing.T) {
	for _, suite := range []string{plainSuite, earlySuite} {
		t.Run(suite, func(t *testing.T) {
			s := newScene(t, unlimited)
			_, message := s.first(t, suite, s.admitted(t), InitiatorOptions{Kind: Open})
			for at := headerSize; at < len(message)-macsSize; at++ {
				tampered := slices.Clone(message)
				tampered[at] ^= 1 << (at % 8)
				answer, a, err := s.respond(t, remac(s.keys, tampered))
				requireSilence(t, answer, a, err, ErrUnauthentic)
			}
		})
	}
}

// remac makes mac1 of a changed message right.
func remac(k *Keys, message []byte) []byte {
	message = slices.Clone(message)
	covered, mac1, _ := cutMACs(message)
	key := outerKey(k.Digest, k.Static.PublicKey())
	sum := mac(key[:], covered)
	copy(mac1, sum[:])
	return message
}

// Messages that are cut off, or have more behind them, are refused for their
// length, with the length field left alone and made to fit.
func TestWrongLengths(t *testing.T) {
	s := newScene(t, unlimited)
	_, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	for _, n := range []int{0, 1, 3, 4, 13, 14, leastFirst() - 1, leastFirst(), len(message) - 1, len(message) + 1, 3000, 4095, 4097, 65535} {
		other := append(slices.Clone(message), make([]byte, 65535)...)[:n]
		answer, a, err := s.respond(t, other)
		requireSilence(t, answer, a, err, ErrLength)
		if n >= PrefixSize {
			binary.BigEndian.PutUint16(other, uint16(n-2))
			answer, a, err = s.respond(t, other)
			requireSilence(t, answer, a, err, ErrLength)
		}
		if !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%d bytes: %v is not ErrMalformed", n, err)
		}
	}
	answer, a, err := s.respond(t, make([]byte, 1<<20))
	requireSilence(t, answer, a, err, ErrLength)
}

// Every byte of a yes and of a no matters, and no changed answer is taken for
// either. Their format is the same for all suites.
func TestTamperedAnswers(t *testing.T) {
	for _, c := range []struct {
		name, suite string
		kind        Kind // an Open of what is not admitted is refused
	}{
		{"yes", plainSuite, Inline},
		{"no", suiteNames[6], Open},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, unlimited)
			for at := range answerSize(suites()[0]) {
				i, message := s.first(t, c.suite, s.certificate(t), InitiatorOptions{Kind: c.kind})
				answer, _, err := s.respond(t, message)
				if refused := c.kind == Open; (err != nil) != refused {
					t.Fatal(err)
				}
				answer[at] ^= 1 << (at % 8)
				e, err := i.Finish(answer)
				if want := answerReason(at); e != nil || !errors.Is(err, want) || errors.Is(err, zkkex.ErrRejected) {
					t.Fatalf("byte %d: got %v, expected %v", at, err, want)
				}
			}
		})
	}
}

// answerReason returns the reason for a changed byte of message 2 at a place.
func answerReason(at int) error {
	switch {
	case at < 2:
		return ErrLength
	case at == 2:
		return ErrVersion
	case at == 3:
		return ErrType
	default:
		return ErrUnauthentic
	}
}

// Answers of other lengths and types are refused, and leave the handshake as it
// was.
func TestWrongAnswers(t *testing.T) {
	s := newScene(t)
	i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	answer, _, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		answer []byte
		want   error
	}{
		{"nothing", nil, ErrLength},
		{"cut off", answer[:len(answer)-1], ErrLength},
		{"longer", append(slices.Clone(answer), 0), ErrLength},
		{"longer, and says so", append(appendPrefix(nil, typeAnswer, len(answer)), answer[3:]...), ErrLength},
		{"a length below that of its prefix", []byte{0, 1, 1, 3}, ErrLength},
		{"our own message", message, ErrType},
		{"type 5", []byte{0, 2, 1, 5}, ErrType},
		{"version 2", []byte{0, 2, 2, 3}, ErrVersion},
		{"unknown descriptor, longer", []byte{0, 3, 1, 3, 0}, ErrLength},
		{"unknown descriptor", unknownDescriptorAnswer(), ErrUnknownDescriptor},
		{"cookie", appendPrefix(make([]byte, 0, cookieAnswerSize), typeCookie, cookieAnswerSize-PrefixSize)[:cookieAnswerSize], ErrCookie},
	} {
		if e, err := i.Finish(c.answer); e != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, expected %v", c.name, err, c.want)
		}
	}
	if _, err := i.Finish(answer); err != nil {
		t.Fatalf("the answer itself: %v", err)
	}
	if _, err := i.Finish(answer); !errors.Is(err, ErrUsed) {
		t.Errorf("again: got %v, expected ErrUsed", err)
	}
}

// An answer to another first message of the same certificate is not ours.
func TestAnswerToAnother(t *testing.T) {
	s := newScene(t)
	c := s.admitted(t)
	one, _ := s.first(t, plainSuite, c, InitiatorOptions{Kind: Open})
	_, message := s.first(t, plainSuite, c, InitiatorOptions{Kind: Open})
	answer, _, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Finish(answer); !errors.Is(err, ErrUnauthentic) {
		t.Errorf("got %v, expected ErrUnauthentic", err)
	}
}

// The machine's own messages, sent back, are not taken for the peer's (T3).
func TestReflection(t *testing.T) {
	s := newScene(t)
	i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	answer, _, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	back, a, err := s.respond(t, answer)
	requireSilence(t, back, a, err, ErrType)
	if _, err := i.Finish(message); !errors.Is(err, ErrType) {
		t.Errorf("got %v, expected ErrType", err)
	}
	disguised := append(appendPrefix(nil, typeAnswer, answerSize(i.suite)-PrefixSize), message[headerSize:][:answerSize(i.suite)-PrefixSize]...)
	if _, err := i.Finish(disguised); !errors.Is(err, ErrUnauthentic) {
		t.Errorf("got %v, expected ErrUnauthentic", err)
	}
}
