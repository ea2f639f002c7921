package gateway

import (
	"container/heap"
	"time"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// state is what a gateway knows of a session that is attached here, has open
// orders, or has requests that the engine has not answered.
type state struct {
	id       order.SessionID
	attached *Session
	// requests are those that were answered; nil unless the session is attached.
	requests map[order.ID]done
	// pending are those that are with the engine.
	pending map[order.ID]*pending
	// names are what the session calls its open orders, and those that it has asked
	// for.
	names map[order.ID]name
	open  map[order.OrderID]*engine.Order
	// resting counts pending requests that may come to rest in the book.
	resting   int
	masses    []*pending
	orders    bucket
	others    bucket
	nextSeqNo uint64
}

// done is a request that was answered.
type done struct {
	digest [16]byte // 0 if it is not known
	report uint64   // 0 if it is not known yet
}

// same reports whether a request with this digest is the one that was done.
func (d done) same(digest [32]byte) bool {
	return d.digest == [16]byte{} || d.digest == [16]byte(digest[:16])
}

// name is what a name stands for.
type name struct {
	id    order.OrderID
	quote bool
}

// pending is a request whose first report is not recorded.
type pending struct {
	session  order.SessionID
	request  order.Request
	digest   [32]byte
	command  order.OrderID
	given    engine.Command // what the engine was asked, if it was
	seqNo    uint64
	read     time.Time
	rests    bool
	answered bool // its first report waits to be recorded
	// asks are requests for the status of the order that the request makes.
	asks []*order.OrderStatusRequest
	// left are a mass cancel's orders that are still open, and the commands that
	// cancel them; affected counts those that did.
	left     map[order.OrderID]order.OrderID
	affected uint32
}

// question is a request for quote that is open.
type question struct {
	asker   order.SessionID
	expires time.Time
}

// state returns what is known of a session. The caller holds mu.
func (g *Gateway) state(id order.SessionID) *state {
	st := g.states[id]
	if st == nil {
		now := g.clock.exact()
		l := g.limits
		st = &state{
			id:      id,
			pending: make(map[order.ID]*pending),
			names:   make(map[order.ID]name),
			open:    make(map[order.OrderID]*engine.Order),
			orders:  newBucket(l.OrdersPerSecond, l.Burst, now),
			others:  newBucket(twice(l.OrdersPerSecond), twice(l.Burst), now),
		}
		g.states[id] = st
	}
	return st
}

// idle reports whether nothing is lost if the state is dropped.
func (st *state) idle(now time.Time) bool {
	return st.attached == nil && len(st.pending) == 0 && len(st.open) == 0 && st.orders.full(now) && st.others.full(now)
}

// apply takes over the state of an order. The caller holds mu.
func (g *Gateway) apply(o *engine.Order) {
	old := g.orders[o.ID]
	if old == nil && !o.Open {
		return
	}
	st := g.state(o.Session)
	if old != nil && (!o.Open || old.ClOrdID != o.ClOrdID) && st.names[old.ClOrdID].id == o.ID {
		delete(st.names, old.ClOrdID)
	}
	if !o.Open {
		delete(g.orders, o.ID)
		delete(g.asked, o.ID)
		delete(st.open, o.ID)
		return
	}
	g.orders[o.ID] = o
	st.open[o.ID] = o
	st.names[o.ClOrdID] = name{o.ID, o.Quote != nil}
	if !o.Expires.IsZero() && (old == nil || !old.Expires.Equal(o.Expires)) {
		heap.Push(&g.due, expiry{o.Expires, o.ID})
		g.due = g.due.without(g.orders)
	}
}

// settle drops the name of a request that made no order. The caller holds mu.
func (g *Gateway) settle(st *state, p *pending) {
	if p.rests {
		st.resting--
	}
	if g.orders[p.command] == nil {
		delete(g.asked, p.command)
	}
	id := p.request.RequestID()
	n, ok := st.names[id]
	if !ok {
		return
	}
	if o := st.open[n.id]; o == nil || o.ClOrdID != id {
		delete(st.names, id)
	}
}

// ownCommand names a command that no client asked for. The caller holds mu.
func (g *Gateway) ownCommand() order.OrderID {
	g.serial++
	h := domain.Hash(domain.OrderCommand, []byte(g.name), domain.Uint64(g.serial))
	return order.OrderID(h[:16])
}

// withdraw returns the command that cancels an order or quote without its owner's
// word. The caller holds mu.
func (g *Gateway) withdraw(session order.SessionID, id order.ID, n name, reason engine.Reason, now time.Time) engine.Command {
	return engine.Command{
		ID: g.ownCommand(), Session: session, Target: n.id, Now: now, Reason: reason,
		Request: &order.OrderCancelRequest{OrigClOrdID: id},
	}
}

// expiry is when an order ends, at the latest.
type expiry struct {
	at time.Time
	id order.OrderID
}

// expiries is a heap, the next one first. It may hold orders that have ended, or
// were given another time.
type expiries []expiry

// fewExpiries is how many a heap may hold however few orders are open.
const fewExpiries = 1024

// without returns the heap less the orders that have ended, once those may be more
// than half of it: an order that is cancelled at once can have a day to live.
func (e expiries) without(open map[order.OrderID]*engine.Order) expiries {
	if len(e) <= 2*len(open)+fewExpiries {
		return e
	}
	kept := make(expiries, 0, len(open))
	for id, o := range open {
		if !o.Expires.IsZero() {
			kept = append(kept, expiry{o.Expires, id})
		}
	}
	heap.Init(&kept)
	return kept
}

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *expiries) Push(x any)        { *e = append(*e, x.(expiry)) }
func (e *expiries) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
