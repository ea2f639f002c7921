package bench

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/zkkex/zkkex/bench/internal/peers"
)

// opensEach is the number of connections that a sample opens, one after the
// other.
const opensEach = 20

// opener opens connections of one protocol over the loopback interface, to a
// server in this process: CPU times are those of both sides.
type opener struct {
	name   string
	peer   peers.Peer
	before func() error // what is made ahead for opensEach opens, or nil

	listener net.Listener
	served   chan error // one for each connection
	opens    []opened
}

// opened is what was seen of one connection, until the first answer.
type opened struct {
	took           time.Duration
	sent, received int64
}

// listen starts the server.
func (o *opener) listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	o.listener, o.served = l, make(chan error, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				err := o.peer.Serve(conn)
				conn.Close()
				o.served <- err
			}()
		}
	}()
	return nil
}

func (o *opener) close() error { return o.listener.Close() }

// open dials, opens, hangs up, and waits until the server is through with the
// connection, so that a sample has all of its CPU time and none of another's.
func (o *opener) open() error {
	var seen opened
	err := o.connect(func(conn *peers.Counter, start time.Time) error {
		if err := o.peer.Open(conn); err != nil {
			return err
		}
		seen.took = time.Since(start)
		seen.sent, seen.received = conn.Carried()
		return nil
	})
	o.opens = append(o.opens, seen)
	return err
}

func (o *opener) connect(talk func(conn *peers.Counter, start time.Time) error) error {
	start := time.Now()
	raw, err := net.Dial("tcp", o.listener.Addr().String())
	if err != nil {
		return err
	}
	client := talk(peers.Count(raw), start)
	raw.Close()
	if err := errors.Join(client, <-o.served); err != nil {
		return fmt.Errorf("%s: %w", o.name, err)
	}
	return nil
}

// task returns what measures the opener.
func (o *opener) task() task {
	return task{name: o.name, batch: opensEach, before: o.before, run: o.open}
}

// opening summarises what was seen, without the first sample, which warms up.
func (o *opener) opening() Opening {
	return summariseOpens(o.name, o.opens[min(opensEach, len(o.opens)-1):])
}

func summariseOpens(name string, opens []opened) Opening {
	column := func(of func(opened) int64) []int64 {
		values := make([]int64, len(opens))
		for i, seen := range opens {
			values[i] = of(seen)
		}
		return values
	}
	took := column(func(s opened) int64 { return s.took.Nanoseconds() })
	return Opening{
		Name:     name,
		Opens:    len(opens),
		Median:   percentile(took, 50),
		P99:      percentile(took, 99),
		Sent:     percentile(column(func(s opened) int64 { return s.sent }), 50),
		Received: percentile(column(func(s opened) int64 { return s.received }), 50),
	}
}
