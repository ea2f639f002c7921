package journaltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order/journal"
)

var concurrent = map[string]func(*testing.T, *store){
	"many at once":            manyAtOnce,
	"many gateways":           manyGateways,
	"one request of many":     oneRequestOfMany,
	"many take over":          manyTakeOver,
	"prune while appending":   pruneWhileAppending,
	"calls that are given up": givenUp,
}

const workers = 8

// manyAtOnce has many callers record reports of the same sessions and of others:
// each number is given once, and those of one call follow each other.
func manyAtOnce(t *testing.T, s *store) {
	const rounds, batch = 12, 5
	ctx := context.Background()
	common := Session(epoch, 1000)
	seen := make([][]uint64, workers)
	var wg sync.WaitGroup
	for w := range workers {
		own := Session(epoch, w)
		wg.Go(func() {
			for round := range rounds {
				var entries []journal.Entry
				for i := range batch {
					entries = append(entries,
						journal.Entry{Session: common, Report: fmt.Appendf(nil, "%d %d %d", w, round, i)},
						journal.Entry{Session: own, Report: reportOf(own, round*batch+i+1), Order: Order(own, w*1000+i, 10)},
					)
				}
				numbers, _, err := s.Append(ctx, entries)
				if err != nil {
					t.Error(err)
					return
				}
				for i := 0; i < len(numbers); i += 2 {
					if numbers[i] != numbers[0]+uint64(i/2) || numbers[i+1] != uint64(round*batch+i/2+1) {
						t.Errorf("the numbers are %v", numbers)
					}
					seen[w] = append(seen[w], numbers[i])
				}
			}
		})
	}
	wg.Wait()
	given := make(map[uint64]bool)
	for _, numbers := range seen {
		for _, n := range numbers {
			if given[n] || n == 0 || n > workers*rounds*batch {
				t.Errorf("number %d was given twice, or is out of range", n)
			}
			given[n] = true
		}
	}
	last, err := s.LastReport(ctx, common)
	if err != nil || last != workers*rounds*batch {
		t.Errorf("the last report is number %d, %v; want %d", last, err, workers*rounds*batch)
	}
	for w := range workers {
		s.checkReports(t, Session(epoch, w), rounds*batch)
	}
	if got := len(s.open(t)); got != workers*batch {
		t.Errorf("%d open orders, want %d", got, workers*batch)
	}
}

// manyGateways has all callers record all events, each beginning where the store
// ends: every event is recorded once, and in order.
func manyGateways(t *testing.T, s *store) {
	const events = 200
	ctx := context.Background()
	id := Session(epoch, 1)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for {
				cursor, err := s.Cursor(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				if cursor == events {
					return
				}
				var entries []journal.Entry
				for n := cursor + 1; n <= min(events, cursor+1+rng.Uint64N(9)); n++ {
					entries = append(entries, journal.Entry{Session: id, Event: n, Report: reportOf(id, int(n))})
				}
				if _, _, err := s.Append(ctx, entries); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	s.checkReports(t, id, events)
	s.checkCursor(t, events)
}

// oneRequestOfMany has many callers record the same request: one of them does.
func oneRequestOfMany(t *testing.T, s *store) {
	const requests = 10
	ctx := context.Background()
	id := Session(epoch, 1)
	done := make([]int, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range requests {
				numbers, skipped, err := s.Append(ctx, []journal.Entry{{
					Session: id, Report: []byte("refused"), Request: &journal.Request{ID: ID(n), Digest: digest(n)},
				}})
				if err != nil || (skipped == 0) != (numbers[0] > 0) {
					t.Errorf("numbers %v, %d left out, %v", numbers, skipped, err)
					return
				}
				done[w] += 1 - skipped
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range done {
		sum += n
	}
	last, err := s.LastReport(ctx, id)
	if err != nil || sum != requests || last != requests {
		t.Errorf("%d requests were done %d times, with %d reports, %v", requests, sum, last, err)
	}
}

// manyTakeOver has many attach the same session: each gets a number of its own, and
// only the last can detach it.
func manyTakeOver(t *testing.T, s *store) {
	const rounds = 10
	ctx := context.Background()
	id := Session(epoch, 1)
	attachments := make([][]uint64, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range rounds {
				a, err := s.Attach(ctx, id, fmt.Sprint("gateway ", w), time.Second, false)
				if err != nil {
					t.Error(err)
					return
				}
				attachments[w] = append(attachments[w], a.Attachment)
			}
		})
	}
	wg.Wait()
	seen := make(map[uint64]bool)
	for _, all := range attachments {
		for _, n := range all {
			if seen[n] || n < 1 || n > workers*rounds {
				t.Fatalf("attachment %d was given twice, or is out of range", n)
			}
			seen[n] = true
			if n < workers*rounds {
				wants(t, "detached by who lost it", s.Detach(ctx, id, n, now), journal.ErrTakenOver)
			}
		}
	}
	must(t, s.Detach(ctx, id, workers*rounds, now))
}

// pruneWhileAppending prunes while sessions of the kept epoch are used: nothing of
// theirs is lost.
func pruneWhileAppending(t *testing.T, s *store) {
	const rounds = 15
	ctx := context.Background()
	var wg sync.WaitGroup
	for w := range workers {
		id, old := Session(epoch, w), Session(epoch-1-uint64(w), w)
		wg.Go(func() {
			for n := range rounds {
				_, _, err := s.Append(ctx, []journal.Entry{
					{Session: old, Report: []byte("old"), Order: Order(old, w, 0)},
					{Session: id, Report: reportOf(id, n+1), Request: &journal.Request{ID: ID(n)}, Order: Order(id, w*rounds+n, 10)},
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range rounds {
			if err := s.Prune(ctx, epoch-rounds+uint64(n)+1); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	must(t, s.Prune(ctx, epoch))
	for w := range workers {
		s.checkReports(t, Session(epoch, w), rounds)
		if got := s.requests(t, Session(epoch, w)); len(got) != rounds {
			t.Errorf("%d requests, want %d", len(got), rounds)
		}
		s.checkReports(t, Session(epoch-1-uint64(w), w), 0)
	}
	if got := len(s.open(t)); got != workers*rounds {
		t.Errorf("%d open orders, want %d", got, workers*rounds)
	}
}

// givenUp has callers give up at any moment, not knowing what was recorded, and
// make the call again: nothing is lost, and nothing recorded twice.
func givenUp(t *testing.T, s *store) {
	const events, batch = 120, 4
	id, own := Session(epoch, 1), Session(epoch, 2)
	rng := rand.New(rand.NewPCG(3, 4))
	calls := 0
	for first := 1; first <= events; first += batch {
		var entries []journal.Entry
		for n := first; n < first+batch; n++ {
			entries = append(entries, journal.Entry{Session: id, Event: uint64(n), Report: reportOf(id, n)})
		}
		entries = append(entries, journal.Entry{
			Session: own, Report: reportOf(own, first/batch+1), Request: &journal.Request{ID: ID(first), Digest: digest(first)},
		})
		for try := 0; ; try++ {
			ctx, cancel := context.WithCancel(context.Background())
			if try < 5 {
				time.AfterFunc(time.Duration(rng.IntN(2000))*time.Microsecond, cancel)
			}
			_, _, err := s.Append(ctx, entries)
			cancel()
			calls++
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, journal.ErrUnavailable) {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d calls for %d that were needed", calls, events/batch)
	s.checkReports(t, id, events)
	s.checkReports(t, own, events/batch)
	s.checkCursor(t, events)
}
