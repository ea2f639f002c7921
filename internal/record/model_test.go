package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

// attacks are what a byte-level attacker does to the records that are under way
// in one direction. Each returns what it delivers next, or nil to let the next
// record through.
var attacks = map[string]func(r *rand.Rand, m *model, from Role) []byte{
	"edit": func(r *rand.Rand, m *model, from Role) []byte {
		b := m.pop(from)
		b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		return b
	},
	"edit the header": func(r *rand.Rand, m *model, from Role) []byte {
		b := m.pop(from)
		b[r.IntN(HeaderSize)] ^= byte(1 + r.IntN(255))
		return b
	},
	"cut": func(r *rand.Rand, m *model, from Role) []byte { b := m.pop(from); return b[:r.IntN(len(b))] },
	"drop": func(_ *rand.Rand, m *model, from Role) []byte {
		m.pop(from)
		if len(m.queue[from]) == 0 {
			return nil
		}
		return m.pop(from)
	},
	"repeat": func(r *rand.Rand, m *model, from Role) []byte {
		return bytes.Clone(m.history[from][r.IntN(m.delivered[from])])
	},
	"reorder": func(r *rand.Rand, m *model, from Role) []byte {
		q := m.queue[from]
		if len(q) < 2 {
			return nil
		}
		i := 1 + r.IntN(len(q)-1)
		q[0], q[i] = q[i], q[0]
		return m.pop(from)
	},
	"reflect": func(r *rand.Rand, m *model, from Role) []byte {
		back := m.history[from.peer()]
		return bytes.Clone(back[r.IntN(len(back))])
	},
	"splice": func(r *rand.Rand, m *model, from Role) []byte {
		b := m.pop(from)
		other := m.history[from][r.IntN(len(m.history[from]))]
		n := min(len(b), len(other))
		at := HeaderSize + r.IntN(n-HeaderSize)
		copy(b[at:n], other[at:n])
		return b
	},
}

// model is a channel, what is under way, and what each side sent and accepted.
type model struct {
	*peers
	queue     [2][][]byte // by sealing role
	history   [2][][]byte
	delivered [2]int
	sent      [2][]string
	accepted  [2][]string // by sealing role: what the peer accepted
	dead      [2]bool     // by sealing role: the peer refused something
	tampered  bool
}

func (m *model) pop(from Role) []byte {
	b := bytes.Clone(m.queue[from][0])
	m.queue[from] = m.queue[from][1:]
	m.delivered[from]++
	return b
}

func (m *model) push(from Role, record []byte) {
	m.queue[from] = append(m.queue[from], record)
	m.history[from] = append(m.history[from], bytes.Clone(record))
}

// say seals something of role's, unless its keys are stale.
func (m *model) say(r *rand.Rand, from Role) {
	content := fmt.Sprintf("%s %d %s", from, len(m.sent[from]), bytes.Repeat([]byte{'x'}, r.IntN(100)))
	record, err := m.side[from].Seal(nil, Application, []byte(content))
	if errors.Is(err, ErrStale) || errors.Is(err, ErrClosed) {
		return
	}
	if err != nil {
		m.t.Fatalf("%s does not seal: %v", from, err)
	}
	m.sent[from] = append(m.sent[from], content)
	m.push(from, record)
}

func (m *model) work(from Role) {
	if m.side[from].NeedsPrepare() {
		if err := m.side[from].Prepare(); err != nil {
			m.t.Fatal(err) // no attack gets as far
		}
	}
	if m.side[from].NeedsControl() {
		record, err := m.side[from].Control(nil)
		if err != nil {
			m.t.Fatal(err)
		}
		m.push(from, record)
	}
}

// give lets the peer of from open a record. Genuine says whether it must.
func (m *model) give(from Role, record []byte, genuine bool) {
	kind, content, err := m.side[from.peer()].Open(nil, record)
	if err != nil {
		if genuine && !m.dead[from] {
			m.t.Fatalf("a genuine record of the %s's is refused: %v", from, err)
		}
		m.dead[from] = true
		return
	}
	if m.dead[from] {
		m.t.Fatal("a record opens after a refusal")
	}
	if kind == Application {
		m.accepted[from] = append(m.accepted[from], string(content))
	}
}

// attack delivers what one attack makes, which is refused unless it is the very
// record that is due.
func (m *model) attack(r *rand.Rand, name string, from Role) {
	if len(m.queue[from]) == 0 || m.delivered[from] == 0 || len(m.history[from.peer()]) == 0 {
		return
	}
	due := bytes.Clone(m.queue[from][0])
	record := attacks[name](r, m, from)
	if record == nil || bytes.Equal(record, due) {
		if record != nil {
			m.give(from, record, !m.tampered)
		} else {
			m.tampered = m.tampered || name == "drop"
		}
		return
	}
	m.tampered = true
	m.give(from, record, false)
	if !m.dead[from] {
		m.t.Fatalf("%s: what the %s did not seal there is accepted", name, from)
	}
}

// check compares what each side accepted with what the other sent.
func (m *model) check() {
	for _, from := range []Role{Initiator, Responder} {
		if n := len(m.accepted[from]); n > len(m.sent[from]) || !slices.Equal(m.accepted[from], m.sent[from][:n]) {
			m.t.Fatal("what is accepted is not the beginning of what was sent")
		}
	}
	a, b := m.side[Initiator].RatchetState(), m.side[Responder].RatchetState()
	if a.Generation == b.Generation && a.Transcript != b.Transcript {
		m.t.Fatal("one generation, two transcripts")
	}
	// Both accept: both saw the authenticated end.
	if m.side[Initiator].End() == io.EOF && m.side[Responder].End() == io.EOF {
		for _, from := range []Role{Initiator, Responder} {
			if !slices.Equal(m.accepted[from], m.sent[from]) {
				m.t.Fatal("both accept, and have not seen the same")
			}
		}
	}
}

// run lets both peers talk, tick, ratchet and close at random; from the middle
// on, an attack may happen. It returns whether both accepted.
func (m *model) run(r *rand.Rand, attack string) bool {
	for step := range 150 {
		from := Role(r.IntN(2))
		switch r.IntN(10) {
		case 0, 1, 2:
			m.say(r, from)
		case 3:
			m.clock.advance(time.Duration(r.Int64N(int64(45 * time.Second))))
		case 4:
			m.side[from].Ratchet()
		case 5, 6:
			if attack == "" || !m.dead[from.peer()] {
				m.work(from)
			}
		default:
			if attack != "" && step > 50 && r.IntN(8) == 0 {
				m.attack(r, attack, from)
			} else if len(m.queue[from]) > 0 {
				m.give(from, m.pop(from), !m.tampered)
			}
		}
		m.check()
	}
	for _, from := range []Role{Initiator, Responder} {
		record, err := m.side[from].Close(nil)
		if err != nil {
			m.t.Fatal(err)
		}
		m.push(from, record)
		for len(m.queue[from]) > 0 {
			m.give(from, m.pop(from), !m.tampered)
		}
	}
	m.check()
	return m.side[Initiator].End() == io.EOF && m.side[Responder].End() == io.EOF
}

// Two peers under a byte-level attacker: what either accepts is the beginning of
// what the other sent; both accept only if they have seen the same; and without
// an attack they do. ZKKEX_DEEP=1 runs a hundred times as many.
func TestModel(t *testing.T) {
	rounds := uint64(20)
	if os.Getenv("ZKKEX_DEEP") == "1" {
		rounds *= 100
	}
	names := []string{""}
	for name := range attacks {
		names = append(names, name)
	}
	for _, name := range names {
		t.Run("attack "+name, func(t *testing.T) {
			var tampered, ratchets uint64
			for seed := range rounds {
				r := rand.New(rand.NewPCG(seed, 0x7a6b))
				m := &model{peers: newPeers(t, AES256GCM, limited(Limits{Records: 1 + r.Uint64N(9)}), func(c *Config, _ *primitives) {
					c.Padding = Padding(seed % 2)
				})}
				switch accepted := m.run(r, name); {
				case name == "" && !accepted:
					t.Fatal("nobody attacks, and the peers do not accept")
				case m.tampered && accepted:
					t.Fatalf("seed %d: both accept after an attack", seed)
				}
				if m.tampered {
					tampered++
				}
				ratchets += m.side[Initiator].RatchetState().Generation
			}
			if name != "" && tampered < rounds/2 || ratchets == 0 {
				t.Fatalf("%d of %d rounds were attacked, with %d ratchets", tampered, rounds, ratchets)
			}
		})
	}
}
