package pgadmission

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/internal/pgtest"
)

const database = "venue"

// newPair starts a primary with a store, and its standby; the DSN has both.
func newPair(t *testing.T, sync bool) (primary, standby *pgtest.Cluster, dsn string) {
	t.Helper()
	primary, standby = pgtest.Pair(t, sync)
	primary.Exec(t, "create database "+database+" owner "+pgtest.Role)
	must(t, Init(context.Background(), primary.DSN(database)))
	return primary, standby, pgtest.DSN(database, primary, standby)
}

// use admits and opens certificate n, and again until the store can tell.
func use(ctx context.Context, s *Store, n int) error {
	r, err := admissiontest.NewRecord(epoch, n, n)
	if err != nil {
		return err
	}
	shard, err := r.Shard()
	if err != nil {
		return err
	}
	_, _, err = s.Admit(ctx, r)
	for errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
		_, _, err = s.Admit(ctx, r)
	}
	if err != nil {
		return err
	}
	err = s.Spend(ctx, shard, r.Statement.Nullifier, 0, true)
	for errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
		err = s.Spend(ctx, shard, r.Statement.Nullifier, 0, true)
	}
	var spent *admission.SpentError
	if errors.As(err, &spent) {
		return nil // by an attempt without an answer
	}
	return err
}

// TestFailOver kills the primary while certificates are admitted, and makes the
// standby the primary. The same stores find it, and it has forgotten nothing. The
// old primary comes back, first in the DSN: nobody works with it.
func TestFailOver(t *testing.T) {
	t.Parallel()
	const workers, each, before = 8, 100, 200
	primary, standby, dsn := newPair(t, true)
	s, err := Open(context.Background(), dsn, Options{Timeout: time.Minute})
	must(t, err)
	ctx := context.Background()
	over := admissiontest.Record(t, epoch-1, 1, 1)
	_, _, err = s.Admit(ctx, over)
	must(t, err)
	shard, err := over.Shard()
	must(t, err)
	must(t, s.Prune(ctx, shard.End))
	var acknowledged atomic.Int64
	killed := make(chan struct{})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if err := use(ctx, s, w*each+i); err != nil {
					t.Error(err)
					return
				}
				if acknowledged.Add(1) == before {
					close(killed)
				}
			}
		})
	}
	<-killed
	primary.Kill(t)
	t.Logf("the primary was killed after %d certificates", acknowledged.Load())
	standby.Promote(t)
	wg.Wait()
	must(t, s.Close())
	primary.Restart(t)
	after := open(t, dsn)
	if got := standby.Query(t, standby.DSN(database), "select count(*) > 0 from pg_stat_activity where application_name = 'zkkex'"); got != "t" {
		t.Error("the store is on the primary that was replaced")
	}
	checkAll(t, after, workers*each)
	if _, _, err := after.Admit(ctx, over); !errors.Is(err, admission.ErrClosed) {
		t.Errorf("admitted in an epoch that was pruned: %v, want %v", err, admission.ErrClosed)
	}
}

// TestFailOverForgets plants the fault that the others look for: commits do not
// wait for the standby, which lags. The same check finds that certificates are
// forgotten; and a store that demands a replica does not work with such a server.
func TestFailOverForgets(t *testing.T) {
	t.Parallel()
	const n = 50
	primary, standby, dsn := newPair(t, false)
	s := open(t, dsn)
	must(t, use(context.Background(), s, 1_000)) // the partition is there
	primary.Replicated(t)
	standby.Sever(t, primary)
	for i := range n {
		must(t, use(context.Background(), s, i))
	}
	var setting *SettingError
	if _, err := Open(context.Background(), dsn, Options{RequireReplicas: 1}); !errors.As(err, &setting) || setting.Setting != "synchronous_standby_names" {
		t.Errorf("a replica is demanded: %v, want *SettingError", err)
	}
	primary.Kill(t)
	standby.Promote(t)
	if lost := forgotten(t, open(t, dsn), n); lost != n {
		t.Errorf("%d certificates were forgotten, expected that all %d are: the check sees nothing", lost, n)
	}
}

// TestStandbyLost has the standby gone: nothing is admitted, no other gateway sees
// what is not replicated, and after a fail-over the slot is free.
func TestStandbyLost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	primary, standby, dsn := newPair(t, true)
	s, err := Open(ctx, dsn, Options{Timeout: time.Second, RequireReplicas: 1})
	must(t, err)
	other := open(t, dsn)
	must(t, use(ctx, s, 1))
	must(t, use(ctx, other, 2)) // has a connection from before
	standby.Sever(t, primary)
	r := admissiontest.Record(t, epoch, 3, 3)
	if _, _, err := s.Admit(ctx, r); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("without the standby: %v, want %v", err, ErrUnavailable)
	}
	shard, err := r.Shard()
	must(t, err)
	for range 20 {
		if got, err := other.ByKey(ctx, shard, r.Key); got != nil {
			t.Fatalf("another gateway sees what is not replicated: %+v, %v", got, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	primary.Kill(t)
	standby.Promote(t)
	must(t, s.Close())
	after := open(t, dsn)
	for n := 1; n <= 2; n++ {
		var taken *admission.TakenError
		if _, _, err := after.Admit(ctx, admissiontest.Record(t, epoch, n, n+1_000_000)); !errors.As(err, &taken) {
			t.Errorf("certificate %d is forgotten: %v", n, err)
		}
	}
	if got, err := after.ByNullifier(ctx, shard, r.Statement.Nullifier); got != nil || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	must(t, use(ctx, after, 3))
}
