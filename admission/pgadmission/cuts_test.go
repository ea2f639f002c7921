package pgadmission

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/internal/pgtest"
)

const epoch = 500_000

// TestCutConnections admits and opens through connections that are cut at any
// place, also between a commit and its acknowledgement. Each certificate is
// admitted by one call, which must be told that it was the first; then a second
// gateway finds everything, and nothing more.
func TestCutConnections(t *testing.T) {
	const workers, each = 16, 60
	ctx := context.Background()
	_, dsn := newStore(t)
	proxy, cut := pgtest.NewProxy(t, dsn)
	s, err := Open(ctx, cut, Options{})
	must(t, err)
	var undecided atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				r := admissiontest.Record(t, epoch, w*each+i, w*each+i)
				shard, err := r.Shard()
				if err != nil {
					t.Error(err)
					return
				}
				told := false // that it is unknown: then, it may have been recorded
				for {
					_, fresh, err := s.Admit(ctx, r)
					if err == nil && !fresh && !told {
						t.Errorf("certificate %d was admitted by nobody else, and is not fresh", w*each+i)
					}
					if err == nil {
						break
					}
					told = true
					undecided.Add(1)
					if !errors.Is(err, ErrUnavailable) {
						t.Error(err)
						return
					}
				}
				told = false
				for {
					var spent *admission.SpentError
					err := s.Spend(ctx, shard, r.Statement.Nullifier, 0, i%2 == 0)
					if err == nil || told && errors.As(err, &spent) {
						break
					}
					told = true
					undecided.Add(1)
					if !errors.Is(err, ErrUnavailable) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	proxy.Calm()
	must(t, s.Close())
	t.Logf("%d connections were cut, and %d calls remained without an answer", proxy.Cuts(), undecided.Load())
	if proxy.Cuts() < 5 {
		t.Errorf("only %d connections were cut", proxy.Cuts())
	}
	checkAll(t, open(t, dsn), workers*each)
	for table, want := range map[string]string{"record": "960", "open": "960"} {
		if got := pgtest.Shared(t).Query(t, dsn, "select count(*) from zkkex_admission."+table); got != want {
			t.Errorf("%s rows in %s, want %s", got, table, want)
		}
	}
}

// checkAll expects that certificates 0 to n-1 stand, and are opened.
func checkAll(t *testing.T, s *Store, n int) {
	t.Helper()
	if lost := forgotten(t, s, n); lost != 0 {
		t.Errorf("%d of %d certificates were admitted and opened, and are forgotten", lost, n)
	}
}

// forgotten counts those of certificates 0 to n-1 whose nullifier is free, or that
// can be opened again. It uses the nullifiers up.
func forgotten(t *testing.T, s *Store, n int) (lost int) {
	t.Helper()
	var count atomic.Int64
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := w; i < n; i += 16 {
				ctx := context.Background()
				want := admissiontest.Record(t, epoch, i, i)
				shard, err := want.Shard()
				if err != nil {
					t.Error(err)
					return
				}
				// Another certificate of the same slot, as a cheat would show it.
				_, _, err = s.Admit(ctx, admissiontest.Record(t, epoch, i, i+1_000_000))
				var taken *admission.TakenError
				var spent *admission.SpentError
				if errors.As(err, &taken) && taken.By == want.Certificate {
					err = s.Spend(ctx, shard, want.Statement.Nullifier, 0, true)
				}
				switch {
				case errors.As(err, &spent):
				case err == nil:
					count.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return int(count.Load())
}
