package failovertest

import (
	"encoding/json"
	"testing"

	"github.com/zkkex/zkkex/internal/pgtest"
)

// undecided is the code of a venue that cannot tell whether to admit somebody.
const undecided = "unavailable"

// The primary of the database dies under two gateways, and its standby is promoted.
// Meanwhile nobody is admitted and no order is taken, for a reason that is told, and
// cancels are done; after it, the sessions that were there go on.
func TestPrimaryLost(t *testing.T) {
	t.Parallel()
	s := newScene(t, "alice", "bob", "carol")
	primary, standby := pgtest.Pair(t, true)
	const database = "venue"
	primary.Exec(t, "create database "+database+" owner "+pgtest.Role)
	s.venue(pgtest.DSN(database, primary, standby))
	s.say("two gateways are ready, on PostgreSQL with a synchronous standby")
	m := newMarket(s, "alice", "bob")
	s.trust("carol")
	resting := m.watcher.rest()
	m.flow()

	primary.Kill(t)
	s.say("the primary is killed")
	for _, g := range s.gateways {
		s.awaitReady(g, false)
	}
	s.say("both gateways say that they are not ready")
	if _, code, err := s.attempt("order", "cancel", resting, "--home", "bob", "--params", "dev"); err != nil {
		t.Errorf("a cancel while there is no journal: %s, %v", code, err)
	}
	s.say("an order was cancelled")
	for _, new := range []struct{ who, what, code string }{
		{"bob", "a new order of the watched session", unavailable},
		{"carol", "a new session", undecided},
	} {
		if _, code, err := s.attempt("order", "submit", "ETH-USD", "buy", "1", "50", "--home", new.who, "--params", "dev"); code != new.code {
			t.Errorf("%s while there is no database: %q, %v; expected %s", new.what, code, err, new.code)
		} else {
			s.say("%s was refused as %s", new.what, code)
		}
	}

	m.during("the standby is promoted", func() { standby.Promote(t) })
	for _, g := range s.gateways {
		s.awaitReady(g, true)
	}
	m.end()
	m.say("%d orders of the maker and %d of the taker were refused meanwhile, and not entered", len(m.maker.refused), len(m.taker.refused))
}

// rest enters an order that does not trade, and returns its name.
func (w *watcher) rest() string {
	w.scene.t.Helper()
	out, _, err := w.attempt("order", "submit", "ETH-USD", "buy", "1", "50", "--home", w.home, "--params", "dev")
	if err != nil {
		w.scene.t.Fatal(err)
	}
	w.orders.Add(1)
	var done struct{ Orders []struct{ ID string } }
	if err := json.Unmarshal(out, &done); err != nil || len(done.Orders) != 1 {
		w.scene.t.Fatalf("order submit printed %s: %v", out, err)
	}
	return done.Orders[0].ID
}
