package verifier

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/params"
)

// Bounds of a [Pool]. docs/design/0009-batch.md says where they come from.
const (
	// MaxBatch is the largest number of proofs that are checked together.
	MaxBatch = 64
	// MaxPerSource is the largest number of proofs of one source among them.
	MaxPerSource = 8
	// MaxWait is how long a proof waits to be checked; after that it is refused
	// as [zkkex.Busy]. Nothing ever waits for a batch to fill: a worker that is
	// free takes what is queued.
	MaxWait = time.Second
	// SuspectFor is for how long after a bad proof the proofs of its source are
	// kept out of other sources' batches.
	SuspectFor = time.Minute
	// DefaultQueue is the number of proofs that wait unless [PoolConfig] says
	// otherwise. Two workers check as many within half a second or so.
	DefaultQueue = 1024
)

const (
	// sourceShare: one source fills at most this part of the queue, a quarter.
	sourceShare = 4
	// maxSuspects bounds the memory of suspects.
	maxSuspects = 4096
)

// ErrPoolClosed reports a pool that was closed before the proof was checked.
// Nothing was decided.
var ErrPoolClosed = errors.New("verifier: the pool is closed")

// PoolConfig are the sizes of a [Pool].
type PoolConfig struct {
	// Workers is the number of goroutines that check proofs, each about one
	// core's work; 0 means as many as there are cores.
	Workers int
	// Queue is the number of proofs that may wait; 0 means [DefaultQueue].
	Queue int
}

// Pool checks the proofs of one or several verifiers with a bounded number of
// goroutines and a bounded queue. Under load it checks proofs together that are
// queued at the same time, which takes a quarter of the time per proof; the
// verdicts are the same as one by one. It is safe for concurrent use.
//
// Sources take turns. A context made by [WithSource] names the source; all
// proofs without a name are of one source, and so at most [MaxPerSource] of them
// are in a batch.
type Pool struct {
	// check is [params.Verifying.VerifyProofs].
	check   func(*params.Verifying, []params.Claim) ([]error, bool)
	workers sync.WaitGroup

	mu       sync.Mutex
	wake     *sync.Cond // the queue is not empty, or the pool is closed
	closed   bool
	queue    *queue
	suspects suspects
	stats    PoolStats
}

// PoolStats count what a pool did since it was made. Batches, Batched and
// Bisected count calls with two proofs or more.
type PoolStats struct {
	// Waiting is the number of proofs in the queue now.
	Waiting int
	// Suspects is the number of sources that are remembered for a bad proof.
	Suspects int
	// Queued is the number of proofs that were let into the queue.
	Queued uint64
	// Batches is the number of batches.
	Batches uint64
	// Batched is the number of proofs in them.
	Batched uint64
	// Bisected is the number of batches with a bad proof to be found in them.
	Bisected uint64
	// Refused is the number of proofs that were found bad.
	Refused uint64
	// Busy is the number of proofs that found no room, or waited for too long.
	Busy uint64
	// Canceled is the number of proofs whose context ended before their
	// verdict.
	Canceled uint64
}

// NewPool starts a pool. It returns an error if a size is negative. Close stops
// it.
func NewPool(c PoolConfig) (*Pool, error) {
	p, err := newPool(c)
	if err != nil {
		return nil, err
	}
	p.start(c)
	return p, nil
}

func newPool(c PoolConfig) (*Pool, error) {
	if c.Workers < 0 || c.Queue < 0 {
		return nil, fmt.Errorf("verifier: a pool of %d workers and a queue of %d, expected 0 or more", c.Workers, c.Queue)
	}
	if c.Queue == 0 {
		c.Queue = DefaultQueue
	}
	p := &Pool{check: (*params.Verifying).VerifyProofs, queue: newQueue(c.Queue), suspects: make(suspects)}
	p.wake = sync.NewCond(&p.mu)
	return p, nil
}

func (p *Pool) start(c PoolConfig) {
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	for range c.Workers {
		p.workers.Go(p.work)
	}
}

// Close stops the pool and returns when its goroutines have ended. Proofs that
// wait get [ErrPoolClosed], batches that have begun are finished. It always
// returns nil, and can be called again.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	left := p.queue.clear()
	p.mu.Unlock()
	p.wake.Broadcast()
	for _, j := range left {
		j.verdict <- ErrPoolClosed
	}
	p.workers.Wait()
	return nil
}

// Stats returns the counters.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Waiting, s.Suspects = p.queue.length, len(p.suspects)
	return s
}

type sourceKey struct{}

// WithSource returns a context that names the source of what is verified with
// it, such as the network address it came from: whatever makes it costly to be
// many. The name is compared and never logged. After a bad proof it is kept,
// until the first bad proof that is [SuspectFor] later.
func WithSource(ctx context.Context, source string) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// verify is [params.Verifying.VerifyProof] in its turn. Beside its errors it
// returns a rejection for [zkkex.Busy], [ErrPoolClosed], and the error of ctx.
func (p *Pool) verify(ctx context.Context, set *params.Verifying, st *zkkex.Statement, proof zkkex.Proof) error {
	source, _ := ctx.Value(sourceKey{}).(string)
	j := &job{
		source: source,
		set:    set,
		// A caller that gave up may write to its proof while it is checked.
		claim:   params.Claim{Statement: st, Proof: slices.Clone(proof)},
		since:   time.Now(),
		verdict: make(chan error, 1),
	}
	if err := p.enqueue(j); err != nil {
		return err
	}
	select {
	case err := <-j.verdict:
		return err
	case <-ctx.Done():
		p.abandon(j)
		return ctx.Err()
	}
}

func (p *Pool) enqueue(j *job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrPoolClosed
	}
	if !p.queue.add(j) {
		p.stats.Busy++
		return zkkex.Reject(zkkex.Busy, "%d proofs are waiting, %d of this source; try again later", p.queue.length, len(p.queue.waiting[j.source]))
	}
	p.stats.Queued++
	p.wake.Signal()
	return nil
}

// abandon takes j out of the queue. If a worker has it already, its verdict
// goes nowhere.
func (p *Pool) abandon(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue.remove(j)
	p.stats.Canceled++
}

func (p *Pool) work() {
	for p.wait() {
		// Callers that are ready to queue do so first: with one core, they
		// could not while the worker was busy.
		runtime.Gosched()
		for _, jobs := range p.partition(p.take(), time.Now()) {
			p.settle(jobs)
		}
	}
}

// wait returns true when there are jobs, and false when the pool is closed.
func (p *Pool) wait() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.queue.length == 0 && !p.closed {
		p.wake.Wait()
	}
	return !p.closed
}

// take returns the next batch. It is empty if another worker was faster.
func (p *Pool) take() []*job {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.take()
}

// kind is what jobs that are checked together have in common.
type kind struct {
	set     *params.Verifying
	suspect bool
}

// partition refuses jobs that waited for too long, and parts the others by kind.
func (p *Pool) partition(batch []*job, now time.Time) map[kind][]*job {
	p.mu.Lock()
	defer p.mu.Unlock()
	kinds := make(map[kind][]*job)
	for _, j := range batch {
		if waited := now.Sub(j.since); waited > MaxWait {
			p.stats.Busy++
			j.verdict <- zkkex.Reject(zkkex.Busy, "it waited for %v, longer than %v; try again later", waited, MaxWait)
			continue
		}
		k := kind{j.set, p.suspects.has(j.source, now)}
		kinds[k] = append(kinds[k], j)
	}
	return kinds
}

// settle gives jobs of one kind their verdicts.
func (p *Pool) settle(jobs []*job) {
	claims := make([]params.Claim, len(jobs))
	for i, j := range jobs {
		claims[i] = j.claim
	}
	verdicts, bisected := p.check(jobs[0].set, claims)
	p.count(jobs, verdicts, bisected)
	for i, j := range jobs {
		j.verdict <- verdicts[i]
	}
}

func (p *Pool) count(jobs []*job, verdicts []error, bisected bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(jobs) > 1 {
		p.stats.Batches++
		p.stats.Batched += uint64(len(jobs))
	}
	if bisected {
		p.stats.Bisected++
	}
	now := time.Now()
	for i, err := range verdicts {
		if err != nil {
			p.stats.Refused++
			p.suspects.add(jobs[i].source, now)
		}
	}
}
