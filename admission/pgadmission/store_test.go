package pgadmission

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dsn string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dsn, Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func newStore(t testing.TB) (*Store, string) {
	t.Helper()
	dsn := pgtest.Database(t)
	must(t, Init(context.Background(), dsn))
	return open(t, dsn), dsn
}

// empty makes a store that nobody has open as Init made it: a new database for each
// of many tests takes longer than they.
const empty = `
do $$ declare partition regclass; begin
	for partition in select inhrelid::regclass from pg_inherits where inhparent in
		('zkkex_admission.record'::regclass, 'zkkex_admission.open'::regclass, 'zkkex_admission.ban'::regclass)
	loop
		execute 'drop table ' || partition;
	end loop;
	update zkkex_admission.closed set until = -1;
end $$`

func TestStore(t *testing.T) {
	_, dsn := newStore(t)
	admissiontest.Run(t, func(t *testing.T) admission.Store {
		pgtest.Shared(t).ExecIn(t, dsn, empty)
		return open(t, dsn)
	})
}

// handles hands calls to several stores on one database in turn.
type handles struct {
	all  []*Store
	next chan int
}

func (h handles) pick() *Store {
	i := <-h.next
	h.next <- (i + 1) % len(h.all)
	return h.all[i]
}

func (h handles) Admit(ctx context.Context, r *admission.Record) (*admission.Record, bool, error) {
	return h.pick().Admit(ctx, r)
}
func (h handles) ByKey(ctx context.Context, s admission.Shard, key [32]byte) (*admission.Record, error) {
	return h.pick().ByKey(ctx, s, key)
}
func (h handles) ByNullifier(ctx context.Context, s admission.Shard, n zkkex.Nullifier) (*admission.Record, error) {
	return h.pick().ByNullifier(ctx, s, n)
}
func (h handles) Spend(ctx context.Context, s admission.Shard, n zkkex.Nullifier, counter uint32, durable bool) error {
	return h.pick().Spend(ctx, s, n, counter, durable)
}
func (h handles) Ban(ctx context.Context, s admission.Shard, p admission.Pseudonym) error {
	return h.pick().Ban(ctx, s, p)
}
func (h handles) Bans(ctx context.Context, s admission.Shard) ([]admission.Pseudonym, error) {
	return h.pick().Bans(ctx, s)
}
func (h handles) Prune(ctx context.Context, cutoff time.Time) error {
	return h.pick().Prune(ctx, cutoff)
}

// TestSeveralGateways has every call made by another one of three gateways.
func TestSeveralGateways(t *testing.T) {
	_, dsn := newStore(t)
	admissiontest.Run(t, func(t *testing.T) admission.Store {
		pgtest.Shared(t).ExecIn(t, dsn, empty)
		h := handles{[]*Store{open(t, dsn), open(t, dsn), open(t, dsn)}, make(chan int, 1)}
		h.next <- 0
		return h
	})
}
