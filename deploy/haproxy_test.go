package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order/health"
)

// haproxy returns the program.
func haproxy(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("haproxy is missing: run ./scripts/haproxy-install")
	return ""
}

func TestHAProxyConfig(t *testing.T) {
	out, err := exec.Command(haproxy(t), "-c", "-f", "haproxy.cfg").CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("WARNING")) {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile("haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		switch words := strings.Fields(line); {
		case len(words) == 0:
		case words[0] == "log", strings.Contains(line, "option tcplog"), strings.Contains(line, "option httplog"):
			t.Errorf("it logs members' addresses: %s", line)
		case strings.Contains(line, "send-proxy"), strings.Contains(line, "on-marked-down"):
			t.Errorf("%s: a gateway takes no PROXY protocol, and sessions outlive a failed check", line)
		}
	}
}

// backend is a gateway as a proxy sees it: it says its name to whoever connects, and
// echoes; and it tells whether it is ready.
type backend struct {
	t            *testing.T
	name         string
	place, admin string
	draining     atomic.Bool

	mu    sync.Mutex
	l     net.Listener
	conns []net.Conn
	stop  context.CancelFunc
}

func newBackend(t *testing.T, name string) *backend {
	t.Helper()
	b := &backend{t: t, name: name, place: "127.0.0.1:0", admin: "127.0.0.1:0"}
	b.start()
	t.Cleanup(b.kill)
	return b
}

// start begins, or begins again at the same addresses.
func (b *backend) start() {
	b.t.Helper()
	l, err := net.Listen("tcp", b.place)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	admin, err := health.Listen(ctx, b.admin)
	if err != nil {
		b.t.Fatal(err)
	}
	b.place, b.admin = l.Addr().String(), admin.Addr().String()
	ready := health.NewHandler(health.Config{Ready: []health.Check{{Name: "gateway", Err: func(context.Context) error {
		if b.draining.Load() {
			return health.ErrDraining
		}
		return nil
	}}}})
	go health.Serve(ctx, admin, ready)
	b.mu.Lock()
	b.l, b.stop = l, cancel
	b.mu.Unlock()
	go b.accept(l)
}

func (b *backend) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.conns = append(b.conns, c)
		b.mu.Unlock()
		go func() {
			defer c.Close()
			fmt.Fprintf(c, "%s\n", b.name)
			io.Copy(c, c)
		}()
	}
}

// kill ends it as the end of its process does.
func (b *backend) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop()
	b.l.Close()
	for _, c := range b.conns {
		c.Close()
	}
	b.conns = nil
}

// proxied starts haproxy with the configuration of deploy/ in front of two backends,
// and returns where it listens.
func proxied(t *testing.T, a, b *backend, change ...string) string {
	t.Helper()
	text, err := os.ReadFile("haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	place, publish := free(t), free(t)
	replace := append(change, "maxconn 8000", "maxconn 200", "bind :9440", "bind "+place, "bind :9441", "bind "+publish)
	for name, one := range map[string]*backend{"11": a, "12": b} {
		_, port, _ := net.SplitHostPort(one.admin)
		replace = append(replace,
			"10.0.0."+name+":9440 port 9442", one.place+" port "+port,
			"10.0.0."+name+":9441 port 9442", one.place+" port "+port)
	}
	config := strings.NewReplacer(replace...).Replace(string(text))
	if strings.Contains(config, "10.0.0.") || strings.Contains(config, "bind :") {
		t.Fatal("haproxy.cfg has other addresses than this test knows")
	}
	path := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	command := exec.Command(haproxy(t), "-db", "-f", path)
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
		if t.Failed() {
			t.Logf("haproxy: %s", output.String())
		}
	})
	return place
}

// free returns an address that was free a moment ago.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// patience is how long tests wait for what must happen. It is no measure of how long
// that takes.
const patience = 30 * time.Second

// connect returns a connection through the proxy, and who took it; nobody if it was
// closed.
func connect(t *testing.T, place string) (net.Conn, string) {
	t.Helper()
	c, err := net.Dial("tcp", place)
	if err != nil {
		return nil, ""
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	var name [2]byte
	if _, err := io.ReadFull(c, name[:]); err != nil {
		return nil, ""
	}
	return c, string(name[:1])
}

// eventually waits until a new connection is taken by somebody.
func eventually(t *testing.T, place, want string) net.Conn {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if c, got := connect(t, place); got == want {
			return c
		}
	}
	t.Fatalf("%q took no connection", want)
	return nil
}

func echoes(c net.Conn) bool {
	var b [2]byte
	_, err := c.Write([]byte("ok"))
	if err == nil {
		_, err = io.ReadFull(c, b[:])
	}
	return err == nil && string(b[:]) == "ok"
}

// A gateway that drains gets no new sessions and keeps those it has; one that dies
// loses them, and the next ones are taken by the other without one being refused;
// one that is back is used again.
func TestHAProxyFailsOver(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	b.draining.Store(true)
	place := proxied(t, a, b, "sc0_conn_rate gt 100 ", "sc0_conn_rate gt 1000000 ") // this test is one address
	kept := eventually(t, place, "a")
	b.draining.Store(false)
	eventually(t, place, "b")

	a.draining.Store(true)
	others(t, place, "a")
	if !echoes(kept) {
		t.Error("a session at a gateway that drains was cut off")
	}
	a.kill()
	if echoes(kept) {
		t.Error("a session at a gateway that is gone still answers")
	}
	for range 10 {
		if _, got := connect(t, place); got != "b" {
			t.Fatalf("a connection was taken by %q, expected b", got)
		}
	}
	a.draining.Store(false)
	a.start()
	eventually(t, place, "a")

	// Killed without a word: the proxy finds out by being refused, and goes on to the
	// other one before the member notices.
	b.kill()
	for range 10 {
		if _, got := connect(t, place); got != "a" {
			t.Fatalf("a connection was taken by %q, expected a", got)
		}
	}
}

// others waits until ten connections in a row are taken by somebody else.
func others(t *testing.T, place, not string) {
	t.Helper()
	inRow := 0
	for end := time.Now().Add(patience); time.Now().Before(end) && inRow < 10; {
		if _, got := connect(t, place); got == not || got == "" {
			inRow = 0
			time.Sleep(5 * time.Millisecond)
		} else {
			inRow++
		}
	}
	if inRow < 10 {
		t.Fatalf("%q still takes connections", not)
	}
}

// One address does not take all that the gateways have for the proxy's.
func TestHAProxyBoundsAddresses(t *testing.T) {
	a, b := newBackend(t, "a"), newBackend(t, "b")
	place := proxied(t, a, b)
	eventually(t, place, "a")
	refused := 0
	for range 150 {
		if c, _ := connect(t, place); c == nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("150 connections of one address at once, and none was refused")
	}
}
