package journaltest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

var prunes = map[string]func(*testing.T, *store){
	"prune":                      prune,
	"prune keeps":                pruneKeeps,
	"prune keeps open orders":    pruneKeepsOpen,
	"prune of aliases":           pruneAliases,
	"prune of bans":              pruneBans,
	"prune of FIX":               pruneFIX,
	"a clock that goes back":     clockGoesBack,
	"events of what was pruned":  eventsOfPruned,
	"prune of nothing, and more": pruneOften,
}

// fill records a bit of everything for a session: two reports, a request, an order
// that is open or not, and a FIX message.
func (s *store) fill(t *testing.T, id order.SessionID, n int, left int64) *journal.Session {
	t.Helper()
	a := s.attach(t, id, "one")
	s.append(t,
		journal.Entry{Session: id, Report: reportOf(id, 1), SeqNo: 1, Request: &journal.Request{ID: ID(n), Digest: digest(n)}, Order: Order(id, n, 10)},
		journal.Entry{Session: id, Report: reportOf(id, 2), Order: Order(id, n, left)},
	)
	must(t, s.fix(t, id).Save(context.Background(), 1, []byte("message"), 2))
	return a
}

// checkFilled expects what fill recorded.
func (s *store) checkFilled(t *testing.T, id order.SessionID, n int, left int64) {
	t.Helper()
	s.checkReports(t, id, 2)
	if got := s.requests(t, id); len(got) != 1 || got[ID(n)] != (journal.Request{ID: ID(n), Digest: digest(n), Report: 1}) {
		t.Fatalf("the requests of %v are %v", id, got)
	}
	s.checkNamed(t, n, Order(id, n, left))
}

// checkGone expects that there is nothing of a session, and that it is over.
func (s *store) checkGone(t *testing.T, id order.SessionID, n int) {
	t.Helper()
	s.checkReports(t, id, 0)
	if got := s.requests(t, id); len(got) != 0 {
		t.Fatalf("requests of a session that was pruned: %v", got)
	}
	s.checkNamed(t, n)
	s.checkEnded(t, id)
}

func (s *store) checkEnded(t *testing.T, id order.SessionID) {
	t.Helper()
	ctx := context.Background()
	_, err := s.Attach(ctx, id, "one", time.Second, false)
	wants(t, "attached after its epoch was pruned", err, journal.ErrEnded)
	_, err = s.FIX(ctx, id)
	wants(t, "the FIX session of an epoch that was pruned", err, journal.ErrEnded)
}

func prune(t *testing.T, s *store) {
	ctx := context.Background()
	old, before := Session(epoch-2, 1), Session(epoch-1, 2)
	a := s.fill(t, old, 1, 0)
	s.fill(t, before, 2, 0)
	must(t, s.Prune(ctx, epoch))
	s.checkGone(t, old, 1)
	s.checkGone(t, before, 2)
	wants(t, "detached after it was pruned", s.Detach(ctx, old, a.Attachment, now), journal.ErrEnded)
	s.checkEnded(t, Session(epoch-1, 99)) // there was none
	s.checkOpen(t)
	if got, err := s.Orphans(ctx, now, -time.Hour); err != nil || len(got) != 0 {
		t.Errorf("orphans: %v, %v", got, err)
	}
}

// pruneKeeps expects that nothing of the accepted epochs is lost.
func pruneKeeps(t *testing.T, s *store) {
	ctx := context.Background()
	gone, this, next := Session(epoch-1, 1), Session(epoch, 2), Session(epoch+1, 3)
	s.append(t, journal.Entry{Event: 1})
	s.fill(t, gone, 1, 0)
	s.fill(t, this, 2, 0)
	s.fill(t, next, 3, 4)
	must(t, s.Ban(ctx, Session(epoch, 9)))
	must(t, s.Alias(ctx, Session(epoch+1, 8), this))
	must(t, s.Halt(ctx, true))
	must(t, s.Prune(ctx, epoch))
	s.checkGone(t, gone, 1)
	s.checkFilled(t, this, 2, 0)
	s.checkFilled(t, next, 3, 4)
	s.checkOpen(t, Order(next, 3, 4))
	s.checkCursor(t, 1)
	for _, id := range []order.SessionID{this, next} {
		if a := s.attach(t, id, "one"); a.Attachment != 2 || a.NextSeqNo != 2 || a.LastReport != 2 {
			t.Errorf("after pruning: %+v", *a)
		}
		checkNumbers(t, s.fix(t, id), 2, 1)
		checkMessages(t, s.fix(t, id), 1, 1, "message")
	}
	if got, err := s.Resolve(ctx, Session(epoch+1, 8)); err != nil || got != this {
		t.Errorf("the alias resolves to %v, %v", got, err)
	}
	_, err := s.Attach(ctx, Session(epoch, 9), "one", 0, false)
	wants(t, "banned", err, journal.ErrBanned)
	s.checkBans(t, Session(epoch, 9))
	if halted, err := s.Halted(ctx); err != nil || !halted {
		t.Errorf("halted: %v, %v", halted, err)
	}
}

// pruneKeepsOpen has open orders among those that are closed, of sessions whose
// epoch ends: they can be cancelled and told of, but nobody is let in.
func pruneKeepsOpen(t *testing.T, s *store) {
	ctx := context.Background()
	var open []int
	for n := range 9 {
		id := Session(epoch-3+uint64(n%3), n)
		left := int64(0)
		if n%2 == 0 {
			left = 5
			open = append(open, n)
		}
		s.fill(t, id, n, left)
	}
	for range 2 {
		must(t, s.Prune(ctx, epoch))
		for n := range 9 {
			id := Session(epoch-3+uint64(n%3), n)
			if n%2 == 0 {
				s.checkFilled(t, id, n, 5)
				s.checkEnded(t, id)
				continue
			}
			s.checkGone(t, id, n)
		}
	}
	got, err := s.Orphans(ctx, now, -time.Hour)
	must(t, err)
	if len(got) != len(open) {
		t.Fatalf("%d orphans, want the %d sessions with open orders", len(got), len(open))
	}
	for _, n := range open {
		id := Session(epoch-3+uint64(n%3), n)
		if got := s.append(t, journal.Entry{Session: id, Report: reportOf(id, 3), Order: Order(id, n, 0)}); got[0] != 3 {
			t.Fatalf("the order's end is report %d, want 3", got[0])
		}
	}
	s.checkOpen(t)
	must(t, s.Prune(ctx, epoch))
	for n := range 9 {
		s.checkGone(t, Session(epoch-3+uint64(n%3), n), n)
	}
}

func pruneAliases(t *testing.T, s *store) {
	ctx := context.Background()
	old, renewed := Session(epoch-1, 1), Session(epoch, 2)
	s.fill(t, old, 1, 5)
	must(t, s.Alias(ctx, renewed, old))
	must(t, s.Alias(ctx, Session(epoch-1, 3), renewed))
	must(t, s.Prune(ctx, epoch))
	// The old session is over, though its order is kept: who renewed begins anew.
	for _, id := range []order.SessionID{renewed, Session(epoch-1, 3)} {
		if got, err := s.Resolve(ctx, id); err != nil || got != id {
			t.Errorf("%v resolves to %v, %v; want itself", id, got, err)
		}
	}
	if a := s.attach(t, renewed, "one"); a.Attachment != 1 {
		t.Errorf("the session is %+v", *a)
	}
	// An alias that comes late leads nowhere.
	must(t, s.Alias(ctx, Session(epoch, 4), old))
	if got, err := s.Resolve(ctx, Session(epoch, 4)); err != nil || got != Session(epoch, 4) {
		t.Errorf("a late alias resolves to %v, %v; want itself", got, err)
	}
}

func pruneBans(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch-1, 1)
	s.checkBans(t)
	must(t, s.Ban(ctx, id))
	must(t, s.Ban(ctx, id))
	must(t, s.Ban(ctx, Session(epoch, 2)))
	s.checkBans(t, id, Session(epoch, 2))
	must(t, s.Prune(ctx, epoch))
	s.checkBans(t, Session(epoch, 2))
	s.checkEnded(t, id)
	must(t, s.Ban(ctx, id))
	s.checkEnded(t, id)
}

// checkBans expects that these sessions are banned, and no others.
func (s *store) checkBans(t *testing.T, want ...order.SessionID) {
	t.Helper()
	got, err := s.Bans(context.Background())
	must(t, err)
	byName := func(a, b order.SessionID) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(got, byName)
	slices.SortFunc(want, byName)
	if !slices.Equal(got, want) {
		t.Errorf("%v are banned, expected %v", got, want)
	}
}

// pruneFIX uses the store of a FIX session after the epoch was pruned.
func pruneFIX(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch-1, 1)
	f := s.fix(t, id)
	must(t, f.Save(ctx, 1, []byte("message"), 2))
	must(t, s.Prune(ctx, epoch))
	s.checkEnded(t, id)
	_, _, _, err := f.Numbers(ctx)
	wants(t, "numbers", err, journal.ErrEnded)
	_, err = f.Messages(ctx, 1, 9)
	wants(t, "messages", err, journal.ErrEnded)
	wants(t, "save", f.Save(ctx, 2, []byte("message"), 3), journal.ErrEnded)
	wants(t, "set send", f.SetSend(ctx, 3), journal.ErrEnded)
	wants(t, "set receive", f.SetReceive(ctx, 3), journal.ErrEnded)
	wants(t, "reset", f.Reset(ctx, now), journal.ErrEnded)
}

// clockGoesBack prunes an earlier epoch after a later one: what is over stays over.
func clockGoesBack(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch-1, 1)
	s.fill(t, id, 1, 0)
	must(t, s.Prune(ctx, epoch))
	for _, earlier := range []uint64{epoch - 5, epoch - 1, 0} {
		must(t, s.Prune(ctx, earlier))
		s.checkGone(t, id, 1)
	}
	s.attach(t, Session(epoch, 1), "one")
}

// eventsOfPruned has the engine report on an order of a session that is gone: the
// event is recorded, so that those after it can be.
func eventsOfPruned(t *testing.T, s *store) {
	id := Session(epoch-1, 1)
	s.fill(t, id, 1, 0)
	must(t, s.Prune(context.Background(), epoch))
	s.append(t,
		journal.Entry{Session: id, Event: 1, Report: reportOf(id, 1), Order: Order(id, 2, 10)},
		journal.Entry{Event: 2},
	)
	s.checkCursor(t, 2)
	s.checkOpen(t, Order(id, 2, 10))
	s.checkEnded(t, id)
	s.append(t, journal.Entry{Session: id, Event: 3, Order: Order(id, 2, 0)})
	must(t, s.Prune(context.Background(), epoch))
	s.checkGone(t, id, 2)
}

func pruneOften(t *testing.T, s *store) {
	for e := range uint64(5) {
		must(t, s.Prune(context.Background(), epoch+e))
		id := Session(epoch+e, int(e))
		s.fill(t, id, int(e), 0)
		s.checkFilled(t, id, int(e), 0)
		if e > 0 {
			s.checkGone(t, Session(epoch+e-1, int(e)-1), int(e)-1)
		}
	}
}
