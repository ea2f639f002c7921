package fixedge

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// channel is a connection of a member.
type channel struct {
	net.Conn
	member order.SessionID
}

func (c channel) Session() order.SessionID { return c.member }

// dialAs logs a member on with a CompID, and returns the answer.
func dialAs(t *testing.T, v *venue, member order.SessionID, comp string, change ...field) (*raw, *message) {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- v.edge.ServeConn(t.Context(), channel{theirs, member}) }()
	t.Cleanup(func() {
		ours.Close()
		<-done
	})
	if err := ours.SetDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	r := &raw{t, ours, bufio.NewReaderSize(ours, 2*MaxMessage)}
	r.send(testLogon(comp, change...))
	m, err := r.read()
	if err != nil {
		t.Fatal(err)
	}
	return r, m
}

// A CompID costs nothing, and each has a session's budgets: one pseudonym has only so
// many of them.
func TestOneMemberBeginsFewSessions(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	alice, bob := order.NewSessionID(0, []byte("alice")), order.NewSessionID(0, []byte("bob"))
	first := unique(t, "first")
	for i := range MaxBegun {
		comp := first
		if i > 0 {
			comp = unique(t, "more")
		}
		if _, m := dialAs(t, v, alice, comp); m.kind != kindLogon {
			t.Fatalf("session %d: %v, expected a Logon", i+1, m)
		}
	}
	if _, m := dialAs(t, v, alice, unique(t, "toomany")); m.kind != kindLogout || m.get(tagText) != string(errTooMany) {
		t.Errorf("session %d: %v, expected a Logout that says why", MaxBegun+1, m)
	}
	if _, m := dialAs(t, v, alice, first, field{tagResetSeqNumFlag, "Y"}); m.kind != kindLogon {
		t.Errorf("a session that is there: %v, expected a Logon", m)
	}
	if _, m := dialAs(t, v, bob, unique(t, "bob")); m.kind != kindLogon {
		t.Errorf("another member: %v, expected a Logon", m)
	}
}

// Who is banned under one CompID does not come back under another: the pseudonym that
// its channel was opened with is banned with it.
func TestBanReachesTheMember(t *testing.T) {
	t.Parallel()
	banned := make(chan order.SessionID, 2)
	v := newVenue(t, newBook(t), journal.NewMemory(), func(c *Config) {
		c.Ban = func(_ context.Context, m order.SessionID) error {
			banned <- m
			return nil
		}
	})
	alice := order.NewSessionID(0, []byte("alice"))
	comp := unique(t, "alice")
	_, m := dialAs(t, v, alice, comp)
	if m.kind != kindLogon {
		t.Fatalf("%v, expected a Logon", m)
	}
	l, err := readLogon(testLogon(comp), DefaultCompID)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.gateway.Ban(t.Context(), l.session(0)); err != nil {
		t.Fatal(err)
	}
	if got := <-banned; got != alice {
		t.Errorf("%v was banned, expected the member", got)
	}
	// With another certificate, which nobody could know of.
	other := order.NewSessionID(0, []byte("another of alice"))
	if _, m := dialAs(t, v, other, comp); m.kind != kindLogout || !strings.Contains(m.get(tagText), "banned") {
		t.Errorf("%v, expected a Logout that says why", m)
	}
	if got := <-banned; got != other {
		t.Errorf("%v was banned, expected the other certificate", got)
	}
}

// Names are remembered up to a bound, and what is beyond it is answered by its ID.
func TestNamesAreBounded(t *testing.T) {
	n := newNames(testSession)
	n.most = 2
	for _, text := range []string{"a", "b", "c"} {
		n.add(&message{kind: kindNewOrderSingle, fields: []field{{tagClOrdID, text}}})
	}
	id := func(text string) order.ID { return name{tag: tagClOrdID, text: text}.id(testSession) }
	if len(n.known) != 2 || len(n.unsaved) != 2 || n.text(id("b")) != "b" || n.text(id("c")) != id("c").String() {
		t.Errorf("%d names are known, %d to be saved; %q %q", len(n.known), len(n.unsaved), n.text(id("b")), n.text(id("c")))
	}
}

// Who began what is forgotten when it matters no more.
func TestBegunSessionsAreForgotten(t *testing.T) {
	e := &Edge{begun: make(map[order.SessionID]map[order.SessionID]struct{})}
	for epoch := range uint64(4) {
		m := order.NewSessionID(epoch, []byte("member"))
		if err := e.begins(m, m); err != nil {
			t.Fatal(err)
		}
	}
	if e.forget(3); len(e.begun) != 2 {
		t.Errorf("%d members are counted, expected those of this epoch and the last", len(e.begun))
	}
}
