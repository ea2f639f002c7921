package fixedge

import (
	"bytes"
	"runtime"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/order/journal"
)

// serving counts goroutines that carry connections, here and in quickfix's acceptor.
func serving() (n int) {
	b := make([]byte, 4<<20)
	b = b[:runtime.Stack(b, true)]
	for _, by := range []string{"fixedge.(*conn).carry", "quickfix.(*Acceptor).listenForConnections", "quickfix.(*Acceptor).dynamicSessionsLoop"} {
		n += bytes.Count(b, []byte("/"+by+" in goroutine"))
	}
	return n
}

// Connections leave nothing behind, however they end. It is not parallel: it counts
// goroutines.
func TestNothingIsLeft(t *testing.T) {
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	first := dialRaw(t, v)
	first.send(testLogon(unique(t, "first")))
	if m, err := first.read(); err != nil || m.kind != kindLogon {
		t.Fatalf("got %v, %v, want a Logon", m, err)
	}
	if serving() == 0 {
		t.Fatal("a connection that is there is not counted")
	}
	var clients sync.WaitGroup
	for i := range 16 {
		comp := unique(t, "x")
		r := dialRaw(t, v)
		clients.Go(func() {
			defer r.conn.Close()
			logon := testLogon(comp)
			if i%4 == 3 {
				logon = testLogon(comp, field{tagHeartBtInt, "0"})
			}
			if _, err := r.conn.Write(logon.append(nil)); err != nil || i%4 == 2 {
				return
			}
			if _, err := r.read(); err != nil || i%4 == 1 {
				return
			}
			_, _ = r.conn.Write((&message{kind: kindLogout, fields: []field{
				{tagSenderCompID, comp}, {tagTargetCompID, DefaultCompID}, {tagMsgSeqNum, "2"}, {tagSendingTime, now()},
			}}).append(nil))
			_, _ = r.read()
		})
	}
	clients.Wait()
	first.conn.Close()
	waitFor(t, "the end of all goroutines", func() bool { return serving() == 0 })
	if n := v.gateway.Status().Sessions; n != 0 {
		t.Errorf("%d sessions are attached, want none", n)
	}
	v.edge.mu.Lock()
	defer v.edge.mu.Unlock()
	if len(v.edge.conns)+len(v.edge.active) != 0 {
		t.Errorf("%d connections and %d sessions are remembered", len(v.edge.conns), len(v.edge.active))
	}
}
