package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"golang.org/x/net/proxy"
)

// dialFunc makes a connection.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dial returns the function that makes every connection, or nil if there is no
// --proxy. Host names are resolved by the proxy: asking a name server would say
// where the connection goes.
func (a *app) dial() (dialFunc, error) {
	if a.proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(a.proxy)
	if err != nil || u.Scheme != "socks5" || u.Port() == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, usagef("--proxy %q: expected socks5://host:port", u.Redacted())
	}
	var auth *proxy.Auth
	if u.User != nil {
		password, _ := u.User.Password()
		auth = &proxy.Auth{User: u.User.Username(), Password: password}
	}
	d, err := proxy.SOCKS5("tcp", u.Host, auth, toProxy{u.Host})
	if err != nil {
		return nil, err
	}
	return d.(proxy.ContextDialer).DialContext, nil
}

// errProxy reports a proxy that cannot be reached.
var errProxy = errors.New("no connection to the proxy")

// toProxy makes the connections to the proxy, and says so where it cannot.
type toProxy struct{ address string }

// Dial implements [proxy.Dialer], which package proxy demands beside DialContext.
func (d toProxy) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext implements [proxy.ContextDialer].
func (d toProxy) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("%w at %s: %w", errProxy, d.address, err)
	}
	return c, nil
}
