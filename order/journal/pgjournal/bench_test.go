package pgjournal

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/zkkex/zkkex/internal/pgtest"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

// BenchmarkAppend records new orders: an event, a report of 200 bytes, a request
// and the order's state each, of 50 sessions.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("alone/%d", size), func(b *testing.B) { benchmarkAppend(b, newPlace(b), size) })
	}
	primary, _ := pgtest.Pair(b, true)
	dsn := primary.Database(b)
	must(b, Init(context.Background(), dsn))
	b.Run("standby/500", func(b *testing.B) { benchmarkAppend(b, dsn, 500) })
}

func benchmarkAppend(b *testing.B, dsn string, size int) {
	const sessions = 50
	ctx := context.Background()
	s := open(b, dsn, Options{})
	event, err := s.Cursor(ctx)
	must(b, err)
	report := bytes.Repeat([]byte{7}, 200)
	batches := make([][]journal.Entry, b.N)
	for i := range batches {
		for range size {
			event++
			id := journaltest.Session(epoch, int(event)%sessions)
			batches[i] = append(batches[i], journal.Entry{
				Session: id, Event: event, Report: report, SeqNo: event,
				Request: &journal.Request{ID: journaltest.ID(int(event))}, Order: journaltest.Order(id, int(event), 10),
			})
		}
	}
	b.ResetTimer()
	for _, entries := range batches {
		if _, _, err := s.Append(ctx, entries); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "entries/s")
}
