package pgadmission

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/internal/pgtest"
)

// callers is how many call at once, per core.
const callers = 256

// stores returns a store on a server alone, or on one with a synchronous standby.
func stores(b *testing.B, f func(b *testing.B, s *Store)) {
	b.Run("alone", func(b *testing.B) {
		s, _ := newStore(b)
		f(b, s)
	})
	b.Run("standby", func(b *testing.B) {
		primary, _ := pgtest.Pair(b, true)
		dsn := primary.Database(b)
		must(b, Init(context.Background(), dsn))
		f(b, open(b, dsn))
	})
}

// BenchmarkAdmit is insert-if-absent of new certificates by many callers.
func BenchmarkAdmit(b *testing.B) {
	stores(b, func(b *testing.B, s *Store) {
		records := make([]*admission.Record, b.N)
		for i := range records {
			records[i] = admissiontest.Record(b, epoch, i, i)
		}
		var next atomic.Int64
		b.SetParallelism(callers)
		b.ResetTimer()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if _, fresh, err := s.Admit(context.Background(), records[next.Add(1)-1]); err != nil || !fresh {
					b.Error(fresh, err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "admissions/s")
	})
}

// BenchmarkByKey is the look-up of a connection's certificate.
func BenchmarkByKey(b *testing.B) {
	s, _ := newStore(b)
	r := admissiontest.Record(b, epoch, 1, 1)
	_, _, err := s.Admit(context.Background(), r)
	must(b, err)
	shard, err := r.Shard()
	must(b, err)
	for b.Loop() {
		if got, err := s.ByKey(context.Background(), shard, r.Key); err != nil || got == nil {
			b.Fatal(got, err)
		}
	}
}
