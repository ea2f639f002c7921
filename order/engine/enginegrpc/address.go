package enginegrpc

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// ErrPlain means that an address needs credentials.
var ErrPlain = errors.New("plain connections between gateway and engine are for unix:PATH and loopback addresses; use TLS for others")

// ErrAddress means that an address is not of a known form.
var ErrAddress = errors.New("expected unix:PATH or HOST:PORT")

// split returns the network and the address in it.
func split(address string) (network, in string, err error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if path == "" {
			return "", "", fmt.Errorf("address %q: %w", address, ErrAddress)
		}
		return "unix", path, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" || strings.ContainsAny(host, "/ ") {
		return "", "", fmt.Errorf("address %q: %w", address, ErrAddress)
	}
	return "tcp", address, nil
}

// checkPlainTarget returns [ErrPlain] unless the address is of this machine alone.
func checkPlainTarget(address string) error {
	network, in, err := split(address)
	if err != nil || network == "unix" {
		return err
	}
	host, _, err := net.SplitHostPort(in)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("address %q: %w", address, ErrPlain)
	}
	return nil
}

// CheckPlain returns an error wrapping [ErrPlain] unless a listener at this address is
// reached from this machine alone.
func CheckPlain(a net.Addr) error {
	if _, ok := a.(*net.UnixAddr); ok {
		return nil
	}
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("address %s: %w", a, ErrPlain)
}

// Listen returns a listener for [Server.Serve], on unix:PATH or HOST:PORT. A socket
// that its owner left behind is replaced; one that somebody listens on is not.
func Listen(address string) (net.Listener, error) {
	network, in, err := split(address)
	if err != nil {
		return nil, err
	}
	if network != "unix" {
		return net.Listen(network, in)
	}
	l, err := net.Listen(network, in)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(in) {
		if err := os.Remove(in); err != nil {
			return nil, err
		}
		l, err = net.Listen(network, in)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(in, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// abandoned reports whether a path is a socket that nobody listens on.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		_ = conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
