package verifier

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/params"
)

// A proof of these tests is a name; it is bad if it begins with "bad". A check
// takes a second, so that what is asked meanwhile waits.
type tester struct {
	pool    *Pool
	mu      sync.Mutex
	batches [][]string
}

func newTester(t *testing.T, c PoolConfig) *tester {
	t.Helper()
	pool, err := newPool(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &tester{pool: pool}
	pool.check = s.check
	pool.start(c)
	return s
}

const checkTime = time.Second / 2

func (s *tester) check(_ *params.Verifying, claims []params.Claim) ([]error, bool) {
	time.Sleep(checkTime)
	verdicts := make([]error, len(claims))
	names, bad := make([]string, len(claims)), false
	for i, c := range claims {
		if names[i] = string(c.Proof); slices.Equal(c.Proof[:3], []byte("bad")) {
			verdicts[i], bad = zkkex.Reject(zkkex.BadProof, "%s", names[i]), true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, names)
	return verdicts, bad && len(claims) > 2
}

// ask returns where the verdict about a proof will be.
func (s *tester) ask(ctx context.Context, source, name string) <-chan error {
	verdict := make(chan error, 1)
	go func() { verdict <- s.pool.verify(WithSource(ctx, source), nil, nil, zkkex.Proof(name)) }()
	synctest.Wait()
	return verdict
}

func isBusy(err error) bool {
	var no *zkkex.RejectError
	return errors.As(err, &no) && no.Reason == zkkex.Busy
}

// While a worker is at work, what is asked waits, and is then checked together.
func TestPoolChecksTogetherWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTester(t, PoolConfig{Workers: 1})
		defer s.pool.Close()
		start := time.Now()
		verdicts := []<-chan error{s.ask(t.Context(), "a", "first")}
		for i := range 5 {
			verdicts = append(verdicts, s.ask(t.Context(), fmt.Sprint("source ", i), fmt.Sprint("proof ", i)))
		}
		bad := s.ask(t.Context(), "b", "bad proof")
		if stats := s.pool.Stats(); stats.Waiting != 6 || stats.Queued != 7 {
			t.Errorf("%+v", stats)
		}
		for _, verdict := range verdicts {
			if err := <-verdict; err != nil {
				t.Error(err)
			}
		}
		if err := <-bad; !errors.Is(err, zkkex.ErrRejected) || isBusy(err) {
			t.Errorf("the bad one: %v", err)
		}
		if took := time.Since(start); took != 2*checkTime {
			t.Errorf("took %v, expected %v: a first proof that waits for none, and a batch", took, 2*checkTime)
		}
		want := PoolStats{Suspects: 1, Queued: 7, Batches: 1, Batched: 6, Bisected: 1, Refused: 1}
		if stats := s.pool.Stats(); stats != want {
			t.Errorf("%+v, expected %+v", stats, want)
		}
	})
}

// One source fills its share of the queue, and all of them the queue; a proof
// whose caller gives up makes room.
func TestPoolIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTester(t, PoolConfig{Workers: 1, Queue: 8})
		defer s.pool.Close()
		s.ask(t.Context(), "at work", "first")
		ctx, cancel := context.WithCancel(t.Context())
		s.ask(t.Context(), "a", "1")
		s.ask(t.Context(), "a", "2")
		if err := <-s.ask(t.Context(), "a", "3"); !isBusy(err) {
			t.Errorf("a third of one source in a queue of 8: %v", err)
		}
		for _, source := range []string{"b", "c"} {
			s.ask(t.Context(), source, "1")
			s.ask(t.Context(), source, "2")
		}
		s.ask(t.Context(), "d", "1")
		given := s.ask(ctx, "d", "2")
		if err := <-s.ask(t.Context(), "e", "1"); !isBusy(err) {
			t.Errorf("a ninth: %v", err)
		}
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
		if err := <-s.ask(t.Context(), "e", "1"); err != nil {
			t.Errorf("there is room again: %v", err)
		}
		if stats := s.pool.Stats(); stats.Busy != 2 || stats.Canceled != 1 || stats.Queued != 10 {
			t.Errorf("%+v", stats)
		}
	})
}

// The wait is bounded: what has waited for longer is refused, not checked.
func TestPoolWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTester(t, PoolConfig{Workers: 1})
		defer s.pool.Close()
		var verdicts []<-chan error
		for i := range 4 * MaxPerSource {
			verdicts = append(verdicts, s.ask(t.Context(), "a", fmt.Sprint("proof ", i)))
		}
		// Alone at 0 s, eight at 0.5 s, eight at 1 s, and the next at 1.5 s.
		for i, verdict := range verdicts {
			if err := <-verdict; isBusy(err) != (i > 2*MaxPerSource) || (err != nil) != isBusy(err) {
				t.Errorf("proof %d: %v", i, err)
			}
		}
		if stats := s.pool.Stats(); stats.Busy != uint64(2*MaxPerSource-1) || stats.Waiting != 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// A source with a bad proof is kept out of the others' batches for a while.
func TestPoolKeepsSuspectsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTester(t, PoolConfig{Workers: 1})
		defer s.pool.Close()
		round := func() [][]string {
			s.mu.Lock()
			s.batches = nil
			s.mu.Unlock()
			waiting := []<-chan error{s.ask(t.Context(), "", "occupied")}
			for i := range 3 {
				waiting = append(waiting, s.ask(t.Context(), fmt.Sprint("honest ", i), fmt.Sprint(i)))
			}
			waiting = append(waiting, s.ask(t.Context(), "attacker", "bad 1"), s.ask(t.Context(), "attacker", "bad 2"))
			for _, verdict := range waiting {
				<-verdict
			}
			for _, batch := range s.batches {
				slices.Sort(batch)
			}
			slices.SortFunc(s.batches, slices.Compare[[]string])
			return s.batches
		}
		mixed := [][]string{{"0", "1", "2", "bad 1", "bad 2"}, {"occupied"}}
		apart := [][]string{{"0", "1", "2"}, {"bad 1", "bad 2"}, {"occupied"}}
		for i, want := range [][][]string{mixed, apart, apart} {
			if got := round(); !slices.EqualFunc(got, want, slices.Equal[[]string]) {
				t.Errorf("round %d: %v, expected %v", i, got, want)
			}
		}
		time.Sleep(SuspectFor)
		if got := round(); !slices.EqualFunc(got, mixed, slices.Equal[[]string]) {
			t.Errorf("after %v: %v, expected %v", SuspectFor, got, mixed)
		}
	})
}

// What waits is told, what is being checked is finished, and no goroutine is
// left: synctest would report it.
func TestPoolCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTester(t, PoolConfig{Workers: 2})
		working := []<-chan error{s.ask(t.Context(), "a", "1"), s.ask(t.Context(), "a", "2")}
		waiting := s.ask(t.Context(), "a", "3")
		for range 2 {
			if err := s.pool.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, verdict := range working {
			if err := <-verdict; err != nil {
				t.Errorf("at work when the pool closed: %v", err)
			}
		}
		if err := <-waiting; !errors.Is(err, ErrPoolClosed) || errors.Is(err, zkkex.ErrRejected) {
			t.Errorf("waiting when the pool closed: %v", err)
		}
		if err := <-s.ask(t.Context(), "a", "4"); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("asked afterwards: %v", err)
		}
	})
}

// A caller that gave up writes to its proof, which the worker still reads: with
// -race, this fails if the pool keeps the caller's memory.
func TestPoolKeepsItsOwnProof(t *testing.T) {
	s := newTester(t, PoolConfig{Workers: 1})
	defer s.pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), checkTime/10)
	defer cancel()
	proof := zkkex.Proof("proof")
	if err := s.pool.verify(ctx, nil, nil, proof); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	copy(proof, "other")
	s.pool.Close()
	if got := s.batches[0][0]; got != "proof" {
		t.Errorf("checked %q", got)
	}
}

func TestPoolRefusesSizes(t *testing.T) {
	for _, c := range []PoolConfig{{Workers: -1}, {Queue: -1}} {
		if _, err := NewPool(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

// Whatever comes and goes, the queue loses nothing, keeps its bounds, and its
// batches keep theirs.
func TestQueue(t *testing.T) {
	const capacity = 40
	q := newQueue(capacity)
	var waiting []*job
	largest, rounds := 0, 0
	for range 3000 {
		switch rand.N(8) {
		case 0:
			batch := q.take()
			sources := make(map[string]int)
			for _, j := range batch {
				sources[j.source]++
				if sources[j.source] > MaxPerSource {
					t.Fatalf("more than %d of %q", MaxPerSource, j.source)
				}
				i := slices.Index(waiting, j)
				if i < 0 {
					t.Fatal("taken twice, or never added")
				}
				waiting = slices.Delete(waiting, i, i+1)
			}
			together := slices.CompactFunc(slices.Clone(batch), func(a, b *job) bool { return a.source == b.source })
			if len(together) != len(sources) {
				t.Fatalf("%d runs of %d sources", len(together), len(sources))
			}
			if len(batch) > MaxBatch {
				t.Fatalf("a batch of %d", len(batch))
			}
			largest, rounds = max(largest, len(batch)), rounds+1
		case 1:
			if len(waiting) > 0 {
				i := rand.N(len(waiting))
				if !q.remove(waiting[i]) || q.remove(waiting[i]) {
					t.Fatal("expected to remove it once")
				}
				waiting = slices.Delete(waiting, i, i+1)
			}
		default:
			j := &job{source: fmt.Sprint(rand.N(12))}
			own := 0
			for _, other := range waiting {
				if other.source == j.source {
					own++
				}
			}
			room := len(waiting) < capacity && own < capacity/sourceShare
			if q.add(j) != room {
				t.Fatalf("room %t with %d waiting, %d of the source", room, len(waiting), own)
			}
			if room {
				waiting = append(waiting, j)
			}
		}
		if q.length != len(waiting) || len(q.turns) != len(q.waiting) {
			t.Fatalf("%d and %d turns of %d sources, expected %d", q.length, len(q.turns), len(q.waiting), len(waiting))
		}
	}
	if largest < 20 || rounds < 200 {
		t.Errorf("%d batches of up to %d: this test shows little", rounds, largest)
	}
	if left := q.clear(); len(left) != len(waiting) || q.length != 0 || q.take() != nil {
		t.Errorf("%d cleared, expected %d", len(left), len(waiting))
	}
}

func TestBatchIsFull(t *testing.T) {
	q := newQueue(DefaultQueue)
	for i := range MaxBatch + 10 {
		q.add(&job{source: fmt.Sprint(i)})
	}
	for _, want := range []int{MaxBatch, 10, 0} {
		if got := len(q.take()); got != want {
			t.Errorf("a batch of %d, expected %d", got, want)
		}
	}
	for range 2 * MaxPerSource {
		q.add(&job{source: "one"})
	}
	if got := len(q.take()); got != MaxPerSource {
		t.Errorf("%d of one source, expected %d", got, MaxPerSource)
	}
}

func TestSuspectsAreBounded(t *testing.T) {
	s, now := make(suspects), time.Now()
	for i := range maxSuspects + 5 {
		s.add(fmt.Sprint(i), now)
	}
	if last := fmt.Sprint(maxSuspects + 4); len(s) != maxSuspects || !s.has(last, now) || s.has(last, now.Add(SuspectFor)) {
		t.Errorf("%d suspects", len(s))
	}
	s.add("later", now.Add(SuspectFor))
	if len(s) != 1 {
		t.Errorf("%d suspects, expected the last one alone", len(s))
	}
}
