package mailbox

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Defaults of [HandlerOptions].
const (
	DefaultRate  = 5
	DefaultBurst = 50
	// DefaultPostRate is a message a minute. With DefaultPostBurst, one source
	// leaves less than [DefaultMaxItems] in a folder within [DefaultTimeToLive].
	DefaultPostRate  = 1.0 / 60
	DefaultPostBurst = 30
)

// maxSources bounds the sources that are told apart. When there are more, the
// newest share one allowance.
const maxSources = 1 << 14

// limiter lets each source make so many requests at once, and so many per second.
type limiter struct {
	rate, burst float64

	mu      sync.Mutex
	buckets map[string]*bucket
	forgot  time.Time
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(rate float64, burst int) *limiter {
	return &limiter{rate: rate, burst: float64(burst), buckets: make(map[string]*bucket)}
}

func (l *limiter) allow(source string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(source, now)
	l.fill(b, now)
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

func (l *limiter) bucket(source string, now time.Time) *bucket {
	if b := l.buckets[source]; b != nil {
		return b
	}
	if len(l.buckets) >= maxSources {
		l.forget(now)
	}
	if len(l.buckets) >= maxSources {
		source = ""
	}
	if l.buckets[source] == nil {
		l.buckets[source] = &bucket{tokens: l.burst, at: now}
	}
	return l.buckets[source]
}

// forget lets go of sources that may do all again what they could at first. It
// looks at all of them, and therefore only once a second.
func (l *limiter) forget(now time.Time) {
	if now.Sub(l.forgot) < time.Second {
		return
	}
	l.forgot = now
	for source, b := range l.buckets {
		if l.fill(b, now); b.tokens >= l.burst {
			delete(l.buckets, source)
		}
	}
}

func (l *limiter) fill(b *bucket, now time.Time) {
	b.tokens = min(l.burst, b.tokens+l.rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
}

// sourceOf returns the network that a request comes from: what one subscriber
// has.
func sourceOf(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	address := from.Addr().Unmap().WithZone("")
	bits := 64
	if address.Is4() {
		bits = 32
	}
	network, _ := address.Prefix(bits) // the address is valid, and has so many
	return network.String()
}
