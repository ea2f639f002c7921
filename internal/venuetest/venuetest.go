// Package venuetest is a venue in memory with members whose proofs are fake, for
// tests and examples of what rides on channels. The handshakes and channels are
// real.
//
// It stays out of every binary: the policy tests see to that.
package venuetest

import (
	"context"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"net"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
)

// Suites: one without early data, and one with.
const (
	Suite      = "Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256"
	EarlySuite = "Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_SHA256"
)

// Venue is a venue with one descriptor, which has no end.
type Venue struct {
	// Keys are those of its descriptor. Whoever changes them does so before the
	// first handshake.
	Keys *handshake.Keys
	// Responder answers first messages; it takes early data.
	Responder *handshake.Responder
	// Gate decides.
	Gate *Gate

	registry *provertest.Registry
}

// New returns a venue; another name is another venue. It panics where only a
// broken package would fail.
func New(name string) *Venue {
	static, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(err)
	prekey, err := mlkem.GenerateKey768()
	must(err)
	v := &Venue{registry: provertest.New(name), Keys: &handshake.Keys{
		ID: sha256.Sum256([]byte(name)), Number: 1, Digest: sha256.Sum256(static.PublicKey().Bytes()),
		Suites: []string{Suite, EarlySuite}, Static: static, Prekey: prekey,
		Padding: [2]uint16{2048, 4096}, MaxOpens: 1 << 20, MaxChannels: 1 << 20,
	}}
	v.Gate = newGate(v.registry)
	v.Responder, err = handshake.NewResponder(handshake.ResponderConfig{
		Keys: v.keySource(), Gate: v.Gate, EarlyData: true,
		Load: handshake.Load{Rate: 1e6, Burst: 1e6},
	})
	must(err)
	return v
}

// Config is the venue's side of channels.
func (v *Venue) Config() handshake.ServerConfig {
	return handshake.ServerConfig{Responder: v.Responder, Keys: v.keySource(), Gate: v.Gate}
}

// Listen returns a listener for channels over another one.
func (v *Venue) Listen(inner net.Listener) *handshake.Listener {
	l, err := handshake.NewListener(inner, v.Config())
	must(err)
	return l
}

// Public is what members know of the venue, with the suite they chose.
func (v *Venue) Public(suite string) *handshake.Venue {
	k := v.Keys
	return &handshake.Venue{
		ID: k.ID, Number: k.Number, Digest: k.Digest, Suite: suite, Static: k.Static.PublicKey(),
		Prekey: k.Prekey.EncapsulationKey(), Padding: k.Padding, MaxOpens: k.MaxOpens,
	}
}

// Dialer connects members to the venue's address.
func (v *Venue) Dialer(network, address string) *handshake.Dialer {
	return v.dialer(Suite, network, address)
}

// EarlyDialer is Dialer with [EarlySuite].
func (v *Venue) EarlyDialer(network, address string) *handshake.Dialer {
	return v.dialer(EarlySuite, network, address)
}

func (v *Venue) dialer(suite, network, address string) *handshake.Dialer {
	return &handshake.Dialer{Venue: func(context.Context, bool) (*handshake.Venue, []handshake.Address, error) {
		return v.Public(suite), []handshake.Address{{Network: network, Place: address}}, nil
	}}
}

// Member returns a member of the registry whose members the venue takes; another
// name is another member.
func (v *Venue) Member(name string) *Member { return &Member{prover: v.registry.Member(name)} }

// Member has certificates made.
type Member struct{ prover *provertest.Member }

// Certificate returns a fresh certificate, for the present epoch.
func (m *Member) Certificate() *session.Certificate {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(err)
	epoch, err := zkkex.DefaultSchedule().At(time.Now())
	must(err)
	p, err := m.prover.Prove(context.Background(), zkkex.Claim{
		Scope: zkkex.Scope{31: 1}, Epoch: epoch, Limit: 1 << 20,
		Authorization: zkkex.SessionKey([32]byte(key.PublicKey().Bytes())),
	})
	must(err)
	c, err := session.New(p, key)
	must(err)
	return c
}

func (v *Venue) keySource() handshake.KeySource { return keySource{v.Keys} }

type keySource struct{ keys *handshake.Keys }

func (s keySource) Keys(number uint64) (*handshake.Keys, error) {
	if number != s.keys.Number {
		return nil, handshake.ErrUnknownDescriptor
	}
	return s.keys, nil
}

// Gate keeps the contract of [handshake.Gate] in memory.
type Gate struct {
	registry *provertest.Registry

	mu         sync.Mutex
	closed     error
	admissions map[[32]byte]*handshake.Admission
	nullifiers map[zkkex.Nullifier]session.Digest
	opens      map[open]bool
	channels   int
}

type open struct {
	nullifier zkkex.Nullifier
	counter   uint32
}

func newGate(r *provertest.Registry) *Gate {
	return &Gate{
		registry: r, admissions: make(map[[32]byte]*handshake.Admission),
		nullifiers: make(map[zkkex.Nullifier]session.Digest), opens: make(map[open]bool),
	}
}

// Refuse makes the gate answer with an error from now on, or decide again if it is
// nil.
func (g *Gate) Refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = err
}

// Opens returns how many opens are recorded, and how many channels there are.
func (g *Gate) Opens() (opens, channels int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.opens), g.channels
}

// Forget forgets what was admitted and opened, as a gate does with epochs that are
// over. Channels go on.
func (g *Gate) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.admissions)
	clear(g.nullifiers)
	clear(g.opens)
}

// Admitted implements [handshake.Gate].
func (g *Gate) Admitted(_ context.Context, key [32]byte) (*handshake.Admission, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.admissions[key], g.closed
}

// Admit implements [handshake.Gate].
func (g *Gate) Admit(_ context.Context, p *zkkex.Presentation) (*handshake.Admission, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		return nil, g.closed
	}
	if err := g.registry.Verify(p, p.Authorization); err != nil {
		return nil, err
	}
	digest, err := session.DigestOf(p)
	if err != nil {
		return nil, err
	}
	if other, used := g.nullifiers[p.Statement.Nullifier]; used && other != digest {
		return nil, zkkex.Reject(zkkex.SlotUsed, "by another certificate")
	}
	a := &handshake.Admission{Certificate: digest, Statement: p.Statement, Epoch: p.Epoch, Key: p.Authorization.Value}
	g.nullifiers[p.Statement.Nullifier], g.admissions[a.Key] = digest, a
	return a, nil
}

// Spend implements [handshake.Gate].
func (g *Gate) Spend(_ context.Context, a *handshake.Admission, counter uint32, _ bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := open{a.Statement.Nullifier, counter}
	switch {
	case g.closed != nil:
		return g.closed
	case g.opens[key]:
		return zkkex.Reject(handshake.OpensExceeded, "counter %d was used before", counter)
	}
	g.opens[key] = true
	return nil
}

// Acquire implements [handshake.Gate].
func (g *Gate) Acquire(*handshake.Admission) (release func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.channels++
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.channels--
	}), nil
}

// Live implements [handshake.Gate].
func (g *Gate) Live(*handshake.Admission, time.Time) (until time.Time, err error) {
	return time.Now().Add(time.Hour), nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
