package fixedge

import (
	"context"
	"errors"
	"net"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

// MaxBegun is how many FIX sessions one pseudonym begins in an epoch, at one gateway.
// Each has budgets of its own, and a CompID costs nothing: without a bound, one member
// would have those of as many as it likes.
const MaxBegun = 4

// member is a connection of which it is known whose it is.
type member interface {
	// Session is what the channel's present pseudonym would have as its session.
	Session() order.SessionID
}

// memberOf returns whose a connection is; zero if that is not known, as behind
// `zkkex serve --upstream`.
func memberOf(c net.Conn) order.SessionID {
	if m, ok := c.(member); ok {
		return m.Session()
	}
	return order.SessionID{}
}

// errTooMany refuses a CompID too many.
const errTooMany = refusal("this certificate has begun as many FIX sessions as it may in an epoch: log on with one of their CompIDs")

// begins counts a session that a member begins. Its error is a [refusal].
func (e *Edge) begins(m, session order.SessionID) error {
	if m.IsZero() {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	begun := e.begun[m]
	if _, again := begun[session]; again {
		return nil
	}
	if len(begun) >= MaxBegun {
		return errTooMany
	}
	if begun == nil {
		begun = make(map[order.SessionID]struct{})
		e.begun[m] = begun
	}
	begun[session] = struct{}{}
	return nil
}

// forget forgets who began what in epochs that are over.
func (e *Edge) forget(now uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counted == now {
		return
	}
	e.counted = now
	for m := range e.begun {
		if m.Epoch+1 < now {
			delete(e.begun, m)
		}
	}
}

// banned has the member refused whose FIX session is: under another CompID it would be
// back at once.
func (c *conn) banned(err error) {
	var ended *gateway.EndError
	is := errors.Is(err, journal.ErrBanned) || errors.As(err, &ended) && ended.Code == order.RejectBanned
	m := memberOf(c.client)
	if !is || m.IsZero() || c.edge.ban == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	if err := c.edge.ban(ctx, m); err != nil {
		c.edge.log.Warn("a FIX session was banned, but not the certificate that it came with", "error", err)
	}
}
