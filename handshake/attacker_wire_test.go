package handshake

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/internal/record"
)

// deed is what the attacker does to one message or record of a connection.
type deed int

const (
	nothing deed = iota
	drop
	repeat
	swap    // with the one behind it
	reflect // back to its sender, and not on
	cut     // in the middle, with the connection
	flip    // a bit
	splice  // the same of another connection in its place
	again   // the one before it once more, in front of it
	deeds
)

// plot is what happens to one connection: a deed, at a message or record, which
// are counted in each direction.
type plot struct {
	deed   deed
	down   bool
	at     int
	random *rand.Rand
}

// wireAttacker stands between members and a venue, on sockets.
type wireAttacker struct {
	net.Listener
	venue string

	mu     sync.Mutex
	plots  chan plot
	recent [2][][]byte // messages and records of all connections, by direction
	doing  sync.WaitGroup
}

func attackWire(t testing.TB, venue string) *wireAttacker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wireAttacker{Listener: l, venue: venue, plots: make(chan plot, 1000)}
	w.doing.Go(w.acceptAll)
	t.Cleanup(func() { l.Close(); w.doing.Wait() })
	return w
}

func (w *wireAttacker) acceptAll() {
	for {
		member, err := w.Accept()
		if err != nil {
			return
		}
		venue, err := net.Dial("tcp", w.venue)
		if err != nil {
			member.Close()
			continue
		}
		p := <-w.plots
		w.doing.Go(func() { w.between(p, member, venue) })
	}
}

// between carries one connection's bytes, but for its deed.
func (w *wireAttacker) between(p plot, member, venue net.Conn) {
	defer member.Close()
	defer venue.Close()
	var both sync.WaitGroup
	for _, down := range []bool{false, true} {
		from, to := member, venue
		if down {
			from, to = venue, member
		}
		mine := plot{deed: nothing}
		if p.down == down {
			mine = p
		}
		both.Go(func() {
			defer to.(*net.TCPConn).CloseWrite()
			if !w.carry(mine, down, from, to) {
				member.Close()
				venue.Close()
			}
		})
	}
	both.Wait()
}

// carry carries one direction, and reports whether the connection may go on.
func (w *wireAttacker) carry(p plot, down bool, from, to net.Conn) bool {
	var before []byte
	for n := 0; ; n++ {
		frame, err := readFrame(from, n == 0)
		if err != nil {
			return err == io.EOF
		}
		out, back, goOn := [][]byte{frame}, []byte(nil), true
		if n == p.at && p.deed != nothing {
			out, back, goOn = w.do(p, down, before, frame, from)
		}
		before = frame
		w.remember(down, frame)
		for _, b := range out {
			to.Write(b) // who has gone does not get it
		}
		if back != nil {
			from.Write(back)
		}
		if !goOn {
			return false
		}
	}
}

// do does the deed: what goes on, what goes back, and whether the connection does.
func (w *wireAttacker) do(p plot, down bool, before, frame []byte, from net.Conn) (out [][]byte, back []byte, goOn bool) {
	first := p.at == 0
	switch p.deed {
	case drop:
		return nil, nil, !first
	case repeat:
		return [][]byte{frame, frame}, nil, true
	case swap:
		if first {
			return [][]byte{frame}, nil, true // nobody says more before it is answered
		}
		next, err := readFrame(from, false)
		return [][]byte{next, frame}, nil, err == nil
	case reflect:
		return nil, frame, true
	case cut:
		return [][]byte{frame[:p.random.IntN(len(frame))]}, nil, false
	case flip:
		frame = slices.Clone(frame)
		frame[p.random.IntN(len(frame))] ^= 1 << p.random.IntN(8)
		return [][]byte{frame}, nil, true
	case splice:
		return [][]byte{w.other(p, down, frame)}, nil, true
	default:
		if before == nil {
			before = w.other(p, down, frame)
		}
		return [][]byte{before, frame}, nil, true
	}
}

func (w *wireAttacker) remember(down bool, frame []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := &w.recent[direction(down)]
	*list = append(*list, frame)
	if len(*list) > 64 {
		*list = (*list)[1:]
	}
}

// other returns something that went the same way before, of the same length if
// there is any.
func (w *wireAttacker) other(p plot, down bool, frame []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.recent[direction(down)]
	if len(list) == 0 {
		return frame
	}
	at := p.random.IntN(len(list))
	for i := range list {
		if b := list[(at+i)%len(list)]; len(b) == len(frame) {
			return b
		}
	}
	return list[at]
}

func direction(down bool) int {
	if down {
		return 1
	}
	return 0
}

// readFrame reads a message, which comes first in each direction, or a record.
func readFrame(r io.Reader, message bool) ([]byte, error) {
	if message {
		return readMessage(r)
	}
	head := make([]byte, record.HeaderSize)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint16(head[1:]))
	_, err := io.ReadFull(r, body)
	return append(head, body...), unexpected(err)
}
