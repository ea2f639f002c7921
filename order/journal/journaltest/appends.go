package journaltest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

var appends = map[string]func(*testing.T, *store){
	"nothing yet":             nothingYet,
	"numbers":                 numbers,
	"events once":             eventsOnce,
	"events of several":       eventsOfSeveral,
	"gap":                     gap,
	"no entries":              noEntries,
	"refused entries":         refusedEntries,
	"all or nothing":          allOrNothing,
	"reports in pages":        reportsInPages,
	"long reports":            longReports,
	"reports are not aliased": notAliased,
	"request numbers":         requestNumbers,
	"requests":                requestsDone,
	"requests again":          requestsAgain,
	"requests end early":      requestsEndEarly,
}

func nothingYet(t *testing.T, s *store) {
	ctx := context.Background()
	s.checkCursor(t, 0)
	s.checkReports(t, Session(epoch, 1), 0)
	if got := s.requests(t, Session(epoch, 1)); len(got) != 0 {
		t.Errorf("requests: %v", got)
	}
	must(t, s.OpenOrders(ctx, func(o *engine.Order) error { return errors.New("an order") }))
	if got, err := s.Orders(ctx, ID(1)); err != nil || len(got) != 0 {
		t.Errorf("orders: %v, %v", got, err)
	}
	if halted, err := s.Halted(ctx); err != nil || halted {
		t.Errorf("halted: %v, %v", halted, err)
	}
}

// numbers counts the reports of each session from 1, whatever is between them.
func numbers(t *testing.T, s *store) {
	one, two := Session(epoch, 1), Session(epoch, 2)
	s.attach(t, one, "one")
	got := s.append(t,
		journal.Entry{Session: one, Event: 1, Report: reportOf(one, 1)},
		journal.Entry{Session: two, Report: reportOf(two, 1)}, // nobody attached it
		journal.Entry{Event: 2},
		journal.Entry{Session: one, SeqNo: 4},
		journal.Entry{Session: one, Event: 3, Report: reportOf(one, 2)},
		journal.Entry{Session: two, Event: 4, Report: reportOf(two, 2)},
	)
	for i, want := range []uint64{1, 1, 0, 0, 2, 2} {
		if got[i] != want {
			t.Fatalf("the numbers are %v", got)
		}
	}
	s.report(t, one, 3)
	s.checkReports(t, one, 3)
	s.checkReports(t, two, 2)
	s.checkCursor(t, 4)
}

// eventsOnce has two gateways record the same events.
func eventsOnce(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch, 1)
	entry := func(n int) journal.Entry {
		return journal.Entry{Session: id, Event: uint64(n), Report: reportOf(id, n), SeqNo: uint64(n)}
	}
	s.append(t, entry(1), entry(2))
	got, skipped, err := s.Append(ctx, []journal.Entry{entry(1), entry(2), entry(3)})
	if err != nil || skipped != 2 || len(got) != 3 || got[0] != 0 || got[1] != 0 || got[2] != 3 {
		t.Fatalf("two of three were recorded before: numbers %v, %d left out, %v", got, skipped, err)
	}
	again := entry(2)
	again.Request, again.Order, again.SeqNo = &journal.Request{ID: ID(1)}, Order(id, 1, 10), 99
	got, skipped, err = s.Append(ctx, []journal.Entry{again})
	if err != nil || skipped != 1 || len(got) != 1 || got[0] != 0 {
		t.Fatalf("recorded before: numbers %v, %d left out, %v", got, skipped, err)
	}
	s.checkReports(t, id, 3)
	s.checkCursor(t, 3)
	if got := s.requests(t, id); len(got) != 0 {
		t.Errorf("an entry that was left out left a request: %v", got)
	}
	if orders, err := s.Orders(ctx, ID(1)); err != nil || len(orders) != 0 {
		t.Errorf("an entry that was left out left an order: %v, %v", orders, err)
	}
	if a := s.attach(t, id, "one"); a.NextSeqNo != 4 {
		t.Errorf("an entry that was left out made the next request %d, want 4", a.NextSeqNo)
	}
}

// eventsOfSeveral has one event that is a report to two sessions.
func eventsOfSeveral(t *testing.T, s *store) {
	one, two := Session(epoch, 1), Session(epoch, 2)
	entries := []journal.Entry{
		{Session: one, Event: 1, Report: reportOf(one, 1)},
		{Session: two, Event: 1, Report: reportOf(two, 1)},
		{Session: one, Event: 2, Report: reportOf(one, 2)},
	}
	s.append(t, entries...)
	numbers, skipped, err := s.Append(context.Background(), entries)
	if err != nil || skipped != 3 {
		t.Fatalf("again: numbers %v, %d left out, %v", numbers, skipped, err)
	}
	s.checkReports(t, one, 2)
	s.checkReports(t, two, 1)
	s.checkCursor(t, 2)
}

func gap(t *testing.T, s *store) {
	id := Session(epoch, 1)
	s.append(t, journal.Entry{Session: id, Event: 1, Report: reportOf(id, 1)})
	for name, events := range map[string][]uint64{
		"the first is missing":     {3},
		"one in between":           {2, 4},
		"backwards":                {3, 2},
		"after one from before":    {1, 3},
		"back and forth":           {2, 3, 2},
		"one in between of others": {2, 0, 4},
	} {
		var entries []journal.Entry
		for _, n := range events {
			entries = append(entries, journal.Entry{Session: id, Event: n, Report: []byte(name)})
		}
		_, _, err := s.Append(context.Background(), entries)
		wants(t, name, err, journal.ErrGap)
	}
	s.checkReports(t, id, 1)
	s.checkCursor(t, 1)
}

func noEntries(t *testing.T, s *store) {
	numbers, skipped, err := s.Append(context.Background(), nil)
	if err != nil || len(numbers) != 0 || skipped != 0 {
		t.Fatalf("nothing to record: %v, %d, %v", numbers, skipped, err)
	}
}

func refusedEntries(t *testing.T, s *store) {
	id := Session(epoch, 1)
	unnamed := Order(id, 1, 10)
	unnamed.ClOrdID = [16]byte{}
	for name, bad := range map[string]journal.Entry{
		"a report that is too long":  {Session: id, Report: make([]byte, journal.MaxReport+1)},
		"a report of nobody":         {Report: []byte("report")},
		"a request of nobody":        {Request: &journal.Request{ID: ID(1)}},
		"a request number of nobody": {SeqNo: 1},
		"a request without ID":       {Session: id, Request: new(journal.Request)},
		"an order without name":      {Session: id, Order: unnamed},
		"an event too high":          {Session: id, Event: journal.MaxNumber + 1},
		"a request number too high":  {Session: id, SeqNo: journal.MaxNumber + 1},
	} {
		_, _, err := s.Append(context.Background(), []journal.Entry{{Session: id, Event: 1, Report: []byte("report")}, bad})
		wants(t, name, err, journal.ErrEntry)
	}
	s.checkReports(t, id, 0)
	s.checkCursor(t, 0)
	// The largest are recorded.
	s.append(t, journal.Entry{Session: id, Report: bytes.Repeat([]byte{7}, journal.MaxReport), SeqNo: journal.MaxNumber})
	if a := s.attach(t, id, "one"); a.NextSeqNo != journal.MaxNumber+1 || a.LastReport != 1 {
		t.Errorf("after the largest entry: %+v", *a)
	}
}

// allOrNothing has a gap at the end of what would else be recorded.
func allOrNothing(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch, 1)
	_, _, err := s.Append(ctx, []journal.Entry{
		{Session: id, Report: reportOf(id, 1), SeqNo: 1, Request: &journal.Request{ID: ID(1)}, Order: Order(id, 1, 10)},
		{Session: id, Event: 2, Report: reportOf(id, 2)},
	})
	wants(t, "a gap at the end", err, journal.ErrGap)
	s.checkReports(t, id, 0)
	if got := s.requests(t, id); len(got) != 0 {
		t.Errorf("requests: %v", got)
	}
	if got, err := s.Orders(ctx, ID(1)); err != nil || len(got) != 0 {
		t.Errorf("orders: %v, %v", got, err)
	}
	if a := s.attach(t, id, "one"); a.NextSeqNo != 1 {
		t.Errorf("the session is %+v", *a)
	}
}

func reportsInPages(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch, 1)
	const count = 25
	for n := range count {
		s.report(t, id, n+1)
	}
	s.report(t, Session(epoch, 2), 1)
	for _, test := range []struct {
		from  uint64
		max   int
		first uint64
		count int
	}{
		{1, 10, 1, 10}, {0, 10, 1, 10}, {11, 10, 11, 10}, {21, 10, 21, 5}, {count, 1, count, 1},
		{count + 1, 10, 0, 0}, {1 << 62, 10, 0, 0}, {1, 0, 0, 0}, {1, 1000, 1, count},
	} {
		got, err := s.Reports(ctx, id, test.from, test.max)
		must(t, err)
		if len(got) != test.count {
			t.Fatalf("%d reports from %d on, at most %d; want %d", len(got), test.from, test.max, test.count)
		}
		for i, r := range got {
			n := test.first + uint64(i)
			if r.Number != n || !bytes.Equal(r.Report, reportOf(id, int(n))) {
				t.Fatalf("report %d is number %d: %q", n, r.Number, r.Report)
			}
		}
	}
}

// longReports has more than a page of reports, each as long as one can be.
func longReports(t *testing.T, s *store) {
	id := Session(epoch, 1)
	const count = journal.MaxPage/journal.MaxReport + 10
	var entries []journal.Entry
	for n := range count {
		entries = append(entries, journal.Entry{Session: id, Report: bytes.Repeat([]byte{byte(n)}, journal.MaxReport)})
	}
	s.append(t, entries...)
	for next := uint64(1); next <= count; {
		page, err := s.Reports(context.Background(), id, next, count)
		must(t, err)
		if len(page) == 0 || len(page) == count {
			t.Fatalf("%d reports of %d bytes at once, expected some and not all", len(page), journal.MaxReport)
		}
		for _, r := range page {
			if r.Number != next || len(r.Report) != journal.MaxReport || r.Report[0] != byte(next-1) {
				t.Fatalf("number %d, %d bytes; want number %d", r.Number, len(r.Report), next)
			}
			next++
		}
	}
}

// notAliased changes the bytes of a report after it was recorded.
func notAliased(t *testing.T, s *store) {
	id := Session(epoch, 1)
	report := reportOf(id, 1)
	request := &journal.Request{ID: ID(1), Digest: digest(1)}
	s.append(t, journal.Entry{Session: id, Report: report, Request: request})
	clear(report)
	*request = journal.Request{}
	s.checkReports(t, id, 1)
	if got := s.requests(t, id)[ID(1)]; got.Digest != digest(1) {
		t.Errorf("the request is %+v", got)
	}
}

// requestNumbers has requests that were done out of order.
func requestNumbers(t *testing.T, s *store) {
	id := Session(epoch, 1)
	for _, test := range []struct{ seqNo, want uint64 }{{1, 2}, {0, 2}, {5, 6}, {3, 6}, {5, 6}, {6, 7}} {
		s.append(t, journal.Entry{Session: id, SeqNo: test.seqNo})
		if a := s.attach(t, id, "one"); a.NextSeqNo != test.want {
			t.Fatalf("after request %d, the next is %d, want %d", test.seqNo, a.NextSeqNo, test.want)
		}
	}
}

func requestsDone(t *testing.T, s *store) {
	one, two := Session(epoch, 1), Session(epoch, 2)
	s.append(t,
		journal.Entry{Session: one, Event: 1, Report: reportOf(one, 1)},
		journal.Entry{Session: one, Event: 2, Report: reportOf(one, 2), Request: &journal.Request{ID: ID(1), Digest: digest(1)}},
		journal.Entry{Session: one, Event: 3, Report: reportOf(one, 3)},
		journal.Entry{Session: one, Report: reportOf(one, 4), Request: &journal.Request{ID: ID(2), Digest: digest(2), Report: 99}},
		journal.Entry{Session: one, Request: &journal.Request{ID: ID(3), Digest: digest(3)}},
		journal.Entry{Session: two, Report: reportOf(two, 1), Request: &journal.Request{ID: ID(1), Digest: digest(4)}},
	)
	want := map[int]journal.Request{
		1: {ID: ID(1), Digest: digest(1), Report: 2},
		2: {ID: ID(2), Digest: digest(2), Report: 4},
		3: {ID: ID(3), Digest: digest(3)},
	}
	got := s.requests(t, one)
	if len(got) != len(want) {
		t.Errorf("%d requests, want %d", len(got), len(want))
	}
	for n, r := range want {
		if got[ID(n)] != r {
			t.Errorf("request %d is %+v, want %+v", n, got[ID(n)], r)
		}
	}
	if got := s.requests(t, two); len(got) != 1 || got[ID(1)].Digest != digest(4) || got[ID(1)].Report != 1 {
		t.Errorf("the other session's requests are %v", got)
	}
}

// requestsAgain records requests that were done.
func requestsAgain(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch, 1)
	s.append(t,
		journal.Entry{Session: id, Event: 1, Report: reportOf(id, 1), Request: &journal.Request{ID: ID(1)}},
		journal.Entry{Session: id, Report: reportOf(id, 2), Request: &journal.Request{ID: ID(2), Digest: digest(2)}},
	)
	// Of an event, all is recorded, but the request stays; it only gets a digest.
	s.append(t,
		journal.Entry{Session: id, Event: 2, Report: reportOf(id, 3), Request: &journal.Request{ID: ID(1), Digest: digest(1)}},
		journal.Entry{Session: id, Event: 3, Report: reportOf(id, 4), Request: &journal.Request{ID: ID(2), Digest: digest(3)}},
		journal.Entry{Session: id, Event: 4, Report: reportOf(id, 5), Request: &journal.Request{ID: ID(1), Digest: digest(4)}},
	)
	// A gateway's own is left out, in the same call as well.
	own := func(n, report int) journal.Entry {
		return journal.Entry{
			Session: id, Report: reportOf(id, report), SeqNo: uint64(n),
			Request: &journal.Request{ID: ID(n), Digest: digest(n)},
		}
	}
	numbers, skipped, err := s.Append(ctx, []journal.Entry{own(1, 99), own(3, 6), own(2, 99), own(3, 99)})
	if err != nil || skipped != 3 || len(numbers) != 4 || numbers[0] != 0 || numbers[1] != 6 || numbers[2] != 0 || numbers[3] != 0 {
		t.Fatalf("three of four were done: numbers %v, %d left out, %v", numbers, skipped, err)
	}
	s.checkReports(t, id, 6)
	got := s.requests(t, id)
	for n, report := range map[int]uint64{1: 1, 2: 2, 3: 6} {
		if want := (journal.Request{ID: ID(n), Digest: digest(n), Report: report}); got[ID(n)] != want {
			t.Errorf("request %d is %+v, want %+v", n, got[ID(n)], want)
		}
	}
	if a := s.attach(t, id, "one"); a.NextSeqNo != 4 {
		t.Errorf("the next request is %d, want 4", a.NextSeqNo)
	}
}

// requestsEndEarly has the caller stop, and use the store meanwhile.
func requestsEndEarly(t *testing.T, s *store) {
	ctx := context.Background()
	id := Session(epoch, 1)
	for n := range 3 {
		s.append(t, journal.Entry{Session: id, Request: &journal.Request{ID: ID(n), Digest: digest(n)}})
	}
	calls, enough := 0, errors.New("enough")
	err := s.Requests(ctx, id, func(journal.Request) error {
		calls++
		s.checkCursor(t, 0)
		s.append(t, journal.Entry{Session: id, SeqNo: 1})
		return enough
	})
	if calls != 1 || !errors.Is(err, enough) {
		t.Errorf("%d calls, %v; want one, and its error", calls, err)
	}
}
