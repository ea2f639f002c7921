package cli

import (
	"context"
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
	d, err := proxy.SOCKS5("tcp", u.Host, auth, new(net.Dialer))
	if err != nil {
		return nil, err
	}
	return d.(proxy.ContextDialer).DialContext, nil
}
