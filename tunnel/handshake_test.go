package tunnel_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/venuetest"
)

// overHandshake makes the channels of a world real ones. early, if not nil, goes
// out with each first message.
func overHandshake(t *testing.T, w *world, early []byte) {
	t.Helper()
	v := venuetest.New(t.Name())
	member := v.Member("alice")
	inner := listen(t)
	w.server.Listener = v.Listen(inner)
	dialer := v.Dialer("tcp", inner.Addr().String())
	if early != nil {
		dialer = v.EarlyDialer("tcp", inner.Addr().String())
	}
	dialer.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			w.mu.Lock()
			w.raws = append(w.raws, raw.(*net.TCPConn))
			w.mu.Unlock()
		}
		return raw, err
	}
	w.client.Dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := dialer.Open(ctx, member.Certificate(), early)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
}

func TestRealChannels(t *testing.T) {
	w := newWorld(t, upstream(t, echo), func(w *world) { overHandshake(t, w, nil) })
	var programs sync.WaitGroup
	for seed := range uint64(4) {
		programs.Go(func() {
			sent := content(seed, 1<<20)
			c := w.dial(t)
			go func() {
				if _, err := sendChunks(c, sent, rand.New(rand.NewPCG(seed, 4))); err != nil {
					t.Error(err)
				}
				_ = c.CloseWrite()
			}()
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("program %d: %d bytes, %v", seed, len(got), err)
			}
		})
	}
	programs.Wait()
}

// Each side learns that the other was cut, though channels close with an
// authenticated end.
func TestRealChannelsCarryResets(t *testing.T) {
	for _, who := range []string{"program", "upstream", "network"} {
		t.Run(who, func(t *testing.T) {
			up, ended := make(chan *net.TCPConn), make(chan error)
			w := newWorld(t, upstream(t, func(c *net.TCPConn) {
				_, _ = io.ReadFull(c, make([]byte, 5))
				up <- c
				_, err := io.ReadAll(c)
				ended <- err
			}), func(w *world) { overHandshake(t, w, nil) })
			program := w.dial(t)
			if _, err := program.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			victim := map[string]*net.TCPConn{"program": program, "upstream": <-up, "network": w.lastRaw()}[who]
			_ = victim.SetLinger(0)
			_ = victim.Close()
			if err := <-ended; who != "upstream" && !isReset(err) {
				t.Errorf("upstream: %v; want a reset", err)
			}
			if _, err := io.ReadAll(program); who != "program" && !isReset(err) {
				t.Errorf("program: %v; want a reset", err)
			}
		})
	}
}

func TestEarlyDataReachesTheUpstreamFirst(t *testing.T) {
	w := newWorld(t, upstream(t, echo), func(w *world) { overHandshake(t, w, []byte("early, ")) })
	c := w.dial(t)
	_, _ = c.Write([]byte("late"))
	_ = c.CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "early, late" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Real channels are cut at random moments as well.
func TestKillsOfRealChannels(t *testing.T) {
	g, d := resources()
	type session struct {
		conn *net.TCPConn
		end  chan ending
	}
	sessions := make(chan session)
	body := content(9, 256<<10)
	w := newWorld(t, upstream(t, func(c *net.TCPConn) {
		s := session{c, make(chan ending, 1)}
		sessions <- s
		s.end <- talk(c, body, 1)
	}), func(w *world) { overHandshake(t, w, nil) })
	errs := 0
	for i := range uint64(200) {
		r := rand.New(rand.NewPCG(i, 5))
		program := w.dial(t)
		up := <-sessions
		end := make(chan ending, 1)
		go func() { end <- talk(program, body, i) }()
		time.Sleep(time.Duration(r.IntN(6000)) * time.Microsecond)
		kill(r, []*net.TCPConn{program, up.conn, w.lastRaw()}[r.IntN(3)])
		a, b := <-end, <-up.end
		for _, pair := range [][2]ending{{a, b}, {b, a}} {
			switch got := pair[0]; {
			case got.err != nil:
				errs++
			case len(got.received) != pair[1].sent:
				t.Errorf("kill %d: a clean end after %d of %d bytes", i, len(got.received), pair[1].sent)
			}
		}
		_ = program.Close()
	}
	if errs == 0 {
		t.Error("the kills came at no telling moments")
	}
	w.close()
	noLeak(t, g+1, d+1)
}
