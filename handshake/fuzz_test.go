package handshake

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
)

// typed reports whether an error is one that the package documents.
func typed(err error) bool {
	return slices.ContainsFunc([]error{
		zkkex.ErrRejected, zkkex.ErrMalformed, zkkex.ErrUnsupported, ErrUnavailable, ErrUnknownDescriptor, ErrCookie,
		ErrSuite, ErrRate, ErrHalfOpen, ErrReplay, ErrMAC, ErrUnauthentic, ErrUsed,
	}, func(target error) bool { return errors.Is(err, target) })
}

// Whatever comes as message 1, with the outer MAC made right or not, the responder
// does not panic, its error is typed, and its answer one of those there are.
func FuzzRespond(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add([]byte(v.First), false)
		f.Add([]byte(v.Again), true)
	}
	f.Add([]byte{}, true)
	s, c := labelled(f)
	if _, err := s.gate.Admit(f.Context(), c.Presentation()); err != nil {
		f.Fatal(err)
	}
	sizes := []int{0, PrefixSize, cookieAnswerSize, answerSize(suites()[0])}
	f.Fuzz(func(t *testing.T, message []byte, right bool) {
		if right && len(message) >= leastFirst() {
			message = remac(s.keys, message)
		}
		answer, a, err := s.respond(t, message)
		switch {
		case (err == nil) != (a != nil):
			t.Fatalf("accepted %v with the error %v", a != nil, err)
		case err != nil && !typed(err):
			t.Fatalf("untyped error: %v", err)
		case !slices.Contains(sizes, len(answer)):
			t.Fatalf("an answer of %d bytes", len(answer))
		}
		if a != nil {
			a.Release()
		}
	})
}

// Whatever comes as the answer, the initiator does not panic, its error is typed,
// and it takes none for a yes or a no that the venue did not seal for it.
func FuzzFinish(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add([]byte(v.Answer))
		f.Add([]byte(v.Cookie))
	}
	f.Add(unknownDescriptorAnswer())
	s, c := labelled(f)
	venue := s.venue(plainSuite)
	venue.MaxOpens = 1 << 31
	f.Fuzz(func(t *testing.T, answer []byte) {
		i, err := NewInitiator(venue, c, InitiatorOptions{Kind: Open})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.Message(); err != nil {
			t.Fatal(err)
		}
		if _, err := i.Cookie(answer); err == nil || !typed(err) {
			t.Fatalf("cookie: %v", err)
		}
		if e, err := i.Finish(answer); e != nil || err == nil || !typed(err) || errors.Is(err, zkkex.ErrRejected) || errors.Is(err, ErrUnavailable) {
			t.Fatalf("finish: %v", err)
		}
	})
}

// A payload that is read is written as the same bytes.
func FuzzParsePayload(f *testing.F) {
	_, full := samplePayload()
	f.Add(full)
	f.Add((&payload{kind: Open}).append(nil, 100))
	f.Add((&payload{kind: Admit, certificate: make([]byte, certificateSize)}).append(nil, 600))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePayload(b)
		if err != nil {
			if !errors.Is(err, ErrPayload) || !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if again := p.append(nil, len(b)); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}

// The same for what a yes carries.
func FuzzParseAnswer(f *testing.F) {
	f.Add((&yes{kind: Open, generation: 3, until: noon}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		y, err := parseYes(b)
		if err != nil {
			if !errors.Is(err, ErrPayload) {
				t.Fatalf("untyped error: %v", err)
			}
			return
		}
		if again := y.append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}
