package admission

import (
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
)

// slot is what channels are counted by.
type slot struct {
	scope     zkkex.Scope
	nullifier zkkex.Nullifier
}

// channels counts the concurrent channels of certificates.
type channels struct {
	mu   sync.Mutex
	open map[slot]uint32
	all  int
}

// Acquire implements [handshake.Gate], for the channels of one process. Calling
// release again does nothing.
func (g *Gate) Acquire(a *handshake.Admission) (release func(), err error) {
	s := slot{a.Statement.Scope, a.Statement.Nullifier}
	most := g.terms.Load().MaxChannels
	if !g.channels.acquire(s, most) {
		return nil, g.counted(zkkex.Reject(handshake.ChannelsExceeded, "the certificate has %d channels open already", most))
	}
	return sync.OnceFunc(func() { g.channels.release(s) }), nil
}

func (c *channels) acquire(s slot, most uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[s] >= most {
		return false
	}
	c.open[s]++
	c.all++
	return true
}

func (c *channels) release(s slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	c.open[s]--
	if c.open[s] == 0 {
		delete(c.open, s)
	}
}

func (c *channels) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}
