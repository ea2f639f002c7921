package tunnel_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// kills is how many connections are cut, one way or another, in TestKills.
const kills = 1000

// What either program sees before a clean end of file is all that the other one
// handed to its system, to the last byte. Connections are cut at random moments:
// of the program, of the upstream, of the network. Nothing is left behind.
//
// A program whose socket is closed without a reset has ended its stream: systems
// do that for a process that was killed, and no forwarder can tell.
func TestKills(t *testing.T) {
	g, d := resources()
	var cleanEnds, errs int
	type session struct {
		conn *net.TCPConn
		end  chan ending
	}
	sessions := make(chan session)
	body := content(7, 256<<10)
	w := newWorld(t, upstream(t, func(c *net.TCPConn) {
		s := session{c, make(chan ending, 1)}
		sessions <- s
		s.end <- talk(c, body, 1)
	}), nil)
	for i := range uint64(kills) {
		r := rand.New(rand.NewPCG(i, 3))
		program := w.dial(t)
		up := <-sessions
		end := make(chan ending, 1)
		go func() { end <- talk(program, body, i) }()
		time.Sleep(time.Duration(r.IntN(4000)) * time.Microsecond)
		kill(r, []*net.TCPConn{program, up.conn, w.lastRaw()}[r.IntN(3)])
		a, b := <-end, <-up.end
		for _, pair := range [][2]ending{{a, b}, {b, a}} {
			got, sent := pair[0], pair[1].sent
			switch {
			case !bytes.HasPrefix(body, got.received):
				t.Error("bytes were changed")
			case got.err != nil:
				errs++
			case len(got.received) != sent:
				t.Errorf("kill %d: a clean end after %d of %d bytes", i, len(got.received), sent)
			default:
				cleanEnds++
			}
		}
		_ = program.Close()
	}
	if c, s := w.close(); c != nil || s != nil {
		t.Errorf("Serve: %v, %v; want nil", c, s)
	}
	if errs < kills/4 || cleanEnds == 0 {
		t.Errorf("%d errors and %d clean ends: the kills came at no telling moments", errs, cleanEnds)
	}
	if s := w.server.Stats(); s.Accepted != kills || s.Active != 0 || s.Ended+s.Cut+s.Refused != kills {
		t.Errorf("server: %+v", s)
	}
	noLeak(t, g+1, d+1)
	t.Logf("%d kills: %d directions ended cleanly and whole, %d with an error", kills, cleanEnds, errs)
}

// ending is what one side knows when it is over.
type ending struct {
	sent     int    // bytes that the system took
	received []byte // until err, or the end
	err      error
}

// talk sends all of body, ends, and reads to an end. Linux tells of a reset once:
// where the sender learns it, the reader sees an end, so that the error of either
// is the program's.
func talk(c *net.TCPConn, body []byte, seed uint64) (e ending) {
	var sendErr error
	var sending sync.WaitGroup
	sending.Go(func() {
		e.sent, sendErr = sendChunks(c, body, rand.New(rand.NewPCG(seed, 2)))
		if sendErr == nil {
			sendErr = c.CloseWrite()
		}
	})
	e.received, e.err = io.ReadAll(c)
	if e.err != nil {
		_ = c.SetLinger(0) // or the rest of what was sent would get an end
		_ = c.Close()
	}
	sending.Wait()
	e.err = errors.Join(e.err, sendErr)
	return e
}

func kill(r *rand.Rand, c *net.TCPConn) {
	if r.IntN(2) == 0 {
		_ = c.SetLinger(0)
	}
	_ = c.Close()
}
