package venue

import (
	"net"
	"net/netip"
	"slices"
)

// Proxied returns a listener for members who come through proxies that do not tell
// whom they carry, such as haproxy in front of several gateways: what comes from the
// proxies' addresses counts as of no address, so that the bounds per address, which
// would hold for all members together, do not apply. The proxy must bound what one
// address does (deploy/haproxy.cfg does); bounds over all addresses stay. Everybody
// else is bounded as always.
func Proxied(l net.Listener, proxies ...netip.Prefix) net.Listener {
	return &proxiedListener{l, slices.Clone(proxies)}
}

type proxiedListener struct {
	net.Listener
	proxies []netip.Prefix
}

// Accept implements [net.Listener].
func (l *proxiedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok && l.proxy(a.AddrPort().Addr()) {
		return proxied{c}, nil
	}
	return c, nil
}

func (l *proxiedListener) proxy(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(l.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// proxied is a connection of somebody behind a proxy.
type proxied struct{ net.Conn }

// RemoteAddr says that the address is not known.
func (proxied) RemoteAddr() net.Addr { return behindProxy{} }

type behindProxy struct{}

func (behindProxy) Network() string { return "tcp" }

func (behindProxy) String() string { return "behind a proxy" }
