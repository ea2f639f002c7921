package cli

import (
	"sync"
	"time"
)

// slow is how long something takes before a person wants to know what it is.
const slow = time.Second

// waiting is what the person waits for.
type waiting struct {
	mu    sync.Mutex
	timer *time.Timer
}

// progress says what is being done if it is not done within a second, in place
// of what was being done before. The function it returns ends the waiting.
func (a *app) progress(msg string, args ...any) (done func()) {
	a.waiting.mu.Lock()
	defer a.waiting.mu.Unlock()
	if a.waiting.timer != nil {
		a.waiting.timer.Stop()
	}
	a.waiting.timer = time.AfterFunc(slow, func() { a.notef(msg+" ...", args...) })
	return a.doneWaiting
}

func (a *app) doneWaiting() {
	a.waiting.mu.Lock()
	defer a.waiting.mu.Unlock()
	if a.waiting.timer != nil {
		a.waiting.timer.Stop()
		a.waiting.timer = nil
	}
}
