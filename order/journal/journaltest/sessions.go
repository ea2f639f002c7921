package journaltest

import (
	"context"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

var sessions = map[string]func(*testing.T, *store){
	"attach":                attach,
	"take over":             takeOver,
	"detach once":           detachOnce,
	"alias":                 alias,
	"orphans":               orphans,
	"orphans of the silent": orphansOfTheSilent,
	"ban":                   ban,
	"halt":                  halt,
}

func attach(t *testing.T, s *store) {
	id := Session(epoch, 1)
	got, err := s.Attach(context.Background(), id, "one", 1500*time.Millisecond, true)
	must(t, err)
	want := journal.Session{ID: id, Attachment: 1, Gateway: "one", NextSeqNo: 1, Grace: 1500 * time.Millisecond, KeepOrders: true}
	if *got != want {
		t.Fatalf("a new session is %+v, want %+v", *got, want)
	}
	s.append(t, journal.Entry{Session: id, Report: reportOf(id, 1), SeqNo: 7})
	got, err = s.Attach(context.Background(), id, "two", 0, false)
	must(t, err)
	want = journal.Session{ID: id, Attachment: 2, Gateway: "two", NextSeqNo: 8, LastReport: 1}
	if *got != want {
		t.Fatalf("attached again: %+v, want %+v", *got, want)
	}
	// A session is its epoch and its ID.
	other := order.SessionID{Epoch: epoch + 1, ID: id.ID}
	if got := s.attach(t, other, "one"); got.Attachment != 1 || got.LastReport != 0 {
		t.Fatalf("the same ID in another epoch is %+v", *got)
	}
}

// takeOver has the earlier of two attachments end after the later one began: the
// session stays the later one's.
func takeOver(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch, 1)
	first, second := s.attach(t, id, "one"), s.attach(t, id, "two")
	if second.Attachment <= first.Attachment {
		t.Fatalf("attachment %d comes after %d", second.Attachment, first.Attachment)
	}
	wants(t, "detached by who lost it", s.Detach(ctx, id, first.Attachment, now), journal.ErrTakenOver)
	wants(t, "detached by who never had it", s.Detach(ctx, id, second.Attachment+1, now), journal.ErrTakenOver)
	wants(t, "detached, and there is none", s.Detach(ctx, Session(epoch, 2), 1, now), journal.ErrTakenOver)
	s.append(t, journal.Entry{Session: id, Order: Order(id, 1, 10)})
	must(t, s.Beat(ctx, "two", now))
	if got, err := s.Orphans(ctx, now, time.Hour); err != nil || len(got) != 0 {
		t.Fatalf("orphans of a session that is attached: %+v, %v", got, err)
	}
}

func detachOnce(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch, 1)
	a := s.attach(t, id, "one")
	s.append(t, journal.Entry{Session: id, Order: Order(id, 1, 10)})
	must(t, s.Detach(ctx, id, a.Attachment, now))
	must(t, s.Detach(ctx, id, a.Attachment, now.Add(time.Minute)))
	got, err := s.Orphans(ctx, now, time.Hour)
	must(t, err)
	if len(got) != 1 || !got[0].Detached.Equal(now) {
		t.Fatalf("detached twice: %+v, want it since %v", got, now)
	}
	if again := s.attach(t, id, "one"); !again.Detached.IsZero() {
		t.Fatalf("attached again, and detached since %v", again.Detached)
	}
	wants(t, "detached by an attachment from before", s.Detach(ctx, id, a.Attachment, now), journal.ErrTakenOver)
}

func alias(t *testing.T, s *store) {
	ctx := context.Background()
	first, second, third, stranger := Session(epoch, 1), Session(epoch, 2), Session(epoch+1, 3), Session(epoch, 4)
	s.attach(t, first, "one")
	must(t, s.Alias(ctx, second, first))
	must(t, s.Alias(ctx, second, first))
	must(t, s.Alias(ctx, third, second)) // of an alias
	must(t, s.Alias(ctx, first, third))  // of itself: nothing
	for name, id := range map[string]order.SessionID{"itself": first, "an alias": second, "an alias of an alias": third} {
		if got, err := s.Resolve(ctx, id); err != nil || got != first {
			t.Errorf("%s resolves to %v, %v; want %v", name, got, err, first)
		}
	}
	if got, err := s.Resolve(ctx, stranger); err != nil || got != stranger {
		t.Errorf("no alias resolves to %v, %v; want itself", got, err)
	}
	must(t, s.Alias(ctx, second, stranger))
	if got, err := s.Resolve(ctx, second); err != nil || got != stranger {
		t.Errorf("an alias that was set anew resolves to %v, %v; want %v", got, err, stranger)
	}
	if got, err := s.Resolve(ctx, third); err != nil || got != first {
		t.Errorf("an alias of what was an alias resolves to %v, %v; want %v as before", got, err, first)
	}
}

// orphans has sessions with and without open orders, attached and not, at gateways
// that live.
func orphans(t *testing.T, s *store) {
	ctx := context.Background()
	idle, trading, attached := Session(epoch, 1), Session(epoch, 2), Session(epoch, 3)
	for n, id := range []order.SessionID{idle, trading, attached} {
		a := s.attach(t, id, "one")
		left := int64(10)
		if id == idle {
			left = 0
		}
		s.append(t, journal.Entry{Session: id, Report: reportOf(id, 1), SeqNo: 3, Order: Order(id, n, left)})
		if id != attached {
			must(t, s.Detach(ctx, id, a.Attachment, now))
		}
	}
	must(t, s.Beat(ctx, "one", now))
	want := journal.Session{
		ID: trading, Attachment: 1, Gateway: "one", Detached: now, NextSeqNo: 4, LastReport: 1, Grace: time.Second,
	}
	for range 2 {
		got, err := s.Orphans(ctx, now, time.Hour)
		must(t, err)
		if len(got) != 1 || got[0] != want {
			t.Fatalf("orphans: %+v, want only %+v", got, want)
		}
	}
	// Once its order is closed, nobody needs to see to it.
	s.append(t, journal.Entry{Session: trading, Order: Order(trading, 1, 0)})
	if got, err := s.Orphans(ctx, now, time.Hour); err != nil || len(got) != 0 {
		t.Fatalf("orphans without orders: %+v, %v", got, err)
	}
}

// orphansOfTheSilent has a gateway that no longer beats, one that never did, and
// one that lives.
func orphansOfTheSilent(t *testing.T, s *store) {
	ctx := context.Background()
	dead, never, alive := Session(epoch, 1), Session(epoch, 2), Session(epoch, 3)
	attachments := make(map[order.SessionID]uint64)
	for n, id := range []order.SessionID{dead, never, alive} {
		a := s.attach(t, id, []string{"dead", "never", "alive"}[n])
		attachments[id] = a.Attachment
		s.append(t, journal.Entry{Session: id, Order: Order(id, n, 10)})
	}
	must(t, s.Beat(ctx, "dead", now.Add(-time.Minute)))
	must(t, s.Beat(ctx, "alive", now))
	got, err := s.Orphans(ctx, now, time.Hour)
	must(t, err)
	if len(got) != 1 || got[0].ID != never || got[0].Detached.IsZero() {
		t.Fatalf("orphans: %+v, want only that of the gateway that never beat", got)
	}
	since := got[0].Detached
	// For longer than nothing, all are silent; who was detached stays so since then.
	later := now.Add(time.Minute)
	if got, err = s.Orphans(ctx, later, -time.Hour); err != nil || len(got) != 3 {
		t.Fatalf("orphans: %+v, %v; want all", got, err)
	}
	for _, o := range got {
		if o.ID == never && !o.Detached.Equal(since) {
			t.Errorf("detached since %v, then since %v", since, o.Detached)
		}
	}
	// An attachment that was ended from outside is still the last.
	must(t, s.Detach(ctx, alive, attachments[alive], later))
	// Who comes back is no orphan.
	for _, id := range []order.SessionID{dead, never, alive} {
		s.attach(t, id, "alive")
	}
	must(t, s.Beat(ctx, "alive", later))
	if got, err = s.Orphans(ctx, later, time.Hour); err != nil || len(got) != 0 {
		t.Fatalf("orphans that came back: %+v, %v", got, err)
	}
}

func ban(t *testing.T, s *store) {
	ctx := context.Background()
	known, unknown, other := Session(epoch, 1), Session(epoch, 2), Session(epoch, 3)
	a := s.attach(t, known, "one")
	s.report(t, known, 1)
	for _, id := range []order.SessionID{known, known, unknown} {
		must(t, s.Ban(ctx, id))
		_, err := s.Attach(ctx, id, "one", time.Second, false)
		wants(t, "attached a banned session", err, journal.ErrBanned)
	}
	s.attach(t, other, "one")
	// The end of a banned session is told and recorded as that of any other.
	s.report(t, known, 2)
	s.checkReports(t, known, 2)
	must(t, s.Detach(ctx, known, a.Attachment, now))
}

func halt(t *testing.T, s *store) {
	ctx := context.Background()
	for _, want := range []bool{false, true, true, false} {
		must(t, s.Halt(ctx, want))
		if got, err := s.Halted(ctx); err != nil || got != want {
			t.Fatalf("halted is %v, %v; want %v", got, err, want)
		}
	}
}
