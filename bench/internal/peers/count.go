package peers

import (
	"net"
	"sync/atomic"
)

// Counter is a connection that counts the bytes it carries, both ways.
type Counter struct {
	net.Conn
	sent, received atomic.Int64
}

// Count returns conn with a counter.
func Count(conn net.Conn) *Counter { return &Counter{Conn: conn} }

// Read implements [net.Conn].
func (c *Counter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.received.Add(int64(n))
	return n, err
}

// Write implements [net.Conn].
func (c *Counter) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.Add(int64(n))
	return n, err
}

// Carried returns how many bytes were sent and received so far, without what TCP
// adds.
func (c *Counter) Carried() (sent, received int64) { return c.sent.Load(), c.received.Load() }
