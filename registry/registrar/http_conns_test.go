package registrar

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestNetworkOf(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"127.0.0.1":            "127.0.0.1/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"::1":                  "::/64",
	} {
		got, ok := networkOf(&net.TCPAddr{IP: net.ParseIP(address), Port: 9})
		if !ok || got.String() != want {
			t.Errorf("%s counts as %v, %v; want %s", address, got, ok, want)
		}
	}
	link, ok := networkOf(&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"})
	if !ok || link.String() != "fe80::/64" {
		t.Errorf("with a zone: %v, %v", link, ok)
	}
	if got, ok := networkOf(&net.UnixAddr{Name: "socket"}); ok {
		t.Errorf("a Unix socket counts as %v", got)
	}
}

// serve runs a server on a socket of its own until the test ends.
func serve(t *testing.T) (address string) {
	t.Helper()
	s, _ := newServer(t, ServerConfig{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(t.Context(), l) }()
	t.Cleanup(func() { // the context has ended
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// isClosed reports whether the server closes the connection in time.
func isClosed(t *testing.T, c net.Conn, within time.Duration) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(c)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestConnectionsPerAddress fills an address with connections that say nothing.
func TestConnectionsPerAddress(t *testing.T) {
	address := serve(t)
	silent := make([]net.Conn, MaxConnectionsPerAddress)
	for i := range silent {
		silent[i] = dial(t, address)
	}
	if !isClosed(t, dial(t, address), 2*time.Second) {
		t.Fatal("one connection more than the bound stays open")
	}
	if isClosed(t, silent[0], 100*time.Millisecond) {
		t.Fatal("a connection within the bound was closed")
	}
	// Connections that end make room.
	for _, c := range silent[:8] {
		_ = c.Close()
	}
	for range 100 {
		c := dial(t, address)
		if _, err := io.WriteString(c, "GET /key HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err == nil {
			if answer, err := io.ReadAll(c); err == nil && len(answer) > 0 {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("no room although connections have ended")
}

// TestSilentConnectionEnds: whoever says nothing goes after five seconds.
func TestSilentConnectionEnds(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t))
	if !isClosed(t, c, readHeaderTimeout+time.Second) {
		t.Fatalf("a silent connection is open after %v", readHeaderTimeout+time.Second)
	}
	if readHeaderTimeout > 5*time.Second {
		t.Errorf("headers have %v to arrive", readHeaderTimeout)
	}
}
