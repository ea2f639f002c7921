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

// empty makes a journal that nobody has open as Init made it, but for partitions:
// a new database for each of many tests takes longer than they.
const empty = `
delete from zkkex_journal.gateway; delete from zkkex_journal.session; delete from zkkex_journal.alias;
delete from zkkex_journal.ban; delete from zkkex_journal.append; delete from zkkex_journal.fix;
delete from zkkex_journal.report; delete from zkkex_journal.request; delete from zkkex_journal.orders; delete from zkkex_journal.fix_message;
update zkkex_journal.state set cursor = 0; update zkkex_journal.venue set halted = false, pruned = 0`

func TestStore(t *testing.T) {
	dsn := newPlace(t)
	journaltest.Run(t, func(t *testing.T) journaltest.Opener {
		pgtest.Shared(t).ExecIn(t, dsn, empty)
		return func() (journal.Store, error) { return Open(context.Background(), dsn, Options{}) }
	}, journaltest.Durable, journaltest.Shared)
}
