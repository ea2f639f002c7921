// Package soaktest has members trade at a gateway for a long time, over all
// transports, with connections that break and channels that are renewed, and looks
// at what memory the gateway and the clients hold.
package soaktest

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

// patience is how long tests wait for what must happen.
const patience = 2 * time.Minute

// A heap is taken for flat if it grows by no more than noise, by what the journal's
// index holds of each session until its epoch is pruned, and by what the gateway
// holds of each request of a session that is attached: gateway.Limits.MaxRequests
// bounds that.
const (
	noise      = 4 << 20
	perSession = 2 << 10
	perRequest = 128
)

// sample is what the process held at some time, after a collection.
type sample struct {
	round              int
	heap               uint64
	requests, sessions int64
	resident           int64 // requests of the session that lasts
}

// grown says how a series of samples grew, if by more than it may. The first third is
// for buffers and pools to reach their size.
func grown(series []sample) error {
	warm := series[len(series)/3:]
	third := (len(warm) + 2) / 3
	least := func(s []sample) sample {
		return slices.MinFunc(s, func(a, b sample) int { return int(int64(a.heap) - int64(b.heap)) })
	}
	first, last := least(warm[:third]), least(warm[len(warm)-third:])
	may := uint64(noise + perSession*(last.sessions-first.sessions) + perRequest*(last.resident-first.resident))
	if last.heap <= first.heap+may {
		return nil
	}
	return fmt.Errorf("the heap grew from %d KiB in round %d to %d KiB in round %d, over %d requests and %d sessions; expected at most %d KiB more",
		first.heap>>10, first.round, last.heap>>10, last.round, last.requests-first.requests, last.sessions-first.sessions, may>>10)
}

// Under steady flow, memory stays what it is: orders that rest and are cancelled,
// replaced and filled, quotes, requests for quote, lost connections, renewals, FIX
// sessions. ZKKEX_DEEP=1 goes on for ten minutes, or ZKKEX_SOAK.
func TestFlatMemory(t *testing.T) {
	if err := grown(soak(t, newScene(t, 0))); err != nil {
		t.Error(err)
	}
}

// A gateway that holds some bytes of each request is found.
func TestPlantedGrowthIsFound(t *testing.T) {
	series := soakFor(t, newScene(t, 16<<10), 6, 0)
	if err := grown(series); err == nil {
		t.Errorf("16 KiB held of each request were not noticed: %+v", series)
	}
}

// soak runs rounds, and samples after each few.
func soak(t *testing.T, s *scene) []sample {
	if os.Getenv("ZKKEX_DEEP") == "" {
		return soakFor(t, s, 9, 0)
	}
	long := 10 * time.Minute
	if text := os.Getenv("ZKKEX_SOAK"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	return soakFor(t, s, 12, long)
}

// makerRounds is how many rounds a maker's session lasts.
const makerRounds = 4

// soakFor makes at least so many samples, for at least so long.
func soakFor(t *testing.T, s *scene, samples int, long time.Duration) (series []sample) {
	t.Helper()
	start := time.Now()
	resident := s.dial(t, "resident", 0)
	go resident.drain(t)
	defer resident.Close()
	var asked int64
	for round := 0; len(series) < samples || time.Since(start) < long; round += makerRounds {
		s.makerLife(t, round)
		asked += s.stay(t, resident)
		s.quiet(t)
		s.venue.Gate.Forget() // a real venue forgets by epoch
		series = append(series, s.sample(round, asked))
		if last := series[len(series)-1]; long > 0 && len(series)%25 == 1 {
			t.Logf("%6s: round %d, heap %d KiB, %d requests, %d sessions",
				time.Since(start).Round(time.Second), last.round, last.heap>>10, last.requests, last.sessions)
		}
	}
	last := series[len(series)-1]
	t.Logf("%s: heap %d KiB, %d requests, %d sessions, %d goroutines",
		time.Since(start).Round(time.Second), last.heap>>10, last.requests, last.sessions, runtime.NumGoroutine())
	return series
}

func (s *scene) sample(round int, resident int64) sample {
	runtime.GC()
	runtime.GC() // what the first one finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return sample{round, m.HeapAlloc, s.counts.requests.Load(), s.counts.sessions.Load(), resident}
}

// stay is what a session that lasts does in a round, and how many requests that are.
func (s *scene) stay(t *testing.T, tr *trader) int64 {
	t.Helper()
	for range 100 {
		o, err := tr.Submit(t.Context(), limit(order.Sell, "70000"))
		if err == nil {
			_, err = o.Cancel(t.Context())
		}
		if err != nil {
			t.Fatalf("the session that lasts: %v", err)
		}
	}
	tr.lose()
	return 200
}

// quiet waits until no session but the one that lasts is attached, and nothing is
// open.
func (s *scene) quiet(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		st := s.gateway.Status()
		if st.Sessions == 1 && st.OpenOrders == 0 && st.Waiting == 0 && st.Commands == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it is not quiet: %+v", st)
		}
	}
}

// makerLife is a maker's session, and what others do meanwhile.
func (s *scene) makerLife(t *testing.T, round int) {
	maker := s.dial(t, "maker", round/makerRounds, symbol)
	var reading sync.WaitGroup
	reading.Go(func() { maker.drain(t) })
	for i := range makerRounds {
		for j := range 20 {
			if _, err := maker.Quote(t.Context(), order.Quote{
				Symbol: symbol, TimeToLive: order.MaxTimeToLive,
				Bids:   []order.QuoteLevel{{Price: decimal(strconv.Itoa(63000 + j)), Size: decimal("5")}},
				Offers: []order.QuoteLevel{{Price: decimal("64000"), Size: decimal("20")}},
			}); err != nil {
				t.Fatalf("quote: %v", err)
			}
		}
		switch i {
		case 1:
			maker.lose()
		case 2:
			maker.renew(t)
		}
		s.traderLife(t, fmt.Sprintf("trader %d", i%3), round+i)
	}
	s.fixLife(t, fmt.Sprintf("SOAK%d", round))
	if err := maker.Finish(t.Context()); err != nil {
		t.Fatalf("the maker's end: %v", err)
	}
	reading.Wait()
}

// traderLife is the session of one who trades.
func (s *scene) traderLife(t *testing.T, name string, transport int) {
	ctx := t.Context()
	tr := s.dial(t, name, transport)
	var reading sync.WaitGroup
	reading.Go(func() { tr.drain(t) })
	for i := range 40 {
		o, err := tr.Submit(ctx, limit(order.Buy, "100"))
		if err != nil {
			t.Fatalf("order: %v", err)
		}
		if i%4 == 0 {
			if _, err := o.Replace(ctx, order.Replacement{OrderQty: decimal("1"), Price: decimal("101"), TimeToLive: order.MaxTimeToLive}); err != nil {
				t.Fatalf("replacement: %v", err)
			}
		}
		if i == 20 {
			tr.lose()
		}
		if i == 30 {
			tr.renew(t)
		}
		if i%10 == 0 {
			continue // left to the mass cancel
		}
		if _, err := o.Cancel(ctx); err != nil {
			t.Fatalf("cancel: %v", err)
		}
	}
	for range 3 {
		o, err := tr.Submit(ctx, limit(order.Buy, "64000"))
		if err != nil {
			t.Fatalf("taking order: %v", err)
		}
		if st, err := o.Closed(ctx); err != nil || st.Status != order.StatusFilled {
			t.Fatalf("taking order: %+v, %v; expected it filled", st, err)
		}
	}
	asked, err := tr.RequestQuote(ctx, order.QuoteRequest{Symbol: symbol, OrderQty: decimal("1"), TimeToLive: time.Hour})
	if err != nil {
		t.Fatalf("request for quote: %v", err)
	}
	q, err := asked.Next(ctx)
	if err != nil {
		t.Fatalf("quote: %v", err)
	}
	if _, err := tr.TakeQuote(ctx, order.QuoteResponse{QuoteID: q.QuoteID, Side: order.Buy, OrderQty: decimal("1"), Price: decimal("64000")}); err != nil {
		t.Fatalf("taking a quote: %v", err)
	}
	if err := asked.Close(ctx); err != nil {
		t.Fatalf("end of a request for quote: %v", err)
	}
	if _, err := tr.MassStatus(ctx); err != nil {
		t.Fatalf("mass status: %v", err)
	}
	if _, err := tr.MassCancel(ctx, ""); err != nil {
		t.Fatalf("mass cancel: %v", err)
	}
	if err := tr.Finish(ctx); err != nil {
		t.Fatalf("a trader's end: %v", err)
	}
	reading.Wait()
}

// fixLife is a FIX session: orders, cancels, and a Logout.
func (s *scene) fixLife(t *testing.T, comp string) {
	f := s.fix(t, "fix", comp)
	defer f.conn.Close()
	for i := range 5 {
		id := strconv.Itoa(i)
		f.send("D", "11=o"+id, "55="+symbol, "54=1", "60="+fixTime(), "38=1", "40=2", "44=100")
		f.read("8")
		f.send("F", "11=c"+id, "41=o"+id, "55="+symbol, "54=1", "60="+fixTime())
		f.read("8")
	}
	f.send("5")
	f.read("5")
}
