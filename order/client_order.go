package order

import (
	"context"
	"slices"
	"time"
)

// Order is an order that a client entered, or found in its session. It is safe for
// concurrent use.
type Order struct {
	client *Client
	call   *call // that entered it; nil if it was found

	// Guarded by the client's lock:
	id     ID
	place  uint64
	report *ExecutionReport // the latest
	closed bool
	lost   bool          // with its session
	over   chan struct{} // made when somebody waits
	state  OrderState
}

// OrderState is what is known of an order.
type OrderState struct {
	// ID is what the client calls it now, which a replacement changes, and OrderID
	// what the venue does.
	ID      ID
	OrderID OrderID
	// Answered says that the venue has reported on it. Until then, it may be on its
	// way there.
	Answered bool
	Status   OrdStatus
	Symbol   string
	Side     Side
	// OrderQty is the whole quantity, CumQty what is filled and LeavesQty what is
	// open.
	OrderQty, Price, CumQty, LeavesQty Decimal
	// Expires is when it ends, by the venue's clock; zero if it does not rest.
	Expires time.Time
}

// book is the client's own record of open orders.
type book struct {
	client *Client
	places uint64
	orders map[ID]*Order
	// requests are the requests for quote that are open.
	requests map[ID]*QuoteRequested
}

func (b *book) begin(c *Client) {
	b.client, b.orders, b.requests = c, make(map[ID]*Order), make(map[ID]*QuoteRequested)
}

// open returns the open orders, in the order in which they were entered.
func (b *book) open() []OrderState {
	orders := make([]*Order, 0, len(b.orders))
	for _, o := range b.orders {
		orders = append(orders, o)
	}
	slices.SortFunc(orders, func(x, y *Order) int {
		if x.place < y.place {
			return -1
		}
		return 1
	})
	states := make([]OrderState, len(orders))
	for i, o := range orders {
		states[i] = o.state
	}
	return states
}

// expect makes the record of an order that is about to be sent.
func (b *book) expect(k *call) {
	r, ok := k.request.(*NewOrderSingle)
	if !ok {
		return
	}
	o := k.order
	if o == nil {
		o = &Order{client: b.client, call: k}
		k.order = o
	}
	o.id = r.ClOrdID
	o.state = OrderState{
		ID: r.ClOrdID, Status: StatusNew, Symbol: r.Symbol, Side: r.Side,
		OrderQty: r.OrderQty, Price: r.Price, LeavesQty: r.OrderQty,
	}
	b.add(o)
}

func (b *book) add(o *Order) {
	b.places++
	o.place = b.places
	b.orders[o.id] = o
}

// take takes a report, which k, if not nil, waits for.
func (b *book) take(r Report, k *call) {
	e, ok := r.(*ExecutionReport)
	if !ok || k != nil && k.prove {
		return // or it is of an order of another session
	}
	b.apply(e)
}

// apply brings an order up to date. Reports say the whole state, so that one that
// is older, or comes twice, does no harm: what is closed stays so, and what is
// filled is not unfilled.
func (b *book) apply(e *ExecutionReport) {
	o := b.orders[e.ClOrdID]
	if o == nil && !e.OrigClOrdID.IsZero() {
		o = b.orders[e.OrigClOrdID]
	}
	if o == nil {
		if e.ExecType != ExecNew || !e.OrdStatus.Open() {
			return
		}
		o = &Order{client: b.client, id: e.ClOrdID}
		b.add(o)
	}
	if e.ExecType == ExecReplaced {
		delete(b.orders, o.id)
		o.id = e.ClOrdID
		b.orders[o.id] = o
	}
	o.report = e
	o.state = OrderState{
		ID: o.id, OrderID: e.OrderID, Answered: true, Status: e.OrdStatus, Symbol: e.Symbol, Side: e.Side,
		OrderQty: e.OrderQty, Price: e.Price, CumQty: e.CumQty, LeavesQty: e.LeavesQty, Expires: e.ExpireTime,
	}
	if !e.OrdStatus.Open() {
		b.close(o)
	}
}

// lose ends what is waited for in a session that is given up.
func (b *book) lose() {
	for _, o := range b.orders {
		o.lost = true
		o.wake()
	}
	for _, q := range b.requests {
		q.put(nil, ErrSessionLost)
	}
}

func (b *book) close(o *Order) {
	delete(b.orders, o.id)
	o.closed = true
	o.wake()
}

// wake wakes who waits for the order's end. The client's lock is held.
func (o *Order) wake() {
	if o.over != nil {
		close(o.over)
		o.over = nil
	}
}

// settled is told how the order's own call ended. The client's lock is held.
func (o *Order) settled(k *call) {
	if k.err != nil && !o.closed && !o.state.Answered {
		o.state.Status = StatusRejected
		o.client.book.close(o)
	}
}

// ID returns what the client calls the order now.
func (o *Order) ID() ID {
	o.client.mu.Lock()
	defer o.client.mu.Unlock()
	return o.id
}

// State returns what is known of the order.
func (o *Order) State() OrderState {
	o.client.mu.Lock()
	defer o.client.mu.Unlock()
	return o.state
}

// Wait waits until the venue has answered the order, and returns its first report.
// It returns a [*RejectError] if it was refused, one wrapping [ErrUnknownOutcome] if
// ctx or the client ended before, and one wrapping [ErrNotEntered]. It can be called
// again, also after it returned an error.
func (o *Order) Wait(ctx context.Context) (*ExecutionReport, error) {
	if o.call == nil {
		o.client.mu.Lock()
		defer o.client.mu.Unlock()
		return o.report, nil
	}
	r, err := o.call.wait(ctx)
	e, _ := r.(*ExecutionReport)
	return e, err
}

// Closed waits until the order can trade no more: it is filled, cancelled, expired
// or refused. It returns its last state, and the error of ctx or of the client if
// that ended before, or [ErrSessionLost] if the session did.
func (o *Order) Closed(ctx context.Context) (OrderState, error) {
	c := o.client
	c.mu.Lock()
	if o.closed || o.lost {
		defer c.mu.Unlock()
		return o.end()
	}
	if o.over == nil {
		o.over = make(chan struct{})
	}
	over := o.over
	c.mu.Unlock()
	select {
	case <-over:
	case <-ctx.Done():
		return o.State(), ctx.Err()
	case <-c.ended:
		return o.State(), c.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return o.end()
}

// end returns what is known of an order that is over. The client's lock is held.
func (o *Order) end() (OrderState, error) {
	if !o.closed {
		return o.state, ErrSessionLost
	}
	return o.state, nil
}

// Cancel cancels what is left of the order. See [Client.Cancel].
func (o *Order) Cancel(ctx context.Context) (*ExecutionReport, error) {
	return o.client.Cancel(ctx, o.ID())
}

// Replace gives the order other terms. See [Client.Replace].
func (o *Order) Replace(ctx context.Context, r Replacement) (*ExecutionReport, error) {
	return o.client.Replace(ctx, o.ID(), r)
}
