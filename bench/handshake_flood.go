package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
)

const (
	// floodLimit is how much longer honest opens may take in a flood, by the 99th
	// percentile.
	floodLimit = 2.0
	// honestRate and floodRate are opens and bad first messages per second.
	honestRate = 20
	floodRate  = 2000
	// floodTick is how often the flood sends what is due.
	floodTick = 5 * time.Millisecond
	// floodOpen is how many of its connections the flood has at a time.
	floodOpen = 512
	// floodTurns is how often peace and flood take turns.
	floodTurns = 4
)

// floodSeconds is how long a turn takes.
func (o *Options) floodSeconds() int {
	if o.Quick {
		return 1
	}
	return 5
}

// flood measures honest opens over TCP at a listener with the default bounds,
// with and without a flood of first messages that are forged as well as strangers
// can: two key agreements each, every one from an address of its own.
func (r *runner) flood(ctx context.Context) (err error) {
	m, err := r.prepared()
	if err != nil {
		return err
	}
	e, err := newExchange(m, r.options.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	s, err := newSiege(m, e)
	if err != nil {
		return err
	}
	defer s.close()
	if !manyAddresses() {
		r.progress(Flood, "left out: the loopback interface has one address only")
		return nil
	}
	seconds := r.options.floodSeconds()
	r.progress(Flood, "%d times %d seconds of peace, and of %d bad first messages per second", floodTurns, seconds, floodRate)
	var peace, war []opened
	for range floodTurns {
		quiet, err := s.honest(ctx, seconds)
		if err != nil {
			return err
		}
		loud, err := s.besieged(ctx, seconds)
		if err != nil {
			return err
		}
		peace, war = append(peace, quiet...), append(war, loud...)
	}
	r.reportFlood(peace, war, s)
	return nil
}

func (r *runner) reportFlood(peace, war []opened, s *siege) {
	r.report.add(Flood, 0, []Timing{summarise("honest open, in peace", timed(peace)), summarise("honest open, in the flood", timed(war))})
	openings := []Opening{summariseOpens("honest open, in peace", peace), summariseOpens("honest open, in the flood", war)}
	r.report.Openings = append(r.report.Openings, openings...)
	r.report.target(fmt.Sprintf("honest opens' p99: with %d bad first messages per second / without", floodRate),
		float64(openings[1].P99)/float64(openings[0].P99), "ratio of wall time", floodLimit)
	r.report.count("bad first messages sent in the flood", int(s.sent.Load()), "messages")
	r.report.count("bad first messages refused by the venue", int(s.listener.Stats().Failed), "messages")
}

// timed returns the times of opens.
func timed(opens []opened) []sample {
	samples := make([]sample, len(opens))
	for i, seen := range opens {
		samples[i].wall = seen.took
	}
	return samples
}

// siege is a listener, an honest member, and an attacker.
type siege struct {
	listener *handshake.Listener
	member   *ours
	forged   []byte
	sent     atomic.Int64
	serving  sync.WaitGroup
}

func newSiege(m *member, e *exchange) (*siege, error) {
	t, err := newTarget(m, e)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(t.begin(1), t.writeAll()); err != nil {
		return nil, err
	}
	responder, err := e.responder(handshake.Load{})
	if err != nil {
		return nil, err
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &siege{
		member: &ours{venue: t.venue, kind: handshake.Open, next: func() *session.Certificate { return t.certificate }},
		forged: remac(t.venue, spoil(t.messages[0])),
	}
	if s.listener, err = handshake.NewListener(inner, handshake.ServerConfig{Responder: responder, Keys: e, Gate: e}); err != nil {
		inner.Close()
		return nil, err
	}
	s.serving.Go(func() { answerAll(s.listener) })
	return s, nil
}

func (s *siege) close() {
	s.listener.Shutdown()
	s.serving.Wait()
}

// honest opens channels at a fixed rate, each on time, however long the one before
// takes.
func (s *siege) honest(ctx context.Context, seconds int) ([]opened, error) {
	opens, errs := make([]opened, seconds*honestRate), make([]error, seconds*honestRate)
	tick := time.NewTicker(time.Second / honestRate)
	defer tick.Stop()
	var opening sync.WaitGroup
	defer opening.Wait()
	for i := range opens {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		initiator, err := s.member.initiator()
		if err != nil {
			return nil, err
		}
		opening.Go(func() { opens[i], errs[i] = s.open(initiator) })
	}
	opening.Wait()
	return opens, errors.Join(errs...)
}

func (s *siege) open(i *handshake.Initiator) (seen opened, err error) {
	start := time.Now()
	raw, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		return seen, err
	}
	conn := peers.Count(raw)
	defer conn.Close()
	c, err := handshake.Client(context.Background(), conn, i, nil)
	if err != nil {
		return seen, err
	}
	err = peers.Ask(c)
	seen.took = time.Since(start)
	seen.sent, seen.received = conn.Carried()
	return seen, err
}

// besieged is honest in a flood.
func (s *siege) besieged(ctx context.Context, seconds int) ([]opened, error) {
	inner, stop := context.WithCancel(ctx)
	var attack sync.WaitGroup
	attack.Go(func() { s.attack(inner) })
	opens, err := s.honest(ctx, seconds)
	stop()
	attack.Wait()
	return opens, err
}

// attack sends bad first messages until ctx is done, as many as are due.
func (s *siege) attack(ctx context.Context) {
	tick := time.NewTicker(floodTick)
	defer tick.Stop()
	start, due := time.Now(), 0
	slots := make(chan struct{}, floodOpen)
	var sending sync.WaitGroup
	defer sending.Wait()
	for ctx.Err() == nil {
		<-tick.C
		for ; due < int(time.Since(start).Seconds()*floodRate); due++ {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done(): // a slow machine may never catch up
				return
			}
			from := attacker(due)
			sending.Go(func() {
				defer func() { <-slots }()
				s.send(from)
			})
		}
	}
}

// attacker returns one of 65,000 addresses of the loopback interface.
func attacker(n int) net.IP { return net.IPv4(127, 1, byte(n>>8), byte(n)) }

// send sends a forged first message, and waits until the venue hangs up.
func (s *siege) send(from net.IP) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: time.Second}
	raw, err := d.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		return // the venue's queue is full: what was sent is counted
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(time.Second))
	if _, err := raw.Write(s.forged); err != nil {
		return
	}
	s.sent.Add(1)
	_, _ = io.Copy(io.Discard, raw)
}

// manyAddresses reports whether this machine can talk to itself from addresses of
// its choice.
func manyAddresses() bool {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: attacker(258)})
	if err != nil {
		return false
	}
	l.Close()
	return true
}
