package cli

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// socks5 is a SOCKS5 proxy (RFC 1928) without authentication, which takes every
// connection to one server and counts the names it was asked for.
type socks5 struct {
	listener net.Listener
	target   string
	name     atomic.Value // string
	served   atomic.Int32
}

func newSOCKS5(t *testing.T, target string) *socks5 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &socks5{listener: l, target: target}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = s.serve(conn) }()
		}
	}()
	return s
}

func (s *socks5) serve(conn net.Conn) error {
	defer conn.Close()
	greeting := make([]byte, 3)
	if _, err := io.ReadFull(conn, greeting); err != nil {
		return err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return err
	}
	head := make([]byte, 5)
	if _, err := io.ReadFull(conn, head); err != nil {
		return err
	}
	if head[3] != 3 {
		return errors.New("expected a name, not an address: the client resolved it")
	}
	rest := make([]byte, int(head[4])+2)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return err
	}
	s.name.Store(string(rest[:head[4]]))
	server, err := net.Dial("tcp", s.target)
	if err != nil {
		return err
	}
	defer server.Close()
	if _, err := conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return err
	}
	s.served.Add(1)
	go func() { _, _ = io.Copy(server, conn) }()
	_, err = io.Copy(conn, server)
	return err
}

// Every command that dials goes through the proxy, which resolves the name.
func TestProxyIsUsedByEverythingThatDials(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	home := t.TempDir() + "/home"
	const key = "registry.example/members+beacae7e+Af9cT8k09/Jvjizutqtt1zJBHOqKBK9APk5sVIC8nMyn"
	const url = "http://registry.invalid"
	run := func(args ...string) string {
		var out bytes.Buffer
		env := testEnv()
		env.Stdout, env.Stderr = &out, &out
		Main(t.Context(), env, append([]string{"--home", home}, args...))
		return out.String()
	}
	if out := run("keygen", "--insecure-unencrypted-key-file"); !strings.Contains(out, "made a key") {
		t.Fatal(out)
	}
	if out := run("trust", "--registry", url, "--registry-key", key); !strings.Contains(out, "registry.example") {
		t.Fatal(out)
	}
	for name, args := range map[string][]string{
		"sync":          {"sync"},
		"enroll":        {"enroll", "--registry", url, "--registry-key", key},
		"trust asks":    {"trust", "--registry", url},
		"doctor":        {"doctor"},
		"registry sync": {"registry", "sync", "--mirror", home + "/m", "--registry", url, "--registry-key", key},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := newSOCKS5(t, server.Listener.Addr().String())
			out := run(append(args, "--proxy", "socks5://"+proxy.listener.Addr().String())...)
			if proxy.served.Load() == 0 || proxy.name.Load() != "registry.invalid" {
				t.Errorf("the proxy served %d connections, to %v:\n%s", proxy.served.Load(), proxy.name.Load(), out)
			}
		})
	}
}
