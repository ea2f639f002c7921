package pgjournal

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/internal/pgtest"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

// TestDamaged plants rows that are not what was written: the store says so.
func TestDamaged(t *testing.T) {
	ctx := context.Background()
	dsn := newPlace(t)
	s := open(t, dsn, Options{})
	id := journaltest.Session(epoch, 1)
	_, _, err := s.Append(ctx, []journal.Entry{{
		Session: id, Report: []byte("report"), Request: &journal.Request{ID: journaltest.ID(1)}, Order: journaltest.Order(id, 1, 10),
	}})
	must(t, err)
	orders := func() error { return s.OpenOrders(ctx, func(*engine.Order) error { return nil }) }
	requests := func() error { return s.Requests(ctx, id, func(journal.Request) error { return nil }) }
	for _, planted := range []struct {
		sql  string
		call func() error
	}{
		{"update zkkex_journal.request set digest = 'short'", requests},
		{"update zkkex_journal.orders set report = 'short'", orders},
		{"update zkkex_journal.orders set report = null, quote = 'short'", orders},
		{"update zkkex_journal.orders set quote = null, owner_key = 'short'", orders},
	} {
		pgtest.Shared(t).ExecIn(t, dsn, planted.sql)
		if err := planted.call(); !errors.Is(err, ErrDamaged) || !errors.Is(err, journal.ErrUnavailable) {
			t.Errorf("%s: %v, want %v", planted.sql, err, ErrDamaged)
		}
	}
}

// TestOpenSaysWhatIsMissing opens what is no journal.
func TestOpenSaysWhatIsMissing(t *testing.T) {
	ctx := context.Background()
	dsn := pgtest.Database(t)
	if _, err := Open(ctx, dsn, Options{}); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "pgjournal.Init") {
		t.Errorf("%v, want %v and what to run", err, ErrMissing)
	}
	must(t, Init(ctx, dsn))
	must(t, Init(ctx, dsn)) // again does nothing
	pgtest.Shared(t).ExecIn(t, dsn, "update zkkex_journal.version set number = 99")
	if _, err := Open(ctx, dsn, Options{}); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer journal: %v, want %v", err, ErrVersion)
	}
	if _, err := Open(ctx, "host=x port=y password=secret", Options{}); !errors.Is(err, ErrDSN) || strings.Contains(err.Error(), "secret") {
		t.Errorf("no DSN: %v, want %v", err, ErrDSN)
	}
}

// TestLargestNumbers has numbers that no signed integer holds: places keep their
// order, and epochs are refused.
func TestLargestNumbers(t *testing.T) {
	ctx := context.Background()
	s := open(t, newPlace(t), Options{})
	id := journaltest.Session(epoch, 1)
	places := []uint64{0, 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64}
	for i := range places {
		o := journaltest.Order(id, i, 10)
		o.Place = places[len(places)-1-i]
		_, _, err := s.Append(ctx, []journal.Entry{{Session: id, Order: o}})
		must(t, err)
	}
	var got []uint64
	must(t, s.OpenOrders(ctx, func(o *engine.Order) error {
		got = append(got, o.Place)
		return nil
	}))
	if len(got) != len(places) {
		t.Fatalf("%d orders, want %d", len(got), len(places))
	}
	for i := range got {
		if got[i] != places[i] {
			t.Errorf("the places are %d, want %d", got, places)
		}
	}
	far := order.SessionID{Epoch: math.MaxInt64 + 1, ID: id.ID}
	_, attached := s.Attach(ctx, far, "one", 0, false)
	_, _, appended := s.Append(ctx, []journal.Entry{{Session: far, Report: []byte("report")}})
	for call, err := range map[string]error{"Attach": attached, "Append": appended, "Ban": s.Ban(ctx, far)} {
		if !errors.Is(err, journal.ErrEntry) {
			t.Errorf("%s: %v, want %v", call, err, journal.ErrEntry)
		}
	}
}
