package demo

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// relay is the network between traders and venue: it hands bytes on, records them,
// and can cut.
type relay struct {
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	target string // where the venue takes connections; empty while it is gone
	wires  []*wire
	closed bool
}

// wire is one connection through the relay.
type wire struct {
	from  string // the address that it came from
	conns [2]net.Conn

	mu     sync.Mutex
	pieces []piece
}

// piece is what the relay read at once.
type piece struct {
	at      time.Time
	toVenue bool
	bytes   []byte
}

func openRelay() (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l}
	r.work.Go(r.accept)
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.work.Go(func() { r.join(conn) })
	}
}

// join connects a trader's connection with the venue.
func (r *relay) join(conn net.Conn) {
	defer conn.Close()
	r.mu.Lock()
	target := r.target
	r.mu.Unlock()
	if target == "" {
		return
	}
	other, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer other.Close()
	w := &wire{from: conn.RemoteAddr().String(), conns: [2]net.Conn{conn, other}}
	r.mu.Lock()
	if r.closed || r.target != target {
		r.mu.Unlock()
		return
	}
	r.wires = append(r.wires, w)
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { w.carry(conn, other, true) })
	both.Go(func() { w.carry(other, conn, false) })
	both.Wait()
}

// carry hands on what comes, and then cuts.
func (w *wire) carry(from, to net.Conn, toVenue bool) {
	defer w.cut()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			w.mu.Lock()
			w.pieces = append(w.pieces, piece{time.Now(), toVenue, append([]byte(nil), buffer[:n]...)})
			w.mu.Unlock()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) cut() {
	_ = w.conns[0].Close()
	_ = w.conns[1].Close()
}

// stream returns all that went one way.
func (w *wire) stream(toVenue bool) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []byte
	for _, p := range w.pieces {
		if p.toVenue == toVenue {
			out = append(out, p.bytes...)
		}
	}
	return out
}

// of returns the connection that came from an address.
func (r *relay) of(from string) (*wire, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.wires {
		if w.from == from {
			return w, nil
		}
	}
	return nil, fmt.Errorf("the relay has seen no connection from %s", from)
}

// aim sends later connections elsewhere; those that there are, are cut.
func (r *relay) aim(target string) {
	r.mu.Lock()
	r.target = target
	wires := r.wires
	r.mu.Unlock()
	for _, w := range wires {
		w.cut()
	}
}

// recording is what was carried so far, for each connection: to the venue, and back.
type recording [][2][]byte

func (r *relay) recording() recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all recording
	for _, w := range r.wires {
		all = append(all, [2][]byte{w.stream(true), w.stream(false)})
	}
	return all
}

// bytes is all of it in a row.
func (c recording) bytes() (all []byte) {
	for _, ways := range c {
		all = append(append(all, ways[0]...), ways[1]...)
	}
	return all
}

// save writes it into a folder, two files for each connection.
func (c recording) save(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for i, ways := range c {
		for k, way := range []string{"to-venue", "to-trader"} {
			path := filepath.Join(dir, fmt.Sprintf("%03d-%s.bin", i+1, way))
			if err := os.WriteFile(path, ways[k], 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *relay) close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.listener.Close()
	r.aim("")
	r.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
