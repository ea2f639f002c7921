package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// ErrPublicAddress reports an address that strangers may reach.
var ErrPublicAddress = errors.New("health and metrics are shown at loopback or private addresses alone")

// Listen listens for TCP at an address of this machine that strangers do not reach:
// host and port, where the host is a loopback, private or link-local IP address, or
// a name of such ones. It returns an error wrapping [ErrPublicAddress] for any other
// one, 0.0.0.0 and :: among them, and those of [net.Listen].
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for _, ip := range ips {
		if !private(ip.Unmap()) {
			return nil, fmt.Errorf("%w: %s is %s; use 127.0.0.1, or the machine's address in the network of its operators", ErrPublicAddress, address, ip)
		}
	}
	if len(ips) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	return net.Listen("tcp", net.JoinHostPort(ips[0].String(), port))
}

func private(ip netip.Addr) bool {
	return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
}

// Serve serves a handler on a listener, which it closes, until ctx ends. Then it
// returns nil.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second,
		WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
