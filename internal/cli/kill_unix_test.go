//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// killings is how often a process is killed; ZKKEX_DEEP=1 asks for more.
func killings() int {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return 1000
	}
	return 12
}

// Serve and tunnel are killed at random moments, while programs carry streams in
// both directions. A program sees the whole stream or an error, never a shorter
// one; both begin again every time; and no slot is used twice.
func TestKilledAtAnyMoment(t *testing.T) {
	k := newKillScene(t)
	r := rand.New(rand.NewPCG(1, uint64(killings())))
	serve, tunnel := k.startServe(), k.startTunnel()
	stop := make(chan struct{})
	var programs sync.WaitGroup
	for i := range 4 {
		programs.Go(func() { k.carry(stop, rand.New(rand.NewPCG(2, uint64(i)))) })
	}
	for n := range killings() {
		time.Sleep(time.Duration(r.Int64N(int64(400 * time.Millisecond))))
		if n%2 == 0 {
			serve.kill(t)
			serve = k.startServe()
		} else {
			tunnel.kill(t)
			tunnel = k.startTunnel()
		}
	}
	close(stop)
	programs.Wait()
	k.carryOne(t)
	k.checkSlots()
	t.Logf("%d kills: %d streams whole, %d with an error, %d connections refused",
		killings(), k.whole.Load(), k.broken.Load(), k.refused.Load())
	if k.whole.Load() == 0 || k.broken.Load() == 0 {
		t.Error("the kills came at no telling moments")
	}
}

// killScene is a registry, a venue, a member, and what is carried between them.
type killScene struct {
	t        *testing.T
	dir      string
	upstream string
	sessions string // where the venue listens
	publish  string
	local    string // where the tunnel does
	whole    atomic.Int64
	broken   atomic.Int64
	refused  atomic.Int64
	begun    atomic.Int64 // streams that have come to the upstream
	mu       sync.Mutex
	outputs  []*bytes.Buffer
}

func newKillScene(t *testing.T) *killScene {
	unused := unusedAddresses(t)
	k := &killScene{t: t, dir: t.TempDir(), sessions: unused[0], publish: unused[1], local: unused[2]}
	k.upstream = k.streams()
	home := filepath.Join(k.dir, "alice")
	registrar := filepath.Join(k.dir, "registrar")
	key := strings.TrimSpace(k.run("registry", "--dir", registrar, "init", "--name", "registry.example/members"))
	registry := k.start("registry", "--dir", registrar, "serve", "--listen", "127.0.0.1:0", "--approve-all", "--checkpoint-interval", "50ms")
	k.run("--home", home, "keygen", "--insecure-unencrypted-key-file")
	k.run("--home", home, "enroll", "--registry", registry.begun["url"], "--registry-key", key, "--wait", "--poll", "20ms")
	identity := strings.TrimSpace(k.run("--home", k.dir, "venue", "init", "--name", "venue.example", "--registry", registry.begun["url"],
		"--registry-key", key, "--params", "dev", "--epoch", "24h", "--limit", "100000", "--address", k.sessions))
	first := k.startServe()
	k.run("--home", home, "trust", "--venue", "http://"+k.publish, "--venue-key", identity)
	first.kill(t)
	return k
}

// unusedAddresses returns addresses that differ, and that nobody listens at.
func unusedAddresses(t *testing.T) (all [3]string) {
	for i := range all {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all[i] = l.Addr().String()
	}
	return all
}

// run runs a command of ours in this process, and returns what it printed.
func (k *killScene) run(args ...string) string {
	k.t.Helper()
	var out, said bytes.Buffer
	env := testEnv()
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), &out, &said
	if exit := Main(k.t.Context(), env, args); exit != 0 {
		k.t.Fatalf("%v: exit code %d\n%s%s", args, exit, &out, &said)
	}
	return out.String()
}

// killed is a process of ours that is to be killed.
type killed struct {
	*exec.Cmd
	begun map[string]string
}

// start starts a server of ours as a process, and waits until it has begun.
func (k *killScene) start(args ...string) *killed {
	k.t.Helper()
	c := &killed{Cmd: exec.Command("zkkex", append(args, "--json")...), begun: make(map[string]string)}
	said := new(bytes.Buffer)
	c.Stderr = said
	out, err := c.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		if c.ProcessState == nil {
			c.kill(k.t)
		}
	})
	if err := json.NewDecoder(out).Decode(&c.begun); err != nil {
		c.kill(k.t)
		k.t.Fatalf("%v did not begin: %v\n%s", args, err, said)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.outputs = append(k.outputs, said)
	return c
}

func (k *killScene) startServe() *killed {
	return k.start("--home", k.dir, "serve", "--params", "dev", "--listen", k.sessions, "--publish", k.publish, "--upstream", k.upstream)
}

func (k *killScene) startTunnel() *killed {
	return k.start("--home", filepath.Join(k.dir, "alice"), "tunnel", "--params", "dev", "--listen", k.local)
}

// kill kills the process, and waits for its end.
func (c *killed) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := c.Wait(); err != nil && c.ProcessState.Exited() {
		t.Errorf("the process had ended by itself: %v", err)
	}
}

// streams serves the upstream: "down N" is answered by N bytes, "up N" comes with
// N bytes and is answered by their number. A stream that ends before that is a loss.
func (k *killScene) streams() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				k.serveStream(c.(*net.TCPConn))
			})
		}
	})
	k.t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

func (k *killScene) serveStream(c *net.TCPConn) {
	_ = c.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		k.t.Errorf("upstream: the stream ended within its first line %q", line)
	}
	if err != nil {
		return // also serve's look whether anybody is there
	}
	var what string
	var size int64
	if _, err := fmt.Sscanf(line, "%s %d\n", &what, &size); err != nil {
		k.t.Errorf("upstream: %q: %v", line, err)
		return
	}
	k.begun.Add(1)
	if what == "down" {
		if _, err := io.CopyN(c, new(pattern), size); err != nil {
			_ = c.SetLinger(0)
		}
		return
	}
	got, err := countPattern(in)
	switch {
	case errors.Is(err, errPattern), err == nil && got != size:
		k.t.Errorf("upstream: a clean end after %d of %d bytes, %v", got, size, err)
	case err != nil:
		_ = c.SetLinger(0)
	default:
		fmt.Fprintln(c, got)
	}
}

// carry has streams carried until stop.
func (k *killScene) carry(stop chan struct{}, r *rand.Rand) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		c, err := net.Dial("tcp", k.local)
		if err != nil {
			k.refused.Add(1)
			time.Sleep(20 * time.Millisecond)
			continue
		}
		size := 1 + r.Int64N(4<<20)
		if r.IntN(2) == 0 {
			err = k.download(c.(*net.TCPConn), size)
		} else {
			err = k.upload(c.(*net.TCPConn), size)
		}
		k.judge(size, err)
		_ = c.Close()
	}
}

// errShort reports a stream that ended cleanly, and was not whole.
var errShort = errors.New("a clean end before the end")

func (k *killScene) judge(size int64, err error) {
	switch {
	case err == nil:
		k.whole.Add(1)
	case errors.Is(err, errShort), errors.Is(err, errPattern):
		k.t.Errorf("stream of %d bytes: %v", size, err)
	default:
		k.broken.Add(1)
	}
}

// carryOne demands that a stream is carried now that nobody is killed any more.
func (k *killScene) carryOne(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", k.local)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := k.download(c.(*net.TCPConn), 1<<20); err != nil {
		t.Error(err)
	}
}

func (k *killScene) download(c *net.TCPConn, size int64) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(c, "down %d\n", size); err != nil {
		return err
	}
	got, err := countPattern(c)
	if err == nil && got != size {
		return fmt.Errorf("%w: after %d of %d bytes", errShort, got, size)
	}
	return err
}

func (k *killScene) upload(c *net.TCPConn, size int64) (err error) {
	_ = c.SetDeadline(time.Now().Add(patience))
	defer func() {
		if err != nil {
			_ = c.SetLinger(0) // or closing would end what is not whole
		}
	}()
	if _, err := fmt.Fprintf(c, "up %d\n", size); err != nil {
		return err
	}
	if _, err := io.CopyN(c, new(pattern), size); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err == nil && string(answer) != fmt.Sprintln(size) {
		return fmt.Errorf("%w: answered by %q", errShort, answer)
	}
	return err
}

// usedTwice is what a venue, or a member, says of a slot or an open that was used
// before.
var usedTwice = regexp.MustCompile("slot_used|opens_exceeded")

// checkSlots demands that nobody said of a slot that it was used before.
func (k *killScene) checkSlots() {
	status := k.run("--home", k.dir, "venue", "status", "--json")
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, said := range append(k.outputs, bytes.NewBufferString(status)) {
		if twice := usedTwice.FindString(said.String()); twice != "" {
			k.t.Errorf("a slot was used twice: %s\n%s", twice, said)
		}
	}
}

// pattern is an endless stream in which every byte tells its place.
type pattern struct{ at int64 }

func patternAt(at int64) byte { return byte(at ^ at>>8 ^ at>>16) }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = patternAt(p.at)
		p.at++
	}
	return len(b), nil
}

// errPattern reports bytes that were changed.
var errPattern = errors.New("bytes were changed")

// countPattern reads to the end, and returns how much of the pattern there was.
func countPattern(r io.Reader) (n int64, err error) {
	b := make([]byte, 64<<10)
	for {
		read, err := r.Read(b)
		for _, c := range b[:read] {
			if c != patternAt(n) {
				return n, errPattern
			}
			n++
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}
