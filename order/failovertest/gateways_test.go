package failovertest

import (
	"slices"
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
	flows        []time.Duration // from each loss to the first answer after it
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
		again := c.awaitAnswers(c.sentBefore(at) + 1).Sub(at)
		m.say("the %s's orders flow %d ms after it began", who, again.Milliseconds())
		m.flows = append(m.flows, again)
	}
	m.flow()
}

// lose kills and drains gateways in turn. back is called for one that is ready again.
func (m *market) lose(back func(*gatewayAt)) {
	m.t.Helper()
	killed := func(g *gatewayAt) {
		m.during("gateway "+g.name+" is killed", g.kill)
	}
	drained := func(g *gatewayAt) {
		m.during("gateway "+g.name+" is drained, and has ended", func() { m.drain(g) })
	}
	again := func(g *gatewayAt) {
		m.open(g)
		back(g)
		m.say("gateway %s is back", g.name)
	}
	a, b := m.gateways[0], m.gateways[1]
	killed(a)
	again(a)
	drained(b)
	again(b)
	if !deep() {
		return
	}
	for range 4 {
		for _, lost := range []func(*gatewayAt){killed, drained} {
			for _, g := range m.gateways {
				lost(g)
				again(g)
			}
		}
	}
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
	slices.Sort(m.flows)
	m.say("gateways were lost %d times: orders flowed again after %d ms in the middle, and %d ms at most",
		len(m.flows)/2, m.flows[len(m.flows)/2].Milliseconds(), m.flows[len(m.flows)-1].Milliseconds())
	m.say("the watched session: %d orders, each done once; %d reports, each printed once and in order", m.watcher.submitted(), told)
}

// Two gateways on PostgreSQL: one is killed while FIX clients trade through a tunnel
// and a session of the library is open; it comes back, and the other is drained.
func TestTwoGateways(t *testing.T) {
	t.Parallel()
	s := newScene(t, "alice", "bob")
	s.venue(postgres(t))
	s.say("two gateways on PostgreSQL are ready")
	m := newMarket(s, "alice", "bob")
	m.lose(func(*gatewayAt) {})
	m.end()
}
