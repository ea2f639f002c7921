package enginegrpc

import (
	"errors"
	"sync"
	"time"

	"github.com/zkkex/zkkex/order/engine"
)

// Bounds of what waits for a gateway to be sent.
const (
	// maxWaiting is the most events.
	maxWaiting = 1 << 16
	// stall is how long the engine may be held up by a gateway for which so many
	// wait. It is sent no more then, and can take them up again.
	stall = time.Second
)

var errSlow = errors.New("the gateway takes its events too slowly")

// queue holds events between an engine and the stream to one gateway.
type queue struct {
	mu     sync.Mutex
	events []engine.Event
	ready  chan struct{} // has an element if there are events
	room   chan struct{} // has an element if there are none
}

func newQueue() *queue {
	return &queue{ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// push is what the engine calls with events.
func (q *queue) push(events []engine.Event) error {
	if q.put(events) {
		return nil
	}
	timer := time.NewTimer(stall)
	defer timer.Stop()
	for {
		select {
		case <-q.room:
			if q.put(events) {
				return nil
			}
		case <-timer.C:
			return errSlow
		}
	}
}

// put reports whether there was room.
func (q *queue) put(events []engine.Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) >= maxWaiting {
		return false
	}
	q.events = append(q.events, events...)
	signal(q.ready)
	return true
}

// pop takes all events there are.
func (q *queue) pop() []engine.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	events := q.events
	q.events = nil
	signal(q.room)
	return events
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
