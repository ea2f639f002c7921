package handshake

import (
	"crypto/rand"
	"net/netip"
	"sync"
	"time"
)

// cookieAge is how long cookies are good for at most: the secret that makes them
// is drawn anew after it (the WireGuard paper, section 5.4.7).
const cookieAge = 2 * time.Minute

// cookies makes and remembers nothing: a cookie is a MAC over the address it was
// sent to, under a secret that changes.
type cookies struct {
	now func() time.Time

	mu     sync.Mutex
	secret [32]byte
	drawn  time.Time
}

// of returns the cookie of an address, without its port or zone, at present.
func (c *cookies) of(source netip.Addr) [macSize]byte {
	secret := c.current()
	defer clear(secret[:])
	return mac(secret[:], source.Unmap().WithZone("").AsSlice())
}

func (c *cookies) current() [32]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); c.drawn.IsZero() || now.Sub(c.drawn) >= cookieAge || now.Before(c.drawn) {
		rand.Read(c.secret[:])
		c.drawn = now
	}
	return c.secret
}
