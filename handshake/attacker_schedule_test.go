package handshake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// machines are what the attacker plays with: sound, or with one planted fault.
type machines struct{ skipsDigest, takesRepeat, takesGap, truncates, spendsAgain bool }

var soundMachines machines

// party is one side of one session, as far as it came.
type party struct {
	role      record.Role
	initiator *Initiator // of a member's side
	accepted  *Accepted  // of a venue's side

	// Once it accepts:
	established *Established
	records     *record.Session
	transcript  []byte
	confirmed   bool // of a venue's side: the first record has opened
	sent, got   [][]byte
	closed      bool     // its close was sealed
	ended       bool     // the peer's close was opened
	opened      [][]byte // records
}

// flying is a message or record that the attacker has seen.
type flying struct {
	bytes []byte
	from  *party
	first bool // a message 1
	fresh bool // not delivered yet
}

// attack is one schedule.
type attack struct {
	t        testing.TB
	scene    *scene
	random   *rand.Rand
	machines machines
	channels int // that were open from the beginning; then no others are opened
	gate     *testGate
	gateways []*Responder
	lying    *lyingByName

	clock        clock // of the channels
	certificates []*session.Certificate
	parties      []*party
	wire         []*flying
	spent        map[spent]int
	early        map[string]int
	refused      int
}

func newAttack(t testing.TB, s *scene, seed uint64, m machines) *attack {
	a := &attack{
		t: t, scene: s, random: rand.New(rand.NewPCG(seed, 3)), machines: m, gate: newTestGate(s.registry),
		clock: clock{now: noon}, spent: make(map[spent]int), early: make(map[string]int),
	}
	a.gate.maxChannels = 1 << 20
	a.lying = &lyingByName{testGate: a.gate, machines: m}
	six := *s.keys // a descriptor with the same keys and another number
	six.Number = 6
	for range 2 {
		r, err := NewResponder(ResponderConfig{
			Keys: keySource{5: s.keys, 6: &six}, Gate: a.lying, EarlyData: true, Now: s.clock.Now,
			Load: Load{Rate: 1e9, Burst: 1e9, Seen: 64},
		})
		if err != nil {
			t.Fatal(err)
		}
		a.gateways = append(a.gateways, r)
	}
	return a
}

// lyingByName is the gate, with the planted faults that are a gate's.
type lyingByName struct {
	*testGate
	machines machines
	named    session.Digest // by the first message at hand
}

func (g *lyingByName) Admitted(ctx context.Context, key [32]byte) (*Admission, error) {
	a, err := g.testGate.Admitted(ctx, key)
	if a == nil || !g.machines.skipsDigest {
		return a, err
	}
	out := *a
	out.Certificate = g.named
	return &out, err
}

func (g *lyingByName) Spend(ctx context.Context, a *Admission, counter uint32, durable bool) error {
	err := g.testGate.Spend(ctx, a, counter, durable)
	if g.machines.spendsAgain {
		return nil
	}
	return err
}

// play makes so many moves.
func (a *attack) play(moves int) {
	for range moves {
		switch a.random.IntN(6) {
		case 0:
			a.begin()
		case 1, 2:
			a.talk()
		default:
			a.deliver()
		}
	}
}

// begin has a member begin a session, unless there are channels, or enough.
func (a *attack) begin() {
	if a.channels > 0 || len(a.parties) >= 8 {
		a.talk()
		return
	}
	suite, o := plainSuite, InitiatorOptions{Kind: Kind(1 + a.random.IntN(3))}
	if a.random.IntN(2) == 0 {
		suite = earlySuite
		if o.Kind != Admit {
			o.Early = fmt.Appendf(nil, "early %d", len(a.parties))
		}
	}
	i, err := NewInitiator(a.scene.venue(suite), a.certificate(o.Kind), o)
	if errors.Is(err, session.ErrOpensUsed) {
		return
	}
	if err != nil {
		a.t.Fatal(err)
	}
	if o.Kind == Open && a.random.IntN(4) == 0 {
		i.digest = a.certificates[0].Digest() // an insider, who names another's
	}
	message, err := i.Message()
	if err != nil {
		a.t.Fatal(err)
	}
	p := &party{role: record.Initiator, initiator: i}
	a.parties = append(a.parties, p)
	a.fly(&flying{bytes: message, from: p, first: true})
}

// certificate returns one of a few, or a new one. Those to be opened are admitted.
func (a *attack) certificate(k Kind) *session.Certificate {
	if n := len(a.certificates); n > 0 && a.random.IntN(2) == 0 {
		return a.certificates[a.random.IntN(n)]
	}
	c := a.scene.certificate(a.t)
	if k == Open {
		if _, err := a.gate.Admit(a.t.Context(), c.Presentation()); err != nil {
			a.t.Fatal(err)
		}
	}
	a.certificates = append(a.certificates, c)
	return c
}

func (a *attack) fly(f *flying) {
	f.fresh = true
	a.wire = append(a.wire, f)
}

// openChannels begins with channels whose handshakes went undisturbed.
func (a *attack) openChannels(n int) {
	a.channels = n
	for k := range n {
		secret, transcript := [32]byte{byte(k + 1)}, bytes.Repeat([]byte{byte(k + 1)}, 32)
		admission := &Admission{Certificate: session.Digest{byte(k)}}
		admission.Statement.Nullifier[31] = byte(k + 1)
		own, other := secret, secret
		suite := suites()[0]
		e := &Established{Kind: Open, Suite: suite, Certificate: admission.Certificate, channel: &channel{suite: suite, role: record.Initiator, transcript: transcript, secret: &own}}
		v := &Accepted{Kind: Open, Suite: suite, Admission: admission, gate: a.lying, channel: &channel{suite: suite, role: record.Responder, transcript: transcript, secret: &other}}
		a.parties = append(a.parties, a.member(&party{}, e), a.venue(v))
	}
}

// member is a member's side that accepts.
func (a *attack) member(p *party, e *Established) *party {
	p.role, p.established, p.transcript = record.Initiator, e, e.Transcript()
	if e.Kind.opens() {
		p.records = a.session(e.Session(ChannelOptions{Now: a.clock.Now}))
	}
	return p
}

// venue is a venue's side that accepts.
func (a *attack) venue(v *Accepted) *party {
	p := &party{role: record.Responder, accepted: v, transcript: v.Transcript()}
	if v.Kind.opens() {
		p.records = a.session(v.Session(ChannelOptions{Now: a.clock.Now}))
	}
	return p
}

func (a *attack) session(s *record.Session, err error) *record.Session {
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// talk has a peer seal something, or its end.
func (a *attack) talk() {
	p := a.pick(func(p *party) bool { return p.records != nil && !p.closed })
	if p == nil {
		return
	}
	if a.ratchet(p) {
		return
	}
	var sealed []byte
	var err error
	switch {
	case a.random.IntN(6) == 0:
		sealed, err = p.records.Close(nil)
		p.closed = err == nil
	default:
		words := fmt.Appendf(nil, "%s says %d %d", p.role, a.index(p), len(p.sent))
		if sealed, err = p.records.Seal(nil, record.Application, words); err == nil {
			p.sent = append(p.sent, words)
		}
	}
	if err == nil { // otherwise it has given up
		a.fly(&flying{bytes: sealed, from: p})
	}
}

// ratchet has a peer do what there is to do for fresh keys, and sometimes ask for
// some. It reports whether a record of it went out.
func (a *attack) ratchet(p *party) bool {
	if a.random.IntN(4) == 0 {
		a.clock.advance(time.Second)
		p.records.Ratchet()
	}
	if p.records.NeedsPrepare() && p.records.Prepare() != nil || !p.records.NeedsControl() {
		return false
	}
	sealed, err := p.records.Control(nil)
	if err == nil {
		a.fly(&flying{bytes: sealed, from: p})
	}
	return err == nil
}

func (a *attack) index(p *party) int { return slices.Index(a.parties, p) }

// pick returns one of the parties that are so, or nil.
func (a *attack) pick(so func(*party) bool) *party {
	var some []*party
	for _, p := range a.parties {
		if so(p) {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[a.random.IntN(len(some))]
}

// deliver has something arrive: mostly what is to arrive, where it is to; often
// not.
func (a *attack) deliver() {
	if len(a.wire) == 0 {
		return
	}
	f := a.wire[a.random.IntN(len(a.wire))]
	if at := slices.IndexFunc(a.wire, func(f *flying) bool { return f.fresh }); at >= 0 && a.random.IntN(4) > 0 {
		f = a.wire[at]
	}
	f.fresh = false
	b := bytes.Clone(f.bytes)
	if a.random.IntN(8) == 0 {
		b = a.edit(b, f.first)
	}
	to := a.partner(f)
	if a.random.IntN(8) == 0 {
		to = a.pick(func(*party) bool { return true }) // another's, or its own
	}
	if to == nil || f.first && a.random.IntN(8) > 0 {
		a.respond(b)
		return
	}
	a.arrive(to, b)
}

// partner returns to whom the bytes are to go, or nil for the venue's door.
func (a *attack) partner(f *flying) *party {
	for _, p := range a.parties {
		switch {
		case f.first || p == f.from:
		case p.initiator != nil && f.from.initiator == p.initiator:
			return p // an answer, by the message that it answers
		case p.transcript != nil && bytes.Equal(p.transcript, f.from.transcript):
			return p
		}
	}
	return nil
}

// edit changes bytes, and for a message 1 makes mac1 right again, as everybody
// can.
func (a *attack) edit(b []byte, first bool) []byte {
	other := a.wire[a.random.IntN(len(a.wire))].bytes
	switch at := a.random.IntN(len(b)); a.random.IntN(5) {
	case 0:
		b = b[:at]
	case 1:
		b = append(b, other...)
	case 2:
		b = append(b[:at:at], other[min(at, len(other)):]...)
	case 3:
		b = append(bytes.Clone(other[:min(at, len(other))]), b[at:]...)
	default:
		b[at] ^= 1 << a.random.IntN(8)
		if first && a.random.IntN(4) == 0 {
			b[headerSize-1] ^= 5 ^ 6
		}
	}
	if first && len(b) > headerSize+macsSize && a.random.IntN(2) == 0 {
		b = remac(a.scene.keys, b)
	}
	return b
}

// respond has a message arrive at one of the venue's gateways.
func (a *attack) respond(message []byte) {
	sender := a.sender(message)
	if sender != nil {
		a.lying.named = sender.initiator.digest
	}
	answer, v, err := a.gateways[a.random.IntN(len(a.gateways))].Respond(a.t.Context(), home, message)
	if err != nil {
		a.refused++
	}
	p := &party{}
	if v != nil {
		if a.machines.skipsDigest {
			v.Admission = a.gate.admissions[v.Admission.Key]
		}
		p = a.venue(v)
		a.parties = append(a.parties, p)
		if len(v.Early) > 0 {
			a.early[string(v.Early)]++
			a.spend(v)
			p.confirmed = true
		}
	}
	if answer != nil && sender != nil {
		f := &flying{bytes: answer, from: p}
		p.initiator = sender.initiator // so that the answer finds its way
		a.fly(f)
	}
}

// sender returns who made a message 1, unless somebody changed it.
func (a *attack) sender(message []byte) *party {
	for _, f := range a.wire {
		if f.first && bytes.Equal(f.bytes, message) {
			return f.from
		}
	}
	return nil
}

func (a *attack) spend(v *Accepted) {
	a.spent[spent{v.Admission.Statement.Nullifier, v.Counter}]++
}

// arrive has bytes arrive at a peer, in whatever state it is.
func (a *attack) arrive(p *party, b []byte) {
	if p.records == nil && p.established == nil && p.role == record.Initiator && p.initiator != nil {
		e, err := p.initiator.Finish(b)
		if err != nil {
			a.refused++
			return
		}
		a.member(p, e)
		return
	}
	if p.records != nil {
		a.open(p, b)
	}
}

// open has a record arrive.
func (a *attack) open(p *party, b []byte) {
	kind, content, err := a.openFaulty(p, b)
	if err != nil {
		a.refused++
		return
	}
	p.opened = append(p.opened, bytes.Clone(b))
	if p.role == record.Responder && !p.confirmed {
		if err := p.accepted.Confirm(a.t.Context()); err != nil {
			p.records.Wipe()
			return
		}
		p.confirmed = true
		a.spend(p.accepted)
	}
	switch kind {
	case record.Application:
		p.got = append(p.got, content)
	case record.CloseNotify:
		p.ended = true
	}
}

// openFaulty opens a record, with the planted faults that are a record layer's.
func (a *attack) openFaulty(p *party, b []byte) (record.Type, []byte, error) {
	if at := slices.IndexFunc(p.opened, func(o []byte) bool { return bytes.Equal(o, b) }); at >= 0 && at < len(p.got) && a.machines.takesRepeat {
		return record.Application, p.got[at], nil
	}
	kind, content, err := p.records.Open(nil, bytes.Clone(b))
	if err == nil || !a.machines.takesGap {
		return kind, content, err
	}
	for _, f := range a.wire {
		if f.from != p && bytes.Equal(f.from.transcript, p.transcript) && bytes.Equal(f.bytes, b) && len(f.from.sent) > 0 {
			return record.Application, f.from.sent[len(f.from.sent)-1], nil
		}
	}
	return kind, content, err
}

// end is what a reader gets when nothing more comes.
func (a *attack) end(p *party) error {
	if a.machines.truncates {
		return io.EOF
	}
	return p.records.End()
}
