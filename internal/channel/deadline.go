package channel

import (
	"sync"
	"time"
)

// deadline is a point in time that can be moved, as that of a [net.Conn]. The
// mutex of its condition guards it.
type deadline struct {
	at     time.Time // zero: none
	passed bool
	timer  *time.Timer
	wake   *sync.Cond
}

// set moves the deadline and wakes whoever waits.
func (d *deadline) set(t time.Time) {
	d.at, d.passed = t, false
	if d.timer != nil {
		d.timer.Stop()
	}
	d.check()
	d.wake.Broadcast()
}

// check notes that the deadline has passed, or asks to be called when it has. A
// timer that fires late, or for a deadline that was moved, does no harm.
func (d *deadline) check() {
	if d.at.IsZero() || d.passed {
		return
	}
	left := time.Until(d.at)
	switch {
	case left <= 0:
		d.passed = true
		d.wake.Broadcast()
	case d.timer == nil:
		d.timer = time.AfterFunc(left, func() {
			d.wake.L.Lock()
			defer d.wake.L.Unlock()
			d.check()
		})
	default:
		d.timer.Reset(left)
	}
}
