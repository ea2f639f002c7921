package journaltest

import (
	"context"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order/journal"
)

var durable = map[string]func(*testing.T, *store){
	"opened again":               openedAgain,
	"opened again after pruning": openedAgainAfterPruning,
}

func openedAgain(t *testing.T, s *store) {
	ctx := context.Background()
	open, other := Session(epoch, 1), Session(epoch+1, 2)
	s.append(t, journal.Entry{Event: 1}, journal.Entry{Event: 2})
	s.fill(t, open, 1, 5)
	a := s.fill(t, other, 2, 0)
	must(t, s.Detach(ctx, other, a.Attachment, now))
	must(t, s.Alias(ctx, Session(epoch, 3), open))
	must(t, s.Ban(ctx, Session(epoch, 4)))
	must(t, s.Halt(ctx, true))
	must(t, s.Beat(ctx, "one", now))
	created := checkNumbers(t, s.fix(t, open), 2, 1)
	for range 2 {
		s.reopen(t)
		s.checkCursor(t, 2)
		s.checkFilled(t, open, 1, 5)
		s.checkFilled(t, other, 2, 0)
		s.checkOpen(t, Order(open, 1, 5))
		if got, err := s.Resolve(ctx, Session(epoch, 3)); err != nil || got != open {
			t.Errorf("the alias resolves to %v, %v", got, err)
		}
		_, err := s.Attach(ctx, Session(epoch, 4), "one", 0, false)
		wants(t, "banned", err, journal.ErrBanned)
		if halted, err := s.Halted(ctx); err != nil || !halted {
			t.Errorf("halted: %v, %v", halted, err)
		}
		if got, err := s.Orphans(ctx, now, time.Hour); err != nil || len(got) != 0 {
			t.Errorf("orphans of a gateway that beat just now: %v, %v", got, err)
		}
		f := s.fix(t, open)
		if got := checkNumbers(t, f, 2, 1); !got.Equal(created) {
			t.Errorf("made at %v, then at %v", created, got)
		}
		checkMessages(t, f, 1, 9, "message")
	}
	if a := s.attach(t, open, "two"); a.Attachment != 2 || a.NextSeqNo != 2 || a.LastReport != 2 {
		t.Errorf("attached again: %+v", *a)
	}
	s.report(t, open, 3)
}

func openedAgainAfterPruning(t *testing.T, s *store) {
	ctx := context.Background()
	gone, kept, open := Session(epoch-1, 1), Session(epoch, 2), Session(epoch-2, 3)
	s.fill(t, gone, 1, 0)
	s.fill(t, kept, 2, 0)
	s.fill(t, open, 3, 5)
	must(t, s.Prune(ctx, epoch))
	s.reopen(t)
	s.checkGone(t, gone, 1)
	s.checkFilled(t, kept, 2, 0)
	s.checkFilled(t, open, 3, 5)
	s.checkEnded(t, open)
	s.checkOpen(t, Order(open, 3, 5))
}
