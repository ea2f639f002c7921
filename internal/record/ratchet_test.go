package record

import (
	"bytes"
	"errors"
	"testing"
	"time"
	"unsafe"
)

func TestRatchetByAge(t *testing.T) {
	p := newPeers(t, AES256GCM)
	p.send(Initiator, "x")
	p.clock.advance(MaxRatchetAge - 1)
	if p.side[Initiator].NeedsPrepare() {
		t.Fatal("too soon")
	}
	p.clock.advance(1)
	if p.side[Responder].NeedsPrepare() || p.side[Responder].NeedsControl() {
		t.Fatal("the responder begins")
	}
	if !p.side[Initiator].NeedsPrepare() {
		t.Fatal("not due")
	}
	p.pump()
	p.requireGeneration(1)
	if age := p.side[Initiator].RatchetState().Age; age != 0 {
		t.Errorf("fresh keys are %v old", age)
	}
	p.send(Initiator, "y")
	p.send(Responder, "z")
}

// What only the responder sends makes the initiator ratchet as well.
func TestRatchetWhenOnlyTheResponderSends(t *testing.T) {
	p := newPeers(t, AES256GCM)
	for range 6 {
		p.send(Responder, "push")
		p.clock.advance(MaxRatchetAge / 2)
		p.pump()
	}
	if n := p.side[Responder].RatchetState().Generation; n != 3 {
		t.Errorf("%d ratchets in %v", n, 3*MaxRatchetAge)
	}
}

// A responder whose initiator does not begin asks for it, well before its keys
// are stale.
func TestResponderAsks(t *testing.T) {
	p := newPeers(t, AES256GCM, func(c *Config, _ *primitives) {
		if c.Role == Initiator {
			c.Now = (&clock{}).now // stands still
		}
	})
	p.send(Responder, "x")
	p.clock.advance(MaxStaleAge - requestLead - 1)
	if p.side[Responder].NeedsControl() {
		t.Fatal("too soon")
	}
	p.clock.advance(1)
	p.deliver(Responder, RatchetRequest)
	if p.side[Responder].NeedsControl() {
		t.Fatal("it asks twice")
	}
	p.pump()
	p.requireGeneration(1)
}

// Nothing of the application's is sealed under keys older than 180 s, whoever
// is asked; a ratchet mends it.
func TestStale(t *testing.T) {
	for _, role := range []Role{Initiator, Responder} {
		p := newPeers(t, AES256GCM)
		p.clock.advance(MaxStaleAge - 1)
		p.send(role, "the last")
		p.clock.advance(1)
		for _, kind := range []Type{Application, Channel} {
			if out, err := p.side[role].Seal([]byte("x"), kind, nil); !errors.Is(err, ErrStale) || string(out) != "x" {
				t.Fatalf("%s: got %x, %v", role, out, err)
			}
		}
		p.pump()
		p.requireGeneration(1)
		p.send(role, "fresh")
		p.send(role.peer(), "fresh")
	}
}

// Steps alone do not keep a generation young.
func TestStepsDoNotRefresh(t *testing.T) {
	p := newPeers(t, AES256GCM)
	for range 3 {
		p.clock.advance(MaxStepAge - 1)
		p.send(Responder, "x")
	}
	p.clock.advance(3)
	if _, err := p.side[Responder].Seal(nil, Application, nil); !errors.Is(err, ErrStale) {
		t.Fatalf("got %v", err)
	}
}

// An idle channel does nothing, for however long; the next use ratchets.
func TestIdle(t *testing.T) {
	for _, role := range []Role{Initiator, Responder} {
		p := newPeers(t, AES256GCM)
		p.send(role, "x")
		p.ratchet()
		p.clock.advance(24 * time.Hour)
		for _, s := range p.side {
			if s.NeedsPrepare() || s.NeedsControl() {
				t.Fatal("an idle channel has something to do")
			}
		}
		if _, err := p.side[role].Seal(nil, Application, []byte("y")); !errors.Is(err, ErrStale) {
			t.Fatalf("got %v", err)
		}
		p.pump()
		p.requireGeneration(2)
		p.send(role, "y")
		p.open(role, p.close(role))
	}
}

// An idle channel can be closed, and end with an alert, without a ratchet: under
// a key that was stepped.
func TestIdleClose(t *testing.T) {
	p := newPeers(t, AES256GCM)
	p.clock.advance(time.Hour)
	p.open(Initiator, p.close(Initiator))
	if phase := p.side[Responder].RatchetState().ReceivePhase; phase != 1 {
		t.Errorf("phase %d", phase)
	}
	if _, err := p.side[Responder].Alert(nil, AlertShutdown); err != nil {
		t.Error(err)
	}
}

// A request that meets an offer half-way does not start a second ratchet, and
// one on demand from each side at once is one ratchet.
func TestSimultaneousRequests(t *testing.T) {
	for name, order := range map[string]func(p *peers, offer, request []byte){
		"offer first": func(p *peers, offer, request []byte) {
			p.open(Initiator, offer)
			p.open(Responder, request)
		},
		"request first": func(p *peers, offer, request []byte) {
			p.open(Responder, request)
			p.open(Initiator, offer)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeers(t, AES256GCM)
			p.clock.advance(minRatchetGap)
			p.side[Initiator].Ratchet()
			p.side[Responder].Ratchet()
			p.prepare(Initiator)
			offer, request := p.control(Initiator), p.control(Responder)
			order(p, offer, request)
			p.pump()
			p.requireGeneration(1)
			p.clock.advance(minRatchetGap)
			p.pump()
			p.requireGeneration(1)
		})
	}
}

// On demand during a ratchet means another one: the first began before.
func TestDemandDuringRatchet(t *testing.T) {
	for _, role := range []Role{Initiator, Responder} {
		p := newPeers(t, AES256GCM)
		p.side[Initiator].Ratchet()
		p.prepare(Initiator)
		p.deliver(Initiator, RatchetOffer)
		p.prepare(Responder)
		p.side[role].Ratchet()
		p.pump()
		p.requireGeneration(1)
		p.clock.advance(minRatchetGap)
		p.pump()
		p.requireGeneration(2)
	}
}

// Ratchets begin at least a second apart, however many are asked for, and a
// responder does not compute more often either.
func TestRatchetGap(t *testing.T) {
	p := newPeers(t, AES256GCM)
	for n := range uint64(5) {
		p.side[Initiator].Ratchet()
		p.side[Responder].Ratchet()
		p.pump()
		p.requireGeneration(n + 1)
		p.clock.advance(minRatchetGap - 1)
		p.side[Initiator].Ratchet()
		p.pump()
		p.requireGeneration(n + 1)
		p.clock.advance(1)
	}

	p = newPeers(t, AES256GCM)
	p.ratchet()
	p.side[Initiator].ratchet.began = time.Time{} // an initiator that does not wait
	p.side[Initiator].Ratchet()
	p.prepare(Initiator)
	p.deliver(Initiator, RatchetOffer)
	if p.side[Responder].NeedsPrepare() {
		t.Error("the responder computes as often as the initiator likes")
	}
	p.clock.advance(minRatchetGap)
	p.pump()
	p.requireGeneration(2)
}

// Traffic flows both ways at every point of a ratchet, in every order of moves.
func TestTrafficDuringRatchet(t *testing.T) {
	p := newPeers(t, AES256GCM)
	traffic := func() {
		p.send(Initiator, "ping")
		p.send(Responder, "pong")
	}
	p.side[Initiator].Ratchet()
	for _, move := range []func(){
		func() { p.prepare(Initiator) },
		func() { p.deliver(Initiator, RatchetOffer) },
		func() { p.prepare(Responder) },
		func() { p.deliver(Responder, RatchetReply) },
		func() { p.prepare(Initiator) },
		func() { p.deliver(Initiator, RatchetSwitch) },
		func() { p.deliver(Responder, RatchetSwitch) },
	} {
		traffic()
		move()
	}
	traffic()
	p.requireGeneration(1)
}

// Records that were sealed before a switch, and arrive late, open; control
// records may be late by minutes.
func TestLateRecords(t *testing.T) {
	p := newPeers(t, AES256GCM)
	p.side[Initiator].Ratchet()
	p.prepare(Initiator)
	offer := p.control(Initiator)
	p.clock.advance(10 * time.Second)
	p.open(Initiator, offer)
	p.prepare(Responder)
	early := p.seal(Responder, Application, "under way for long")
	reply := p.control(Responder)
	p.clock.advance(10 * time.Minute)
	p.open(Responder, early)
	p.open(Responder, reply)
	p.prepare(Initiator)
	p.deliver(Initiator, RatchetSwitch)
	p.deliver(Responder, RatchetSwitch)
	p.requireGeneration(1)
	// The new keys are old already, because their secrets are.
	for _, role := range []Role{Initiator, Responder} {
		if _, err := p.side[role].Seal(nil, Application, nil); !errors.Is(err, ErrStale) {
			t.Errorf("%s: got %v", role, err)
		}
	}
	p.pump()
	p.requireGeneration(2)
	p.send(Initiator, "x")
}

// A phase that steps while a ratchet goes on, and long idleness behind a switch,
// leave no gap in the numbers.
func TestSwitchThenIdle(t *testing.T) {
	p := newPeers(t, AES256GCM, limited(Limits{Records: 1}))
	for range 3 {
		p.ratchet()
		p.clock.advance(MaxStepAge + time.Second)
		p.send(Initiator, "x")
		p.send(Responder, "y")
	}
}

// The clock never moves a phase at the receiver: only headers do.
func TestReceiverIgnoresItsClock(t *testing.T) {
	ahead := &clock{}
	p := newPeers(t, AES256GCM, func(c *Config, _ *primitives) {
		if c.Role == Responder {
			c.Now = ahead.now
		}
	})
	for range 5 {
		ahead.advance(time.Hour)
		p.send(Initiator, "x")
	}
	if phase := p.side[Responder].RatchetState().ReceivePhase; phase != 0 {
		t.Errorf("phase %d", phase)
	}
}

// Time is the longer of both clocks: a machine that slept, and a clock that was
// set back.
func TestAge(t *testing.T) {
	start := time.Now()
	// moved returns start with its wall clock and its monotonic clock moved.
	moved := func(wallSeconds, monotonic int64) time.Time {
		t := start
		fields := (*[2]int64)(unsafe.Pointer(&t)) // wall: seconds above 30 bits of nanoseconds
		fields[0] += wallSeconds << 30
		fields[1] += monotonic
		return t
	}
	hour := int64(time.Hour)
	if moved(3600, 0).Sub(start) != 0 || moved(0, hour).Sub(start) != time.Hour || !moved(3600, 0).Round(0).Equal(start.Add(time.Hour)) {
		t.Fatal("the test does not move clocks")
	}
	for name, now := range map[string]time.Time{"both": moved(3600, hour), "asleep": moved(3600, 0), "set back": moved(-7200, hour)} {
		if got := age(now, start); got != time.Hour {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// An insider's keys that are none, or of small order, end the channel.
func TestRatchetKeysAreChecked(t *testing.T) {
	genuine := newStraightRatchet(t, label("a"), label64("b"), label("c"), label("d"))
	bad := func(message []byte, change func(b []byte)) []byte {
		b := bytes.Clone(message)
		change(b)
		return b
	}
	notReduced := func(b []byte) { copy(b[publicKeySize:], []byte{0xff, 0xff, 0xff}) }
	notCanonical := func(b []byte) { copy(b, append([]byte{0xed}, append(bytes.Repeat([]byte{0xff}, 30), 0x7f)...)) }
	highBit := func(b []byte) { b[31] |= 0x80 }
	zero := func(b []byte) { clear(b[:32]) }
	one := func(b []byte) { clear(b[:32]); b[0] = 1 }
	for name, offer := range map[string][]byte{
		"not reduced": bad(genuine.offer, notReduced), "not canonical": bad(genuine.offer, notCanonical),
		"high bit": bad(genuine.offer, highBit), "zero": bad(genuine.offer, zero), "one": bad(genuine.offer, one),
	} {
		t.Run("offer/"+name, func(t *testing.T) {
			p := newPeers(t, AES256GCM)
			x := newStraight(t, AES256GCM, label("secret"), label("transcript"))
			p.open(Initiator, x.seal("initiator", 33, string(offer), ratchetBucket))
			requireReason(t, p.side[Responder], p.side[Responder].Prepare(), ErrKey)
			if _, err := p.side[Responder].Alert(nil, AlertRecord); err != nil {
				t.Error(err)
			}
		})
	}
	for name, reply := range map[string][]byte{
		"not canonical": bad(genuine.reply, notCanonical), "high bit": bad(genuine.reply, highBit),
		"zero": bad(genuine.reply, zero), "one": bad(genuine.reply, one),
	} {
		t.Run("reply/"+name, func(t *testing.T) {
			p := newPeers(t, AES256GCM)
			x := newStraight(t, AES256GCM, label("secret"), label("transcript"))
			p.side[Initiator].Ratchet()
			p.prepare(Initiator)
			p.control(Initiator)
			p.open(Responder, x.seal("responder", 34, string(reply), ratchetBucket))
			requireReason(t, p.side[Initiator], p.side[Initiator].Prepare(), ErrKey)
		})
	}
}

// A ciphertext for another key, or a message that one side saw differently, is
// found by the confirmation, before any key is used.
func TestConfirmationOfRatchet(t *testing.T) {
	p := newPeers(t, AES256GCM)
	x := newStraight(t, AES256GCM, label("secret"), label("transcript"))
	p.side[Initiator].Ratchet()
	p.prepare(Initiator)
	_, offer, ok := x.open("initiator", p.control(Initiator))
	if !ok {
		t.Fatal("the offer does not open")
	}
	r := newStraightRatchet(t, label("initiator dh 0"), label64("initiator kem 0"), label("c"), label("d"))
	if !bytes.Equal(offer, r.offer) {
		t.Fatal("the offer is not the one drawn")
	}
	r.reply[40] ^= 1
	p.open(Responder, x.seal("responder", 34, string(r.reply), ratchetBucket))
	p.prepare(Initiator)
	p.control(Initiator)
	x.renew(r.offer, r.reply, r.input())
	_, _, err := p.side[Initiator].Open(nil, x.seal("responder", 35, string(x.confirm["responder"]), ratchetBucket))
	requireReason(t, p.side[Initiator], err, ErrConfirmation)
}
