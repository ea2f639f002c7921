package handshake

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/noise"
)

// certificateSize is the length of the certificates of most tests.
var certificateSize = certificateSizes[1]

// samplePayload returns a payload with everything, and its encoding.
func samplePayload() (*payload, []byte) {
	p := &payload{kind: Inline, counter: 0x01020304, digest: [32]byte{5, 31: 6}, certificate: bytes.Repeat([]byte{7}, certificateSize), early: []byte("early")}
	return p, p.append(nil, payloadHead+certificateSize+len(p.early)+10)
}

// Each wrong payload has one fault.
func TestPayloads(t *testing.T) {
	open := (&payload{kind: Open, early: []byte("early")}).append(nil, 100)
	admit := (&payload{kind: Admit, certificate: make([]byte, certificateSize)}).append(nil, 500)
	edit := func(b []byte, at int, to ...byte) []byte {
		b = slices.Clone(b)
		copy(b[at:], to)
		return b
	}
	for _, c := range []struct {
		name    string
		payload []byte
		good    bool
	}{
		{"open", open, true},
		{"admit", admit, true},
		{"nothing", nil, false},
		{"a byte short of the shortest", make([]byte, payloadHead-1), false},
		{"kind 0", edit(open, 0, 0), false},
		{"kind 4", edit(open, 0, 4), false},
		{"certificate with open", edit(admit, 0, 1), false},
		{"no certificate with admit", edit(open, 0, 2, 0, 0, 0, 0), false},
		{"no certificate with inline", edit(open, 0, 3), false},
		{"counter with admit", edit(admit, 4, 1), false},
		{"early data with admit", edit(admit, 37+2+certificateSize, 0, 1, 9), false},
		{"certificate a byte short", edit(admit, 37, 1, 130), false},
		{"certificate a byte longer", edit(admit, 37, 1, 132), false},
		{"certificate longer than the payload", admit[:300], false},
		{"ends in the length of early data", admit[:39+certificateSize+1], false},
		{"early data longer than the payload", edit(open, 39, 0, 100), false},
		{"early data longer than allowed", edit(append(slices.Clone(open), make([]byte, 5000)...), 39, 0x10, 1), false},
		{"no zero behind", edit(open, 99, 1), false},
	} {
		p, err := parsePayload(c.payload)
		if c.good {
			if err != nil || !bytes.Equal(p.append(nil, len(c.payload)), c.payload) {
				t.Errorf("%s: got %v", c.name, err)
			}
			continue
		}
		if !errors.Is(err, ErrPayload) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: got %v, expected ErrPayload", c.name, err)
		}
	}
}

// What is authentic and not canonical is dropped, not answered.
func TestWrongPayloadIsDropped(t *testing.T) {
	s := newScene(t, unlimited)
	c := s.admitted(t)
	for name, change := range map[string]func([]byte) []byte{
		"kind":  func(b []byte) []byte { b[0] = 9; return b },
		"zeros": func(b []byte) []byte { b[len(b)-1] = 1; return b },
		"padding": func(b []byte) []byte {
			return (&payload{kind: Inline, certificate: make([]byte, certificateSize)}).append(nil, len(b))
		},
	} {
		size := sizesOf(suites()[0], s.keys.Padding)
		good := (&payload{kind: Open, digest: c.Digest()}).append(nil, size.payload(2048))
		answer, a, err := s.respond(t, s.handmade(t, c.Key(), change(good)))
		t.Log(name)
		requireSilence(t, answer, a, err, ErrPayload)
	}
}

// A certificate that is no presentation is dropped; one of a circuit that is not
// known is refused.
func TestUnreadableCertificates(t *testing.T) {
	s := newScene(t)
	i, message := s.liar(t, plainSuite, s.certificate(t), Inline, func(i *Initiator) { i.certificate[1] = 99 })
	requireRefused(t, s, i, message, zkkex.WrongCircuit)
	_, message = s.liar(t, plainSuite, s.certificate(t), Inline, func(i *Initiator) { i.certificate[zkkex.StatementSize+92] = 9 })
	answer, a, err := s.respond(t, message)
	requireSilence(t, answer, a, err, ErrPayload)
}

// What a yes carries is canonical as well.
func TestAnswerPayloads(t *testing.T) {
	good := (&yes{kind: Open, generation: 3, until: time.Unix(1<<40, 0)}).append(nil)
	y, err := parseYes(good)
	if err != nil || !bytes.Equal(y.append(nil), good) {
		t.Fatalf("got %v, %v", y, err)
	}
	for name, text := range map[string][]byte{
		"short": good[:31], "long": append(slices.Clone(good), 0),
		"kind 0": append([]byte{0}, good[1:]...), "kind 4": append([]byte{4}, good[1:]...),
		"no zero behind": append(slices.Clone(good[:31]), 1),
	} {
		if _, err := parseYes(text); !errors.Is(err, ErrPayload) {
			t.Errorf("%s: got %v, expected ErrPayload", name, err)
		}
	}
}

// A venue whose answer is authentic and about another kind, or not canonical, is
// not believed.
func TestLyingVenue(t *testing.T) {
	s := newScene(t)
	for name, text := range map[string][]byte{
		"another kind":  (&yes{kind: Admit, until: noon}).append(nil),
		"not canonical": append((&yes{kind: Open, until: noon}).append(nil)[:31], 1),
	} {
		i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
		h := responderState(t, s.keys, i.suite)
		first, err := parseFirst(message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ReadMessage(nil, first.noise); err != nil {
			t.Fatal(err)
		}
		answer, err := h.WriteMessage(appendPrefix(nil, typeAnswer, answerSize(i.suite)-PrefixSize), text)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := i.Finish(answer); e != nil || !errors.Is(err, ErrPayload) {
			t.Errorf("%s: got %v, expected ErrPayload", name, err)
		}
	}
}

// A refusal whose padding is not zero is none.
func TestRefusalPadding(t *testing.T) {
	s := newScene(t)
	i, _ := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
	fresh := bytes.Repeat([]byte{9}, 32)
	aead, err := refusalAEAD(i.suite, i.state, fresh)
	if err != nil {
		t.Fatal(err)
	}
	prefix := appendPrefix(nil, typeAnswer, answerSize(i.suite)-PrefixSize)
	text := make([]byte, answerSize(i.suite)-PrefixSize-32-noise.TagSize)
	text[1], text[len(text)-1] = byte(code(NotAdmitted)), 1
	if _, err := i.Finish(aead.Seal(append(prefix, fresh...), make([]byte, 12), text, prefix)); !errors.Is(err, ErrPayload) {
		t.Errorf("got %v, expected ErrPayload", err)
	}
}
