package anonymity

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
)

// tap is what the network sees of one member: it makes the member's connections,
// and keeps what goes over them, in its order.
type tap struct {
	places map[string]string // addresses behind names

	mu    sync.Mutex
	now   int // counts what happens
	conns []*tapped
}

// tapped is one connection.
type tapped struct {
	*net.TCPConn
	tap        *tap
	place      string
	begin, end int // end is 0 while it is open
	chunks     []chunk

	unpaced bool // leave out of the shape what only the pace of a machine decides
}

// chunk is what one Read or Write moved.
type chunk struct {
	up    bool
	at    int
	bytes []byte
}

func (p *tap) dial(ctx context.Context, network, address string) (net.Conn, error) {
	place, ok := p.places[address]
	if !ok {
		return nil, errors.New("no such host: " + address)
	}
	c := &tapped{tap: p, place: address}
	p.mu.Lock()
	p.now++
	c.begin = p.now
	p.conns = append(p.conns, c)
	p.mu.Unlock()
	raw, err := new(net.Dialer).DialContext(ctx, network, place)
	if err != nil {
		return nil, err
	}
	c.TCPConn = raw.(*net.TCPConn)
	return c, nil
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	c.keep(false, b[:n])
	return n, err
}

func (c *tapped) Write(b []byte) (int, error) {
	c.keep(true, b) // before the peer can answer
	return c.TCPConn.Write(b)
}

func (c *tapped) keep(up bool, b []byte) {
	if len(b) == 0 {
		return
	}
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	c.tap.now++
	c.chunks = append(c.chunks, chunk{up, c.tap.now, bytes.Clone(b)})
}

func (c *tapped) Close() error {
	c.tap.mu.Lock()
	c.tap.now++
	if c.end == 0 {
		c.end = c.tap.now
	}
	c.tap.mu.Unlock()
	return c.TCPConn.Close()
}

// stream returns all bytes of one direction.
func (c *tapped) stream(up bool) (out []byte) {
	for _, k := range c.chunks {
		if k.up == up {
			out = append(out, k.bytes...)
		}
	}
	return out
}

// typeCookie is the type of the answer that asks for message 1 again, with a cookie.
const typeCookie = 4

// frame is a handshake message or a record, in its order.
type frame struct {
	up     bool
	at     int
	header []byte // what is in clear
	sealed []byte
}

// record reports whether it is one: by the length of what is in clear.
func (f frame) record() bool { return len(f.header) == 7 }

// frames cuts a session's connection. What is left over comes as a frame without a
// header.
func (c *tapped) frames() (out []frame) {
	var pending [2][]byte
	var begun [2]int
	messages := 1 // in each direction, before records
	for _, k := range c.chunks {
		d := 0
		if k.up {
			d = 1
		}
		pending[d] = append(pending[d], k.bytes...)
		for {
			size, header := frameSize(pending[d], k.up, begun[d] < messages)
			if size == 0 || len(pending[d]) < size {
				break
			}
			f := frame{up: k.up, at: k.at, header: pending[d][:header], sealed: pending[d][header:size]}
			if !k.up && begun[d] == 0 && f.header[3] == typeCookie {
				messages = 2
			}
			out, pending[d], begun[d] = append(out, f), pending[d][size:], begun[d]+1
		}
	}
	for d, rest := range pending {
		if len(rest) > 0 {
			out = append(out, frame{up: d == 1, sealed: rest})
		}
	}
	return out
}

// frameSize returns how long the frame that b begins with is, and how much of it
// is in clear: 14 bytes of message 1, 4 of message 2, 7 of a record
// (docs/spec/handshake.md, docs/spec/record.md). It returns 0 if that is not known
// yet.
func frameSize(b []byte, up, message bool) (size, header int) {
	switch {
	case message && len(b) >= 14 && up:
		return 2 + int(binary.BigEndian.Uint16(b)), 14
	case message && len(b) >= 4 && !up:
		return 2 + int(binary.BigEndian.Uint16(b)), 4
	case !message && len(b) >= 7:
		return 7 + int(binary.BigEndian.Uint16(b[1:])), 7
	}
	return 0, 0
}

// emptyRecord is the length of a record without content, behind its header.
const emptyRecord = 3 + 16

// shape is all that does not look random: places, order, directions, sizes and
// clear fields of a session's connection, or the whole text of a fetch.
func (c *tapped) shape() string {
	var out strings.Builder
	fmt.Fprintln(&out, "to", c.place)
	if isFetch(c.place) {
		for _, up := range []bool{true, false} {
			for line := range strings.Lines(string(c.stream(up))) {
				if !strings.HasPrefix(line, "Date: ") {
					out.WriteString(line)
				}
			}
		}
		return out.String()
	}
	frames := c.frames()
	if c.unpaced {
		frames = unpaced(frames)
	}
	for _, f := range frames {
		arrow := "<-"
		if f.up {
			arrow = "->"
		}
		fmt.Fprintf(&out, "%s %x and %d bytes\n", arrow, f.header, len(f.sealed))
	}
	return out.String()
}

// unpaced returns first what goes up and then what comes down, without the empty
// record that confirms the keys of who has nothing to say for a while.
func unpaced(frames []frame) (out []frame) {
	for _, up := range []bool{true, false} {
		n := 0
		for _, f := range frames {
			if f.up != up {
				continue
			}
			if n++; up && n == 2 && len(f.sealed) == emptyRecord {
				continue
			}
			out = append(out, f)
		}
	}
	return out
}

func isFetch(place string) bool { return strings.HasSuffix(place, ":80") }

// sessions are the connections that are none of fetches.
func (p *tap) sessions() []*tapped {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.conns), func(c *tapped) bool { return isFetch(c.place) })
}

// handshakes returns, of each session's connection, from when to when its
// handshake went on; of those without a record, until they were closed.
func (p *tap) handshakes() (out [][2]int) {
	for _, c := range p.sessions() {
		until := c.end
		frames := c.frames()
		if first := slices.IndexFunc(frames, frame.record); first > 0 {
			until = frames[first-1].at
		}
		out = append(out, [2]int{c.begin, until})
	}
	return out
}

// beside reports whether two handshakes of a member went on at the same time: an
// admission beside an open says that both are one member's.
func (p *tap) beside() bool {
	all := p.handshakes()
	for i, a := range all {
		for _, b := range all[i+1:] {
			if b[0] < a[1] && a[0] < b[1] {
				return true
			}
		}
	}
	return false
}
