package gateway

import (
	"cmp"
	"math"
	"time"

	"github.com/zkkex/zkkex/order"
)

// Limits are the budgets of one session, and bounds of what a gateway holds. Zero
// fields have the value that [DefaultLimits] has.
type Limits struct {
	// OrdersPerSecond and Burst bound orders, replacements, quotes and requests for
	// quote. Cancels and questions have a bucket of their own, twice as large; the
	// cancel of an own open order is taken even if that is empty. A question after
	// all open orders counts as one after each.
	OrdersPerSecond, Burst uint32
	// MaxOpenOrders is the most orders and quotes that can rest at once.
	MaxOpenOrders uint32
	// MaxRequests is the most requests in a session's life, which ends with its
	// epoch. Each takes some 64 bytes of the gateway's memory while the session is
	// attached. Cancels of own open orders are taken beyond it.
	MaxRequests uint64
	// MaxTimeToLive and MaxGrace bound what a session can ask for.
	MaxTimeToLive, MaxGrace time.Duration
	// NoKeepOrders refuses orders that outlive their connection without end.
	NoKeepOrders bool
	// MaxOutbox is the most reports that wait for a client that does not read.
	MaxOutbox int
	// MaxSessions is the most sessions attached at once.
	MaxSessions int
	// DeadAfter is how long a gateway has been silent in the journal when its
	// sessions count as disconnected.
	DeadAfter time.Duration
}

// DefaultLimits are budgets that a market maker can work with.
func DefaultLimits() Limits {
	return Limits{
		OrdersPerSecond: 10_000, Burst: 20_000, MaxOpenOrders: 10_000, MaxRequests: 10_000_000,
		MaxTimeToLive: order.MaxTimeToLive, MaxGrace: order.MaxGrace,
		MaxOutbox: 65_536, MaxSessions: 65_536, DeadAfter: 5 * time.Second,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.OrdersPerSecond = cmp.Or(l.OrdersPerSecond, d.OrdersPerSecond)
	l.Burst = max(cmp.Or(l.Burst, twice(l.OrdersPerSecond)), l.OrdersPerSecond)
	l.MaxOpenOrders = cmp.Or(l.MaxOpenOrders, d.MaxOpenOrders)
	l.MaxRequests = cmp.Or(l.MaxRequests, d.MaxRequests)
	l.MaxTimeToLive = min(cmp.Or(l.MaxTimeToLive, d.MaxTimeToLive), order.MaxTimeToLive)
	l.MaxGrace = min(cmp.Or(l.MaxGrace, d.MaxGrace), order.MaxGrace)
	l.MaxOutbox = cmp.Or(l.MaxOutbox, d.MaxOutbox)
	l.MaxSessions = cmp.Or(l.MaxSessions, d.MaxSessions)
	l.DeadAfter = cmp.Or(l.DeadAfter, d.DeadAfter)
	return l
}

// unanswered is the most requests of a session that wait for their first report: what
// can be on its way in the worst case, and each open order's cancel twice. Cancels
// have no other bound.
func (l Limits) unanswered() int { return 3*int(l.Burst) + 2*int(l.MaxOpenOrders) + 1024 }

// bucket is a token bucket.
type bucket struct {
	level, burst, rate float64
	at                 time.Time
}

func newBucket(rate, burst uint32, now time.Time) bucket {
	return bucket{level: float64(burst), burst: float64(burst), rate: float64(rate), at: now}
}

// take takes a token, if there is one.
func (b *bucket) take(now time.Time) bool {
	b.fill(now)
	if b.level < 1 {
		return false
	}
	b.level--
	return true
}

// owe takes n tokens, which need not be there yet.
func (b *bucket) owe(n int) { b.level -= float64(n) }

// full reports whether nothing has been taken for so long that a new bucket would
// be the same.
func (b *bucket) full(now time.Time) bool {
	b.fill(now)
	return b.level >= b.burst
}

func (b *bucket) fill(now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.level = min(b.burst, b.level+passed.Seconds()*b.rate)
		b.at = now
	}
}

// twice is 2*n, or the most there is.
func twice(n uint32) uint32 { return uint32(min(2*uint64(n), math.MaxUint32)) }
