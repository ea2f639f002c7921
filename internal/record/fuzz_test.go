package record

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
)

// places are points of the script at which fuzzers deliver, each with the record
// that is genuine there.
type place struct {
	session *Session
	genuine []byte
	before  *saved
}

func places(t testing.TB, to Role) (out []place) {
	t.Helper()
	for n, s := range script() {
		if s.from == to {
			continue
		}
		p := play(t, AES256GCM, n)
		record := s.real(p)
		out = append(out, place{p.side[to], record, snapshot(p.side[to])})
	}
	return out
}

// fuzzOpen puts patch into a genuine record, which may grow by it, and cuts bytes
// off the end: what is not the genuine record is refused for one reason, and ends
// the direction.
func fuzzOpen(t *testing.T, at place, offset uint16, patch []byte, cut uint16) {
	record := bytes.Clone(at.genuine)
	patch = patch[:min(len(patch), MaxRecord)]
	from := int(offset) % (len(record) + 1)
	record = append(record[:from], append(patch, record[min(len(record), from+len(patch)):]...)...)
	record = record[:len(record)-int(cut)%(len(record)+1)]
	at.before.restore(at.session)
	if bytes.Equal(record, at.genuine) {
		if _, _, err := at.session.Open(nil, record); err != nil && !errors.Is(err, ErrClosed) {
			t.Fatalf("the genuine record is refused: %v", err)
		}
		return
	}
	if got := refusedAs(t, at.session, record); len(got) != 1 || !slices.Contains([]string{"length", "header", "phase", "authentication"}, got[0]) {
		t.Fatalf("refused as %v", got)
	}
}

func fuzzTo(f *testing.F, to Role) {
	all := places(f, to)
	for which := range all {
		f.Add(uint8(which), uint16(0), []byte{}, uint16(0))
		f.Add(uint8(which), uint16(0), []byte{1, 0, 19, 0, 0, 0, 1}, uint16(0))
		f.Add(uint8(which), uint16(1), []byte{0xff, 0xff}, uint16(1))
		f.Add(uint8(which), uint16(20), []byte("patch"), uint16(0))
	}
	f.Fuzz(func(t *testing.T, which uint8, offset uint16, patch []byte, cut uint16) {
		fuzzOpen(t, all[int(which)%len(all)], offset, patch, cut)
	})
}

// FuzzOpenResponder is the initiator's records, to the responder.
func FuzzOpenResponder(f *testing.F) { fuzzTo(f, Responder) }

// FuzzOpenInitiator is the responder's records, to the initiator.
func FuzzOpenInitiator(f *testing.F) { fuzzTo(f, Initiator) }

// FuzzHeader is the property that a header which parses is its own encoding.
func FuzzHeader(f *testing.F) {
	f.Add([]byte{1, 0, 19, 0, 0, 0, 0})
	f.Add([]byte{1, 0x40, 0x13, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{1, 0x40, 0x14, 0, 0, 0, 0})
	f.Add([]byte{2, 0, 19, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeader(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v: not malformed", err)
			}
			return
		}
		if got := h.append(nil); !bytes.Equal(got, b[:HeaderSize]) {
			t.Errorf("%x becomes %x", b[:HeaderSize], got)
		}
	})
}

// FuzzContent is an insider that seals whatever it likes: content that parses is
// its own encoding, and any content ends in a typed error or an orderly session.
func FuzzContent(f *testing.F) {
	f.Add(inner(1, "hello", 64))
	f.Add(inner(16, "", 64))
	f.Add(inner(17, "\x01", 64))
	f.Add(inner(32, "", 2048))
	f.Add(inner(33, string(make([]byte, offerSize)), 2048))
	f.Add(inner(34, string(make([]byte, replySize)), 2048))
	f.Add(inner(35, string(make([]byte, confirmationSize)), 2048))
	f.Add([]byte{0, 2, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < trailerSize || len(b) > maxInner {
			return
		}
		kind, content, err := parseContent(b)
		if err == nil {
			again := appendContent(make([]byte, 0, len(b)), kind, content, len(b)-trailerSize)
			if !bytes.Equal(again, b) {
				t.Fatalf("%x becomes %x", b, again)
			}
		} else if !errors.Is(err, ErrContent) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Fatalf("got %v", err)
		}
		for _, from := range []string{"initiator", "responder"} {
			p := newPeers(t, AES256GCM)
			x := newStraight(t, AES256GCM, label("secret"), label("transcript"))
			reader := p.side[map[string]Role{"initiator": Responder, "responder": Initiator}[from]]
			_, _, got := reader.Open(nil, x.sealInner(from, 1, 0, b))
			if err != nil && !errors.Is(got, ErrContent) {
				t.Fatalf("content that does not parse: %v", got)
			}
			if got == nil && reader.NeedsPrepare() {
				got = reader.Prepare()
			}
			if got != nil && reader.receive.aead != nil {
				t.Fatalf("keys survive %v", got)
			}
		}
	})
}
