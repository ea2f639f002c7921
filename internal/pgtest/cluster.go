package pgtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Cluster is a running PostgreSQL server.
type Cluster struct {
	bin, dir string
	as       *account
	port     int
	password string
	settings map[string]string
	watch    *watchdog
}

const (
	superuser   = "postgres"
	maintenance = "postgres" // the database
	// Role is the account in the DSNs of databases, which it owns; it may do nothing
	// else.
	Role    = "venue"
	dataDir = "data"
	logFile = "log"
)

// Start starts a server for one test, with settings beside the usual ones, and
// stops and removes it when the test ends.
func Start(t testing.TB, settings map[string]string) *Cluster {
	t.Helper()
	c, err := newCluster(settings)
	return c.endWith(t, err)
}

func (c *Cluster) endWith(t testing.TB, err error) *Cluster {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log:\n%s", c.log())
		}
		if err := c.remove(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func newCluster(settings map[string]string) (*Cluster, error) {
	c, err := prepare(settings)
	if err != nil {
		return nil, err
	}
	c.password = rand.Text()
	secret := filepath.Join(c.dir, "password")
	if err := os.WriteFile(secret, []byte(c.password), 0o600); err != nil {
		return nil, errors.Join(err, c.remove())
	}
	err = errors.Join(c.as.own(secret),
		c.run("initdb", "-D", c.data(), "-U", superuser, "--pwfile", secret, "--auth-host", "scram-sha-256",
			"--auth-local", "reject", "-E", "UTF8", "--locale", "C", "--no-instructions"))
	if err == nil {
		err = c.start()
	}
	if err == nil {
		_, err = query(c.superuser(), fmt.Sprintf("create role %s login password '%s'", Role, c.password))
	}
	if err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return c, nil
}

// prepare makes a folder for a server, and sees to its end.
func prepare(settings map[string]string) (c *Cluster, err error) {
	c = &Cluster{settings: maps.Clone(settings)}
	if c.bin, err = binaries(); err != nil {
		return nil, err
	}
	if c.as, err = unprivileged(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "zkkex-pg-"); err != nil {
		return nil, err
	}
	if err := c.as.own(c.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	if c.watch, err = watch(c.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	return c, nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, dataDir) }

// start starts the server on its port, or on a free one if it has none yet.
func (c *Cluster) start() (err error) {
	const tries = 5
	chosen := c.port != 0
	for range tries {
		if !chosen {
			if c.port, err = freePort(); err != nil {
				return err
			}
		}
		if err = c.run("pg_ctl", "start", "-w", "-t", "60", "-D", c.data(), "-l", filepath.Join(c.dir, logFile), "-o", c.options()); err == nil {
			return nil
		}
		err = fmt.Errorf("%w\n%s", err, c.log())
		if !strings.Contains(c.log(), "Address already in use") {
			return err
		}
	}
	return err
}

// options are the server's own, as pg_ctl passes them through a shell.
func (c *Cluster) options() string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(c.port),
		"unix_socket_directories": "",
		"shared_buffers":          "64MB",
		"max_connections":         "100",
		"wal_level":               "replica",
		"max_wal_senders":         "4",
		"hot_standby":             "on",
		// What a test writes is soon removed: no checkpoint for the sake of it.
		"max_wal_size": "2GB",
	}
	maps.Copy(settings, c.settings)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, " -c %s='%s'", name, strings.ReplaceAll(settings[name], "'", `'\''`))
	}
	return b.String()
}

// DSN returns how to connect to a database of the server as [Role]. It holds the
// password.
func (c *Cluster) DSN(database string) string { return DSN(database, c) }

// DSN returns how to connect to a database on whichever of the servers takes
// writes.
func DSN(database string, clusters ...*Cluster) string { return dsn(Role, database, clusters...) }

// superuser is how to connect for what only the server's owner may do.
func (c *Cluster) superuser() string { return dsn(superuser, maintenance, c) }

func dsn(user, database string, clusters ...*Cluster) string {
	hosts := make([]string, len(clusters))
	for i, c := range clusters {
		hosts[i] = c.Address()
	}
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(user, clusters[0].password),
		Host: strings.Join(hosts, ","), Path: database, RawQuery: "sslmode=disable",
	}).String()
}

// Address is where the server listens.
func (c *Cluster) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

// Kill ends the server at once, as kill -9 of all its processes would: it writes
// nothing more, and recovers from its log when it starts again.
func (c *Cluster) Kill(t testing.TB) {
	t.Helper()
	c.must(t, c.run("pg_ctl", "stop", "-w", "-t", "60", "-m", "immediate", "-D", c.data()))
}

// Restart starts a server that was killed, on the same port.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	c.must(t, c.start())
}

// Set changes settings of the running server that need no restart.
func (c *Cluster) Set(t testing.TB, name, value string) {
	t.Helper()
	c.Exec(t, fmt.Sprintf("alter system set %s = '%s'", name, strings.ReplaceAll(value, "'", "''")))
	c.Exec(t, "select pg_reload_conf()")
}

func (c *Cluster) must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\n%s", err, c.log())
	}
}

// remove stops the server, if it runs, and removes its folder.
func (c *Cluster) remove() error {
	if _, err := os.Stat(filepath.Join(c.data(), "postmaster.pid")); err == nil {
		// A server that has been killed leaves the file: that stopping fails then
		// is no failure.
		_ = c.run("pg_ctl", "stop", "-w", "-t", "60", "-m", "immediate", "-D", c.data())
	}
	return errors.Join(os.RemoveAll(c.dir), c.watch.end())
}

func (c *Cluster) log() string {
	b, err := os.ReadFile(filepath.Join(c.dir, logFile))
	if err != nil {
		return ""
	}
	const enough = 8 << 10
	return string(b[max(0, len(b)-enough):])
}

// run runs one of the server's programs to its end.
func (c *Cluster) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "PGPASSWORD="+c.password)
	c.as.apply(cmd)
	// The server outlives pg_ctl, and would hold a pipe open.
	out, err := os.CreateTemp(c.dir, "output")
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("pgtest: %s: %w\n%s", program, err, text)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
