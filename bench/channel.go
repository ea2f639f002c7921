package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
)

// throughputLimit is how much of the CPU time of crypto/tls a record may take,
// both sides and the loopback interface included.
const throughputLimit = 1.0

// traffic is what a sample sends: writes of one size, which are records of that
// size.
type traffic struct {
	words         string
	size, records int
}

var traffics = []traffic{{"16 KiB", 16 << 10, 1024}, {"64 B", 64, 20_000}}

// channel measures records beside those of crypto/tls, over TCP on this machine.
func (r *runner) channel(ctx context.Context) (err error) {
	m, err := r.prepared()
	if err != nil {
		return err
	}
	e, err := newExchange(m, r.options.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	mine, err := ourPipe(m, e)
	if err != nil {
		return err
	}
	defer mine.close()
	theirs, err := tlsPipe()
	if err != nil {
		return err
	}
	defer theirs.close()
	var tasks []task
	for _, t := range traffics {
		tasks = append(tasks, mine.task("zkkex", t), theirs.task("TLS 1.3", t))
	}
	r.progress(Channel, "%d rounds of %d tasks", r.options.rounds(), len(tasks))
	timings, err := r.measure(ctx, Channel, 0, r.options.rounds(), tasks...)
	if err != nil {
		return err
	}
	for i, t := range traffics {
		r.report.ratio(fmt.Sprintf("records of %s / TLS 1.3", t.words), timings[2*i], timings[2*i+1], throughputLimit)
		r.report.target(fmt.Sprintf("allocations per record of %s", t.words), float64(timings[2*i].Allocs), "allocations", 0)
	}
	return nil
}

// pipe is an open connection: what is written into one end comes out of the other.
type pipe struct{ in, out net.Conn }

func (p *pipe) close() {
	p.in.Close()
	p.out.Close()
}

// task sends traffic through the pipe.
func (p *pipe) task(name string, t traffic) task {
	plaintext, buffer := make([]byte, t.size), make([]byte, 16<<10)
	return task{name: fmt.Sprintf("%s, %s", name, t.words), each: t.records, run: func() error {
		received := make(chan error, 1)
		go func() {
			_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(p.out, int64(t.size*t.records)), buffer)
			received <- err
		}()
		for range t.records {
			if _, err := p.in.Write(plaintext); err != nil {
				return errors.Join(err, p.out.Close(), <-received)
			}
		}
		return <-received
	}}
}

// sockets returns both ends of a TCP connection on this machine.
func sockets() (near, far net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = l.Accept(); err != nil {
		near.Close()
		return nil, nil, err
	}
	return near, far, nil
}

// shaken returns a pipe whose ends have shaken hands.
func shaken(client, server func(net.Conn) (net.Conn, error)) (*pipe, error) {
	near, far, err := sockets()
	if err != nil {
		return nil, err
	}
	p, served := new(pipe), make(chan error, 1)
	go func() {
		var err error
		p.out, err = server(far)
		served <- err
	}()
	p.in, err = client(near)
	if err != nil {
		near.Close()
	}
	if err := errors.Join(err, <-served); err != nil {
		near.Close()
		far.Close()
		return nil, err
	}
	return p, nil
}

func ourPipe(m *member, e *exchange) (*pipe, error) {
	c, err := e.admitted(m, 0)
	if err != nil {
		return nil, err
	}
	r, err := e.responder(generous())
	if err != nil {
		return nil, err
	}
	return shaken(func(raw net.Conn) (net.Conn, error) {
		i, err := handshake.NewInitiator(e.known(plainSuite), c, handshake.InitiatorOptions{Kind: handshake.Open})
		if err != nil {
			return nil, err
		}
		return handshake.Client(context.Background(), raw, i, nil)
	}, func(raw net.Conn) (net.Conn, error) {
		return handshake.Server(context.Background(), raw, &handshake.ServerConfig{Responder: r, Keys: e, Gate: e})
	})
}

func tlsPipe() (*pipe, error) {
	t, err := peers.NewTLS(peers.P256)
	if err != nil {
		return nil, err
	}
	return shaken(t.Client, t.Server)
}
