// Package journaltest tests that a store keeps the contract of
// [github.com/zkkex/zkkex/order/journal.Store].
package journaltest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// Opener opens a store on a place of its own, such as a folder or a database. The
// test closes what it opened.
type Opener func() (journal.Store, error)

// Option says what a kind of store can do beyond the contract.
type Option int

const (
	// Durable is for a store that holds, when it is opened again, what it held when
	// it was closed.
	Durable Option = iota + 1
	// Shared is for a store of which several can be open on one place. It includes
	// [Durable].
	Shared
)

// Run tests a kind of store. Every call of place makes an empty place, and returns
// what opens it.
func Run(t *testing.T, place func(t *testing.T) Opener, options ...Option) {
	shared := slices.Contains(options, Shared)
	sections := []map[string]func(*testing.T, *store){sessions, appends, orders, fix, prunes, concurrent, failing}
	if shared || slices.Contains(options, Durable) {
		sections = append(sections, durable)
	}
	for _, section := range sections {
		for name, test := range section {
			t.Run(name, func(t *testing.T) {
				opener := place(t)
				test(t, &store{Store: open(t, opener), opener: opener})
			})
			if shared {
				t.Run(name+", several handles", func(t *testing.T) {
					opener := place(t)
					test(t, &store{Store: newHandles(t, opener), opener: opener, shared: true})
				})
			}
		}
	}
}

// store is the store under test.
type store struct {
	journal.Store
	opener Opener
	shared bool
}

// open opens a store that is closed when the test ends.
func open(t *testing.T, opener Opener) journal.Store {
	t.Helper()
	s, err := opener()
	must(t, err)
	t.Cleanup(func() { _ = s.Close() }) // tests of closing have closed it
	return s
}

// reopen closes the store and opens it again.
func (s *store) reopen(t *testing.T) {
	t.Helper()
	must(t, s.Close())
	if s.shared {
		s.Store = newHandles(t, s.opener)
		return
	}
	s.Store = open(t, s.opener)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants expects an error that wraps want.
func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: %v, want an error wrapping: %v", what, err, want)
	}
}

// epoch is the one that most tests are in.
const epoch = 20_000

// now is when tests are. Stores with a clock of their own differ.
var now = time.UnixMilli(1_763_750_000_123).UTC()

// Session returns the n-th session of an epoch.
func Session(epoch uint64, n int) order.SessionID {
	return order.NewSessionID(epoch, fmt.Appendf(nil, "pseudonym %d", n))
}

// ID returns the n-th ID.
func ID(n int) order.ID {
	h := sha256.Sum256(fmt.Appendf(nil, "order %d", n))
	return order.ID(h[:order.IDSize])
}

func digest(n int) [32]byte { return sha256.Sum256(fmt.Appendf(nil, "request %d", n)) }

// reportOf returns bytes that take the place of an encoded report.
func reportOf(s order.SessionID, n int) []byte { return fmt.Appendf(nil, "report %d of %v", n, s) }

// Order returns a session's order under the n-th ID, with the quantity that is
// left of 10.
func Order(s order.SessionID, n int, left int64) *engine.Order {
	id := ID(n)
	o := &engine.Order{
		ID:          order.NewOrderID(s, id),
		Session:     s,
		ClOrdID:     id,
		OwnerKey:    digest(n),
		Symbol:      "XAU-EUR",
		Open:        left > 0,
		Expires:     now.Add(time.Hour),
		Place:       uint64(n),
		TimeInForce: order.GoodTillDate,
		ExecInst:    order.ParticipateDontInitiate,
	}
	status := order.StatusNew
	switch {
	case left == 0:
		status = order.StatusFilled
	case left < 10:
		status = order.StatusPartiallyFilled
	}
	o.Report = &order.ExecutionReport{
		OrderID: o.ID, ClOrdID: id, ExecID: order.NewOrderID(s, ID(n+1_000_000)),
		ExecType: order.ExecNew, OrdStatus: status,
		Symbol: o.Symbol, Side: order.Buy, OrdType: order.Limit,
		OrderQty: decimal(10), Price: decimal(101),
		LeavesQty: decimal(left), CumQty: decimal(10 - left),
		TransactTime: now, ExpireTime: o.Expires,
	}
	return o
}

func decimal(n int64) order.Decimal {
	d, err := order.NewDecimal(n, 0)
	if err != nil {
		panic(err) // a number of this package
	}
	return d
}

// attach attaches a session to a gateway for one second of grace.
func (s *store) attach(t *testing.T, id order.SessionID, gateway string) *journal.Session {
	t.Helper()
	attached, err := s.Attach(context.Background(), id, gateway, time.Second, false)
	must(t, err)
	return attached
}

// append records entries, of which none is known.
func (s *store) append(t *testing.T, entries ...journal.Entry) []uint64 {
	t.Helper()
	numbers, skipped, err := s.Append(context.Background(), entries)
	must(t, err)
	if skipped != 0 || len(numbers) != len(entries) {
		t.Fatalf("%d entries got the numbers %v, and %d were left out", len(entries), numbers, skipped)
	}
	return numbers
}

// report records a session's n-th report, which has no event.
func (s *store) report(t *testing.T, id order.SessionID, n int) {
	t.Helper()
	if got := s.append(t, journal.Entry{Session: id, Report: reportOf(id, n)}); got[0] != uint64(n) {
		t.Fatalf("report %d got the number %d", n, got[0])
	}
}

// checkReports expects that a session has exactly so many reports.
func (s *store) checkReports(t *testing.T, id order.SessionID, count int) {
	t.Helper()
	reports, err := s.Reports(context.Background(), id, 1, count+1)
	must(t, err)
	if len(reports) != count {
		t.Fatalf("%d reports, want %d", len(reports), count)
	}
	for i, r := range reports {
		if want := reportOf(id, i+1); r.Number != uint64(i+1) || string(r.Report) != string(want) {
			t.Fatalf("report %d is number %d: %q, want %q", i+1, r.Number, r.Report, want)
		}
	}
	last, err := s.LastReport(context.Background(), id)
	must(t, err)
	if last != uint64(count) {
		t.Fatalf("the last report is number %d, want %d", last, count)
	}
}

func (s *store) checkCursor(t *testing.T, want uint64) {
	t.Helper()
	got, err := s.Cursor(context.Background())
	must(t, err)
	if got != want {
		t.Fatalf("the last event is %d, want %d", got, want)
	}
}

func (s *store) requests(t *testing.T, id order.SessionID) map[order.ID]journal.Request {
	t.Helper()
	out := make(map[order.ID]journal.Request)
	must(t, s.Requests(context.Background(), id, func(r journal.Request) error {
		if _, twice := out[r.ID]; twice {
			t.Errorf("request %v comes twice", r.ID)
		}
		out[r.ID] = r
		return nil
	}))
	return out
}
