package pgjournal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/internal/pgtest"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

const epoch = 20_000

// TestCutConnections has three gateways record the same events, and reports of
// their own, through connections that are cut at any place. Every event is there
// once and in order, and every report of their own.
func TestCutConnections(t *testing.T) {
	const gateways, events, batch = 3, 1500, 5
	ctx := context.Background()
	dsn := newPlace(t)
	common := journaltest.Session(epoch, 100)
	var cuts, undecided, own [gateways]int
	var wg sync.WaitGroup
	for g := range gateways {
		proxy, cut := pgtest.NewProxy(t, dsn)
		s := open(t, cut, Options{})
		wg.Go(func() {
			defer func() { cuts[g] = proxy.Cuts(); proxy.Calm() }()
			mine := journaltest.Session(epoch, g)
			for {
				cursor, err := s.Cursor(ctx)
				if err != nil {
					undecided[g]++
					continue
				}
				if cursor >= events {
					return
				}
				var entries []journal.Entry
				for n := cursor + 1; n <= min(events, cursor+batch); n++ {
					entries = append(entries, journal.Entry{Session: common, Event: n, Report: fmt.Appendf(nil, "event %d", n)})
				}
				// With nothing to tell it by: only the store can know that it was
				// recorded.
				entries = append(entries, journal.Entry{Session: mine, Report: fmt.Appendf(nil, "own %d", own[g]+1)})
				numbers, _, err := s.Append(ctx, entries)
				if err != nil {
					undecided[g]++
					if !errors.Is(err, journal.ErrUnavailable) {
						t.Error(err)
						return
					}
					last, err := s.LastReport(ctx, mine)
					for ; err != nil; last, err = s.LastReport(ctx, mine) {
					}
					own[g] = int(last)
					continue
				}
				own[g]++
				if got := numbers[len(numbers)-1]; got != uint64(own[g]) {
					t.Errorf("gateway %d: its report %d is number %d", g, own[g], got)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("connections cut: %v, calls without an answer: %v, own reports: %v", cuts, undecided, own)
	for g, n := range cuts {
		if n < 3 {
			t.Errorf("gateway %d: only %d connections were cut", g, n)
		}
	}
	s := open(t, dsn, Options{})
	checkReports(t, s, common, "event", events)
	for g, n := range own {
		checkReports(t, s, journaltest.Session(epoch, g), "own", n)
	}
}

// checkReports expects that a session has exactly so many reports, in order.
func checkReports(t *testing.T, s *Store, id order.SessionID, what string, count int) {
	t.Helper()
	next := 1
	for {
		reports, err := s.Reports(context.Background(), id, uint64(next), 1000)
		must(t, err)
		if len(reports) == 0 {
			break
		}
		for _, r := range reports {
			if want := fmt.Sprintf("%s %d", what, next); r.Number != uint64(next) || string(r.Report) != want {
				t.Fatalf("report %d is %q, want number %d: %q", r.Number, r.Report, next, want)
			}
			next++
		}
	}
	if next-1 != count {
		t.Errorf("%d reports %q, want %d", next-1, what, count)
	}
}
