package failovertest

import (
	"encoding/json"
	"fmt"
	"os/exec"
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

// trade sends orders, each when the one before was acknowledged, until stop.
func (w *watcher) trade(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
		cmd := exec.Command("zkkex", "order", "submit", "BTC-USD", "buy", "1", "100", "--home", w.home, "--params", "dev", "--json")
		cmd.Dir, cmd.Env = w.dir, w.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			w.scene.t.Errorf("an order of the watched session: %v\n%s", err, out)
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
	w.engine.once(t, "the watched session", w.session, w.submitted())
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
