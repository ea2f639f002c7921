package fixedge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order/journal"
)

// counted is a journal that counts its writes, and can fail.
type counted struct {
	journal.FIX

	mu    sync.Mutex
	saves int
	fail  error
}

func (c *counted) Save(ctx context.Context, number uint64, message []byte, next uint64) error {
	c.mu.Lock()
	c.saves++
	err := c.fail
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.FIX.Save(ctx, number, message, next)
}

func newJournal(t *testing.T) *counted {
	t.Helper()
	fix, err := journal.NewMemory().FIX(t.Context(), testSession)
	if err != nil {
		t.Fatal(err)
	}
	return &counted{FIX: fix}
}

func open(t *testing.T, fix journal.FIX) *store {
	t.Helper()
	s, err := openStore(t.Context(), fix, newNames(testSession))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// save saves a message, with a report if that is above 0.
func save(t *testing.T, s *store, text string, report uint64) {
	t.Helper()
	if report > 0 {
		s.carries(report)
	}
	if err := s.SaveMessageAndIncrNextSenderMsgSeqNum(0, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func messages(t *testing.T, s *store, first, last int) []string {
	t.Helper()
	all, err := s.GetMessages(first, last)
	check(t, err)
	var out []string
	for _, m := range all {
		out = append(out, string(m))
	}
	return out
}

// However many messages wait, a write of the journal takes hundreds of them.
func TestOneWriteForManyMessages(t *testing.T) {
	t.Parallel()
	fix := newJournal(t)
	s := open(t, fix)
	fix.saves = 0
	for i := range maxBatch {
		save(t, s, fmt.Sprint(i), uint64(i+1))
		check(t, s.IncrNextTargetMsgSeqNum())
		s.names.add(&message{kind: kindNewOrderSingle, fields: []field{{tagClOrdID, fmt.Sprint(i)}}})
	}
	check(t, s.flush())
	if fix.saves != 2 {
		t.Errorf("%d messages took %d writes, want one for them and one for names", maxBatch, fix.saves)
	}
	check(t, s.flush())
	if fix.saves != 2 {
		t.Error("nothing was written again")
	}
}

// Whatever was written is there for the next connection, with how far reports had
// become messages: both, or neither.
func TestStoreAfterCrash(t *testing.T) {
	t.Parallel()
	fix := newJournal(t)
	s := open(t, fix)
	if !s.fresh() {
		t.Error("a new store is not fresh")
	}
	save(t, s, "logon", 0)
	save(t, s, "one", 1)
	s.names.add(&message{kind: kindQuote, fields: []field{{tagQuoteID, "q"}}})
	check(t, s.IncrNextTargetMsgSeqNum())
	check(t, s.flush())
	save(t, s, "two", 2)
	check(t, s.IncrNextTargetMsgSeqNum())
	// It crashes before the next flush.
	s = open(t, fix)
	if s.delivered() != 1 || s.NextSenderMsgSeqNum() != 3 || s.NextTargetMsgSeqNum() != 2 {
		t.Errorf("report %d, next %d to send and %d to receive; want 1, 3, 2", s.delivered(), s.NextSenderMsgSeqNum(), s.NextTargetMsgSeqNum())
	}
	if got := messages(t, s, 1, 99); !slices.Equal(got, []string{"logon", "one"}) {
		t.Errorf("messages %q", got)
	}
	n := name{tag: tagQuoteID, text: "q"}
	if got, ok := s.names.of(n.id(testSession)); !ok || got.text != "q" || got.kind != kindQuote {
		t.Errorf("name %+v", got)
	}
	save(t, s, "two again", 2)
	check(t, s.SetNextTargetMsgSeqNum(9))
	check(t, s.close())
	if err := s.IncrNextTargetMsgSeqNum(); !errors.Is(err, errClosed) {
		t.Errorf("a closed store takes more: %v", err)
	}
	s = open(t, fix)
	if s.delivered() != 2 || s.NextSenderMsgSeqNum() != 4 || s.NextTargetMsgSeqNum() != 9 {
		t.Errorf("report %d, next %d to send and %d to receive; want 2, 4, 9", s.delivered(), s.NextSenderMsgSeqNum(), s.NextTargetMsgSeqNum())
	}
	check(t, s.SetNextTargetMsgSeqNum(12))
	check(t, s.close())
	if s = open(t, fix); s.NextTargetMsgSeqNum() != 12 {
		t.Errorf("what was received without an answer is lost: %d", s.NextTargetMsgSeqNum())
	}
}

// A reset begins numbers at 1, and forgets neither names nor what was delivered.
func TestStoreReset(t *testing.T) {
	t.Parallel()
	fix := newJournal(t)
	s := open(t, fix)
	for i := range 5 {
		save(t, s, fmt.Sprint("old ", i), uint64(i+1))
	}
	s.names.add(&message{kind: kindNewOrderSingle, fields: []field{{tagClOrdID, "a"}}})
	base := s.base()
	check(t, s.Reset())
	if s.base() == base {
		t.Error("the numbers before and after a reset cannot be told apart")
	}
	s = open(t, fix)
	if s.NextSenderMsgSeqNum() != 1 || s.NextTargetMsgSeqNum() != 1 || s.delivered() != 5 {
		t.Errorf("next %d and %d, delivered %d", s.NextSenderMsgSeqNum(), s.NextTargetMsgSeqNum(), s.delivered())
	}
	if got := s.names.text(name{tag: tagClOrdID, text: "a"}.id(testSession)); got != "a" {
		t.Errorf("the name is %q", got)
	}
	save(t, s, "new 1", 6)
	save(t, s, "new 2", 0)
	if got := messages(t, s, 1, 2); !slices.Equal(got, []string{"new 1", "new 2"}) {
		t.Errorf("messages %q", got)
	}
	check(t, s.Reset())
	check(t, s.Reset())
	if s = open(t, fix); s.NextSenderMsgSeqNum() != 1 || s.delivered() != 6 {
		t.Errorf("next %d, delivered %d", s.NextSenderMsgSeqNum(), s.delivered())
	}
}

// Any range of messages is found, in whatever batches they were written.
func TestStoreRanges(t *testing.T) {
	t.Parallel()
	fix := newJournal(t)
	s := open(t, fix)
	var all []string
	for i := range 3000 {
		all = append(all, fmt.Sprint(i+1))
		save(t, s, all[i], 0)
		if i%7 == 0 && i < 1000 || i == 2800 {
			check(t, s.flush())
		}
	}
	for _, r := range [][2]int{{1, 1}, {1, 3000}, {2, 7}, {255, 256}, {256, 258}, {1000, 1300}, {1023, 1026}, {2999, 3000}, {3000, 5000}, {0, 2}, {3001, 3002}} {
		want := all[min(max(r[0], 1)-1, 3000):min(r[1], 3000)]
		if got := messages(t, s, r[0], r[1]); !slices.Equal(got, want) {
			t.Errorf("%v: got %d messages from %q, want %d", r, len(got), got[:min(len(got), 1)], len(want))
		}
	}
}

// A connection whose session was taken over writes nothing more.
func TestStoreTakenOver(t *testing.T) {
	t.Parallel()
	fix := newJournal(t)
	before := open(t, fix)
	save(t, before, "logon", 0)
	check(t, before.flush())
	after := open(t, fix)
	save(t, before, "late", 1)
	if err := before.close(); !errors.Is(err, journal.ErrTakenOver) {
		t.Errorf("got %v, want ErrTakenOver", err)
	}
	save(t, after, "next", 1)
	check(t, after.flush())
	if got := messages(t, after, 1, 9); !slices.Equal(got, []string{"logon", "next"}) {
		t.Errorf("messages %q", got)
	}
}

// While the journal cannot be written, nothing is lost, and nothing is sent.
func TestOutboxWaitsForJournal(t *testing.T) {
	t.Parallel()
	fix := newJournal(t)
	s := open(t, fix)
	fix.mu.Lock()
	fix.fail = journal.ErrUnavailable
	fix.mu.Unlock()
	save(t, s, "message", 1)
	if err := s.flush(); !errors.Is(err, journal.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	o := newOutbox(s.flush)
	o.put([]byte("message"))
	o.end()
	got := make(chan []byte, 1)
	sink := &sink{got: got, saved: func() bool { return s.durableNext() == 2 }}
	time.AfterFunc(3*retry, func() {
		fix.mu.Lock()
		fix.fail = nil
		fix.mu.Unlock()
	})
	check(t, o.drain(sink, func() { t.Error("the connection was given up") }))
	if b := <-got; !bytes.Equal(b, []byte("message")) {
		t.Errorf("got %q", b)
	}
}

func (s *store) durableNext() uint64 {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	return s.durable.next
}
