package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// Constants of recording.
const (
	// maxBacklog is the most entries that wait to be recorded before those who bring
	// more have to wait; while the journal fails, and nothing but cancels comes in,
	// maxFailing.
	maxBacklog = 65_536
	maxFailing = 16 * maxBacklog
	// maxAppend is the most entries recorded at once.
	maxAppend = 4096
	// slowStore is how long a write may take before new orders are refused, and
	// appendTimeout when it is given up and made again.
	slowStore     = 2 * time.Second
	appendTimeout = 10 * time.Second
)

// item is something to record, then to tell; or only to tell, in its place.
type item struct {
	entry    journal.Entry
	recorded bool // entry is to be recorded
	to       order.SessionID
	report   order.Report // nil if there is nothing to tell
	answers  *pending     // the request whose first report this is
	// cancels says that the report tells what a cancel led to, and may be told before
	// it is recorded; confirmed, that it was.
	cancels, confirmed bool
}

// recorder records what happened, in order, and has it told after that. With inline,
// that is done by who brings it; otherwise, and while the journal fails, by a
// goroutine which takes all that has come up during its last write.
type recorder struct {
	g      *Gateway
	inline bool

	mu      sync.Mutex
	room    sync.Cond
	queue   []item
	busy    bool // the goroutine has some, or will take what is in the queue
	down    bool // the last write failed
	closing bool
	wake    chan struct{}
	done    chan struct{}
	scratch []journal.Entry
	// under are the items that the goroutine has, those of the write that goes on
	// first.
	under [2][]item

	since atomic.Int64 // when the write that goes on began, in Unix nanoseconds; 0 if none
	bad   atomic.Bool  // down, without the lock
}

func newRecorder(g *Gateway, inline bool) *recorder {
	r := &recorder{g: g, inline: inline, wake: make(chan struct{}, 1), done: make(chan struct{})}
	r.room.L = &r.mu
	return r
}

// record calls build with the gateway's lock, and records and tells what it returns.
// All that changes what reports say happens in such a call, so that nothing is told
// after what made it untrue.
func (r *recorder) record(build func([]item) []item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.closing && (len(r.queue) >= maxBacklog && !r.down || len(r.queue) >= maxFailing) {
		r.room.Wait()
	}
	r.g.mu.Lock()
	start := len(r.queue)
	r.queue = build(r.queue)
	r.g.mu.Unlock()
	if len(r.queue) == start {
		return
	}
	if r.busy {
		if r.down {
			r.confirm(r.queue[start:])
		}
		return
	}
	if r.inline {
		err := r.write(r.queue)
		if err == nil {
			clear(r.queue)
			r.queue = r.queue[:0]
			return
		}
		r.fail(err, r.queue)
	}
	r.busy = true
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run records what is in the queue.
func (r *recorder) run() {
	defer close(r.done)
	for {
		select {
		case <-r.wake:
		case <-r.g.stopped.Done():
			r.drain()
			return
		}
		r.drain()
	}
}

// drain records until the queue is empty. After the gateway has stopped, it ends at
// the first error.
func (r *recorder) drain() {
	var spare []item
	for {
		r.mu.Lock()
		if len(r.queue) == 0 {
			r.busy = false
			r.mu.Unlock()
			return
		}
		batch := r.queue
		r.queue = spare[:0]
		r.mu.Unlock()
		for rest := batch; len(rest) > 0; {
			n := cut(rest)
			if !r.persist(rest[:n], rest[n:]) {
				r.mu.Lock()
				r.queue = append(rest, r.queue...)
				r.mu.Unlock()
				return
			}
			rest = rest[n:]
		}
		clear(batch)
		spare = batch
		r.room.Broadcast()
	}
}

// cut returns how many of the items to record at once: all entries of an event.
func cut(items []item) int {
	n := min(len(items), maxAppend)
	for n < len(items) && items[n].entry.Event != 0 && items[n].entry.Event == items[n-1].entry.Event {
		n++
	}
	return n
}

// persist records items until that succeeds; later ones come after them. It returns
// false if the gateway has stopped.
func (r *recorder) persist(items, later []item) bool {
	r.hold(items, later)
	defer r.hold(nil, nil)
	for wait := newBackoff(); ; {
		err := r.write(items)
		if err == nil {
			r.mu.Lock()
			if r.down {
				r.g.log.Info("the journal records again")
			}
			r.down = false
			r.bad.Store(false)
			r.mu.Unlock()
			return true
		}
		if errors.Is(err, journal.ErrGap) {
			r.g.fail(err)
			return false
		}
		r.mu.Lock()
		r.fail(err, items, later, r.queue)
		r.mu.Unlock()
		if !wait.sleep(r.g.stopped) {
			return false
		}
	}
}

func (r *recorder) hold(items, later []item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.under = [2][]item{items, later}
}

// slow counts a write that began at a time, and still goes on, as one that failed.
func (r *recorder) slow(began int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.Load() == began {
		r.fail(errSlow, r.under[0], r.under[1], r.queue)
	}
}

var errSlow = fmt.Errorf("a write has taken %v so far: %w", slowStore, journal.ErrUnavailable)

// fail notes that the journal could not record, and confirms the cancels among the
// items. The caller holds mu.
func (r *recorder) fail(err error, items ...[]item) {
	if r.down {
		return
	}
	r.down = true
	r.bad.Store(true)
	r.g.log.Error("the journal cannot record: new orders are refused, cancels are taken", "error", err)
	for _, some := range items {
		r.confirm(some)
	}
}

// write makes one attempt to record items, and tells them if it succeeds.
func (r *recorder) write(items []item) error {
	entries := r.scratch[:0]
	for i := range items {
		if items[i].recorded {
			entries = append(entries, items[i].entry)
		}
	}
	r.scratch = entries
	if len(entries) == 0 {
		r.g.tell(items, nil)
		return nil
	}
	numbers, err := r.append(entries)
	clear(entries)
	if err != nil {
		return err
	}
	r.g.tell(items, numbers)
	return nil
}

func (r *recorder) append(entries []journal.Entry) ([]uint64, error) {
	// What was done before the gateway was stopped is still recorded.
	ctx := context.Background()
	start := time.Now()
	r.since.Store(start.UnixNano())
	if !r.inline {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, appendTimeout)
		defer cancel()
		late := time.AfterFunc(slowStore, func() { r.slow(start.UnixNano()) })
		defer late.Stop()
	}
	numbers, _, err := r.g.store.Append(ctx, entries)
	r.wrote()
	r.g.observe.Appended(len(entries), time.Since(start), err)
	if err == nil && len(numbers) != len(entries) {
		return nil, fmt.Errorf("the journal numbered %d of %d entries", len(numbers), len(entries))
	}
	return numbers, err
}

// wrote ends the time of a write. Nothing of it is confirmed as late after that.
func (r *recorder) wrote() {
	if !r.inline { // who writes inline holds the lock
		r.mu.Lock()
		defer r.mu.Unlock()
	}
	r.since.Store(0)
}

// confirm tells at once, without a number, what cancels led to. The caller holds mu.
func (r *recorder) confirm(items []item) {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	for i := range items {
		it := &items[i]
		if it.confirmed || it.report == nil || it.recorded && !it.cancels {
			continue
		}
		it.confirmed = true
		if st := r.g.states[it.to]; st != nil && st.attached != nil {
			st.attached.push(0, it.report, true)
		}
	}
}

// failing reports whether new orders are to be refused, because the journal fails or
// is too slow.
func (r *recorder) failing() bool {
	since := r.since.Load()
	return r.bad.Load() || since != 0 && time.Since(time.Unix(0, since)) > slowStore
}

func (r *recorder) status() (waiting int, failing bool) {
	failing = r.failing()
	if failing {
		return 0, true // its lock may be held by a write that goes on
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue), false
}

// open makes room for all who wait for it, because the gateway stops.
func (r *recorder) open() {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	r.room.Broadcast()
}

// close waits for the last write. Its error says that something was not recorded;
// the engine has it.
func (r *recorder) close() error {
	<-r.done
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) > 0 {
		return fmt.Errorf("%w: %d reports were not recorded, and will be taken from the engine at the next start", journal.ErrUnavailable, len(r.queue))
	}
	return nil
}
