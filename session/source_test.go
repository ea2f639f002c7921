package session_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/session"
)

// venue is a source of terms: those of the present epoch and of the next one.
type venue struct {
	registry *provertest.Registry
	limit    uint32

	mu         sync.Mutex
	generation uint32
	err        error
	unnamed    bool // no terms at all
}

func newVenue() *venue { return &venue{registry: provertest.New(""), limit: 1 << 20} }

func (v *venue) Terms(_ context.Context, now time.Time) ([]session.Terms, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err != nil || v.unnamed {
		return nil, v.err
	}
	epoch, err := zkkex.DefaultSchedule().At(now)
	if err != nil {
		return nil, err
	}
	next := epoch
	next.Number++
	return []session.Terms{v.of(epoch), v.of(next)}, nil
}

func (v *venue) of(e zkkex.Epoch) session.Terms {
	scope := zkkex.VenueScope{Venue: sha256.Sum256([]byte("venue")), Registry: v.registry.ID, Epoch: e, Generation: v.generation}
	return session.Terms{
		Scope: scope.Scope(), Epoch: e, Limit: v.limit,
		Root: v.registry.Root, Sequence: v.registry.Sequence, Generation: v.generation,
	}
}

// set changes the venue under its lock.
func (v *venue) set(change func(*venue)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

// prover proves as a member does, after a delay, and writes down every claim.
type prover struct {
	member zkkex.Prover
	delay  time.Duration

	mu     sync.Mutex
	err    error
	claims []zkkex.Claim
	times  []time.Time
	ended  int
}

func (v *venue) prover() *prover { return &prover{member: v.registry.Member("alice")} }

func (p *prover) Prove(ctx context.Context, c zkkex.Claim) (*zkkex.Presentation, error) {
	p.mu.Lock()
	p.claims = append(p.claims, c)
	p.times = append(p.times, time.Now())
	err := p.err
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.ended++
		p.mu.Unlock()
	}()
	select {
	case <-time.After(p.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return p.member.Prove(ctx, c)
}

func (p *prover) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// asked returns when proofs were asked for.
func (p *prover) asked() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Time(nil), p.times...)
}

// first returns the first claim.
func (p *prover) first() zkkex.Claim {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.claims[0]
}

// done returns how many proofs ended, in whatever way.
func (p *prover) done() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

func open(t *testing.T, c session.PoolConfig) *session.Pool {
	t.Helper()
	p, err := session.NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func take(t *testing.T, p *session.Pool) *session.Certificate {
	t.Helper()
	c, err := p.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// presentEpoch is the epoch that the clock is in.
func presentEpoch(t *testing.T) zkkex.Epoch {
	t.Helper()
	e, err := zkkex.DefaultSchedule().At(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var errBroken = errors.New("broken")
