package pgtest

import (
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy is between a client and a server, and cuts connections: after a random
// number of bytes, in the middle of what either side says, without a word.
type Proxy struct {
	listener net.Listener
	to       string
	cuts     atomic.Int64
	calm     atomic.Bool
	running  sync.WaitGroup
}

// Bytes that a connection lives for: always enough to be made, and no more than
// some statements take.
const (
	leastBytes = 4 << 10
	mostBytes  = 64 << 10
)

// NewProxy starts a proxy for the server of a DSN, and returns the DSN that leads
// through it.
func NewProxy(t testing.TB, dsn string) (*Proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("pgtest: the DSN is no URL")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, to: u.Host}
	u.Host = l.Addr().String()
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.running.Wait()
	})
	return p, u.String()
}

// Cuts is how many connections were cut.
func (p *Proxy) Cuts() int { return int(p.cuts.Load()) }

// Calm ends the cutting.
func (p *Proxy) Calm() { p.calm.Store(true) }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	var left atomic.Int64
	left.Store(leastBytes + rand.Int64N(mostBytes-leastBytes))
	end := sync.OnceFunc(func() {
		_ = client.Close()
		_ = server.Close()
	})
	var both sync.WaitGroup
	both.Go(func() { defer end(); p.copy(server, client, &left) })
	both.Go(func() { defer end(); p.copy(client, server, &left) })
	both.Wait()
}

// copy passes on what is said, until it ends or the connection's bytes are used up.
func (p *Proxy) copy(dst io.Writer, src io.Reader, left *atomic.Int64) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := src.Read(buffer)
		if !p.calm.Load() && left.Add(-int64(n)) < 0 {
			p.cuts.Add(1)
			_, _ = dst.Write(buffer[:rand.IntN(n+1)])
			return
		}
		if _, writeErr := dst.Write(buffer[:n]); writeErr != nil || err != nil {
			return
		}
	}
}
