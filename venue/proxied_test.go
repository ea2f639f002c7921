package venue

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/zkkex/zkkex/handshake"
)

// Members behind a proxy are not bounded together: more of them come in at once than
// one address may. Without the proxy being named, they are; and so is who comes from
// elsewhere.
func TestProxied(t *testing.T) {
	for name, test := range map[string]struct {
		proxies []netip.Prefix
		want    bool
	}{
		"no proxy":      {nil, false},
		"another proxy": {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, false},
		"this proxy":    {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("127.0.0.1/32")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAdmitting(t)
			d := a.turn()
			inner, err := net.Listen("tcp", "127.0.0.1:0")
			a.must(err)
			// The strictest bound per address.
			l, err := a.venue.NewListener(Proxied(inner, test.proxies...), ListenConfig{Load: handshake.Load{Rate: 1e-9, Burst: 1}})
			a.must(err)
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer c.Close()
						b := make([]byte, 5)
						n, _ := c.Read(b)
						c.Write(b[:n])
					}()
				}
			}()
			c := a.certificate(d)
			a.must(a.dial(inner.Addr().String(), d, d.Suites[0], c, handshake.Inline))
			err = a.dial(inner.Addr().String(), d, d.Suites[0], c, handshake.Open)
			if got := err == nil; got != test.want {
				t.Errorf("the second of one address: %v", err)
			}
			if !test.want && !errors.Is(err, handshake.ErrNoAnswer) {
				t.Errorf("%v, expected %v", err, handshake.ErrNoAnswer)
			}
		})
	}
}
