package pgjournal

import (
	"context"
	"os"
	"testing"

	"github.com/zkkex/zkkex/internal/pgtest"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dsn string, o Options) *Store {
	t.Helper()
	s, err := Open(context.Background(), dsn, o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// newPlace returns the DSN of a database with an empty journal.
func newPlace(t testing.TB) string {
	t.Helper()
	dsn := pgtest.Database(t)
	must(t, Init(context.Background(), dsn))
	return dsn
}

func TestStore(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Opener {
		dsn := newPlace(t)
		return func() (journal.Store, error) { return Open(context.Background(), dsn, Options{}) }
	}, journaltest.Durable, journaltest.Shared)
}
