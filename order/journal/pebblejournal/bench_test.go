package pebblejournal_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
)

// BenchmarkAppend records batches of new orders, each with its report and request,
// on disk before it returns.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100, 500} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			path := b.TempDir()
			must(b, pebblejournal.Init(path))
			j, err := pebblejournal.Open(path)
			must(b, err)
			defer j.Close()
			event := uint64(0)
			for b.Loop() {
				b.StopTimer()
				entries := newOrders(&event, size)
				b.StartTimer()
				_, _, err := j.Append(context.Background(), entries)
				must(b, err)
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkAppendParallel records single reports from many goroutines, which share
// syncs.
func BenchmarkAppendParallel(b *testing.B) {
	path := b.TempDir()
	must(b, pebblejournal.Init(path))
	j, err := pebblejournal.Open(path)
	must(b, err)
	defer j.Close()
	var session atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		id := journaltest.Session(20_000, int(session.Add(1)))
		for pb.Next() {
			_, _, err := j.Append(context.Background(), []journal.Entry{{Session: id, Report: make([]byte, 250)}})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func newOrders(event *uint64, size int) []journal.Entry {
	entries := make([]journal.Entry, size)
	for i := range entries {
		*event++
		id := journaltest.Session(20_000, int(*event%200))
		entries[i] = journal.Entry{
			Session: id, Event: *event, Report: make([]byte, 250), SeqNo: *event,
			Request: &journal.Request{ID: journaltest.ID(int(*event))},
			Order:   journaltest.Order(id, int(*event), int64(*event%2)),
		}
	}
	return entries
}
