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
// some statements take. Of every two connections, one is cut in a request, which
// then was not done, and one in an answer: that was done, and nobody knows.
const (
	leastRequests, mostRequests = 4 << 10, 64 << 10
	leastAnswers, mostAnswers   = 3 << 10, 6 << 10
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
	const forEver = 1 << 62
	requests, answers := int64(forEver), int64(forEver)
	if rand.IntN(2) == 0 {
		requests = leastRequests + rand.Int64N(mostRequests-leastRequests)
	} else {
		answers = leastAnswers + rand.Int64N(mostAnswers-leastAnswers)
	}
	end := sync.OnceFunc(func() {
		_ = client.Close()
		_ = server.Close()
	})
	var both sync.WaitGroup
	both.Go(func() { defer end(); p.copy(server, client, requests) })
	both.Go(func() { defer end(); p.copy(client, server, answers) })
	both.Wait()
}

// copy passes on what one side says, until it ends or its bytes are used up.
func (p *Proxy) copy(dst io.Writer, src io.Reader, left int64) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := src.Read(buffer)
		if left -= int64(n); left < 0 && !p.calm.Load() {
			p.cuts.Add(1)
			_, _ = dst.Write(buffer[:rand.IntN(n+1)])
			return
		}
		if _, writeErr := dst.Write(buffer[:n]); writeErr != nil || err != nil {
			return
		}
	}
}
