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
	working      sync.WaitGroup
}

// newMarket has two FIX clients trade through the tunnel of one member, and another
// member trade by commands.
func newMarket(s *scene, tunnelled, watching string) *market {
	local := s.tunnel(tunnelled)
	m := &market{scene: s, maker: newTrader(s.t, local), taker: newTrader(s.t, local), stop: make(chan struct{})}
	m.watcher = newWatcher(s, watching)
	m.say("two FIX clients are logged on through a tunnel, and zkkex order watch has its session")
	const every = 10 * time.Millisecond
	m.working.Go(func() { m.maker.trade(m.stop, every, "2", "0") })
	m.working.Go(func() { m.taker.trade(m.stop, every, "1", "3") })
	m.working.Go(func() { m.watcher.trade(m.stop) })
	m.flow(100)
	return m
}

// flow waits until the maker was answered so many times more.
func (m *market) flow(more int) {
	m.t.Helper()
	count := func() int {
		m.maker.mu.Lock()
		defer m.maker.mu.Unlock()
		return len(m.maker.reports)
	}
	want := count() + more
	await(m.t, "orders flow", func() bool { return count() >= want })
}

// lose does something that costs the traders their gateway, and waits until both
// are answered again.
func (m *market) lose(what string, lose func()) {
	m.t.Helper()
	before := []int{m.maker.loggedOn(), m.taker.loggedOn()}
	at := time.Now()
	lose()
	m.say("%s", what)
	for i, c := range []*trader{m.maker, m.taker} {
		on := c.awaitLogon(before[i] + 1)
		again := c.awaitReport(on)
		m.say("FIX client %d is logged on after %d ms, and its orders flow after %d ms", i+1, on.Sub(at).Milliseconds(), again.Sub(at).Milliseconds())
	}
	m.flow(100)
	m.watched()
}

// watched waits until the watched session was answered once more.
func (m *market) watched() {
	m.t.Helper()
	before := len(m.watcher.printed())
	await(m.t, "a report of the watched session", func() bool { return len(m.watcher.printed()) > before })
	m.say("the watched session goes on")
}

// end stops the trading, and checks all of it.
func (m *market) end() {
	m.t.Helper()
	close(m.stop)
	m.working.Wait()
	m.say("the traders' slowest answers took %d and %d ms", m.maker.slowest.Milliseconds(), m.taker.slowest.Milliseconds())
	makes, takes := m.maker.check("the maker", m.engine), m.taker.check("the taker", m.engine)
	m.say("%d and %d orders, each done once; %d and %d reports, each told once and in order; %d and %d messages of the venue, without a gap",
		makes, takes, len(m.maker.reports), len(m.taker.reports), m.maker.highest, m.taker.highest)
	told := m.watcher.check()
	m.say("the watched session: %d orders, each done once; %d reports, each printed once and in order", m.watcher.orders, told)
}

// Two gateways on PostgreSQL: one is killed while FIX clients trade through a tunnel
// and a session of the library is open; it comes back, and the other is killed.
func TestTwoGateways(t *testing.T) {
	s := newScene(t, "alice", "bob")
	s.venue(postgres(t))
	a, b := s.gateways[0], s.gateways[1]
	s.say("two gateways on PostgreSQL are ready")
	m := newMarket(s, "alice", "bob")
	m.lose("gateway a is killed", a.kill)
	s.open(a)
	s.say("gateway a is back")
	m.lose("gateway b is killed", b.kill)
	s.open(b)
	m.end()
}
