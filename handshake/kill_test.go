package handshake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
)

// killedSessions is how many sessions are opened in TestKills. Most of them are
// cut off somewhere.
const killedSessions = 1000

// Sessions of a pool are cut off at random moments, on either side: the
// connection closed or reset after so many bytes, in the middle of whatever goes
// over it, the caller's context cancelled, the listener closed. No slot and no
// open counter is used twice, early data comes at most once, whoever reads io.EOF
// has read everything, and nothing is left behind.
func TestKills(t *testing.T) {
	before := runtime.NumGoroutine()
	w := newKillWorld(t)
	w.listen()
	numbers := make(chan uint64)
	var members sync.WaitGroup
	for range 8 {
		members.Go(func() {
			var last *session.Certificate
			for n := range numbers {
				last = w.oneSession(n, last)
			}
		})
	}
	for n := range uint64(killedSessions) {
		if n%100 == 99 {
			w.closeListener()
			w.listen()
		}
		numbers <- n
	}
	close(numbers)
	members.Wait()
	w.closeListener()
	w.must(w.pool.Close())
	w.venues.Wait()
	w.check()
	w.requireNothingLeft(before)
}

// oneSession opens one session and has it killed, or not. It returns a certificate
// to open again.
func (w *killWorld) oneSession(n uint64, last *session.Certificate) *session.Certificate {
	r := rand.New(rand.NewPCG(n, 5))
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	c := last
	if c == nil || r.IntN(3) > 0 {
		var err error
		c, err = w.pool.Take(ctx)
		w.must(err)
		w.take(c)
	}
	if r.IntN(8) == 0 {
		time.AfterFunc(time.Duration(r.IntN(3000))*time.Microsecond, cancel)
	}
	suite, early := w.suites[0], []byte(nil)
	if r.IntN(4) == 0 {
		suite, early = w.suites[1], fmt.Appendf(nil, "early %d", n)
	}
	end, err := w.pool.BeginOpen(ctx)
	if err != nil {
		return c // cancelled
	}
	conn, err := w.dialer(suite, r).Open(ctx, c, early)
	end()
	if errors.Is(err, session.ErrOpensUsed) {
		return nil
	}
	if err != nil {
		return c // killed
	}
	w.converse(&w.memberSides, conn, r)
	return c
}

// killedSide is one side of a session, and what came of it.
type killedSide struct {
	state handshake.ConnectionState
	early string
	wrote []byte
	read  []byte
	end   error // nil for io.EOF
}

// converse writes something of its own, and the end, and reads what comes.
func (w *killWorld) converse(list *[]*killedSide, c *handshake.Conn, r *rand.Rand) {
	s := &killedSide{state: c.ConnectionState(), early: string(c.Early())}
	s.wrote = bytes.Repeat(fmt.Appendf(nil, "%x by %s; ", s.state.Transcript[:8], s.state.Role), 1+r.IntN(1000))
	parts := 1 + r.IntN(4)
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range parts {
			if _, err := c.Write(s.wrote[len(s.wrote)*i/parts : len(s.wrote)*(i+1)/parts]); err != nil {
				return
			}
		}
		c.CloseWrite()
	})
	s.read, s.end = io.ReadAll(c)
	writing.Wait()
	c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, s)
}

// check looks at what came of all sessions.
func (w *killWorld) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	byTranscript := make(map[[32]byte]*killedSide)
	opens, early := make(map[string]int), make(map[string]int)
	for _, v := range w.venueSides {
		byTranscript[v.state.Transcript] = v
		opens[fmt.Sprintf("%v %d", v.state.Statement.Nullifier, v.state.Opens)]++
		early[v.early]++
	}
	delete(early, "")
	requireOnce(w.t, "an open", opens)
	requireOnce(w.t, "early data", early)
	counters := make(map[string]int)
	whole, broken := 0, 0
	for _, m := range w.memberSides {
		counters[fmt.Sprintf("%v %d", m.state.Certificate, m.state.Opens)]++
		v := byTranscript[m.state.Transcript]
		if v == nil {
			if m.end == nil || len(m.read) > 0 {
				w.t.Errorf("a member read %d bytes and %v, and there was no channel", len(m.read), m.end)
			}
			continue
		}
		for _, pair := range [][2]*killedSide{{m, v}, {v, m}} {
			if pair[0].end == nil {
				whole++
			} else {
				broken++
			}
			w.complete(pair[0], pair[1])
		}
	}
	requireOnce(w.t, "a counter of a member's", counters)
	requireOnce(w.t, "a certificate that was taken", w.taken)
	requireOnce(w.t, "a slot", w.proved)
	w.t.Logf("%d sessions on the members' side, %d on the venue's; %d directions whole, %d broken; %d certificates",
		len(w.memberSides), len(w.venueSides), whole, broken, len(w.proved))
	if whole < killedSessions/4 || broken < killedSessions/8 || len(early) < killedSessions/50 {
		w.t.Error("the kills came at no telling moments")
	}
}

// complete checks that what was read is the beginning of what was written, and all
// of it if the reader took it for the end.
func (w *killWorld) complete(reader, writer *killedSide) {
	w.t.Helper()
	switch {
	case !bytes.HasPrefix(writer.wrote, reader.read):
		w.t.Errorf("bytes were changed: %d of %d", len(reader.read), len(writer.wrote))
	case reader.end == nil && len(reader.read) != len(writer.wrote):
		w.t.Errorf("io.EOF after %d of %d bytes", len(reader.read), len(writer.wrote))
	}
}

func requireOnce(t *testing.T, what string, counts map[string]int) {
	t.Helper()
	for key, n := range counts {
		if n != 1 {
			t.Errorf("%s was used %d times: %s", what, n, key)
		}
	}
}

// requireNothingLeft waits until goroutines, connections and counted channels are
// gone: a channel whose peer was killed lingers for some seconds.
func (w *killWorld) requireNothingLeft(before int) {
	w.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		goroutines, conns, channels := runtime.NumGoroutine(), w.connections.Load(), w.gate.Stats().Channels
		if goroutines <= before && conns == 0 && channels == 0 {
			return
		}
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			w.t.Fatalf("%d goroutines (%d before), %d connections and %d channels are left\n%s", goroutines, before, conns, channels, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
