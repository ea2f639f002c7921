package failovertest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// proxy is haproxy with the configuration of deploy/ before two gateways.
type proxy struct {
	*scene
	sessions, publish string
	stats             string // a socket, of which it tells how it sees the gateways
}

// newProxy says where a proxy will be; start starts it.
func newProxy(s *scene) *proxy {
	return &proxy{scene: s, sessions: unused(s.t), publish: unused(s.t), stats: filepath.Join(s.dir, "haproxy.sock")}
}

// start starts haproxy.
func (p *proxy) start() {
	p.t.Helper()
	path, err := exec.LookPath("haproxy")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/haproxy"); err != nil {
			p.t.Fatal("haproxy is missing: run ./scripts/haproxy-install")
		}
	}
	file := filepath.Join(p.dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(p.config()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(path, "-db", "-f", file)
	said := new(output)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if p.t.Failed() {
			p.t.Logf("haproxy:\n%s", said)
		}
	})
	for _, g := range p.gateways {
		p.awaitSeen(g, "UP")
	}
}

// config is that of deploy/, with the addresses of this machine.
func (p *proxy) config() string {
	p.t.Helper()
	text, err := os.ReadFile("../../deploy/haproxy.cfg")
	if err != nil {
		p.t.Fatal(err)
	}
	replace := []string{"global\n", "global\n\tstats socket " + p.stats + "\n", "maxconn 8000", "maxconn 200",
		"bind :9440", "bind " + p.sessions, "bind :9441", "bind " + p.publish}
	for i, g := range p.gateways {
		host := fmt.Sprintf("10.0.0.%d", 11+i)
		_, port, err := net.SplitHostPort(g.admin)
		if err != nil {
			p.t.Fatal(err)
		}
		replace = append(replace, host+":9440 port 9442", g.sessions+" port "+port, host+":9441 port 9442", g.publish+" port "+port)
	}
	config := strings.NewReplacer(replace...).Replace(string(text))
	if strings.Contains(config, "10.0.0.") || strings.Contains(config, "bind :") || !strings.Contains(config, p.stats) {
		p.t.Fatal("haproxy.cfg has other addresses than this test knows")
	}
	return config
}

// awaitSeen waits until haproxy sees a gateway so.
func (p *proxy) awaitSeen(g *gatewayAt, want string) {
	p.t.Helper()
	const status = 17 // its column
	await(p.t, "haproxy sees gateway "+g.name+" "+want, func() bool {
		for _, line := range strings.Split(p.ask("show stat"), "\n") {
			row := strings.Split(line, ",")
			if len(row) > status && row[0] == "gateways" && row[1] == g.name {
				return row[status] == want
			}
		}
		return false
	})
}

func (p *proxy) ask(command string) string {
	c, err := net.Dial("unix", p.stats)
	if err != nil {
		return ""
	}
	defer c.Close()
	if _, err := fmt.Fprintln(c, command); err != nil {
		return ""
	}
	answer, _ := io.ReadAll(c) // what is cut off shows no gateway
	return string(answer)
}

// Members know one address, which is haproxy's: gateways are lost behind it, and one
// is drained.
func TestBehindHAProxy(t *testing.T) {
	t.Parallel()
	s := newScene(t, "alice", "bob")
	p := newProxy(s)
	s.venue(postgres(t), p.sessions)
	p.start()
	s.published = p.publish
	s.say("two gateways on PostgreSQL are ready behind haproxy")
	m := newMarket(s, "alice", "bob")
	m.lose(func(g *gatewayAt) { p.awaitSeen(g, "UP") })
	m.end()
}
