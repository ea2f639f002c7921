package gateway

import (
	"sync"
	"time"
)

// Constants of the clock.
const (
	// slew is the part of elapsed time by which the venue's time may be brought
	// nearer to the wall clock: half a percent. An order lives no more than that
	// longer or shorter than was promised.
	slew = 200
	// jumped is the offset from which the operator is told.
	jumped = time.Second
	// mostAhead is how far behind the journal's latest order a wall clock may be, and
	// the venue's time goes on from that order's.
	mostAhead = time.Hour
)

// clock is the venue's time. It begins with the wall clock's and goes on with a
// clock that does not jump, so that a wall clock that is set expires no orders and
// revives none; the difference goes away slowly.
type clock struct {
	read func() (wall time.Time, mono time.Duration)

	mu     sync.Mutex
	venue  time.Time
	mono   time.Duration
	offset time.Duration // of the wall clock, against venue
}

// newClock takes the readings of now apart. Without a monotonic reading, now is
// taken to never jump.
func newClock(now func() time.Time) *clock {
	start := now()
	return startClock(func() (time.Time, time.Duration) {
		t := now()
		return t.Round(0), t.Sub(start)
	})
}

func startClock(read func() (time.Time, time.Duration)) *clock {
	c := &clock{read: read}
	c.venue, c.mono = read()
	return c
}

// atLeast moves a clock that was just started to t, if that is later, but not by
// much: a time that is far ahead was an error then.
func (c *clock) atLeast(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.venue) && t.Sub(c.venue) <= mostAhead {
		c.venue = t
	}
}

// wall returns the wall clock's time.
func (c *clock) wall() time.Time {
	wall, _ := c.read()
	return wall
}

// exact returns the venue's time, which never goes back.
func (c *clock) exact() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, mono := c.read()
	elapsed := mono - c.mono
	if elapsed > 0 {
		c.mono = mono
		c.venue = c.venue.Add(elapsed)
		most := elapsed / slew
		c.venue = c.venue.Add(min(most, max(-most, wall.Sub(c.venue))))
	}
	c.offset = wall.Sub(c.venue)
	return c.venue
}

// now returns the venue's time in whole milliseconds.
func (c *clock) now() time.Time { return time.UnixMilli(c.exact().UnixMilli()).UTC() }

// jump returns how far the wall clock is ahead of the venue's time, if that is
// worth telling.
func (c *clock) jump() (time.Duration, bool) {
	c.exact()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.offset.Abs() >= jumped
}
