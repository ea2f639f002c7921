package journaltest

import (
	"context"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

var failing = map[string]func(*testing.T, *store){
	"cancelled": cancelled,
	"closed":    closed,
}

// calls makes every call, and returns the errors.
func (s *store) calls(ctx context.Context, f journal.FIX) map[string]error {
	id := Session(epoch, 1)
	out := make(map[string]error)
	_, out["Attach"] = s.Attach(ctx, id, "one", 0, false)
	out["Detach"] = s.Detach(ctx, id, 1, now)
	out["Alias"] = s.Alias(ctx, Session(epoch, 2), id)
	_, out["Resolve"] = s.Resolve(ctx, id)
	_, _, out["Append"] = s.Append(ctx, []journal.Entry{{Session: id, Report: []byte("report")}})
	_, out["Cursor"] = s.Cursor(ctx)
	_, out["Reports"] = s.Reports(ctx, id, 1, 1)
	_, out["LastReport"] = s.LastReport(ctx, id)
	out["Requests"] = s.Requests(ctx, id, func(journal.Request) error { return nil })
	out["OpenOrders"] = s.OpenOrders(ctx, func(*engine.Order) error { return nil })
	_, out["Orders"] = s.Orders(ctx, ID(1))
	out["Beat"] = s.Beat(ctx, "one", now)
	_, out["Orphans"] = s.Orphans(ctx, now, time.Second)
	out["Ban"] = s.Ban(ctx, id)
	_, out["Bans"] = s.Bans(ctx)
	out["Halt"] = s.Halt(ctx, true)
	_, out["Halted"] = s.Halted(ctx)
	_, out["FIX"] = s.FIX(ctx, id)
	out["Prune"] = s.Prune(ctx, epoch+1)
	_, _, _, out["Numbers"] = f.Numbers(ctx)
	out["SetReceive"] = f.SetReceive(ctx, 7)
	out["SetSend"] = f.SetSend(ctx, 7)
	out["Save"] = f.Save(ctx, 7, []byte("message"), 8)
	_, out["Messages"] = f.Messages(ctx, 1, 1)
	out["Reset"] = f.Reset(ctx, now)
	return out
}

// cancelled makes every call for nobody: it does nothing.
func cancelled(t *testing.T, s *store) {
	id := Session(epoch, 1)
	s.fill(t, id, 1, 5)
	f := s.fix(t, id)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for call, err := range s.calls(ctx, f) {
		if err == nil {
			t.Errorf("%s did something for who is gone", call)
			continue
		}
		wants(t, call, err, context.Canceled)
	}
	s.checkFilled(t, id, 1, 5)
	if halted, err := s.Halted(context.Background()); err != nil || halted {
		t.Errorf("halted: %v, %v", halted, err)
	}
	if a := s.attach(t, id, "one"); a.Attachment != 2 {
		t.Errorf("the session is %+v", *a)
	}
	checkNumbers(t, f, 2, 1)
}

// closed makes every call of a store that is closed.
func closed(t *testing.T, s *store) {
	id := Session(epoch, 1)
	s.fill(t, id, 1, 5)
	f := s.fix(t, id)
	must(t, s.Close())
	for call, err := range s.calls(context.Background(), f) {
		if err == nil {
			t.Errorf("%s: no error, of a store that is closed", call)
			continue
		}
		wants(t, call, err, journal.ErrUnavailable)
	}
	must(t, s.Close())
}
