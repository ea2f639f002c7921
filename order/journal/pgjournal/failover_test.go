package pgjournal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/pgtest"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

const database = "venue"

func newPair(t *testing.T, sync bool) (primary, standby *pgtest.Cluster, dsn string) {
	t.Helper()
	primary, standby = pgtest.Pair(t, sync)
	primary.Exec(t, "create database "+database+" owner "+pgtest.Role)
	must(t, Init(context.Background(), primary.DSN(database)))
	return primary, standby, pgtest.DSN(database, primary, standby)
}

// gateway records events from where the journal ends, each with a request, an order
// and a report, until there are so many. It counts the events for which it was told
// yes.
func gateway(ctx context.Context, s *Store, id order.SessionID, events uint64, acknowledged *atomic.Int64) error {
	const batch = 7
	for {
		cursor, err := s.Cursor(ctx)
		if errors.Is(err, journal.ErrUnavailable) {
			continue
		}
		if err != nil || cursor >= events {
			return err
		}
		var entries []journal.Entry
		for n := cursor + 1; n <= min(events, cursor+batch); n++ {
			entries = append(entries, journal.Entry{
				Session: id, Event: n, Report: fmt.Appendf(nil, "event %d", n), SeqNo: n,
				Request: &journal.Request{ID: journaltest.ID(int(n))},
				Order:   journaltest.Order(id, int(n), 10),
			})
		}
		_, skipped, err := s.Append(ctx, entries)
		switch {
		case err == nil:
			acknowledged.Add(int64(len(entries) - skipped))
		case !errors.Is(err, journal.ErrUnavailable):
			return err
		}
	}
}

// TestFailOver kills the primary while two gateways record the same events, and
// makes the standby the primary. They find it and go on: every event is there
// once, those before the fail-over as well, and so is everything else.
func TestFailOver(t *testing.T) {
	t.Parallel()
	const events, before = 1200, 300
	ctx := context.Background()
	primary, standby, dsn := newPair(t, true)
	id, lost := journaltest.Session(epoch, 1), journaltest.Session(epoch-1, 2)
	var stores [2]*Store
	var acknowledged atomic.Int64
	for g := range stores {
		stores[g] = open(t, dsn, Options{Timeout: time.Minute})
	}
	attached, err := stores[0].Attach(ctx, id, "one", time.Second, false)
	must(t, err)
	must(t, stores[0].Ban(ctx, journaltest.Session(epoch, 3)))
	must(t, stores[0].Halt(ctx, true))
	must(t, stores[0].Prune(ctx, epoch))
	f, err := stores[0].FIX(ctx, id)
	must(t, err)
	must(t, f.Save(ctx, 1, []byte("message"), 2))
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() {
			if err := gateway(ctx, s, id, events, &acknowledged); err != nil {
				t.Error(err)
			}
		})
	}
	for acknowledged.Load() < before && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	primary.Kill(t)
	t.Logf("the primary was killed after %d events", acknowledged.Load())
	standby.Promote(t)
	wg.Wait()
	after := open(t, dsn, Options{})
	checkEvents(t, after, id, events)
	if acknowledged.Load() != events {
		t.Errorf("%d events were acknowledged as recorded, and there are %d", acknowledged.Load(), events)
	}
	again, err := after.Attach(ctx, id, "two", time.Second, false)
	must(t, err)
	if again.Attachment != attached.Attachment+1 || again.NextSeqNo != events+1 || again.LastReport != events {
		t.Errorf("the session is %+v", *again)
	}
	_, banned := after.Attach(ctx, journaltest.Session(epoch, 3), "two", 0, false)
	_, ended := after.Attach(ctx, lost, "two", 0, false)
	halted, err := after.Halted(ctx)
	if !errors.Is(banned, journal.ErrBanned) || !errors.Is(ended, journal.ErrEnded) || !halted || err != nil {
		t.Errorf("banned: %v, ended: %v, halted: %v, %v", banned, ended, halted, err)
	}
	if f, err = after.FIX(ctx, id); err != nil {
		t.Fatal(err)
	}
	if messages, err := f.Messages(ctx, 1, 9); err != nil || len(messages) != 1 {
		t.Errorf("FIX messages: %q, %v", messages, err)
	}
}

// checkEvents expects exactly the events up to one, and what went with them.
func checkEvents(t *testing.T, s *Store, id order.SessionID, events uint64) {
	t.Helper()
	ctx := context.Background()
	cursor, err := s.Cursor(ctx)
	must(t, err)
	if cursor != events {
		t.Errorf("the last event is %d, want %d", cursor, events)
	}
	checkReports(t, s, id, "event", int(events))
	requests := 0
	must(t, s.Requests(ctx, id, func(r journal.Request) error {
		requests++
		return nil
	}))
	if requests != int(events) {
		t.Errorf("%d requests, want %d", requests, events)
	}
	open, err := s.orders(ctx, "where open")
	must(t, err)
	if len(open) != int(events) {
		t.Errorf("%d open orders, want %d", len(open), events)
	}
}

// TestFailOverForgets plants the fault that TestFailOver looks for: commits do not
// wait for the standby, which lags. The journal then ends before what was
// acknowledged; and a store that demands a replica does not work with such a
// server.
func TestFailOverForgets(t *testing.T) {
	t.Parallel()
	const replicated, events = 70, 210
	ctx := context.Background()
	primary, standby, dsn := newPair(t, false)
	id := journaltest.Session(epoch, 1)
	s := open(t, dsn, Options{Timeout: time.Minute})
	var acknowledged atomic.Int64
	must(t, gateway(ctx, s, id, replicated, &acknowledged))
	primary.Replicated(t)
	standby.Sever(t, primary)
	must(t, gateway(ctx, s, id, events, &acknowledged))
	var setting *SettingError
	if _, err := Open(ctx, dsn, Options{RequireReplicas: 1}); !errors.As(err, &setting) || setting.Setting != "synchronous_standby_names" {
		t.Errorf("a replica is demanded: %v, want *SettingError", err)
	}
	primary.Kill(t)
	standby.Promote(t)
	after := open(t, dsn, Options{})
	checkEvents(t, after, id, replicated)
	if acknowledged.Load() != events {
		t.Errorf("%d events were acknowledged, want %d: the check sees nothing", acknowledged.Load(), events)
	}
}

// TestStandbyLost has the standby gone: nothing is acknowledged, and reading goes
// on, without what is not replicated.
func TestStandbyLost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	primary, standby, dsn := newPair(t, true)
	s, err := Open(ctx, dsn, Options{Timeout: time.Second, RequireReplicas: 1})
	must(t, err)
	other := open(t, dsn, Options{})
	id := journaltest.Session(epoch, 1)
	entry := func(n int) []journal.Entry {
		return []journal.Entry{{Session: id, Event: uint64(n), Report: fmt.Appendf(nil, "event %d", n)}}
	}
	_, _, err = s.Append(ctx, entry(1))
	must(t, err)
	checkReports(t, other, id, "event", 1) // has a connection from before
	standby.Sever(t, primary)
	if _, _, err := s.Append(ctx, entry(2)); !errors.Is(err, journal.ErrUnavailable) {
		t.Fatalf("without the standby: %v, want %v", err, journal.ErrUnavailable)
	}
	for range 20 {
		checkReports(t, other, id, "event", 1)
		time.Sleep(10 * time.Millisecond)
	}
	primary.Kill(t)
	standby.Promote(t)
	must(t, s.Close())
	after := open(t, dsn, Options{})
	if numbers, skipped, err := after.Append(ctx, entry(2)); err != nil || skipped != 0 || numbers[0] != 2 {
		t.Errorf("after the fail-over: numbers %v, %d left out, %v", numbers, skipped, err)
	}
	checkReports(t, after, id, "event", 2)
}
