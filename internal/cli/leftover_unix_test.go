//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// here runs a server of ours in this process, and returns what stops it: it must
// exit with 0.
func (k *killScene) here(args ...string) (stop func()) {
	k.t.Helper()
	ctx, cancel := context.WithCancel(k.t.Context())
	printed, out := io.Pipe()
	var said bytes.Buffer
	env := testEnv()
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), out, &said
	exit := make(chan int, 1)
	go func() {
		exit <- Main(ctx, env, append(args, "--json"))
		out.CloseWithError(io.EOF)
	}()
	var begun map[string]any
	if err := json.NewDecoder(printed).Decode(&begun); err != nil || begun["error"] != nil {
		cancel()
		k.t.Fatalf("%v did not begin: %v, %v", args, err, begun["error"])
	}
	go func() { _, _ = io.Copy(io.Discard, printed) }()
	return func() {
		cancel()
		if code := <-exit; code != 0 {
			k.t.Errorf("%v: exit code %d\n%s", args, code, &said)
		}
	}
}

// resources counts goroutines and descriptors.
func resources() (goroutines, descriptors int) {
	entries, _ := os.ReadDir("/dev/fd")
	return runtime.NumGoroutine(), len(entries)
}

// An interrupt ends serve and tunnel, which have carried streams, and nothing of them
// stays: no goroutine, no descriptor.
func TestInterruptedServersLeaveNothing(t *testing.T) {
	k := newKillScene(t)
	cycle := func() {
		stopServe := k.here("--home", k.dir, "serve", "--params", "dev", "--listen", k.sessions, "--publish", k.publish, "--upstream", k.upstream)
		stopTunnel := k.here("--home", filepath.Join(k.dir, "alice"), "tunnel", "--params", "dev", "--listen", k.local)
		for range 3 {
			k.carryOne(t)
		}
		stopTunnel()
		stopServe()
	}
	cycle() // what is made once is made
	goroutines, descriptors := resources()
	for range 3 {
		cycle()
	}
	var g, d int
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		runtime.GC()
		if g, d = resources(); g <= goroutines && d <= descriptors {
			return
		}
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines and %d descriptors, before there were %d and %d\n%s", g, d, goroutines, descriptors, stacks[:runtime.Stack(stacks, true)])
}
