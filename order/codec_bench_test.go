package order

import (
	"bytes"
	"net"
	"testing"
	"time"
)

func sampleOrder() *NewOrderSingle {
	return &NewOrderSingle{
		ClOrdID: ID{0: 0xa1, 15: 0x0f}, Symbol: "ACME/USD", Side: Buy, OrdType: Limit, TimeInForce: GoodTillDate,
		OrderQty: Decimal{15, 1}, Price: Decimal{10125, -2}, TimeToLive: 30 * time.Second, OwnerKey: [32]byte{0: 7, 31: 9},
	}
}

func sampleReport() *ExecutionReport {
	return &ExecutionReport{
		OrderID: OrderID{0: 0xb2, 15: 1}, ClOrdID: ID{0: 0xa1, 15: 0x0f}, ExecID: OrderID{0: 0xc3, 15: 2},
		ExecType: ExecTrade, OrdStatus: StatusPartiallyFilled, Symbol: "ACME/USD", Side: Buy, OrdType: Limit,
		OrderQty: Decimal{15, 1}, Price: Decimal{10125, -2}, LastQty: Decimal{1, 2}, LastPx: Decimal{1012, -1},
		LeavesQty: Decimal{5, 1}, CumQty: Decimal{1, 2},
		TransactTime: time.UnixMilli(1794873600123).UTC(), ExpireTime: time.UnixMilli(1794873630000).UTC(),
	}
}

func BenchmarkClientFrame(b *testing.B) {
	f := ClientFrame{SeqNo: 12345, Request: sampleOrder()}
	encoded, err := AppendClientFrame(nil, f)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var out []byte
		for b.Loop() {
			out, _ = AppendClientFrame(out[:0], f)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		r := wireReader{interned: make(map[string]string)}
		for b.Loop() {
			r.reset(encoded)
			if _, err := r.clientFrame(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("digest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			RequestDigest(f.Request)
		}
	})
}

func BenchmarkVenueFrame(b *testing.B) {
	f := VenueFrame{Report: Numbered{Number: 12345, Report: sampleReport()}}
	encoded, err := AppendVenueFrame(nil, f)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var out []byte
		for b.Loop() {
			out, _ = AppendVenueFrame(out[:0], f)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		r := wireReader{interned: make(map[string]string)}
		for b.Loop() {
			r.reset(encoded)
			if _, err := r.venueFrame(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStream is a batch of 64 orders, written at once and read from memory, per
// order.
func BenchmarkStream(b *testing.B) {
	var batch []ClientFrame
	for i := range uint64(64) {
		batch = append(batch, ClientFrame{SeqNo: i + 1, Request: sampleOrder()})
	}
	var out bytes.Buffer
	client := NewClientStream(&writeConn{out: &out})
	conn := &loopConn{}
	venue := NewStream(conn)
	var frames []ClientFrame
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(batch) {
		out.Reset()
		if err := client.WriteRequests(batch); err != nil {
			b.Fatal(err)
		}
		conn.b = out.Bytes()
		for n := 0; n < len(batch); n += len(frames) {
			var err error
			if frames, err = venue.ReadRequests(frames[:0]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// loopConn is a connection that reads what it is given.
type loopConn struct {
	net.Conn
	b []byte
}

func (c *loopConn) Read(b []byte) (int, error) {
	n := copy(b, c.b)
	c.b = c.b[n:]
	return n, nil
}
