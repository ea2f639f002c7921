package handshake

import (
	"net/netip"
	"sync"
	"time"
)

// buckets bound how many first messages come from one address: a token bucket
// each, of the addresses that sent last.
type buckets struct {
	rate, burst float64
	now         func() time.Time

	mu   sync.Mutex
	last *recent[netip.Prefix, bucket]
}

// bucket is how many tokens there were at a time.
type bucket struct {
	tokens float64
	at     time.Time
}

func newBuckets(l Load, now func() time.Time) *buckets {
	return &buckets{rate: l.Rate, burst: float64(l.Burst), now: now, last: newRecent[netip.Prefix, bucket](l.Sources)}
}

// take takes a token of the address's, and reports whether there was one. A
// source without an address, such as a pipe, is local and has no bucket.
func (b *buckets) take(source netip.Addr) bool {
	if !source.IsValid() {
		return true
	}
	key, now := Subscriber(source), b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	of, ok := b.last.get(key)
	if !ok {
		of = bucket{tokens: b.burst, at: now}
	}
	elapsed := max(now.Sub(of.at), 0)
	of = bucket{tokens: min(of.tokens+elapsed.Seconds()*b.rate, b.burst), at: now}
	enough := of.tokens >= 1
	if enough {
		of.tokens--
	}
	b.last.put(key, of)
	return enough
}

// Subscriber returns what one subscriber has, as far as an address tells: an IPv4
// address, or an IPv6 /64. Whatever is bounded per address is bounded per that. It
// is not valid if the address is not.
func Subscriber(source netip.Addr) netip.Prefix {
	source = source.Unmap().WithZone("")
	bits := source.BitLen()
	if source.Is6() {
		bits = 64
	}
	prefix, _ := source.Prefix(bits) // the bits are in range, or the address is none
	return prefix
}
