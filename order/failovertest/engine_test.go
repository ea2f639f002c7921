package failovertest

import (
	"context"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
)

// engineLog is all that the matching engine did, taken from it directly: what
// clients must have been told.
type engineLog struct {
	mu       sync.Mutex
	sessions map[order.SessionID][]*order.ExecutionReport
	owners   map[order.OrderID]order.SessionID
}

// follow begins to take an engine's events.
func follow(t testing.TB, address string) *engineLog {
	t.Helper()
	client, err := enginegrpc.Dial(t.Context(), enginegrpc.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &engineLog{sessions: map[order.SessionID][]*order.ExecutionReport{}, owners: map[order.OrderID]order.SessionID{}}
	var running sync.WaitGroup
	running.Go(func() {
		err := client.Events(ctx, 0, func(events []engine.Event) error {
			l.take(events)
			return nil
		})
		if ctx.Err() == nil {
			t.Errorf("the engine's events: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		_ = client.Close()
	})
	return l
}

func (l *engineLog) take(events []engine.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		if r, ok := e.Report.(*order.ExecutionReport); ok {
			l.sessions[e.Session] = append(l.sessions[e.Session], r)
			l.owners[r.OrderID] = e.Session
		}
	}
}

// reports are the execution reports of a session, in order.
func (l *engineLog) reports(session order.SessionID) []*order.ExecutionReport {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[session]
}

// owner returns the session of an order.
func (l *engineLog) owner(id order.OrderID) (order.SessionID, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	session, known := l.owners[id]
	return session, known
}

// once demands that no order of a session was entered twice, and returns how many
// were.
func (l *engineLog) once(t testing.TB, who string, session order.SessionID) int {
	t.Helper()
	entered := map[order.OrderID]int{}
	for _, r := range l.reports(session) {
		if r.ExecType == order.ExecNew {
			entered[r.OrderID]++
		}
	}
	for id, n := range entered {
		if n != 1 {
			t.Errorf("%s: the engine entered order %s %d times", who, id, n)
		}
	}
	return len(entered)
}
