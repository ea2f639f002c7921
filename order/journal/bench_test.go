package journal_test

import (
	"context"
	"testing"

	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

// BenchmarkMemoryAppend records batches of 100 new orders, each with its report and
// request.
func BenchmarkMemoryAppend(b *testing.B) {
	const size = 100
	m := journal.NewMemory()
	m.Limit = 16 << 30
	entries := make([]journal.Entry, size)
	report := make([]byte, 250)
	event := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range entries {
			event++
			id := journaltest.Session(20_000, int(event%200))
			entries[i] = journal.Entry{
				Session: id, Event: event, Report: report, SeqNo: event,
				Request: &journal.Request{ID: journaltest.ID(int(event))},
				Order:   journaltest.Order(id, int(event), 1),
			}
		}
		b.StartTimer()
		if _, _, err := m.Append(context.Background(), entries); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/entry")
}
