package failovertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/pgtest"
)

// scene is a registry, a venue with its matching engine and two gateways on
// PostgreSQL, and members.
type scene struct {
	t     testing.TB
	dir   string
	env   []string // of processes: where the database's password is
	began time.Time

	registry, key string
	replace       map[string]string // of the runbook's words
	identity      string            // the venue's
	published     string            // where members fetch descriptors
	engine        *engineLog
	gateways      [2]*gatewayAt
}

// gatewayAt is a gateway: where it is, and its process while it runs.
type gatewayAt struct {
	name                     string
	sessions, publish, admin string
	*process
}

// newScene makes a registry with its members, and starts it.
func newScene(t testing.TB, members ...string) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), env: os.Environ(), began: time.Now()}
	s.key = s.run("registry", "--dir", "registrar", "init", "--name", "registry.example/members")
	s.registry = s.start("registry", "--dir", "registrar", "serve", "--listen", "127.0.0.1:0", "--approve-all", "--checkpoint-interval", "50ms").begun.URL
	for _, name := range members {
		s.run("keygen", "--home", name, "--insecure-unencrypted-key-file")
		s.run("enroll", "--home", name, "--registry", s.registry, "--registry-key", s.key, "--wait", "--poll", "20ms")
	}
	return s
}

// run runs a command to its end, and returns what it printed.
func (s *scene) run(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("zkkex", args...)
	var said output
	cmd.Dir, cmd.Env, cmd.Stderr = s.dir, s.env, &said
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("zkkex %v: %v\n%s%s", args, err, out, &said)
	}
	return strings.TrimSpace(string(out))
}

// attempt runs a command that may fail, and returns what it printed, or its error and
// the code of it.
func (s *scene) attempt(args ...string) (printed []byte, code string, err error) {
	cmd := exec.Command("zkkex", append(args, "--json")...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.Output()
	if err == nil {
		return out, "", nil
	}
	var failed struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(out, &failed) != nil {
		return nil, "", fmt.Errorf("%w\n%s", err, out)
	}
	return nil, failed.Error.Code, fmt.Errorf("%w: %s: %s", err, failed.Error.Code, failed.Error.Message)
}

// say tells what happens, and when.
func (s *scene) say(format string, args ...any) {
	s.t.Helper()
	s.t.Logf("%6.2f s  %s", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// venue makes a venue, its engine and two gateways, by the commands of the runbook,
// which members reach at addresses; without addresses, at those of the gateways.
func (s *scene) venue(database string, addresses ...string) {
	s.t.Helper()
	for i := range s.gateways {
		s.gateways[i] = &gatewayAt{name: string(rune('a' + i)), sessions: unused(s.t), publish: unused(s.t), admin: unused(s.t)}
	}
	a, b := s.gateways[0], s.gateways[1]
	s.replace = map[string]string{
		"http://127.0.0.1:8080": s.registry, "$(cat registry.key)": s.key,
		"127.0.0.1:9440": a.sessions, "127.0.0.1:9441": a.publish, "127.0.0.1:9442": a.admin,
		"127.0.0.1:9450": b.sessions, "127.0.0.1:9451": b.publish, "127.0.0.1:9452": b.admin,
		"host=127.0.0.1 port=5433 dbname=venue user=venue": s.database(database),
	}
	s.start(s.documented("book")...)
	s.engine = follow(s.t, "unix:"+filepath.Join(s.dir, "book.sock"))
	made := append(s.documented("venue init"), "--epoch", "24h", "--limit", "10000")
	if addresses != nil {
		made = replaceAddresses(made, addresses)
	}
	s.identity = s.run(made...)
	s.replace["$(cat venue.key)"] = s.identity
	s.run(append(s.documented("gateway init --dir a"), "--listen", a.sessions, "--publish", a.publish, "--admin", a.admin)...)
	s.run(s.documented("gateway init --dir b")...)
	for _, g := range s.gateways {
		s.open(g)
	}
	s.published = a.publish
}

// replaceAddresses returns a command line with other addresses for members.
func replaceAddresses(args, addresses []string) (out []string) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--address" {
			i++
			continue
		}
		out = append(out, args[i])
	}
	for _, place := range addresses {
		out = append(out, "--address", place)
	}
	return out
}

// documented returns the runbook's command of two gateways that begins so, with this
// test's own addresses.
func (s *scene) documented(begin string) []string {
	s.t.Helper()
	text, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		s.t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Two gateways\n")
	section, _, _ = strings.Cut(section, "\n## ")
	section = strings.ReplaceAll(section, "\\\n", " ")
	for _, line := range strings.Split(section, "\n") {
		if command, ours := strings.CutPrefix(line, "zkkex "); ours && strings.HasPrefix(command, begin+" ") {
			command, _, _ = strings.Cut(command, " > ")
			return s.words(command)
		}
	}
	s.t.Fatalf("docs/runbook.md, Two gateways: no command begins with zkkex %s", begin)
	return nil
}

// words splits a command line, in which quotes are around whole words.
func (s *scene) words(line string) (out []string) {
	for i, part := range strings.Split(line, `"`) {
		words := []string{part}
		if i%2 == 0 {
			words = strings.Fields(part)
		}
		for _, word := range words {
			if mine, known := s.replace[word]; known {
				word = mine
			}
			out = append(out, word)
		}
	}
	return out
}

// database returns the connection string without its password, which goes into the
// environment.
func (s *scene) database(dsn string) string {
	s.t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		s.t.Fatal("the DSN is no URL")
	}
	password, _ := u.User.Password()
	s.env = append(os.Environ(), "PGPASSWORD="+password)
	u.User = url.User(u.User.Username())
	return u.String()
}

// open starts a gateway, and waits until it is ready.
func (s *scene) open(g *gatewayAt) {
	s.t.Helper()
	g.process = s.start(s.documented("gateway run --dir " + g.name)...)
	s.awaitReady(g, true)
}

// drain has a gateway end in good order, and waits until it has.
func (s *scene) drain(g *gatewayAt) {
	s.t.Helper()
	s.run("gateway", "drain", "--dir", g.name)
	if g.wait(); !g.cmd.ProcessState.Success() {
		s.t.Errorf("gateway %s was drained, and failed: %v", g.name, g.cmd.ProcessState)
	}
}

// awaitReady waits until a gateway says that it is ready, or that it is not.
func (s *scene) awaitReady(g *gatewayAt, want bool) {
	s.t.Helper()
	await(s.t, fmt.Sprintf("gateway %s: ready is %v", g.name, want), func() bool { return s.ready(g) == want })
}

func (s *scene) ready(g *gatewayAt) bool {
	r, err := http.Get("http://" + g.admin + "/ready")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// trust has a member pin the venue.
func (s *scene) trust(member string) {
	s.t.Helper()
	s.run("trust", "--home", member, "--venue", "http://"+s.published, "--venue-key", s.identity)
}

// tunnel starts a member's tunnel, and returns where programs connect.
func (s *scene) tunnel(member string) string {
	s.t.Helper()
	s.trust(member)
	return s.start("tunnel", "--home", member, "--params", "dev", "--ahead", "2").begun.Local
}

// postgres starts a server, and returns how to connect to an empty database of it.
func postgres(t testing.TB) string {
	t.Helper()
	return pgtest.Start(t, nil).Database(t)
}
