package tunnel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zkkex/zkkex/tunnel"
)

// echo sends back what it gets, and ends when that ends.
func echo(c *net.TCPConn) {
	if _, err := io.Copy(c, c); err == nil {
		_ = c.CloseWrite()
	}
}

// content returns n bytes that depend on the seed.
func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	_, _ = r.Read(b) // never fails
	return b
}

// sendChunks writes in pieces of random sizes, of 1 byte as well.
func sendChunks(c io.Writer, b []byte, r *rand.Rand) (sent int, err error) {
	for sent < len(b) {
		n, err := c.Write(b[sent:min(len(b), sent+1+r.IntN(1<<r.IntN(17)))])
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func TestCarriesBytesUnchanged(t *testing.T) {
	w := newWorld(t, upstream(t, echo), nil)
	var programs sync.WaitGroup
	const total = 12 * (1 << 20)
	for seed := range uint64(12) {
		programs.Go(func() {
			sent := content(seed, 1<<20)
			c := w.dial(t)
			go func() {
				if _, err := sendChunks(c, sent, rand.New(rand.NewPCG(seed, 1))); err != nil {
					t.Error(err)
				}
				if err := c.CloseWrite(); err != nil {
					t.Error(err)
				}
			}()
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, sent) {
				t.Errorf("program %d: got %d bytes, %v; want its own %d back", seed, len(got), err, len(sent))
			}
		})
	}
	programs.Wait()
	if c, s := w.close(); c != nil || s != nil {
		t.Errorf("Serve: %v, %v; want nil", c, s)
	}
	for _, s := range []tunnel.Stats{w.client.Stats(), w.server.Stats()} {
		if want := (tunnel.Stats{Accepted: 12, Ended: 12, Sent: total, Received: total}); s != want {
			t.Errorf("%+v; want %+v", s, want)
		}
	}
}

// A program that has ended its own direction still gets the other.
func TestHalfCloseOfEachSide(t *testing.T) {
	greeting, order, answer := content(1, 70_000), content(2, 90_000), content(3, 80_000)
	got := make(chan []byte, 1)
	w := newWorld(t, upstream(t, func(c *net.TCPConn) {
		_, _ = c.Write(greeting)
		b, _ := io.ReadAll(c) // compared below
		got <- b
		_, _ = c.Write(answer)
	}), nil)
	c := w.dial(t)
	if _, err := c.Write(order); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(all, append(bytes.Clone(greeting), answer...)) {
		t.Errorf("program got %d bytes, %v; want greeting and answer", len(all), err)
	}
	if b := <-got; !bytes.Equal(b, order) {
		t.Errorf("upstream got %d bytes; want the order", len(b))
	}
}

func TestUpstreamEndsFirst(t *testing.T) {
	got := make(chan []byte, 1)
	w := newWorld(t, upstream(t, func(c *net.TCPConn) {
		_, _ = c.Write([]byte("that is all"))
		_ = c.CloseWrite()
		b, _ := io.ReadAll(c) // compared below
		got <- b
	}), nil)
	c := w.dial(t)
	if b, err := io.ReadAll(c); err != nil || string(b) != "that is all" {
		t.Fatalf("program got %q, %v", b, err)
	}
	if _, err := c.Write([]byte("and this is mine")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b := <-got; string(b) != "and this is mine" {
		t.Errorf("upstream got %q", b)
	}
}

func TestResetsAreCarriedAsErrors(t *testing.T) {
	reset := func(c *net.TCPConn) {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	for _, tc := range []struct {
		name string
		do   func(w *world, program, upstream *net.TCPConn)
	}{
		{"program", func(_ *world, program, _ *net.TCPConn) { reset(program) }},
		{"upstream", func(_ *world, _, upstream *net.TCPConn) { reset(upstream) }},
		{"network reset", func(w *world, _, _ *net.TCPConn) { reset(w.raws[0]) }},
		{"network ends", func(w *world, _, _ *net.TCPConn) { _ = w.raws[0].CloseWrite() }},
		{"network ends inside a frame", func(w *world, _, _ *net.TCPConn) {
			_, _ = w.raws[0].Write([]byte{1})
			_ = w.raws[0].CloseWrite()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, d := resources()
			up, ended := make(chan *net.TCPConn), make(chan error)
			w := newWorld(t, upstream(t, func(c *net.TCPConn) {
				_, _ = io.ReadFull(c, make([]byte, 5))
				_, _ = c.Write([]byte("world"))
				up <- c
				_, err := io.ReadAll(c)
				ended <- err
			}), nil)
			program := w.dial(t)
			if _, err := program.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(program, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			tc.do(w, program, <-up)
			if err := <-ended; tc.name != "upstream" && !isReset(err) {
				t.Errorf("upstream: %v; want a reset", err)
			}
			if _, err := io.ReadAll(program); tc.name != "program" && !isReset(err) {
				t.Errorf("program: %v; want a reset", err)
			}
			_ = program.Close()
			if c, s := w.close(); c != nil || s != nil {
				t.Errorf("Serve: %v, %v; want nil", c, s)
			}
			if s := w.client.Stats(); s.Cut != 1 || s.Ended != 0 || s.Active != 0 {
				t.Errorf("client: %+v; want 1 cut", s)
			}
			// What is left are the listener and the goroutine of the upstream.
			noLeak(t, g+1, d+1)
		})
	}
}

func TestUpstreamDown(t *testing.T) {
	l := listen(t)
	address := l.Addr().String()
	_ = l.Close()
	w := newWorld(t, address, nil)
	w.refused(t)
	eventually(t, "the refusal", func() bool { return w.server.Stats().Refused == 1 })
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestVenueDownIsLoggedOnce(t *testing.T) {
	var log syncBuffer
	w := newWorld(t, "unused", func(w *world) {
		w.client.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.client.Dial = func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	})
	const programs = 50
	for range programs {
		w.refused(t)
	}
	eventually(t, "the refusals", func() bool { return w.client.Stats().Refused == programs })
	// The interval before the second line is a second; slow machines may meet it.
	lines := strings.Count(log.String(), "\n")
	if lines == 0 || lines > programs/2 {
		t.Errorf("%d lines for %d refusals", lines, programs)
	}
	if !strings.Contains(log.String(), `msg="no connection to the venue" kind=refused error="connection refused"`) {
		t.Errorf("log: %s", log.String())
	}
}

func TestDialDeadline(t *testing.T) {
	w := newWorld(t, "unused", func(w *world) {
		w.client.Limits.DialTimeout = time.Millisecond
		w.client.Dial = func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	w.refused(t)
}

// A program that does not read stops the one that writes: what is under way is
// bounded by the buffers of the sockets, and nothing is lost.
func TestSlowReaderHoldsTheWriterBack(t *testing.T) {
	const total = 64 << 20
	var sent atomic.Int64
	w := newWorld(t, upstream(t, func(c *net.TCPConn) {
		piece := make([]byte, 64<<10)
		for sent.Load() < total {
			n, err := c.Write(piece)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}), nil)
	c := w.dial(t)
	// The writer is stuck when it has sent nothing for a while.
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	for last := int64(-1); ; time.Sleep(200 * time.Millisecond) {
		now := sent.Load()
		if now == last && now > 0 {
			break
		}
		last = now
	}
	if stuck := sent.Load(); stuck > total/2 {
		t.Fatalf("%d bytes were taken from the upstream while nobody read", stuck)
	}
	runtime.GC()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	got, err := io.Copy(io.Discard, c)
	if err != nil || got != total {
		t.Errorf("read %d, %v; want %d", got, err, total)
	}
}

func TestManyConnections(t *testing.T) {
	g, d := resources()
	const many = 300
	w := newWorld(t, upstream(t, echo), nil)
	programs := make([]*net.TCPConn, many)
	for i := range programs {
		programs[i] = w.dial(t)
		if _, err := programs[i].Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range programs {
		var b [1]byte
		if _, err := io.ReadFull(c, b[:]); err != nil || b[0] != byte(i) {
			t.Fatalf("program %d: %v, %v", i, b, err)
		}
	}
	if s := w.client.Stats(); s.Active != many {
		t.Errorf("%d active; want %d", s.Active, many)
	}
	for _, c := range programs {
		_ = c.Close()
	}
	if c, s := w.close(); c != nil || s != nil {
		t.Errorf("Serve: %v, %v; want nil", c, s)
	}
	noLeak(t, g+1, d+1)
}

func TestConnectionsAreBounded(t *testing.T) {
	const bound = 3
	var now, most atomic.Int64
	w := newWorld(t, upstream(t, func(c *net.TCPConn) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		b, _ := io.ReadAll(c)
		now.Add(-1)
		_, _ = c.Write(b)
	}), func(w *world) { w.client.Limits.Connections = bound })
	var programs sync.WaitGroup
	for range 20 {
		programs.Go(func() {
			c := w.dial(t)
			_, _ = c.Write([]byte("x"))
			_ = c.CloseWrite()
			if b, err := io.ReadAll(c); err != nil || string(b) != "x" {
				t.Errorf("got %q, %v", b, err)
			}
		})
	}
	programs.Wait()
	if most.Load() > bound {
		t.Errorf("%d at once; want at most %d", most.Load(), bound)
	}
}

func TestShutdownLetsConnectionsEnd(t *testing.T) {
	w := newWorld(t, upstream(t, echo), nil)
	c := w.dial(t)
	if _, err := c.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	w.stop()
	eventually(t, "the listener to close", func() bool {
		late, err := net.Dial("tcp", w.entry)
		if err != nil {
			return true
		}
		_ = late.Close()
		return false
	})
	if _, err := c.Write([]byte("b")); err != nil {
		t.Fatal(err)
	}
	_ = c.CloseWrite()
	if b, err := io.ReadAll(c); err != nil || string(b) != "b" {
		t.Errorf("got %q, %v; want the echo", b, err)
	}
	if cl, s := w.close(); cl != nil || s != nil {
		t.Errorf("Serve: %v, %v; want nil", cl, s)
	}
}

func TestShutdownCutsAtItsDeadline(t *testing.T) {
	g, d := resources()
	w := newWorld(t, upstream(t, echo), func(w *world) { w.client.Limits.Drain = time.Millisecond })
	c := w.dial(t)
	if _, err := c.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cl, s := w.close()
	if !errors.Is(cl, tunnel.ErrCut) {
		t.Errorf("client: %v; want ErrCut", cl)
	}
	if s != nil {
		t.Errorf("server: %v; want nil", s)
	}
	if _, err := io.ReadAll(c); !isReset(err) {
		t.Errorf("program: %v; want a reset", err)
	}
	_ = c.Close()
	noLeak(t, g+1, d+1)
}

func TestKeepAliveLivesAsLongAsTheChannel(t *testing.T) {
	ended := make(chan net.Conn, 1)
	w := newWorld(t, upstream(t, echo), func(w *world) {
		w.client.KeepAlive = func(ctx context.Context, c net.Conn) {
			<-ctx.Done()
			ended <- c
		}
	})
	c := w.dial(t)
	_, _ = c.Write([]byte("x"))
	_, _ = io.ReadFull(c, make([]byte, 1))
	select {
	case <-ended:
		t.Error("the hook's context ended before the channel")
	default:
	}
	_ = c.CloseWrite()
	_, _ = io.ReadAll(c)
	if _, ok := (<-ended).(*channel); !ok {
		t.Error("the hook did not get the channel")
	}
}

// Connections that cannot be reset are refused, unless that is said to be fine.
func TestUnixSocketNeedsPermission(t *testing.T) {
	serve := func(allow bool) (*tunnel.Client, string) {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		to := upstream(t, echo)
		return &tunnel.Client{Listener: l, AllowSilentTruncation: allow, Dial: func(context.Context) (net.Conn, error) {
			return net.Dial("tcp", to)
		}}, path
	}
	refused, _ := serve(false)
	if err := refused.Serve(t.Context()); !errors.Is(err, tunnel.ErrNoReset) {
		t.Errorf("Serve: %v; want ErrNoReset", err)
	}
	allowed, path := serve(true)
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := allowed.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	defer done.Wait()
	defer stop()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte("hello"))
	_ = c.(*net.UnixConn).CloseWrite()
	if b, err := io.ReadAll(c); err != nil || string(b) != "hello" {
		t.Errorf("got %q, %v", b, err)
	}
}

// A connection without a reset is refused one by one as well, as a server's
// upstream is.
func TestUpstreamWithoutReset(t *testing.T) {
	w := newWorld(t, "unused", func(w *world) {
		w.server.Dial = func(context.Context, net.Conn) (net.Conn, error) {
			a, b := net.Pipe()
			t.Cleanup(func() { _ = b.Close() })
			return a, nil
		}
	})
	w.refused(t)
	eventually(t, "the refusal", func() bool { return w.server.Stats().Refused == 1 })
}

// handshaking fails its handshake, and so must reach no upstream.
type handshaking struct{ net.Conn }

func (handshaking) HandshakeContext(context.Context) error {
	return errors.New("a secret of 192.0.2.7")
}

type handshakingListener struct{ net.Listener }

func (l handshakingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return handshaking{c}, err
}

func TestServerDialsAfterTheHandshake(t *testing.T) {
	var log syncBuffer
	var dialed atomic.Int64
	l := listen(t)
	s := &tunnel.Server{Listener: handshakingListener{l}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Dial: func(context.Context, net.Conn) (net.Conn, error) {
			dialed.Add(1)
			return nil, errors.New("must not be asked")
		}}
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { _ = s.Serve(ctx) })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "the refusal", func() bool { return s.Stats().Refused == 1 })
	stop()
	done.Wait()
	if dialed.Load() != 0 {
		t.Error("the upstream was dialed for a peer without a handshake")
	}
	if text := log.String(); strings.Contains(text, "192.0.2.7") || !strings.Contains(text, "kind=other") {
		t.Errorf("log: %s; want the kind of the error and not its text", text)
	}
}

// failing is a listener that has one kind of error after another.
type failing struct {
	net.Listener
	errs chan error
}

func (l failing) Accept() (net.Conn, error) { return nil, <-l.errs }

func TestListenerErrors(t *testing.T) {
	errs := make(chan error, 2)
	errs <- syscall.EMFILE // passes
	errs <- errors.New("broken")
	c := &tunnel.Client{Listener: failing{listen(t), errs}, Dial: func(context.Context) (net.Conn, error) { return nil, io.EOF }}
	if err := c.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "the listener failed: broken") || len(errs) != 0 {
		t.Errorf("Serve: %v; want the second error", err)
	}
}

func TestIncomplete(t *testing.T) {
	if err := (&tunnel.Client{}).Serve(t.Context()); err == nil {
		t.Error("a client without fields serves")
	}
	if err := (&tunnel.Server{Listener: listen(t)}).Serve(t.Context()); err == nil {
		t.Error("a server without an upstream serves")
	}
}
