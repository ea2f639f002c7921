package fixedge

import (
	"runtime"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/order/journal"
)

// Connections leave nothing behind, however they end. It is not parallel: it counts
// goroutines.
func TestNothingIsLeft(t *testing.T) {
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	first := dialRaw(t, v)
	first.send(testLogon(unique(t, "first")))
	if m, err := first.read(); err != nil || m.kind != kindLogon {
		t.Fatalf("got %v, %v, want a Logon", m, err)
	}
	before := runtime.NumGoroutine()
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
	// Each way to end is taken four times; what is less was begun late by the first
	// connection.
	waitFor(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() < before+4 })
	if n := v.gateway.Status().Sessions; n != 1 {
		t.Errorf("%d sessions are attached, want the one that is there", n)
	}
}
