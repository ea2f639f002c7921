package handshake

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// liveInterval is how often a listener asks whether its channels may go on: a
// raised generation ends them within a minute.
const liveInterval = 15 * time.Second

// Listener accepts channels. It implements [net.Listener], as that of crypto/tls
// does; unlike there, handshakes go on by themselves, bounded in number and time,
// and Accept returns authenticated channels only.
type Listener struct {
	inner  net.Listener
	config *ServerConfig
	ctx    context.Context
	cancel context.CancelCauseFunc
	ready  chan *Conn
	doing  sync.WaitGroup
	// emptied says that the last channel of a closed listener has ended.
	emptied chan struct{}

	mu         sync.Mutex
	handshakes int // under way: the sum of pending
	pending    map[netip.Prefix]int
	channels   map[*Conn]struct{}
	counters   listenerCounters
}

type listenerCounters struct {
	accepted, refused, timedOut, failed, admitted, opened atomic.Uint64
}

// ListenerStats count what a listener did since it was made.
type ListenerStats struct {
	// Accepted is the number of connections, and Refused those that were closed
	// at once, because there were too many handshakes, in all or of one address.
	Accepted, Refused uint64
	// TimedOut and Failed are handshakes that came to nothing.
	TimedOut, Failed uint64
	// Admitted are handshakes that admitted a certificate, and Opened those that
	// opened a channel.
	Admitted, Opened uint64
	// Handshakes is how many are under way, and Channels how many are open.
	Handshakes, Channels int
	// Responder counts what the responder did.
	Responder Stats
}

// NewListener returns a listener over another one. It closes that when it is
// closed.
func NewListener(inner net.Listener, c ServerConfig) (*Listener, error) {
	config, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Listener{
		inner: inner, config: config, ready: make(chan *Conn), emptied: make(chan struct{}, 1),
		pending: make(map[netip.Prefix]int), channels: make(map[*Conn]struct{}),
	}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.doing.Go(l.acceptAll)
	go l.watch()
	return l, nil
}

// Accept returns the next channel.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptConn()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptConn is Accept with the channel's own type.
func (l *Listener) AcceptConn() (*Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.ctx.Done():
		return nil, context.Cause(l.ctx)
	}
}

// Addr returns the address of the listener below.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Close stops accepting and gives up handshakes under way. Channels that were
// accepted go on.
func (l *Listener) Close() error {
	l.cancel(net.ErrClosed)
	err := l.inner.Close()
	l.doing.Wait()
	return err
}

// Shutdown is Close, after which every channel gets [AlertShutdown] and ends.
func (l *Listener) Shutdown() error {
	err := l.Close()
	for _, c := range l.open() {
		c.end(AlertShutdown)
	}
	return err
}

// Check asks the gate about every channel now, and ends those that may not live. It
// is asked every quarter of a minute anyway; this is for what cannot wait, such as a
// ban.
func (l *Listener) Check() {
	for _, c := range l.open() {
		c.checkLive(l.config)
	}
}

// Stats returns the counters.
func (l *Listener) Stats() ListenerStats {
	l.mu.Lock()
	handshakes, channels := l.handshakes, len(l.channels)
	l.mu.Unlock()
	c := &l.counters
	return ListenerStats{
		Accepted: c.accepted.Load(), Refused: c.refused.Load(), TimedOut: c.timedOut.Load(), Failed: c.failed.Load(),
		Admitted: c.admitted.Load(), Opened: c.opened.Load(),
		Handshakes: handshakes, Channels: channels,
		Responder: l.config.Responder.Stats(),
	}
}

// acceptAll takes connections until the listener below ends.
func (l *Listener) acceptAll() {
	var pause time.Duration
	for l.ctx.Err() == nil {
		raw, err := l.inner.Accept()
		if err == nil {
			pause = 0
			l.accept(raw)
			continue
		}
		if temporary, ok := errors.AsType[net.Error](err); !ok || !temporary.Timeout() && !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			l.cancel(err)
			return
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(pause):
		case <-l.ctx.Done():
		}
	}
}

// accept begins the handshake of a connection, unless there are too many.
func (l *Listener) accept(raw net.Conn) {
	l.counters.accepted.Add(1)
	from := Subscriber(addressOf(raw))
	if !l.begin(from) {
		l.counters.refused.Add(1)
		raw.Close()
		return
	}
	l.doing.Go(func() {
		c, err := l.config.serve(l.ctx, raw)
		l.end(from)
		l.finish(c, err)
	})
}

func (l *Listener) begin(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handshakes >= l.config.MaxHandshakes || from.IsValid() && l.pending[from] >= MaxHandshakesPerAddress {
		return false
	}
	l.handshakes++
	l.pending[from]++
	return true
}

func (l *Listener) end(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handshakes--
	if l.pending[from]--; l.pending[from] == 0 {
		delete(l.pending, from)
	}
}

// finish hands a channel to Accept, or counts why there is none.
func (l *Listener) finish(c *Conn, err error) {
	switch {
	case errors.Is(err, ErrAdmission):
		l.counters.admitted.Add(1)
	case errors.Is(err, ErrTimeout):
		l.counters.timedOut.Add(1)
	case err != nil:
		l.counters.failed.Add(1)
		l.config.logFailure(err)
	default:
		l.counters.opened.Add(1)
		l.keep(c)
		select {
		case l.ready <- c:
		case <-l.ctx.Done():
			c.end(AlertShutdown)
		}
	}
}

// keep remembers a channel until it ends.
func (l *Listener) keep(c *Conn) {
	l.mu.Lock()
	l.channels[c] = struct{}{}
	l.mu.Unlock()
	c.onEnd(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.channels, c)
		if len(l.channels) == 0 && l.ctx.Err() != nil {
			select {
			case l.emptied <- struct{}{}:
			default:
			}
		}
	})
}

func (l *Listener) open() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*Conn, 0, len(l.channels))
	for c := range l.channels {
		out = append(out, c)
	}
	return out
}

// watch ends the channels that the gate does not let live. It goes on after Close
// for as long as there are channels.
func (l *Listener) watch() {
	tick := time.NewTicker(liveInterval)
	defer tick.Stop()
	closed := l.ctx.Done()
	for {
		select {
		case <-tick.C:
		case <-closed:
			closed = nil
		case <-l.emptied:
		}
		l.Check()
		if closed == nil && len(l.open()) == 0 {
			return
		}
	}
}

// addressOf returns the address of a peer, invalid if it has none.
func addressOf(raw net.Conn) netip.Addr {
	switch a := raw.RemoteAddr().(type) {
	case nil:
		return netip.Addr{}
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	default:
		p, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return netip.Addr{}
		}
		return p.Addr().Unmap().WithZone("")
	}
}
