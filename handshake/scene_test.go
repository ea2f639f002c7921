package handshake

import (
	"context"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

var (
	plainSuite = suiteNames[0]
	earlySuite = suiteNames[4]
	home       = netip.MustParseAddr("192.0.2.1")
	elsewhere  = netip.MustParseAddr("192.0.2.2")
	noon       = time.Unix(1_800_000_000, 0)
)

// errDown is what a store says that cannot be reached.
var errDown = errors.New("store is down")

// spent is a replay key.
type spent struct {
	nullifier zkkex.Nullifier
	counter   uint32
}

// testGate is a gate in memory that keeps the contract of [Gate].
type testGate struct {
	registry    *provertest.Registry
	maxOpens    uint32
	maxChannels int
	until       time.Time

	mu          sync.Mutex
	down        bool
	liveErr     error
	admitErr    error
	admissions  map[[32]byte]*Admission
	nullifiers  map[zkkex.Nullifier]session.Digest
	opens       map[spent]bool
	durable     int
	channels    map[session.Digest]int
	pairings    int
	lookUps     int
	lastContext context.Context
}

func newTestGate(r *provertest.Registry) *testGate {
	return &testGate{
		registry: r, maxOpens: 8, maxChannels: 2, until: noon.Add(time.Hour),
		admissions: make(map[[32]byte]*Admission), nullifiers: make(map[zkkex.Nullifier]session.Digest),
		opens: make(map[spent]bool), channels: make(map[session.Digest]int),
	}
}

func (g *testGate) Admitted(ctx context.Context, key [32]byte) (*Admission, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lookUps++
	g.lastContext = ctx
	if g.down {
		return nil, errDown
	}
	return g.admissions[key], nil
}

func (g *testGate) Admit(_ context.Context, p *zkkex.Presentation) (*Admission, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pairings++
	switch {
	case g.down:
		return nil, errDown
	case g.admitErr != nil:
		return nil, g.admitErr
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
	a := &Admission{Certificate: digest, Statement: p.Statement, Epoch: p.Epoch, Key: p.Authorization.Value, Generation: 7}
	g.nullifiers[p.Statement.Nullifier] = digest
	g.admissions[a.Key] = a
	return a, nil
}

func (g *testGate) Spend(_ context.Context, a *Admission, counter uint32, durable bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := spent{a.Statement.Nullifier, counter}
	switch {
	case g.down:
		return errDown
	case counter >= g.maxOpens || g.opens[key]:
		return zkkex.Reject(OpensExceeded, "counter %d", counter)
	}
	g.opens[key] = true
	if durable {
		g.durable++
	}
	return nil
}

func (g *testGate) Acquire(a *Admission) (func(), error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.channels[a.Certificate] >= g.maxChannels {
		return nil, zkkex.Reject(ChannelsExceeded, "%d", g.maxChannels)
	}
	g.channels[a.Certificate]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.channels[a.Certificate]--
	}, nil
}

func (g *testGate) Live(*Admission, time.Time) (time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until, g.liveErr
}

// changed tells whether anything is recorded: opens and channels.
func (g *testGate) changed() (opens, channels int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range g.channels {
		channels += n
	}
	return len(g.opens), channels
}

func (g *testGate) set(change func(*testGate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

// keySource has keys by number.
type keySource map[uint64]*Keys

func (s keySource) Keys(number uint64) (*Keys, error) {
	if k := s[number]; k != nil {
		return k, nil
	}
	return nil, fmt.Errorf("number %d: %w", number, ErrUnknownDescriptor)
}

// scene is a venue with a registry, a gate and a responder, and a member.
type scene struct {
	registry  *provertest.Registry
	member    *provertest.Member
	gate      *testGate
	keys      *Keys
	clock     *clock
	responder *Responder
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newScene(t testing.TB, options ...func(*ResponderConfig)) *scene {
	t.Helper()
	r := provertest.New(t.Name())
	s := &scene{registry: r, member: r.Member("alice"), gate: newTestGate(r), keys: newKeys(t, 5), clock: &clock{now: noon}}
	s.responder = s.another(t, options...)
	return s
}

// another returns one more responder of the same venue, with the same gate.
func (s *scene) another(t testing.TB, options ...func(*ResponderConfig)) *Responder {
	t.Helper()
	c := ResponderConfig{Keys: keySource{s.keys.Number: s.keys}, Gate: s.gate, EarlyData: true, Now: s.clock.Now}
	for _, o := range options {
		o(&c)
	}
	r, err := NewResponder(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newKeys(t testing.TB, number uint64) *Keys {
	t.Helper()
	static, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	prekey, err := mlkem.GenerateKey768()
	if err != nil {
		t.Fatal(err)
	}
	return &Keys{
		ID: sha256.Sum256([]byte("venue")), Number: number, Digest: sha256.Sum256(static.PublicKey().Bytes()),
		Suites: suiteNames[:], Static: static, Prekey: prekey, Padding: [2]uint16{2048, 4096}, MaxOpens: 8, MaxChannels: 2,
	}
}

// venue returns what an initiator knows of the venue.
func (s *scene) venue(suite string) *Venue { return venueOf(s.keys, suite) }

func venueOf(k *Keys, suite string) *Venue {
	return &Venue{
		ID: k.ID, Number: k.Number, Digest: k.Digest, Suite: suite, Static: k.Static.PublicKey(),
		Prekey: k.Prekey.EncapsulationKey(), Padding: k.Padding, MaxOpens: k.MaxOpens,
	}
}

// certificate returns a new certificate of the member's.
func (s *scene) certificate(t testing.TB) *session.Certificate {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s.certificateFor(t, key)
}

func (s *scene) certificateFor(t testing.TB, key *ecdh.PrivateKey) *session.Certificate {
	t.Helper()
	p := s.presentation(t, [32]byte(key.PublicKey().Bytes()))
	c, err := session.New(p, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *scene) presentation(t testing.TB, key [32]byte) *zkkex.Presentation {
	t.Helper()
	epoch, err := zkkex.DefaultSchedule().At(noon)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.member.Prove(t.Context(), zkkex.Claim{Scope: zkkex.Scope{31: 1}, Epoch: epoch, Limit: 1 << 20, Authorization: zkkex.SessionKey(key)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// admitted returns a certificate that the gate has admitted.
func (s *scene) admitted(t testing.TB) *session.Certificate {
	t.Helper()
	c := s.certificate(t)
	if _, err := s.gate.Admit(t.Context(), c.Presentation()); err != nil {
		t.Fatal(err)
	}
	s.gate.set(func(g *testGate) { g.pairings = 0 })
	return c
}

func (s *scene) initiator(t testing.TB, suite string, c *session.Certificate, o InitiatorOptions) *Initiator {
	t.Helper()
	i, err := NewInitiator(s.venue(suite), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// first returns an initiator and its message 1.
func (s *scene) first(t testing.TB, suite string, c *session.Certificate, o InitiatorOptions) (*Initiator, []byte) {
	t.Helper()
	i := s.initiator(t, suite, c, o)
	message, err := i.Message()
	if err != nil {
		t.Fatal(err)
	}
	return i, message
}

// respond is a call of the responder's from home.
func (s *scene) respond(t testing.TB, message []byte) ([]byte, *Accepted, error) {
	t.Helper()
	return s.responder.Respond(t.Context(), home, message)
}

// requireChannel lets records pass both ways.
func requireChannel(t testing.TB, e *Established, a *Accepted) {
	t.Helper()
	if !slices.Equal(e.Transcript(), a.Transcript()) {
		t.Fatal("the transcripts differ")
	}
	i, err := e.Session(ChannelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Session(ChannelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range [][2]*record.Session{{i, r}, {r, i}} {
		sealed, err := way[0].Seal(nil, record.Application, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if _, text, err := way[1].Open(nil, sealed); err != nil || string(text) != "hello" {
			t.Fatalf("got %q, %v", text, err)
		}
	}
}

// requireSilence checks that nothing was answered and nothing accepted, for that
// reason.
func requireSilence(t testing.TB, answer []byte, a *Accepted, err, reason error) {
	t.Helper()
	if answer != nil || a != nil {
		t.Fatalf("got an answer of %d bytes, expected silence", len(answer))
	}
	if !errors.Is(err, reason) {
		t.Fatalf("got %v, expected %v", err, reason)
	}
}

// requireReason checks that err is a no, for that reason.
func requireReason(t testing.TB, err error, reason zkkex.Reason) {
	t.Helper()
	var reject *zkkex.RejectError
	if !errors.Is(err, zkkex.ErrRejected) || !errors.As(err, &reject) || reject.Reason != reason {
		t.Fatalf("got %v, expected a rejection: %s", err, reason)
	}
}
