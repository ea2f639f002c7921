package handshake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const (
	attackedSockets = 320
	// wordsPerSide is how many records each side writes.
	wordsPerSide = 4
)

// attacked is one side of a session that was accepted, and what it read.
type attacked struct {
	state ConnectionState
	early []byte
	wrote []byte
	read  []byte
	end   error
}

// The attacker on sockets: listeners, dialers, and hundreds of sessions, several
// at a time, each with one deed of the attacker's.
func TestAttackerOnSockets(t *testing.T) {
	s := newScene(t, unlimited)
	s.gate.set(func(g *testGate) { g.maxChannels = 1 << 20 })
	venue := listen(t, s, func(c *ServerConfig) { c.Timeout = time.Second })
	wire := attackWire(t, venue.listener.Addr().String())
	var mu sync.Mutex
	var members, venues []*attacked
	keep := func(list *[]*attacked, a *attacked) {
		mu.Lock()
		defer mu.Unlock()
		*list = append(*list, a)
	}
	var served, all sync.WaitGroup
	served.Go(func() {
		for {
			c, err := venue.listener.AcceptConn()
			if err != nil {
				return
			}
			all.Go(func() { keep(&venues, converse(c)) })
		}
	})
	numbers := make(chan uint64)
	var dialers sync.WaitGroup
	for range 8 {
		dialers.Go(func() {
			for n := range numbers {
				if c := openThrough(t, s, wire, n); c != nil {
					keep(&members, converse(c))
				}
			}
		})
	}
	for n := range uint64(attackedSockets) {
		numbers <- n
	}
	close(numbers)
	dialers.Wait()
	venue.listener.Shutdown()
	served.Wait()
	all.Wait()
	requireSoundPairs(t, members, venues)
}

// openThrough opens a session through the attacker, or returns nil.
func openThrough(t *testing.T, s *scene, w *wireAttacker, n uint64) *Conn {
	random := rand.New(rand.NewPCG(n, 4))
	w.plots <- plot{deed: deed(n) % deeds, down: random.IntN(2) == 0, at: random.IntN(wordsPerSide + 2), random: random}
	suite, early := plainSuite, []byte(nil)
	if random.IntN(3) == 0 {
		suite, early = earlySuite, fmt.Appendf(nil, "early %d", n)
	}
	d := Dialer{
		Venue: func(context.Context, bool) (*Venue, []Address, error) {
			return s.venue(suite), []Address{{"tcp", w.Addr().String()}}, nil
		},
		Config: ClientConfig{Now: s.clock.Now, Timeout: time.Second},
	}
	c := s.certificate(t)
	if random.IntN(2) == 0 {
		if _, err := s.gate.Admit(t.Context(), c.Presentation()); err != nil {
			t.Error(err)
		}
		c.MarkAdmitted()
	}
	conn, err := d.Open(t.Context(), c, early)
	if err != nil {
		return nil
	}
	return conn
}

// converse writes some words, and the end, and reads whatever comes.
func converse(c *Conn) *attacked {
	a := &attacked{early: c.Early(), state: c.ConnectionState()}
	for n := range wordsPerSide {
		a.wrote = fmt.Appendf(a.wrote, "%x, word %d;", a.state.Role, n)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for word := range bytes.SplitAfterSeq(a.wrote, []byte(";")) {
			if _, err := c.Write(word); err != nil {
				return
			}
		}
		c.CloseWrite()
	})
	a.read, a.end = io.ReadAll(c) // nil stands for io.EOF
	writing.Wait()
	c.Close()
	<-c.Done()
	return a
}

// requireSoundPairs checks that whoever was accepted has one peer with which it
// agrees, read the beginning of what that wrote, and took for the end what is.
func requireSoundPairs(t *testing.T, members, venues []*attacked) {
	t.Helper()
	byTranscript := make(map[[32]byte]*attacked)
	spends, early := make(map[spent]int), make(map[string]int)
	for _, v := range venues {
		byTranscript[v.state.Transcript] = v
		spends[spent{v.state.Statement.Nullifier, v.state.Opens}]++
		early[string(v.early)]++
	}
	delete(early, "")
	matched, whole, broken := 0, 0, 0
	for _, m := range members {
		v := byTranscript[m.state.Transcript]
		if v == nil {
			// The venue answered, and then what came was not the member's.
			if len(m.read) > 0 || m.end == nil {
				t.Errorf("a member read %q, %v, and there is no channel", m.read, m.end)
			}
			continue
		}
		matched++
		if err := agree(m, v); err != nil {
			t.Error(err)
		}
		for _, side := range [][2]*attacked{{m, v}, {v, m}} {
			reader, writer := side[0], side[1]
			if !bytes.HasPrefix(writer.wrote, reader.read) {
				t.Errorf("%q was read, and %q written", reader.read, writer.wrote)
			}
			switch {
			case reader.end == nil && len(reader.read) != len(writer.wrote):
				t.Errorf("io.EOF after %d of %d bytes", len(reader.read), len(writer.wrote))
			case reader.end == nil:
				whole++
			default:
				broken++
			}
		}
		delete(byTranscript, m.state.Transcript)
	}
	for _, v := range byTranscript {
		// With early data the venue accepts before it hears from its peer again.
		if v.early == nil || len(v.read) > 0 || v.end == nil {
			t.Errorf("the venue has a channel that no member has: read %q, %v", v.read, v.end)
		}
	}
	for _, count := range spends {
		if count > 1 {
			t.Errorf("an open was accepted %d times", count)
		}
	}
	for data, count := range early {
		if count > 1 {
			t.Errorf("%q was delivered %d times", data, count)
		}
	}
	t.Logf("%d members and %d venues accepted; %d pairs; %d directions whole, %d broken; %d early", len(members), len(venues), matched, whole, broken, len(early))
	if matched < attackedSockets/3 || whole < attackedSockets/4 || broken < attackedSockets/10 || len(early) < attackedSockets/10 {
		t.Error("the attacker is too tame, or too wild")
	}
}

// agree compares what two peers with one transcript say of their session.
func agree(m, v *attacked) error {
	a, b := m.state, v.state
	same := a.Certificate == b.Certificate && a.Statement == b.Statement && a.Epoch == b.Epoch &&
		a.Venue == b.Venue && a.Descriptor == b.Descriptor && a.Suite == b.Suite && a.Opens == b.Opens
	if !same || a.Role == b.Role {
		return fmt.Errorf("%w: %+v against %+v", errDisagree, a, b)
	}
	return nil
}
