package record

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

var suites = map[string]Suite{"AES256GCM": AES256GCM, "ChaCha20Poly1305": ChaCha20Poly1305}

// clock is a clock that tests move.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_800_000_000, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// label returns 32 bytes that follow from a text.
func label(format string, args ...any) []byte {
	sum := sha256.Sum256([]byte("zkkex record test: " + fmt.Sprintf(format, args...)))
	return sum[:]
}

// label64 returns 64 bytes that follow from a text.
func label64(format string, args ...any) []byte {
	sum := sha512.Sum512([]byte("zkkex record test: " + fmt.Sprintf(format, args...)))
	return sum[:]
}

// drawn is what a peer has drawn for ratchets, so that a test can give some of it
// to a thief who breaks X25519, or ML-KEM.
type drawn struct {
	name   string
	dh     []*ecdh.PrivateKey
	kem    []*mlkem.DecapsulationKey768
	random [][]byte
}

// repeatable returns primitives that draw the n-th secret of a kind from the
// label of name, kind and n.
func repeatable(d *drawn) primitives {
	p := system()
	p.dhKey = func() (*ecdh.PrivateKey, error) {
		key, err := ecdh.X25519().NewPrivateKey(label("%s dh %d", d.name, len(d.dh)))
		d.dh = append(d.dh, key)
		return key, err
	}
	p.kemKey = func() (*mlkem.DecapsulationKey768, error) {
		key, err := mlkem.NewDecapsulationKey768(label64("%s kem %d", d.name, len(d.kem)))
		d.kem = append(d.kem, key)
		return key, err
	}
	p.encapsulate = func(key *mlkem.EncapsulationKey768) (shared, ciphertext []byte, err error) {
		d.random = append(d.random, label("%s encapsulation %d", d.name, len(d.random)))
		return mlkemtest.Encapsulate768(key, d.random[len(d.random)-1])
	}
	return p
}

// wired is a record as everybody can see it.
type wired struct {
	from   Role
	record []byte
}

// peers are both sides of a channel, the clock they share, and the wire.
type peers struct {
	t     testing.TB
	side  [2]*Session
	drawn [2]*drawn
	clock *clock
	wire  []wired
}

type option func(*Config, *primitives)

func padded(c *Config, _ *primitives) { c.Padding = PadBuckets }

func limited(l Limits) option { return func(c *Config, _ *primitives) { c.Limits = l } }

func faulty(fault func(*primitives)) option { return func(_ *Config, p *primitives) { fault(p) } }

// newPeers returns a fresh channel.
func newPeers(t testing.TB, suite Suite, options ...option) *peers {
	t.Helper()
	p := &peers{t: t, clock: &clock{}}
	for _, role := range []Role{Initiator, Responder} {
		p.drawn[role] = &drawn{name: role.String()}
		c := Config{Suite: suite, Role: role, Transcript: label("transcript"), Now: p.clock.now}
		primitives := repeatable(p.drawn[role])
		for _, o := range options {
			o(&c, &primitives)
		}
		var err error
		if p.side[role], err = newSession(c, label("secret"), primitives); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// seal returns a record of role's, and notes it on the wire.
func (p *peers) seal(role Role, t Type, plaintext string) []byte {
	p.t.Helper()
	record, err := p.side[role].Seal(nil, t, []byte(plaintext))
	return p.sealed(role, record, err)
}

func (p *peers) sealed(role Role, record []byte, err error) []byte {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s does not seal: %v", role, err)
	}
	p.wire = append(p.wire, wired{role, bytes.Clone(record)})
	return record
}

func (p *peers) control(role Role) []byte {
	p.t.Helper()
	if !p.side[role].NeedsControl() {
		p.t.Fatalf("%s has no control record", role)
	}
	record, err := p.side[role].Control(nil)
	return p.sealed(role, record, err)
}

func (p *peers) close(role Role) []byte {
	p.t.Helper()
	record, err := p.side[role].Close(nil)
	return p.sealed(role, record, err)
}

// open lets the peer of role open a record of role's.
func (p *peers) open(role Role, record []byte) (Type, string) {
	p.t.Helper()
	t, plaintext, err := p.side[role.peer()].Open(nil, bytes.Clone(record))
	if err != nil {
		p.t.Fatalf("%s does not open: %v", role.peer(), err)
	}
	return t, string(plaintext)
}

// send seals and opens.
func (p *peers) send(role Role, plaintext string) {
	p.t.Helper()
	if t, got := p.open(role, p.seal(role, Application, plaintext)); t != Application || got != plaintext {
		p.t.Fatalf("%q arrives as %q, type %d", plaintext, got, t)
	}
}

func (p *peers) prepare(role Role) {
	p.t.Helper()
	if !p.side[role].NeedsPrepare() {
		p.t.Fatalf("%s has nothing to prepare", role)
	}
	if err := p.side[role].Prepare(); err != nil {
		p.t.Fatal(err)
	}
}

// deliver carries the next control record of role.
func (p *peers) deliver(role Role, want Type) {
	p.t.Helper()
	if t, got := p.open(role, p.control(role)); t != want || got != "" {
		p.t.Fatalf("a control record of type %d arrives, expected %d", t, want)
	}
}

// pump carries control records until nobody has any.
func (p *peers) pump() {
	p.t.Helper()
	for busy := true; busy; {
		busy = false
		for _, role := range []Role{Initiator, Responder} {
			if p.side[role].NeedsPrepare() {
				p.prepare(role)
				busy = true
			}
			if p.side[role].NeedsControl() {
				p.open(role, p.control(role))
				busy = true
			}
		}
	}
}

// ratchet does one whole ratchet, on demand.
func (p *peers) ratchet() {
	p.t.Helper()
	p.clock.advance(minRatchetGap)
	before := p.side[Initiator].RatchetState().Generation
	p.side[Initiator].Ratchet()
	p.pump()
	p.requireGeneration(before + 1)
}

func (p *peers) requireGeneration(n uint64) {
	p.t.Helper()
	a, b := p.side[Initiator].RatchetState(), p.side[Responder].RatchetState()
	if a.Generation != n || b.Generation != n || a.Transcript != b.Transcript || a.InFlight || b.InFlight {
		p.t.Fatalf("expected generation %d: %+v, %+v", n, a, b)
	}
}

// requireReason checks that err has the reason, and is final.
func requireReason(t testing.TB, s *Session, err, reason error) {
	t.Helper()
	if !errors.Is(err, reason) {
		t.Fatalf("got %v, expected %v", err, reason)
	}
	if _, _, again := s.Open(nil, nil); again == nil || again.Error() != err.Error() {
		t.Fatalf("%v is not final: then %v", err, again)
	}
	if s.receive.aead != nil || s.receive.secret != (phaseSecret{}) {
		t.Fatal("keys are still there")
	}
}

// bothSuites runs a test with each suite.
func bothSuites(t *testing.T, test func(t *testing.T, suite Suite)) {
	for name, suite := range suites {
		t.Run(name, func(t *testing.T) { test(t, suite) })
	}
}
