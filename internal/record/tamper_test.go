package record

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
)

// refusals are all reasons for which a record may be refused.
var refusals = map[string]error{
	"length": ErrLength, "header": ErrHeader, "phase": ErrPhase, "authentication": ErrAuthentication,
	"limit": ErrLimit, "content": ErrContent, "unexpected": ErrUnexpected, "key": ErrKey, "confirmation": ErrConfirmation,
}

// refusedAs opens a record that is not the genuine one and returns the names of
// the reasons that the error has.
func refusedAs(t testing.TB, s *Session, record []byte) []string {
	t.Helper()
	_, out, err := s.Open(nil, bytes.Clone(record))
	if err == nil && s.NeedsPrepare() {
		err = s.Prepare()
	}
	if err == nil || len(out) != 0 {
		t.Fatalf("accepted as %q, %v", out, err)
	}
	var names []string
	for name, reason := range refusals {
		if errors.Is(err, reason) {
			names = append(names, name)
			requireReason(t, s, err, reason)
		}
	}
	return names
}

func requireRefused(t testing.TB, s *Session, record []byte, reason string) {
	t.Helper()
	if got := refusedAs(t, s, record); len(got) != 1 || got[0] != reason {
		t.Fatalf("refused as %v, expected %s", got, reason)
	}
}

// Every byte of a record of every type is covered: any change is refused, for a
// reason that follows from its place, and ends the direction.
func TestEveryByte(t *testing.T) {
	for n, s := range script() {
		t.Run(s.what, func(t *testing.T) {
			p := play(t, AES256GCM, n)
			record := s.real(p)
			reader := p.side[s.from.peer()]
			before := snapshot(reader)
			for i := range record {
				for _, flip := range []byte{0x01, 0x80} {
					bad := bytes.Clone(record)
					bad[i] ^= flip
					before.restore(reader)
					got := refusedAs(t, reader, bad)
					if len(got) != 1 || !slices.Contains(reasonsAt(i), got[0]) {
						t.Fatalf("byte %d: refused as %v, expected %v", i, got, reasonsAt(i))
					}
				}
			}
		})
	}
}

// reasonsAt returns for which reasons a change of a record's i-th byte may be
// refused. A phase that is off by one, upwards, is what the tag has to find.
func reasonsAt(i int) []string {
	switch {
	case i == 0:
		return []string{"header"}
	case i < 3:
		return []string{"length"}
	case i < HeaderSize-1:
		return []string{"phase"}
	case i == HeaderSize-1:
		return []string{"phase", "authentication"}
	}
	return []string{"authentication"}
}

// Only a whole record is one.
func TestEveryLength(t *testing.T) {
	p := newPeers(t, AES256GCM)
	record := p.seal(Initiator, Application, "hello")
	reader := p.side[Responder]
	before := snapshot(reader)
	for n := range record {
		before.restore(reader)
		requireRefused(t, reader, record[:n], "length")
	}
	for _, more := range []int{1, 16, MaxRecord} {
		before.restore(reader)
		requireRefused(t, reader, append(bytes.Clone(record), make([]byte, more)...), "length")
	}
	before.restore(reader)
	if _, _, err := reader.Open(nil, nil); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("nothing at all: %v", err)
	}
	before.restore(reader)
	p.open(Initiator, record)
}

// saved is a copy of what opening changes, to open several records in one place.
type saved struct {
	receive half
	stage   stage
	current generation
	next    *generation
	offer   []byte
	reply   []byte
}

func snapshot(s *Session) *saved {
	v := &saved{stage: s.ratchet.stage, current: *s.ratchet.current, offer: bytes.Clone(s.ratchet.offer), reply: bytes.Clone(s.ratchet.reply)}
	v.receive.copy(&s.receive)
	if s.ratchet.next != nil {
		next := *s.ratchet.next
		v.next = &next
	}
	return v
}

func (v *saved) restore(s *Session) {
	s.receive.copy(&v.receive)
	s.ratchet.err, s.ratchet.stage = nil, v.stage
	s.ratchet.current, s.ratchet.next = new(v.current), nil
	if v.next != nil {
		s.ratchet.next = new(*v.next)
	}
	s.ratchet.offer, s.ratchet.reply = v.offer, v.reply
}

// copy copies all but the lock.
func (h *half) copy(from *half) {
	h.suite, h.role, h.wipe = from.suite, from.role, from.wipe
	h.secret, h.entering, h.aead, h.iv, h.nonce = from.secret, from.entering, from.aead, from.iv, from.nonce
	h.phase, h.sequence, h.records, h.bytes = from.phase, from.sequence, from.records, from.bytes
	h.keyed, h.born, h.confirmed, h.closed, h.err = from.keyed, from.born, from.confirmed, from.closed, from.err
}

// Records are opened once, in order, all of them, by the peer they were for.
func TestStreamIsKept(t *testing.T) {
	const n = 3
	records := func(p *peers) (out [][]byte) {
		for range n {
			out = append(out, p.seal(Initiator, Application, "the same content"))
		}
		return out
	}
	for name, attack := range map[string]struct {
		deliver func(r [][]byte, reflected []byte) [][]byte
		opens   int
	}{
		"repeat":                {func(r [][]byte, _ []byte) [][]byte { return [][]byte{r[0], r[0]} }, 1},
		"repeat later":          {func(r [][]byte, _ []byte) [][]byte { return [][]byte{r[0], r[1], r[0]} }, 2},
		"swap":                  {func(r [][]byte, _ []byte) [][]byte { return [][]byte{r[1], r[0]} }, 0},
		"drop the first":        {func(r [][]byte, _ []byte) [][]byte { return [][]byte{r[1]} }, 0},
		"drop":                  {func(r [][]byte, _ []byte) [][]byte { return [][]byte{r[0], r[2]} }, 1},
		"reflect at the start":  {func(_ [][]byte, x []byte) [][]byte { return [][]byte{x} }, 0},
		"reflect":               {func(r [][]byte, x []byte) [][]byte { return [][]byte{r[0], x} }, 1},
		"two records in one":    {func(r [][]byte, _ []byte) [][]byte { return [][]byte{append(bytes.Clone(r[0]), r[1]...)} }, 0},
		"the rest after a fail": {func(r [][]byte, x []byte) [][]byte { return [][]byte{r[0], x, r[1]} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeers(t, AES256GCM)
			reader := p.side[Responder]
			genuine := records(p)
			reflected := p.seal(Responder, Application, "the same content")
			for i, record := range attack.deliver(genuine, reflected) {
				_, _, err := reader.Open(nil, bytes.Clone(record))
				if opened := err == nil; opened != (i < attack.opens) {
					t.Fatalf("record %d: %v", i, err)
				}
				if err != nil && name != "two records in one" {
					requireReason(t, reader, err, ErrAuthentication)
				}
			}
			if err := reader.End(); err == nil || reader.receive.err == nil {
				t.Errorf("the end: %v", err)
			}
		})
	}
}

// A record of another channel, with the same secret or the same transcript, is
// nothing here.
func TestChannelsAreApart(t *testing.T) {
	for name, c := range map[string]struct{ secret, transcript string }{
		"other secret":     {"other", "transcript"},
		"other transcript": {"secret", "other"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeers(t, AES256GCM)
			x := newStraight(t, AES256GCM, label("%s", c.secret), label("%s", c.transcript))
			requireRefused(t, p.side[Responder], x.seal("initiator", 1, "x", 1), "authentication")
		})
	}
}

// A control record that was lost is missed with the next record.
func TestLostControlRecords(t *testing.T) {
	for n, s := range script() {
		if s.kind < RatchetRequest {
			continue
		}
		t.Run(s.what, func(t *testing.T) {
			p := play(t, AES256GCM, n)
			s.real(p) // lost
			requireRefused(t, p.side[s.from.peer()], p.seal(s.from, Application, "next"), "authentication")
		})
	}
}
