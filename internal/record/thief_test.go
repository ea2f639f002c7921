package record

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
	"unsafe"
)

// planted are faults that the two tests below must notice, or they prove nothing.
var planted = map[string]func(*primitives){
	"forgets the KEM secret": func(p *primitives) {
		p.combine = func(dh, kem []byte) []byte { return append(bytes.Clone(dh), make([]byte, len(kem))...) }
	},
	"forgets the DH secret": func(p *primitives) {
		p.combine = func(dh, kem []byte) []byte { return append(make([]byte, len(dh)), kem...) }
	},
	"forgets both secrets": func(p *primitives) {
		p.combine = func(dh, kem []byte) []byte { return make([]byte, len(dh)+len(kem)) }
	},
	"does not wipe": func(p *primitives) { p.wipe = func([]byte) {} },
}

// thief is who has stolen a session's complete state, and from then on only
// listens. It runs the straight-line implementation.
type thief struct {
	*straight
	offer []byte
	// What the victim had of a ratchet in flight: its keys, or all secrets of the
	// next generation.
	dh   *ecdh.PrivateKey
	kem  *mlkem.DecapsulationKey768
	next bool
	// breaks returns the shared secrets that the thief can compute from what it
	// sees, and zeros for one that it cannot.
	breaks func(offer, reply []byte) (dh, kem []byte)
}

// steal copies what opens and seals, and what the next generation is made of.
func steal(t testing.TB, s *Session) *thief {
	x := &straight{t: t, suite: byte(s.send.suite), sides: map[string]*straightSide{}}
	for _, h := range []*half{&s.send, &s.receive} {
		x.sides[h.role.String()] = &straightSide{bytes.Clone(h.secret[:]), h.phase, h.sequence, h.entering}
	}
	r := &s.ratchet
	x.know(r.current)
	out := &thief{straight: x, offer: r.offer, dh: r.dh, kem: r.kem}
	switch {
	case r.next != nil:
		x.know(r.next)
		out.next = true
	case r.stage == replyReceived:
		out.renewWith(r.reply)
		out.next = true
	}
	return out
}

// know takes over what a generation in memory holds.
func (x *straight) know(g *generation) {
	x.th, x.ratchet = bytes.Clone(g.transcript[:]), bytes.Clone(g.ratchet[:])
	x.phases = map[string][]byte{}
	for _, role := range []Role{Initiator, Responder} {
		x.phases[role.String()] = bytes.Clone(g.phases[role][:])
	}
}

// renewWith computes the next generation, with stolen keys if there are any: they
// are good for one ratchet.
func (x *thief) renewWith(reply []byte) {
	var dh, kem []byte
	if x.dh != nil {
		dh, kem = exchange(x.t, x.dh, x.kem, reply)
	} else {
		dh, kem = x.breaks(x.offer, reply)
	}
	x.renew(x.offer, reply, append(dh, kem...))
	x.dh, x.kem = nil, nil
}

// exchange returns the shared secrets of an initiator's keys and a reply.
func exchange(t testing.TB, own *ecdh.PrivateKey, decapsulation *mlkem.DecapsulationKey768, reply []byte) (dh, kem []byte) {
	t.Helper()
	public, err := parsePublicKey(reply[:publicKeySize])
	if err != nil {
		t.Fatal(err)
	}
	if dh, err = own.ECDH(public); err != nil {
		t.Fatal(err)
	}
	if kem, err = decapsulation.Decapsulate(reply[publicKeySize:]); err != nil {
		t.Fatal(err)
	}
	return dh, kem
}

// reads returns the application's data that the thief reads in what was sent
// after the theft. What it cannot open ends its knowledge of a direction.
func (x *thief) reads(wire []wired) (contents []string) {
	lost := map[Role]bool{}
	for _, w := range wire {
		if lost[w.from] {
			continue
		}
		kind, content, ok := x.open(w.from.String(), w.record)
		if !ok {
			lost[w.from] = true
			continue
		}
		switch Type(kind) {
		case Application:
			contents = append(contents, string(content))
		case RatchetOffer:
			x.offer = content
		case RatchetReply:
			if !x.next {
				x.renewWith(content)
			}
		case RatchetSwitch:
			x.enter(w.from.String())
			x.next = x.next && w.from == Initiator // the responder's ends the ratchet
		}
	}
	return contents
}

// knowledge is which of the two key exchanges the thief can break.
type knowledge struct{ dh, kem bool }

// with lets the thief use the peers' own keys for what it can break.
func (k knowledge) with(t testing.TB, p *peers) func(offer, reply []byte) (dh, kem []byte) {
	return func(offer, reply []byte) (dh, kem []byte) {
		drawn := p.drawn[Initiator]
		own := slices.IndexFunc(drawn.dh, func(key *ecdh.PrivateKey) bool {
			return bytes.Equal(key.PublicKey().Bytes(), offer[:publicKeySize])
		})
		dh, kem = exchange(t, drawn.dh[own], drawn.kem[own], reply)
		if !k.dh {
			clear(dh)
		}
		if !k.kem {
			clear(kem)
		}
		return dh, kem
	}
}

// heals reports whether a thief of victim's state reads the records up to the
// next ratchet, as it must, and none behind it.
func heals(t testing.TB, victim Role, k knowledge, fault option) bool {
	t.Helper()
	p := newPeers(t, AES256GCM, fault, limited(Limits{Records: 2}))
	p.ratchet()
	p.send(Initiator, "before the theft")
	x := steal(t, p.side[victim])
	x.breaks = k.with(t, p)
	stolen := len(p.wire)
	for range 3 {
		p.send(Initiator, "before the ratchet")
		p.send(Responder, "before the ratchet")
	}
	p.ratchet()
	for range 3 {
		p.send(Initiator, "behind the ratchet")
		p.send(Responder, "behind the ratchet")
	}
	got := x.reads(p.wire[stolen:])
	if n := count(got, "before the ratchet"); n != 6 {
		t.Fatalf("the thief is too weak: it reads %d of 6 records before the ratchet", n)
	}
	switch n := count(got, "behind the ratchet"); n {
	case 0:
		return true
	case 6:
		return false
	default:
		t.Fatalf("the thief reads %d of 6 records behind the ratchet", n)
		return false
	}
}

func count(list []string, s string) (n int) {
	for _, x := range list {
		if x == s {
			n++
		}
	}
	return n
}

func unharmed(*Config, *primitives) {}

// Whoever steals the complete state of a peer, and then only listens, reads
// nothing behind the next ratchet, unless it breaks X25519 and ML-KEM both.
func TestPostCompromiseHealing(t *testing.T) {
	for _, victim := range []Role{Initiator, Responder} {
		for _, k := range []knowledge{{}, {dh: true}, {kem: true}} {
			if !heals(t, victim, k, unharmed) {
				t.Errorf("a thief of the %s's state who breaks %+v goes on reading", victim, k)
			}
		}
		if heals(t, victim, knowledge{dh: true, kem: true}, unharmed) {
			t.Error("a thief who breaks both cannot read: the thief is too weak")
		}
		for fault, k := range map[string]knowledge{
			"forgets the KEM secret": {dh: true}, "forgets the DH secret": {kem: true}, "forgets both secrets": {},
		} {
			if heals(t, victim, k, faulty(planted[fault])) {
				t.Errorf("a ratchet that %s is not noticed", fault)
			}
		}
	}
}

// memory is everything that a value's fields and pointers reach, byte by byte,
// with what was in its buffers before.
func memory(v any) (out [][]byte) {
	seen := map[unsafe.Pointer]bool{}
	var walk func(v reflect.Value)
	block := func(p unsafe.Pointer, size uintptr) bool {
		if p == nil || size == 0 || seen[p] {
			return false
		}
		seen[p] = true
		out = append(out, bytes.Clone(unsafe.Slice((*byte)(p), size)))
		return true
	}
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() && block(v.UnsafePointer(), v.Elem().Type().Size()) {
				walk(v.Elem())
			}
		case reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Slice:
			if !v.IsNil() && block(v.UnsafePointer(), uintptr(v.Cap())*v.Type().Elem().Size()) {
				for i := range v.Len() {
					walk(v.Index(i))
				}
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i))
			}
		case reflect.Array:
			if k := v.Type().Elem().Kind(); k == reflect.Uint8 || k == reflect.Uint32 || k == reflect.Uint64 {
				return // in the block around it
			}
			for i := range v.Len() {
				walk(v.Index(i))
			}
		}
	}
	walk(reflect.ValueOf(v))
	return out
}

// memoryOpens reports whether 32 bytes anywhere in the memory, taken as the
// secret of a phase or of a channel, open a record.
func memoryOpens(t testing.TB, blocks [][]byte, th []byte, w wired, sequence uint64) bool {
	role, phase := w.from.String(), binary.BigEndian.Uint32(w.record[3:])
	opens := func(secret []byte) bool {
		x := &straight{t: t, suite: byte(AES256GCM), sides: map[string]*straightSide{role: {secret: secret, phase: phase, sequence: sequence}}}
		_, _, ok := x.open(role, w.record)
		return ok
	}
	for _, block := range blocks {
		for i := 0; i+32 <= len(block); i++ {
			window := block[i : i+32]
			if bytes.Count(window, []byte{0}) > 16 {
				continue // no secret has that many zeros
			}
			// A secret opens its own phase and, by steps, the few behind it.
			for _, secret := range [][]byte{window, derive(window, 32, "direction", role, string(th))} {
				for range 3 {
					if opens(secret) {
						return true
					}
					secret = derive(secret, 32, "step", role)
				}
			}
		}
	}
	return false
}

// keepsPast reports whether the complete memory of victim opens the records of
// phases that were over when it was stolen.
func keepsPast(t testing.TB, victim Role, fault option) bool {
	t.Helper()
	p := newPeers(t, AES256GCM, fault, limited(Limits{Records: 1}))
	records := p.remember() // the first generation's first phase
	p.ratchet()
	records = append(records, p.remember()...) // a phase of the second generation that a step ended
	records = append(records, p.remember()...) // the present phase
	blocks := memory(p.side[victim])
	for _, r := range records[4:] {
		if !memoryOpens(t, blocks, r.th, r.wired, r.sequence) {
			t.Fatalf("the thief is too weak: it does not open the %s's present phase", r.from)
		}
	}
	return slices.ContainsFunc(records[:4], func(r past) bool { return memoryOpens(t, blocks, r.th, r.wired, r.sequence) })
}

// Whoever steals the complete memory of a session reads no record of a phase
// that is over, whether a step or a ratchet has ended it.
func TestForwardSecrecy(t *testing.T) {
	for _, victim := range []Role{Initiator, Responder} {
		if keepsPast(t, victim, unharmed) {
			t.Errorf("the %s's memory opens records of a phase that is over", victim)
		}
	}
	if !keepsPast(t, Initiator, faulty(planted["does not wipe"])) {
		t.Error("a session that does not wipe is not noticed")
	}
}

// After Wipe, and after a record was refused, no secret is in memory: not even
// the present phase opens.
func TestWipeForgets(t *testing.T) {
	for name, end := range map[string]func(*peers){
		"wipe":    func(p *peers) { p.side[Responder].Wipe() },
		"refusal": func(p *peers) { requireRefused(p.t, p.side[Responder], make([]byte, 40), "header") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeers(t, AES256GCM)
			p.send(Initiator, "x")
			th := p.side[Responder].RatchetState().Transcript
			if !memoryOpens(t, memory(p.side[Responder]), th[:], p.wire[0], 0) {
				t.Fatal("the thief is too weak")
			}
			end(p)
			if memoryOpens(t, memory(p.side[Responder]), th[:], p.wire[0], 0) {
				t.Error("the key is still there")
			}
		})
	}
}
