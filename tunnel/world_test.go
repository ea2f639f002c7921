package tunnel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zkkex/zkkex/tunnel"
)

// patience is how long a test waits for what must happen at some time.
const patience = 30 * time.Second

// world is a program's way through a tunnel to an upstream.
type world struct {
	client *tunnel.Client
	server *tunnel.Server
	// entry is where the program connects.
	entry string

	mu   sync.Mutex
	raws []*net.TCPConn // the network's, on the client's side

	stop context.CancelFunc
	done sync.WaitGroup
	errs [2]error
}

// newWorld starts a tunnel to an upstream. change, if not nil, sets fields.
func newWorld(t *testing.T, upstream string, change func(*world)) *world {
	t.Helper()
	entry, network := listen(t), listen(t)
	w := &world{entry: entry.Addr().String()}
	w.server = &tunnel.Server{Listener: channelListener{network}, Network: "tcp", Address: upstream}
	w.client = &tunnel.Client{Listener: entry, Dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		raw, err := d.DialContext(ctx, "tcp", network.Addr().String())
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		w.raws = append(w.raws, raw.(*net.TCPConn))
		w.mu.Unlock()
		return newChannel(raw), nil
	}}
	if change != nil {
		change(w)
	}
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	w.done.Go(func() { w.errs[0] = w.client.Serve(ctx) })
	w.done.Go(func() { w.errs[1] = w.server.Serve(ctx) })
	t.Cleanup(func() { w.close() })
	return w
}

// lastRaw returns the network connection that was dialed last.
func (w *world) lastRaw() *net.TCPConn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.raws[len(w.raws)-1]
}

// close stops both sides and returns their errors.
func (w *world) close() (client, server error) {
	w.stop()
	w.done.Wait()
	return w.errs[0], w.errs[1]
}

// dial connects as a program does.
func (w *world) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", w.entry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// refused fails unless the tunnel resets a program that connects.
func (w *world) refused(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", w.entry)
	if err == nil {
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, err = io.ReadAll(c)
	}
	if !isReset(err) { // by either call: the reset may come at once
		t.Errorf("program: %v; want a reset", err)
	}
}

// isReset reports whether a program's call failed as on a reset connection, and
// did not just end.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// upstream runs serve for each connection, and returns its address.
func upstream(t *testing.T, serve func(*net.TCPConn)) string {
	t.Helper()
	l := listen(t)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(patience))
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// resources are goroutines and descriptors, where the system lists them.
func resources() (goroutines, descriptors int) {
	entries, _ := os.ReadDir("/dev/fd")
	return runtime.NumGoroutine(), len(entries)
}

// noLeak fails unless there are soon no more goroutines and descriptors than
// there were.
func noLeak(t *testing.T, goroutines, descriptors int) {
	t.Helper()
	var g, d int
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		runtime.GC() // the upstream's io.Copy pools pipes
		if g, d = resources(); g <= goroutines && d <= descriptors {
			return
		}
	}
	stacks := make([]byte, 1<<20)
	t.Fatalf("%d goroutines and %d descriptors, before there were %d and %d\n%s",
		g, d, goroutines, descriptors, stacks[:runtime.Stack(stacks, true)])
}

func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if true() {
			return
		}
	}
	t.Fatal("waited in vain: " + what)
}
