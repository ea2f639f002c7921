package gateway

import (
	"context"
	"encoding/binary"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
)

func memoryStore() journal.Store {
	store := journal.NewMemory()
	store.Limit = 8 << 30
	return store
}

// pebbleStore is a durable journal.
func pebbleStore(b *testing.B) journal.Store {
	dir := filepath.Join(b.TempDir(), "journal")
	if err := pebblejournal.Init(dir); err != nil {
		b.Fatal(err)
	}
	store, err := pebblejournal.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	return store
}

// benchmarkClient is a client on a loopback connection, of a gateway with the book in
// its process.
func benchmarkClient(b *testing.B, store journal.Store) order.ClientStream {
	engine, err := book.New(testInstruments, book.Options{})
	if err != nil {
		b.Fatal(err)
	}
	g, err := Open(b.Context(), Config{
		Engine: engine, Store: store, Name: "a",
		Limits: Limits{OrdersPerSecond: 1 << 30, Burst: 1 << 31, MaxOpenOrders: 1 << 30, MaxRequests: 1 << 40},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { g.Close() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_ = g.Serve(context.Background(), order.NewStream(conn), Peer{Session: testSession(1)})
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	c := order.NewClientStream(conn)
	if err := c.WriteRequests([]order.ClientFrame{{Session: establish()}}); err != nil {
		b.Fatal(err)
	}
	if _, err := c.ReadReports(nil); err != nil {
		b.Fatal(err)
	}
	return c
}

func benchmarkOrder(i int) order.ClientFrame {
	o := &order.NewOrderSingle{
		Symbol: "BTC-USD", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.ImmediateOrCancel,
		OrderQty: order.Decimal{Mantissa: 1}, Price: order.Decimal{Mantissa: 1},
	}
	binary.BigEndian.PutUint64(o.ClOrdID[:], uint64(i)*0x9e3779b97f4a7c15)
	o.ClOrdID[15] = 1
	return order.ClientFrame{SeqNo: uint64(i + 1), Request: o}
}

// BenchmarkRoundTrip is one order at a time, to its acknowledgement.
func BenchmarkRoundTrip(b *testing.B)        { benchmarkRoundTrip(b, memoryStore()) }
func BenchmarkRoundTripDurable(b *testing.B) { benchmarkRoundTrip(b, pebbleStore(b)) }

func benchmarkRoundTrip(b *testing.B, store journal.Store) {
	c := benchmarkClient(b, store)
	var reports []order.VenueFrame
	took := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		start := time.Now()
		if err := c.WriteRequests([]order.ClientFrame{benchmarkOrder(i)}); err != nil {
			b.Fatal(err)
		}
		var err error
		if reports, err = c.ReadReports(reports[:0]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-us")
}

// BenchmarkPipelined keeps many orders under way. The client's own work is part of
// it.
func BenchmarkPipelined(b *testing.B)        { benchmarkPipelined(b, memoryStore()) }
func BenchmarkPipelinedDurable(b *testing.B) { benchmarkPipelined(b, pebbleStore(b)) }

func benchmarkPipelined(b *testing.B, store journal.Store) {
	c := benchmarkClient(b, store)
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		var batch []order.ClientFrame
		for i := range b.N {
			if batch = append(batch, benchmarkOrder(i)); len(batch) == 64 || i == b.N-1 {
				if c.WriteRequests(batch) != nil {
					return
				}
				batch = batch[:0]
			}
		}
	}()
	var reports []order.VenueFrame
	for n := 0; n < b.N; {
		var err error
		if reports, err = c.ReadReports(reports[:0]); err != nil {
			b.Fatal(err)
		}
		for _, r := range reports {
			if e, ok := r.Report.Report.(*order.ExecutionReport); ok && e.ExecType == order.ExecCanceled {
				n++
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}

// BenchmarkDo is the gateway's own part: no connection, no codec but the journal's.
func BenchmarkDo(b *testing.B) {
	engine, err := book.New(testInstruments, book.Options{})
	if err != nil {
		b.Fatal(err)
	}
	g, err := Open(b.Context(), Config{
		Engine: engine, Store: memoryStore(), Name: "a",
		Limits: Limits{OrdersPerSecond: 1 << 30, Burst: 1 << 31, MaxOpenOrders: 1 << 30, MaxRequests: 1 << 40},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { g.Close() })
	s, err := g.Attach(b.Context(), Attach{Session: testSession(1), Deliver: func([]order.Numbered) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	batch := make([]order.ClientFrame, 0, 64)
	for i := range b.N {
		if batch = append(batch, benchmarkOrder(i)); len(batch) == 64 || i == b.N-1 {
			if err := s.Do(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}
