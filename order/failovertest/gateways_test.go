package failovertest

import (
	"sync"
	"testing"
	"time"
)

// market is traders at work: two FIX clients, of which one sells and one buys what
// is there, and a session of the library that buys as well.
type market struct {
	*scene
	maker, taker *trader
	watcher      *watcher
	stop         chan struct{}
	halt         func()
	working      sync.WaitGroup
}

// newMarket has two FIX clients trade through the tunnel of one member, and another
// member trade by commands.
func newMarket(s *scene, tunnelled, watching string) *market {
	s.t.Helper()
	local := s.tunnel(tunnelled)
	m := &market{scene: s, maker: newTrader(s.t, local), taker: newTrader(s.t, local), stop: make(chan struct{})}
	m.watcher = newWatcher(s, watching)
	m.halt = sync.OnceFunc(func() {
		close(m.stop)
		m.working.Wait()
	})
	s.t.Cleanup(m.halt)
	m.say("two FIX clients are logged on through a tunnel, and zkkex order watch has its session")
	const every = 25 * time.Millisecond
	m.working.Go(func() { m.maker.trade(m.stop, every, "2", "0") })
	m.working.Go(func() { m.taker.trade(m.stop, every, "1", "3") })
	m.working.Go(func() { m.watcher.trade(m.stop) })
	m.flow()
	return m
}

// traders are the FIX clients, by name.
func (m *market) traders() map[string]*trader {
	return map[string]*trader{"maker": m.maker, "taker": m.taker}
}

// flow waits until orders that are sent from now on are answered, to everybody.
func (m *market) flow() {
	m.t.Helper()
	const enough = 20 // of them
	for _, c := range m.traders() {
		c.awaitAnswers(c.sentSoFar() + enough)
	}
	m.watched()
}

// watched waits until the watched session was told of an order that was submitted
// from now on.
func (m *market) watched() {
	m.t.Helper()
	want := m.watcher.submitted() + 2
	await(m.t, "orders of the watched session", func() bool { return m.watcher.submitted() >= want })
}

// during does something that gateways are lost by, while everybody trades, and waits
// until all are answered again.
func (m *market) during(what string, do func()) {
	m.t.Helper()
	at := time.Now()
	do()
	m.say("%s", what)
	for _, who := range []string{"maker", "taker"} {
		c := m.traders()[who]
		again := c.awaitAnswers(c.sentBefore(at) + 1)
		m.say("the %s's orders flow %d ms after it", who, again.Sub(at).Milliseconds())
	}
	m.flow()
}

// end stops the trading, and checks all of it.
func (m *market) end() {
	m.t.Helper()
	m.halt()
	for _, who := range []string{"maker", "taker"} {
		c := m.traders()[who]
		c.check(who, m.engine)
		m.say("the %s: %d logons; %d orders, each done once; %d reports, each told once and in order; %d messages of the venue, without a gap; the slowest answer took %d ms",
			who, len(c.logons), len(c.sent), len(c.reports), c.highest, c.slowest.Milliseconds())
	}
	told := m.watcher.check()
	m.say("the watched session: %d orders, each done once; %d reports, each printed once and in order", m.watcher.submitted(), told)
}

// Two gateways on PostgreSQL: one is killed while FIX clients trade through a tunnel
// and a session of the library is open; it comes back, and the other is killed; and
// one is drained.
func TestTwoGateways(t *testing.T) {
	s := newScene(t, "alice", "bob")
	s.venue(postgres(t))
	a, b := s.gateways[0], s.gateways[1]
	s.say("two gateways on PostgreSQL are ready")
	m := newMarket(s, "alice", "bob")
	m.during("gateway a is killed", a.kill)
	s.open(a)
	s.say("gateway a is back")
	m.during("gateway b is killed", b.kill)
	s.open(b)
	s.say("gateway b is back")
	m.during("gateway a is drained, and has ended", func() { s.drain(a) })
	m.end()
}
