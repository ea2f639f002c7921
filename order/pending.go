package order

import (
	"cmp"
	"slices"
	"time"
)

// call is a request that the venue has not answered, and who waits for that.
// Beside done and what is set before it is enqueued, it is guarded by the client's
// lock; after done is closed, nothing of it changes.
type call struct {
	id      ID
	request Request // without a proof
	prove   bool    // with one, made anew on each connection
	order   *Order  // what the request enters, if that is an order
	each    func(Report)
	then    func(Report, error) // called once, without the lock

	place  uint64    // in the order of being asked
	asked  time.Time // by the caller
	sent   time.Time // first; zero if it never was
	seq    uint64    // on the present connection; 0 if it was not sent on it
	queued bool
	window bool // holds a place in the window
	silent bool // nobody waits, and nothing is to be said at the end

	done   chan struct{}
	report Report
	err    error
}

// answer gives the call what the venue said, and reports whether that is all.
// c.mu is held.
func (k *call) answer(r Report) bool {
	k.err = refusal(r)
	if _, business := r.(*BusinessMessageReject); business || k.err != nil && k.each == nil {
		k.report = r
		return true
	}
	switch k.request.(type) {
	case *OrderMassStatusRequest:
		if _, quote := r.(*QuoteStatusReport); quote {
			return false // quotes come first, and orders follow
		}
		e, ok := r.(*ExecutionReport)
		if !ok {
			k.report = r
			return true
		}
		if !e.OrderID.IsZero() {
			k.each(r)
		}
		if !e.LastRptRequested {
			return false
		}
	case *OrderMassCancelRequest:
		if _, ok := r.(*OrderMassCancelReport); !ok {
			return false
		}
	case *QuoteResponse:
		if s, ok := r.(*QuoteStatusReport); ok && s.QuoteStatus == QuoteAccepted {
			return false // the trades follow
		}
		if e, ok := r.(*ExecutionReport); ok && e.OrdStatus.Open() {
			return false // another one follows
		}
	}
	k.report = r
	return true
}

// finish tells who waits. The lock is not held.
func finish(calls []*call) {
	for _, k := range calls {
		if k.then != nil {
			k.then(k.report, k.err)
		}
	}
}

// settle ends a call with what it has, and takes it out of the books. c.mu is held;
// the caller calls finish afterwards.
func (c *Client) settle(k *call) *call {
	delete(c.pending, k.id)
	if k.window {
		k.window = false
		<-c.window
	}
	if k.order != nil {
		k.order.settled(k)
	}
	close(k.done)
	return k
}

// abandon ends all calls, in order. c.mu is held.
func (c *Client) abandon(why error) []*call {
	calls := c.unanswered()
	for _, k := range calls {
		k.err = lost(k, why)
		c.settle(k)
	}
	c.urgent, c.queue = nil, nil
	return calls
}

// unanswered returns the calls in the order in which they were asked. c.mu is held.
func (c *Client) unanswered() []*call {
	calls := make([]*call, 0, len(c.pending))
	for _, k := range c.pending {
		calls = append(calls, k)
	}
	slices.SortFunc(calls, func(a, b *call) int { return cmp.Compare(a.place, b.place) })
	return calls
}

// lost says what is known of a call that is given up.
func lost(k *call, why error) error {
	if k.sent.IsZero() {
		return &notSentError{why}
	}
	return &unknownError{why}
}

// unknownError is [ErrUnknownOutcome], and why.
type unknownError struct{ why error }

func (e *unknownError) Error() string   { return ErrUnknownOutcome.Error() + ": " + e.why.Error() }
func (e *unknownError) Unwrap() []error { return []error{ErrUnknownOutcome, e.why} }

// notSentError is for a request that never left.
type notSentError struct{ why error }

func (e *notSentError) Error() string { return "nothing was sent: " + e.why.Error() }
func (e *notSentError) Unwrap() error { return e.why }

// takesProof reports whether a request can carry one.
func takesProof(r Request) bool {
	_, _, ok := owned(r)
	return ok
}
