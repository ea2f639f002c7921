package session

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
)

// Tuning of a pool.
const (
	// maxNap is how long a goroutine sleeps without looking at the clock, which
	// can be set, and goes on while a machine sleeps.
	maxNap = time.Minute
	// firstRetry and lastRetry bound the time until making is tried again.
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// failFast is how long after a failure callers get it again, so that a
	// caller that tries again and again does not make a prover do so.
	failFast = time.Second
	// maxRefused is how many certificates of one epoch a venue refuses as used
	// before no more are made ahead. The state of the slots was put back, or
	// the venue lies: either way, going on would only feed it slots.
	maxRefused = 2
)

// Pool makes session certificates for one venue, ahead of their use and off the
// path of whoever waits, and hands each out once. It is safe for concurrent
// use, and does not print.
//
// Nothing of it is written to disk: a session key at rest would be a
// liability. When a process ends, in whatever way, the certificates it had not
// handed out are gone, and with them their slots, which [State] counts as long
// as the process lives.
type Pool struct {
	silent

	prover zkkex.Prover
	source TermsSource
	size   int
	admit  Admitter
	spread time.Duration
	gap    time.Duration
	now    func() time.Time

	ctx       context.Context
	cancel    context.CancelFunc
	running   sync.WaitGroup
	wakeLook  chan struct{}
	wakeMaker chan struct{}
	wakeAdmit chan struct{}
	looking   chan struct{} // holds one while the source is asked

	mu         sync.Mutex
	closed     bool
	plans      []*plan // of the present epoch and the next
	entries    []*entry
	waiters    []*waiter
	making     bool
	admitting  *admission // under way, or nil
	opens      int        // under way
	quietUntil time.Time  // nothing is admitted before
	taken      uint64
	dropped    uint64
	failed     uint64
	lastError  error
}

// entry is a certificate that was not handed out.
type entry struct {
	certificate *Certificate
	plan        *plan
	admitAt     time.Time // zero if it is not to be
	tries       int
	busy        bool // being admitted
}

// NewPool returns a pool that begins to make certificates. It returns an error
// if the configuration makes no sense.
func NewPool(c PoolConfig) (*Pool, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	p := &Pool{
		prover: c.Prover, source: c.Terms, size: c.Size, admit: c.Admit, spread: c.AdmitSpread, now: c.Now,
		gap:      min(maxGap, c.AdmitSpread/time.Duration(8*max(1, c.Size))),
		wakeLook: make(chan struct{}, 1), wakeMaker: make(chan struct{}, 1), wakeAdmit: make(chan struct{}, 1), looking: make(chan struct{}, 1),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.keepLooking)
	p.running.Go(p.keepMaking)
	if p.admit != nil {
		p.running.Go(p.keepAdmitting)
	}
	return p, nil
}

// Refresh makes the pool ask for the terms now: call it when they may have
// changed. It does not wait.
func (p *Pool) Refresh() { wake(p.wakeLook) }

// Close stops the pool and wipes what was not handed out. It waits for the
// prover and the admission under way, whose contexts it cancels.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.refuse(len(p.waiters), fmt.Errorf("session: %w", ErrClosed))
	p.mu.Unlock()
	p.cancel()
	p.running.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.entries) > 0 {
		p.drop(p.entries[0])
	}
	return nil
}

// drop wipes an entry that will not be handed out: its slot is lost.
func (p *Pool) drop(e *entry) {
	p.remove(e)
	e.certificate.Wipe()
	p.dropped++
}

func (p *Pool) remove(e *entry) {
	for i, other := range p.entries {
		if other == e {
			p.entries = append(p.entries[:i:i], p.entries[i+1:]...)
			return
		}
	}
}

// count returns how many certificates there are of a plan.
func (p *Pool) count(pl *plan) (n int) {
	for _, e := range p.entries {
		if e.plan == pl {
			n++
		}
	}
	return n
}

// wake lets the goroutine that sleeps on c look again.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep waits until the time, a wake, or the end of the pool, at most [maxNap].
func (p *Pool) sleep(until time.Time, c <-chan struct{}) {
	d := maxNap
	if !until.IsZero() {
		d = min(d, until.Sub(p.now()))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c:
	case <-p.ctx.Done():
	}
}
