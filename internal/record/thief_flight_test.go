package record

import (
	"fmt"
	"slices"
	"testing"
)

// flight are the steps of one ratchet, in their order. A theft comes behind one
// of them.
var flight = []struct {
	name string
	step func(*peers)
}{
	{"the offer is made", func(p *peers) { p.prepare(Initiator) }},
	{"the offer is delivered", func(p *peers) { p.deliver(Initiator, RatchetOffer) }},
	{"the reply is made", func(p *peers) { p.prepare(Responder) }},
	{"the reply is delivered", func(p *peers) { p.deliver(Responder, RatchetReply) }},
	{"the switch is made", func(p *peers) { p.prepare(Initiator) }},
	{"the switch is delivered", func(p *peers) { p.deliver(Initiator, RatchetSwitch) }},
	{"the other switch is delivered", func(p *peers) { p.deliver(Responder, RatchetSwitch) }},
}

// drewBefore reports whether, behind a step, the victim has drawn all that is
// secret of the ratchet in flight: whoever steals it then follows into the next
// generation, and not into the one behind that.
func drewBefore(victim Role, step int) bool { return victim == Initiator || step >= 2 }

// sealsIn is the generation that a peer's next record is sealed in: it counts the
// switches that the peer has sent.
func (p *peers) sealsIn(role Role) int {
	r := &p.side[role].ratchet
	if r.stage == switchSent {
		return int(r.current.number) + 1
	}
	return int(r.current.number)
}

// talk sends a record each way that says which generation it is sealed in, and
// returns both.
func (p *peers) talk() (said []string) {
	p.t.Helper()
	for _, role := range []Role{Initiator, Responder} {
		words := fmt.Sprintf("generation %d", p.sealsIn(role))
		p.send(role, words)
		said = append(said, words)
	}
	return said
}

// readAfterTheft steals the victim's state behind one step of the second ratchet,
// with traffic between all steps, lets that ratchet and another one complete, and
// returns the generations that the thief reads: all of their records, or none.
func readAfterTheft(t testing.TB, victim Role, step int, k knowledge, fault option) (read []int) {
	t.Helper()
	p := newPeers(t, AES256GCM, fault, limited(Limits{Records: 3}))
	p.ratchet()
	p.clock.advance(minRatchetGap)
	p.side[Initiator].Ratchet()
	var x *thief
	var stolen int
	var said []string
	for i, f := range flight {
		f.step(p)
		if i == step {
			x, stolen = steal(t, p.side[victim]), len(p.wire)
			x.breaks = k.with(t, p)
		}
		if words := p.talk(); x != nil {
			said = append(said, words...)
		}
	}
	p.ratchet()
	p.requireGeneration(3)
	said = append(said, p.talk()...)
	got := x.reads(p.wire[stolen:])
	for generation := 1; generation <= 3; generation++ {
		words := fmt.Sprintf("generation %d", generation)
		switch n, all := count(got, words), count(said, words); {
		case n == 0:
		case n == all:
			read = append(read, generation)
		default:
			t.Fatalf("the thief reads %d of %d records of generation %d", n, all, generation)
		}
	}
	return read
}

// generations are those that records behind a theft are sealed in, up to a last
// one.
func generations(step, last int) (out []int) {
	first := 1
	if step == len(flight)-1 {
		first = 2 // the ratchet is complete
	}
	for g := first; g <= last; g++ {
		out = append(out, g)
	}
	return out
}

// A theft while a ratchet is in flight, between any two of its steps: the thief
// follows into the next generation if the victim had drawn its secrets, otherwise
// not, and never into the one behind.
func TestTheftDuringRatchet(t *testing.T) {
	both := knowledge{dh: true, kem: true}
	for _, victim := range []Role{Initiator, Responder} {
		for step, f := range flight {
			t.Run(fmt.Sprintf("%s, %s", victim, f.name), func(t *testing.T) {
				last := 1
				if drewBefore(victim, step) {
					last = 2
				}
				for _, k := range []knowledge{{}, {dh: true}, {kem: true}} {
					if got := readAfterTheft(t, victim, step, k, unharmed); !slices.Equal(got, generations(step, last)) {
						t.Errorf("who breaks %+v reads generations %v, expected %v", k, got, generations(step, last))
					}
				}
				// The thief is as strong as it must be.
				if got := readAfterTheft(t, victim, step, both, unharmed); !slices.Equal(got, generations(step, 3)) {
					t.Errorf("who breaks both reads generations %v, expected all: the thief is too weak", got)
				}
				if victim == Initiator {
					return // its own keys are stolen as well: with a ratchet that forgets, they lead nowhere
				}
				if got := readAfterTheft(t, victim, step, knowledge{}, faulty(planted["forgets both secrets"])); !slices.Equal(got, generations(step, 3)) {
					t.Errorf("a ratchet that forgets both secrets is not noticed: generations %v are read", got)
				}
			})
		}
	}
}

// keepsPastInFlight reports whether the complete memory of victim, stolen behind
// one step of a ratchet, opens the records of the phases that were the last to
// end.
func keepsPastInFlight(t testing.TB, victim Role, step int, fault option) bool {
	t.Helper()
	p := newPeers(t, AES256GCM, fault, limited(Limits{Records: 1}))
	p.ratchet()
	p.clock.advance(minRatchetGap)
	p.side[Initiator].Ratchet()
	var before, present []past
	for i := range step + 1 {
		flight[i].step(p)
		before, present = present, p.remember()
	}
	blocks := memory(p.side[victim])
	for _, r := range present {
		if !memoryOpens(t, blocks, r.th, r.wired, r.sequence) {
			t.Fatalf("the thief is too weak: it does not open the %s's present phase", r.from)
		}
	}
	return slices.ContainsFunc(before, func(r past) bool { return memoryOpens(t, blocks, r.th, r.wired, r.sequence) })
}

// past is a record with what a thief needs beside the key.
type past struct {
	wired
	sequence uint64
	th       []byte
}

// remember sends a record each way, and keeps both. The phases of those before
// are then over.
func (p *peers) remember() (out []past) {
	p.t.Helper()
	for _, role := range []Role{Initiator, Responder} {
		sequence, th := p.side[role].send.sequence, p.side[role].RatchetState().Transcript
		p.send(role, "some order")
		out = append(out, past{p.wire[len(p.wire)-1], sequence, th[:]})
	}
	return out
}

// Nor does a ratchet in flight keep the keys of phases that are over.
func TestForwardSecrecyDuringRatchet(t *testing.T) {
	for _, victim := range []Role{Initiator, Responder} {
		for _, step := range []int{1, 3, 5} {
			if keepsPastInFlight(t, victim, step, unharmed) {
				t.Errorf("the %s's memory opens records of a phase that is over, when %s", victim, flight[step].name)
			}
		}
	}
	if !keepsPastInFlight(t, Initiator, 3, faulty(planted["does not wipe"])) {
		t.Error("a session that does not wipe is not noticed")
	}
}
