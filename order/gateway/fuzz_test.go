package gateway

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/journal"
)

// script frames what a client sends.
func script(t testing.TB, frames ...order.ClientFrame) []byte {
	out := []byte(order.Preamble)
	for _, f := range frames {
		body, err := order.AppendClientFrame(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(body))), body...)
	}
	return out
}

// FuzzServe feeds a gateway arbitrary bytes: it answers or hangs up, and goes on
// with others.
func FuzzServe(f *testing.F) {
	tr := &trader{t: f, id: testSession(1)}
	o := tr.order(order.Buy, 90, 1)
	f.Add(script(f, order.ClientFrame{Session: establish()}, order.ClientFrame{SeqNo: 1, Request: o},
		order.ClientFrame{SeqNo: 3, Request: &order.OrderCancelRequest{ClOrdID: order.ID{1}, OrigClOrdID: o.ClOrdID}},
		order.ClientFrame{SeqNo: 4, Request: &order.OrderMassStatusRequest{ID: order.ID{2}}},
		order.ClientFrame{Session: &order.RetransmitRequest{FromReport: 1, Count: 10}},
		order.ClientFrame{Session: &order.Terminate{Finish: true}}))
	f.Add(script(f, order.ClientFrame{Session: establish()}, order.ClientFrame{Session: &order.Sequence{NextSeqNo: 1 << 40}},
		order.ClientFrame{SeqNo: 1, Request: &order.OrderMassCancelRequest{ClOrdID: order.ID{3}}},
		order.ClientFrame{Session: establish()}))
	f.Add(script(f, order.ClientFrame{SeqNo: 1, Request: o}))
	f.Add([]byte(order.Preamble + "\xff\xff\xff\xff"))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		b, err := book.New(testInstruments, book.Options{})
		if err != nil {
			t.Fatal(err)
		}
		g, err := Open(context.Background(), Config{Engine: b, Store: journal.NewMemory(), Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		client, server := net.Pipe()
		served := make(chan struct{})
		go func() {
			_ = g.Serve(context.Background(), order.NewStream(server), Peer{Session: testSession(1)})
			close(served)
		}()
		go func() {
			_, _ = client.Write(sent)
			// What is in the middle of a frame is never completed.
			_ = client.SetWriteDeadline(time.Now())
		}()
		drained := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, client)
			close(drained)
		}()
		late := time.AfterFunc(50*time.Millisecond, func() { client.Close() })
		defer late.Stop()
		<-served
		client.Close()
		<-drained
		if s := g.Status(); s.Sessions != 0 {
			t.Fatalf("%+v, expected that the session is gone", s)
		}
		if err := g.Ready(); err != nil {
			t.Fatalf("the gateway was brought down: %v", err)
		}
	})
}
