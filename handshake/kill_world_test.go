package handshake_test

import (
	"context"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/session"
)

// killWorld is a venue with a gate and a store of package admission, in memory,
// and a member with a pool, who admits ahead.
type killWorld struct {
	t         *testing.T
	suites    [2]string
	keys      *handshake.Keys
	gate      *admission.Gate
	responder *handshake.Responder
	prover    *provertest.Member
	terms     session.Terms
	pool      *session.Pool

	connections atomic.Int64 // that are open, on both sides
	venues      sync.WaitGroup

	mu                      sync.Mutex
	listener                *handshake.Listener
	random                  *mathrand.Rand // of the venue's side
	taken, proved           map[string]int
	memberSides, venueSides []*killedSide
}

func newKillWorld(t *testing.T) *killWorld {
	w := &killWorld{
		t: t, suites: [2]string{venuetest.Suite, venuetest.EarlySuite}, random: mathrand.New(mathrand.NewPCG(1, 6)),
		taken: make(map[string]int), proved: make(map[string]int),
	}
	registry := provertest.New("kills")
	w.prover = registry.Member("alice")
	static, err := ecdh.X25519().GenerateKey(rand.Reader)
	w.must(err)
	prekey, err := mlkem.GenerateKey768()
	w.must(err)
	w.keys = &handshake.Keys{
		ID: [32]byte{1}, Number: 1, Digest: [32]byte{5}, Suites: w.suites[:], Static: static, Prekey: prekey,
		Padding: [2]uint16{1408, 1856}, MaxOpens: 8, MaxChannels: 1000,
	}
	w.openGate(registry)
	w.responder, err = handshake.NewResponder(handshake.ResponderConfig{
		Keys: w, Gate: w.gate, EarlyData: true, Load: handshake.Load{Rate: 1e9, Burst: 1e9}, Now: killTime,
	})
	w.must(err)
	w.pool, err = session.NewPool(session.PoolConfig{
		Prover: w, Terms: w, Size: 8, Admit: w.admit, AdmitSpread: 20 * time.Millisecond, Now: killTime,
	})
	w.must(err)
	return w
}

// killTime is a time far from the end of an epoch, which goes on.
func killTime() time.Time { return time.Unix(1_800_000_000, 0).Add(time.Since(killBegin)) }

var killBegin = time.Now()

func (w *killWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *killWorld) openGate(registry *provertest.Registry) {
	schedule := zkkex.DefaultSchedule()
	config, err := admissiontest.Config(registry, w.keys.ID, schedule, killTime)
	w.must(err)
	config.Terms.MaxOpens, config.Terms.MaxChannels = w.keys.MaxOpens, w.keys.MaxChannels
	for i := range config.Terms.Epochs {
		config.Terms.Epochs[i].Limit = 1 << 20
	}
	w.gate, err = admission.New(config)
	w.must(err)
	epoch, err := schedule.At(killTime())
	w.must(err)
	scope := zkkex.VenueScope{Venue: w.keys.ID, Registry: registry.ID, Epoch: epoch}.Scope()
	w.terms = session.Terms{Scope: scope, Epoch: epoch, Limit: 1 << 20, Root: registry.Root, Sequence: registry.Sequence}
}

// Keys implements [handshake.KeySource].
func (w *killWorld) Keys(number uint64) (*handshake.Keys, error) {
	if number != w.keys.Number {
		return nil, handshake.ErrUnknownDescriptor
	}
	return w.keys, nil
}

// Terms implements [session.TermsSource].
func (w *killWorld) Terms(context.Context, time.Time) ([]session.Terms, error) {
	return []session.Terms{w.terms}, nil
}

// Prove implements [zkkex.Prover], and counts slots.
func (w *killWorld) Prove(ctx context.Context, c zkkex.Claim) (*zkkex.Presentation, error) {
	p, err := w.prover.Prove(ctx, c)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.proved[p.Statement.Nullifier.String()]++
	}
	return p, err
}

// take counts a certificate that the pool handed out.
func (w *killWorld) take(c *session.Certificate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken[c.Digest().String()]++
}

// admit is the pool's admitter, over connections that are killed as well.
func (w *killWorld) admit(ctx context.Context, c *session.Certificate) error {
	w.mu.Lock()
	seed := w.random.Uint64()
	w.mu.Unlock()
	return w.dialer(w.suites[0], mathrand.New(mathrand.NewPCG(seed, 7))).Admit(ctx, c)
}

// dialer makes connections that end when so many bytes went over them.
func (w *killWorld) dialer(suite string, r *mathrand.Rand) *handshake.Dialer {
	public := &handshake.Venue{
		ID: w.keys.ID, Number: w.keys.Number, Digest: w.keys.Digest, Suite: suite, Static: w.keys.Static.PublicKey(),
		Prekey: w.keys.Prekey.EncapsulationKey(), Padding: w.keys.Padding, MaxOpens: w.keys.MaxOpens,
	}
	return &handshake.Dialer{
		Venue: func(context.Context, bool) (*handshake.Venue, []handshake.Address, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return public, []handshake.Address{{Network: "tcp", Place: w.listener.Addr().String()}}, nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return w.mortal(raw, r), nil
		},
		Config: handshake.ClientConfig{Now: killTime},
	}
}

// listen takes sessions from now on.
func (w *killWorld) listen() {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	l, err := handshake.NewListener(mortalListener{inner, w}, handshake.ServerConfig{
		Responder: w.responder, Keys: w, Gate: w.gate, Now: killTime,
	})
	w.must(err)
	w.mu.Lock()
	w.listener = l
	w.mu.Unlock()
	w.venues.Go(func() {
		for n := uint64(0); ; n++ {
			c, err := l.AcceptConn()
			if err != nil {
				return
			}
			w.venues.Go(func() { w.converse(&w.venueSides, c, mathrand.New(mathrand.NewPCG(n, 8))) })
		}
	})
}

// closeListener closes it in the middle of whatever goes on, and every second time
// with its channels.
func (w *killWorld) closeListener() {
	w.mu.Lock()
	l, shutdown := w.listener, w.random.IntN(2) == 0
	w.mu.Unlock()
	if shutdown {
		l.Shutdown()
		return
	}
	l.Close()
}

type mortalListener struct {
	net.Listener
	world *killWorld
}

func (l mortalListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := l.world
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mortal(raw, w.random), nil
}

// mortal is a connection that dies when so many bytes went over it, in the middle
// of a Read or Write, one of two with a reset; or one that lives.
type mortal struct {
	*net.TCPConn
	world  *killWorld
	left   atomic.Int64
	reset  bool
	closed sync.Once
}

func (w *killWorld) mortal(raw net.Conn, r *mathrand.Rand) *mortal {
	c := &mortal{TCPConn: raw.(*net.TCPConn), world: w, reset: r.IntN(2) == 0}
	c.left.Store(1 << 40)
	switch r.IntN(6) {
	case 0:
		c.left.Store(r.Int64N(6000)) // in the handshake, or soon after it
	case 1:
		c.left.Store(r.Int64N(30_000))
	}
	w.connections.Add(1)
	return c
}

func (c *mortal) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if c.left.Add(int64(-n)) < 0 {
		c.die()
	}
	return n, err
}

func (c *mortal) Write(b []byte) (int, error) {
	left := c.left.Add(int64(-len(b)))
	if left >= 0 {
		return c.TCPConn.Write(b)
	}
	n, _ := c.TCPConn.Write(b[:max(0, int64(len(b))+left)])
	c.die()
	return n, net.ErrClosed
}

func (c *mortal) die() {
	if c.reset {
		c.SetLinger(0)
	}
	c.Close()
}

func (c *mortal) Close() error {
	c.closed.Do(func() { c.world.connections.Add(-1) })
	return c.TCPConn.Close()
}
