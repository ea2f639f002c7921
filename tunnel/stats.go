package tunnel

import "sync/atomic"

// Stats are counts over all connections. None is about a single one.
type Stats struct {
	// Accepted were taken from the listener. Each of them is in one of the four
	// counts below, or waits for its other side.
	Accepted uint64
	// Refused got no other side, and were reset.
	Refused uint64
	// Active are carried now.
	Active uint64
	// Ended came to their end in both directions.
	Ended uint64
	// Cut were reset on both sides, because one was.
	Cut uint64
	// Sent and Received are bytes of content, into channels and out of them.
	Sent, Received uint64
}

type counters struct {
	accepted, refused, ended, cut atomic.Uint64
	active                        atomic.Int64
	sent, received                atomic.Uint64
}

func (c *counters) stats() Stats {
	return Stats{
		Accepted: c.accepted.Load(),
		Refused:  c.refused.Load(),
		Active:   uint64(c.active.Load()),
		Ended:    c.ended.Load(),
		Cut:      c.cut.Load(),
		Sent:     c.sent.Load(),
		Received: c.received.Load(),
	}
}
