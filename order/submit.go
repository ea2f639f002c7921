package order

import (
	"context"
	"time"
)

// Option changes one request.
type Option func(*call)

// WithProof shows with the order's own key that an order of another session is ours.
// It tells the venue that both sessions are one member's; within one session it is
// not needed, and tells nothing.
func WithProof() Option { return func(k *call) { k.prove = true } }

// Submit enters an order and waits for the venue's first report on it. ClOrdID and
// OwnerKey are the client's to make: if the former is set, by [Client.NewID] or in a
// process before, submitting it again is no second order.
//
// The order that it returns is not nil if the order was sent, or may be. The error
// is a [*RejectError] if the venue refused it. It wraps [ErrUnknownOutcome] if ctx
// ended before the venue answered: the order may have been entered, the client goes
// on asking, and [Order.Wait] tells. [ErrNotEntered] is as documented there. With
// any other error nothing was sent, and the order is nil.
func (c *Client) Submit(ctx context.Context, o NewOrderSingle) (*Order, error) {
	entered, err := c.Send(ctx, o, nil)
	if err != nil {
		return nil, err
	}
	_, err = entered.Wait(ctx)
	return entered, err
}

// Send is Submit without waiting for the venue: requests that are sent like this
// travel together. It waits for a place only if [Config].Unanswered of them are
// under way. answered, which may be nil, is called once, in the order of the
// venue's answers, with what [Order.Wait] returns; it must return soon and must not
// wait for this client.
func (c *Client) Send(ctx context.Context, o NewOrderSingle, answered func(*ExecutionReport, error)) (*Order, error) {
	if err := c.name(ctx, &o.ClOrdID, &o.OwnerKey); err != nil {
		return nil, err
	}
	if err := refused(&o); err != nil {
		return nil, err
	}
	k := &call{id: o.ClOrdID, request: &o, done: make(chan struct{})}
	k.order = &Order{client: c, call: k}
	if answered != nil {
		k.then = func(r Report, err error) {
			e, _ := r.(*ExecutionReport)
			answered(e, err)
		}
	}
	if err := c.submit(ctx, k, false); err != nil {
		return nil, err
	}
	return k.order, nil
}

// NewID returns an ID for an order or a quote that was never used, for callers who
// want to record it before they send anything.
func (c *Client) NewID(ctx context.Context) (ID, error) {
	i, err := c.ids.take(ctx)
	return i.id, err
}

// name gives a request its ID and its key, unless it has them.
func (c *Client) name(ctx context.Context, id *ID, key *[32]byte) error {
	if id.IsZero() {
		i, err := c.ids.take(ctx)
		if err != nil {
			return err
		}
		*id, *key = i.id, i.key
		return nil
	}
	if !c.config.NoOwnerKeys {
		*key = c.config.Secret.OwnerKey(*id)
	}
	return nil
}

// refused returns what the venue would say of a request that no venue accepts.
func refused(r Request) error {
	if reject := CheckRequest(r); reject != nil {
		return &notSentError{refusal(reject)}
	}
	return nil
}

// Cancel cancels what is left of an order, of this session or with [WithProof] of
// another. It returns the report of the cancel, or a [*RejectError] such as
// [ErrTooLate] with the order's state in it. It waits for no place, and is sent
// before orders that wait for one. Other errors are as of [Client.Submit]: a cancel
// that was sent is sent again until it is answered.
func (c *Client) Cancel(ctx context.Context, id ID, options ...Option) (*ExecutionReport, error) {
	r := &OrderCancelRequest{ClOrdID: randomID(), OrigClOrdID: id}
	return execution(c.do(ctx, r, true, options))
}

// Replacement is what [Client.Replace] changes.
type Replacement struct {
	// OrderQty is the whole quantity, with what is filled.
	OrderQty Decimal
	Price    Decimal
	// TimeToLive counts anew.
	TimeToLive time.Duration
}

// Replace gives an order another quantity, price or time to live. After it, the
// order has another ID; its *Order follows. The errors are those of Cancel.
func (c *Client) Replace(ctx context.Context, id ID, n Replacement, options ...Option) (*ExecutionReport, error) {
	r := &OrderCancelReplaceRequest{OrigClOrdID: id, OrderQty: n.OrderQty, Price: n.Price, TimeToLive: n.TimeToLive}
	if err := c.name(ctx, &r.ClOrdID, &r.OwnerKey); err != nil {
		return nil, err
	}
	return execution(c.do(ctx, r, false, options))
}

// Status asks for the state of an order. An order that the venue does not know gives
// a [*RejectError] for [ErrUnknownOrder].
func (c *Client) Status(ctx context.Context, id ID, options ...Option) (*ExecutionReport, error) {
	r := &OrderStatusRequest{ID: randomID(), ClOrdID: id}
	return execution(c.do(ctx, r, false, options))
}

// MassStatus asks for the state of each open order of the session.
func (c *Client) MassStatus(ctx context.Context) ([]*ExecutionReport, error) {
	r := &OrderMassStatusRequest{ID: randomID()}
	var found []*ExecutionReport
	k := &call{id: r.ID, request: r, done: make(chan struct{})}
	k.each = func(r Report) { found = append(found, r.(*ExecutionReport)) }
	if err := c.submit(ctx, k, false); err != nil {
		return nil, err
	}
	if _, err := k.wait(ctx); err != nil {
		return nil, err
	}
	return found, nil
}

// MassCancel cancels all open orders and quotes of the session, or with a symbol
// those in it, and returns how many. Orders that were sent before are cancelled as
// well, also those that still waited to be sent.
func (c *Client) MassCancel(ctx context.Context, symbol string) (int, error) {
	r, err := c.do(ctx, &OrderMassCancelRequest{ClOrdID: randomID(), Symbol: symbol}, true, nil)
	if err != nil {
		return 0, err
	}
	m, ok := r.(*OrderMassCancelReport)
	if !ok {
		return 0, ErrProtocol
	}
	return int(m.TotalAffectedOrders), nil
}

// do sends a request and waits for its answer.
func (c *Client) do(ctx context.Context, r Request, now bool, options []Option) (Report, error) {
	if err := refused(r); err != nil {
		return nil, err
	}
	k := &call{id: r.RequestID(), request: r, done: make(chan struct{})}
	for _, o := range options {
		o(k)
	}
	if err := c.submit(ctx, k, now); err != nil {
		return nil, err
	}
	return k.wait(ctx)
}

// wait waits for the answer. ctx ends the waiting, not the call.
func (k *call) wait(ctx context.Context) (Report, error) {
	select {
	case <-k.done:
		return k.report, k.err
	default:
	}
	select {
	case <-k.done:
		return k.report, k.err
	case <-ctx.Done():
		return nil, &unknownError{ctx.Err()}
	}
}

// execution is for requests that are answered by an execution report.
func execution(r Report, err error) (*ExecutionReport, error) {
	e, ok := r.(*ExecutionReport)
	if !ok && err == nil {
		err = ErrProtocol
	}
	return e, err
}
