package registrar

import (
	"net"
	"net/netip"
	"sync"
)

// MaxConnectionsPerAddress bounds the connections that one client address has
// at a time, the machine's own included: an IPv4 address, or an IPv6 network of
// 64 bits, which is what one subscriber has. Further ones are closed at once.
const MaxConnectionsPerAddress = 64

// addressLimit is a listener that bounds the connections per address.
type addressLimit struct {
	net.Listener
	mu   sync.Mutex
	open map[netip.Prefix]int
}

func limitPerAddress(l net.Listener) *addressLimit {
	return &addressLimit{Listener: l, open: make(map[netip.Prefix]int)}
}

// Accept returns the next connection that is within the bound.
func (l *addressLimit) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, ok := networkOf(c.RemoteAddr())
		if !ok {
			return c, nil
		}
		if l.take(from) {
			return &limitedConn{Conn: c, release: sync.OnceFunc(func() { l.give(from) })}, nil
		}
		_ = c.Close() // nothing was promised to it
	}
}

func (l *addressLimit) take(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from] == MaxConnectionsPerAddress {
		return false
	}
	l.open[from]++
	return true
}

func (l *addressLimit) give(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

// networkOf returns what counts as one address, or false for a connection
// without one, such as that of a Unix socket.
func networkOf(a net.Addr) (netip.Prefix, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}, false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	from, err := ip.Prefix(bits)
	return from, err == nil
}

// limitedConn counts until it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
