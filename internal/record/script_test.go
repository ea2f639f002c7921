package record

import (
	"testing"
	"time"
)

// step is one record of the script that vectors, sample and tampering share.
type step struct {
	what    string
	from    Role
	kind    Type
	content string // the caller's
	real    func(p *peers) []byte
}

func data(what string, from Role, kind Type, content string) step {
	return step{what, from, kind, content, func(p *peers) []byte { return p.seal(from, kind, content) }}
}

func control(what string, from Role, kind Type) step {
	return step{what, from, kind, "", func(p *peers) []byte { return p.control(from) }}
}

// script has a record of every type, a symmetric step in each direction, a
// ratchet, and both ends. The responder pads.
func script() []step {
	later := data("data after a symmetric step", Initiator, Application, "third")
	request := control("request", Responder, RatchetRequest)
	offer := control("offer", Initiator, RatchetOffer)
	reply := control("reply", Responder, RatchetReply)
	end := func(from Role) step {
		return step{"close", from, CloseNotify, "", func(p *peers) []byte { return p.close(from) }}
	}
	return []step{
		data("data", Initiator, Application, "first"),
		data("padded data", Responder, Application, "second"),
		data("empty data", Initiator, Application, ""),
		before(later, func(p *peers) { p.clock.advance(MaxStepAge) }),
		before(request, func(p *peers) { p.side[Responder].Ratchet() }),
		before(offer, func(p *peers) { p.prepare(Initiator) }),
		before(reply, func(p *peers) { p.prepare(Responder) }),
		data("data during a ratchet", Initiator, Application, "fourth"),
		before(control("switch", Initiator, RatchetSwitch), func(p *peers) { p.prepare(Initiator) }),
		data("data behind the switch", Initiator, Application, "fifth"),
		control("switch", Responder, RatchetSwitch),
		data("message about the channel", Responder, Channel, "sixth"),
		end(Initiator),
		end(Responder),
		{"alert", Responder, typeAlert, "", func(p *peers) []byte {
			record, err := p.side[Responder].Alert(nil, AlertShutdown)
			return p.sealed(Responder, record, err)
		}},
	}
}

func before(s step, do func(*peers)) step {
	real := s.real
	s.real = func(p *peers) []byte { do(p); return real(p) }
	return s
}

func padResponder(c *Config, _ *primitives) {
	if c.Role == Responder {
		c.Padding = PadBuckets
	}
}

// play runs the first n steps between real sessions and delivers each record.
func play(t testing.TB, suite Suite, n int) *peers {
	t.Helper()
	p := newPeers(t, suite, padResponder)
	for _, s := range script()[:n] {
		record := s.real(p)
		kind, got, err := p.side[s.from.peer()].Open(nil, record)
		if s.kind == typeAlert {
			continue
		}
		if err != nil || kind != s.kind || string(got) != s.content {
			t.Fatalf("%s: got type %d, %q, %v", s.what, kind, got, err)
		}
	}
	return p
}

// straightPlay makes the first n records of the script by the straight-line
// implementation.
func straightPlay(t testing.TB, suite Suite, n int) (*straight, [][]byte) {
	t.Helper()
	x := newStraight(t, suite, label("secret"), label("transcript"))
	r := newStraightRatchet(t, label("initiator dh 0"), label64("initiator kem 0"), label("responder dh 0"), label("responder encapsulation 0"))
	steps := []func() []byte{
		func() []byte { return x.seal("initiator", 1, "first", 5) },
		func() []byte { return x.seal("responder", 1, "second", 64) },
		func() []byte { return x.seal("initiator", 1, "", 0) },
		func() []byte { x.advance("initiator"); return x.seal("initiator", 1, "third", 5) },
		func() []byte { x.advance("responder"); return x.seal("responder", 32, "", 2048) },
		func() []byte { return x.seal("initiator", 33, string(r.offer), 2048) },
		func() []byte { return x.seal("responder", 34, string(r.reply), 2048) },
		func() []byte { return x.seal("initiator", 1, "fourth", 6) },
		func() []byte {
			x.renew(r.offer, r.reply, r.input())
			record := x.seal("initiator", 35, string(x.confirm["initiator"]), 2048)
			x.enter("initiator")
			return record
		},
		func() []byte { return x.seal("initiator", 1, "fifth", 5) },
		func() []byte {
			record := x.seal("responder", 35, string(x.confirm["responder"]), 2048)
			x.enter("responder")
			return record
		},
		func() []byte { return x.seal("responder", 2, "sixth", 64) },
		func() []byte { return x.seal("initiator", 16, "", 64) },
		func() []byte { return x.seal("responder", 16, "", 64) },
		func() []byte { return x.seal("responder", 17, "\x05", 64) },
	}
	if len(steps) != len(script()) {
		t.Fatalf("%d steps, the script has %d", len(steps), len(script()))
	}
	var records [][]byte
	for _, s := range steps[:n] {
		records = append(records, s())
	}
	return x, records
}

// Both implementations seal the same bytes.
func TestTwoImplementations(t *testing.T) {
	bothSuites(t, func(t *testing.T, suite Suite) {
		p := play(t, suite, len(script()))
		_, records := straightPlay(t, suite, len(script()))
		for n, s := range script() {
			if string(p.wire[n].record) != string(records[n]) {
				t.Errorf("record %d, %s, differs", n, s.what)
			}
		}
		if d := time.Duration(p.clock.nanoseconds.Load()); d != MaxStepAge {
			t.Errorf("the script takes %v", d)
		}
	})
}
