package failovertest

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

// watcher is a member whose session "zkkex order watch" keeps, while "zkkex order
// submit" sends orders in it.
type watcher struct {
	*scene
	*process
	home    string
	session order.SessionID
	orders  atomic.Int64 // that were acknowledged
	refused atomic.Int64 // because the venue could not take them now
	unsure  atomic.Int64 // of which nothing was known in time
}

// printedReport is a line of "order watch".
type printedReport struct {
	Order  string `json:"order_id"`
	Event  string `json:"event"`
	Filled string `json:"filled"`
}

// events is what "order watch" calls what happened.
var events = map[order.ExecType]string{
	order.ExecNew: "new", order.ExecCanceled: "canceled", order.ExecReplaced: "replaced",
	order.ExecRejected: "rejected", order.ExecExpired: "expired", order.ExecTrade: "trade",
}

// newWatcher opens a member's session.
func newWatcher(s *scene, home string) *watcher {
	s.t.Helper()
	s.trust(home)
	w := &watcher{scene: s, home: home, process: s.start("order", "watch", "--home", home, "--params", "dev", "--grace", "10m")}
	var err error
	if w.session, err = order.ParseSessionID(w.begun.Session); err != nil {
		s.t.Fatal(err)
	}
	return w
}

// unavailable is the code of a venue that cannot now.
const unavailable = "venue_unavailable"

// unknown is the code of an order that was on its way when the venue lost its
// journal: it is entered, or it is not, and the client goes on asking.
const unknown = "unknown_outcome"

// trade sends orders, each when the one before was acknowledged, until stop.
func (w *watcher) trade(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
		_, code, err := w.attempt("order", "submit", "BTC-USD", "buy", "1", "100", "--home", w.home, "--params", "dev")
		switch code {
		case unavailable:
			w.refused.Add(1)
			continue
		case unknown:
			w.unsure.Add(1)
			continue
		}
		if err != nil {
			w.scene.t.Errorf("an order of the watched session: %v", err)
			return
		}
		w.orders.Add(1)
	}
}

// submitted is how many orders were acknowledged.
func (w *watcher) submitted() int { return int(w.orders.Load()) }

// check demands that the session was told of everything in it once, and in order.
func (w *watcher) check() int {
	t := w.scene.t
	t.Helper()
	await(t, "the watched session's reports", func() bool { return len(w.printed()) >= len(w.engine.reports(w.session)) })
	entered := w.engine.once(t, "the watched session", w.session)
	if least, most := w.submitted(), w.submitted()+int(w.unsure.Load()); entered < least || entered > most {
		t.Errorf("the watched session: %d to %d orders were entered, and the engine has %d", least, most, entered)
	}
	expected, printed := w.engine.reports(w.session), w.printed()
	if len(expected) != len(printed) {
		t.Errorf("the watched session: the engine made %d reports, and %d came", len(expected), len(printed))
	}
	for i := range min(len(expected), len(printed)) {
		if err := same(expected[i], printed[i]); err != nil {
			t.Errorf("the watched session: report %d: %v", i, err)
			break
		}
	}
	return len(printed)
}

func same(want *order.ExecutionReport, line json.RawMessage) error {
	var got printedReport
	if err := json.Unmarshal(line, &got); err != nil {
		return err
	}
	if expected := (printedReport{want.OrderID.String(), events[want.ExecType], want.CumQty.String()}); got != expected {
		return fmt.Errorf("%+v, expected %+v", got, expected)
	}
	return nil
}

// The comparison finds what is not the same.
func TestSame(t *testing.T) {
	r := &order.ExecutionReport{OrderID: order.OrderID{1}, ExecType: order.ExecTrade}
	line := func(event string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"order_id": %q, "event": %q, "filled": "0"}`, r.OrderID, event))
	}
	if err := same(r, line("trade")); err != nil {
		t.Error(err)
	}
	if same(r, line("new")) == nil || same(&order.ExecutionReport{ExecType: order.ExecTrade}, line("trade")) == nil {
		t.Error("two reports that differ pass for one")
	}
}
