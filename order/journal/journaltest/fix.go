package journaltest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

var fix = map[string]func(*testing.T, *store){
	"FIX numbers":  fixNumbers,
	"FIX messages": fixMessages,
	"FIX reset":    fixReset,
}

func (s *store) fix(t *testing.T, id order.SessionID) journal.FIX {
	t.Helper()
	f, err := s.FIX(context.Background(), id)
	must(t, err)
	return f
}

func checkNumbers(t *testing.T, f journal.FIX, send, receive uint64) (created time.Time) {
	t.Helper()
	gotSend, gotReceive, created, err := f.Numbers(context.Background())
	must(t, err)
	if gotSend != send || gotReceive != receive {
		t.Fatalf("the next numbers are %d to send and %d to receive, want %d and %d", gotSend, gotReceive, send, receive)
	}
	return created
}

func checkMessages(t *testing.T, f journal.FIX, first, last uint64, want ...string) {
	t.Helper()
	got, err := f.Messages(context.Background(), first, last)
	must(t, err)
	if len(got) != len(want) {
		t.Fatalf("%d messages from %d to %d, want %d", len(got), first, last, len(want))
	}
	for i := range got {
		if string(got[i]) != want[i] {
			t.Fatalf("message %d from %d on is %q, want %q", i, first, got[i], want[i])
		}
	}
}

func fixNumbers(t *testing.T, s *store) {
	ctx := context.Background()
	one, two := s.fix(t, Session(epoch, 1)), s.fix(t, Session(epoch, 2))
	created := checkNumbers(t, one, 1, 1)
	if created.IsZero() || created.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("made at %v", created)
	}
	must(t, one.SetReceive(ctx, 8))
	must(t, one.SetSend(ctx, 5))
	checkNumbers(t, one, 5, 8)
	must(t, one.SetReceive(ctx, 3)) // as FIX allows: backwards
	again := s.fix(t, Session(epoch, 1))
	if got := checkNumbers(t, again, 5, 3); !got.Equal(created) {
		t.Errorf("made at %v, then at %v", created, got)
	}
	checkNumbers(t, two, 1, 1)
}

func fixMessages(t *testing.T, s *store) {
	ctx := context.Background()
	one, two := s.fix(t, Session(epoch, 1)), s.fix(t, Session(epoch, 2))
	for n := uint64(1); n <= 4; n++ {
		message := fmt.Appendf(nil, "8=FIX.4.4|34=%d", n)
		must(t, one.Save(ctx, n, message, n+1))
		clear(message)
	}
	checkNumbers(t, one, 5, 1)
	must(t, one.Save(ctx, 300, []byte("alone"), 0))
	checkNumbers(t, one, 5, 1)
	must(t, one.Save(ctx, 2, []byte("again"), 5))
	must(t, two.Save(ctx, 1, []byte("another's"), 2))
	checkMessages(t, one, 2, 3, "again", "8=FIX.4.4|34=3")
	checkMessages(t, one, 4, 1<<62, "8=FIX.4.4|34=4", "alone")
	checkMessages(t, one, 5, 299)
	checkMessages(t, one, 3, 2)
	checkMessages(t, two, 1, 9, "another's")
	// It is no report of the session, and is there when the session is attached.
	a := s.attach(t, Session(epoch, 1), "one")
	if a.LastReport != 0 {
		t.Errorf("the session is %+v", *a)
	}
	checkMessages(t, s.fix(t, Session(epoch, 1)), 1, 1, "8=FIX.4.4|34=1")
}

func fixReset(t *testing.T, s *store) {
	ctx := context.Background()
	one, two := s.fix(t, Session(epoch, 1)), s.fix(t, Session(epoch, 2))
	for _, f := range []journal.FIX{one, two} {
		must(t, f.Save(ctx, 1, []byte("first"), 2))
		must(t, f.SetReceive(ctx, 9))
	}
	must(t, one.Reset(ctx, now))
	if created := checkNumbers(t, one, 1, 1); !created.Equal(now) {
		t.Errorf("reset at %v, want %v", created, now)
	}
	checkMessages(t, one, 1, 9)
	checkNumbers(t, two, 2, 9)
	checkMessages(t, two, 1, 9, "first")
}
