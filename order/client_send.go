package order

import (
	"context"
	"errors"
	"slices"
	"time"
)

// outbox is what goes to the venue. Its fields are guarded by the client's lock.
type outbox struct {
	pending map[ID]*call
	counted uint64
	queue   []*call          // not written yet
	urgent  []*call          // to be written before them: cancels, and what they cancel
	control []SessionMessage // to be written before all
	bye     *Terminate       // to be written after all
	writing bool
	frames  []ClientFrame // of who writes
	batch   []*call
}

// Constants of writing.
const (
	// maxBatch is how many requests are written together: a cancel waits for one
	// such write at most.
	maxBatch = 64
	// inline is how many requests can be unanswered while who sends another writes
	// it to the connection itself, which saves a switch of goroutines: so few never
	// fill what a connection takes before its peer reads.
	inline = 16
)

// submit puts a call in the queue, and sends it at once if that cannot block.
func (c *Client) submit(ctx context.Context, k *call, now bool) error {
	if err := ctx.Err(); err != nil {
		return &notSentError{err}
	}
	if !now {
		select {
		case c.window <- struct{}{}:
		default:
			select {
			case c.window <- struct{}{}:
			case <-ctx.Done():
				return &notSentError{ctx.Err()}
			case <-c.ended:
				return &notSentError{c.Err()}
			}
		}
		k.window = true
	}
	c.mu.Lock()
	if err := c.accepts(k); err != nil {
		if k.window {
			<-c.window
		}
		c.mu.Unlock()
		return &notSentError{err}
	}
	if now {
		c.hurry(k)
	} else {
		c.enqueue(k)
	}
	if len(c.pending) <= inline && !c.config.WriteAhead {
		c.writeBatch()
	}
	rest := c.waiting()
	c.mu.Unlock()
	if rest {
		c.nudge()
	}
	return nil
}

// accepts says why no call is accepted, or not this one. c.mu is held.
func (c *Client) accepts(k *call) error {
	switch {
	case c.err != nil:
		return c.err
	case c.closing != nil:
		return c.closing
	case c.pending[k.id] != nil:
		return ErrDuplicate
	}
	return nil
}

// enqueue makes k the last to be sent. c.mu is held.
func (c *Client) enqueue(k *call) {
	c.book.expect(k)
	c.counted++
	k.place, k.queued = c.counted, true
	if k.asked.IsZero() {
		k.asked = time.Now()
	}
	c.pending[k.id] = k
	c.queue = append(c.queue, k)
}

// hurry has a cancel sent before what waits, but behind what it cancels: an order
// that comes after its cancel would stay. c.mu is held.
func (c *Client) hurry(k *call) {
	before := len(c.queue)
	c.enqueue(k)
	c.queue = c.queue[:before]
	n := before // a mass cancel is about all of them
	if target, _, one := owned(k.request); one {
		for n > 0 && c.queue[n-1].id != target {
			n--
		}
	}
	c.urgent = append(append(c.urgent, c.queue[:n]...), k)
	c.queue = slices.Delete(c.queue, 0, n)
}

// requeue has everything that was not answered sent on a new connection, in order,
// but asks after orders that are too old by now. It returns what it gives up. c.mu
// is held.
func (c *Client) requeue() (late []*call) {
	now := time.Now()
	c.queue, c.urgent, c.control = nil, nil, nil
	for _, k := range c.unanswered() {
		k.seq, k.queued = 0, false
		switch {
		case k.silent:
			delete(c.pending, k.id)
		case !c.tooOld(k, now):
			k.queued = true
			c.queue = append(c.queue, k)
		case k.sent.IsZero():
			k.err = ErrNotEntered
			late = append(late, c.settle(k))
		case k.order != nil:
			c.ask(k)
		default:
			k.err = lost(k, errOld)
			late = append(late, c.settle(k))
		}
	}
	return late
}

var errOld = errors.New("the connection was lost, and the quote is too old to be sent again")

// tooOld reports whether an order or a quote is not to be sent, or sent again.
func (c *Client) tooOld(k *call, now time.Time) bool {
	limit := c.config.ResendWithin
	switch r := k.request.(type) {
	case *NewOrderSingle:
		if r.TimeToLive > 0 {
			limit = min(limit, r.TimeToLive)
		}
	case *Quote:
		limit = min(limit, r.TimeToLive)
	case *QuoteResponse:
	default:
		return false
	}
	return now.Sub(k.asked) >= limit
}

// askAgain is how long after a question that the venue could not answer another one
// is asked.
const askAgain = time.Second

// ask asks whether the venue knows an order that is too old to be sent again. c.mu
// is held.
func (c *Client) ask(k *call) {
	q := &call{id: randomID(), silent: true, done: make(chan struct{})}
	q.request = &OrderStatusRequest{ID: q.id, ClOrdID: k.id}
	q.then = func(r Report, err error) { c.known(k, r, err) }
	c.enqueue(q)
}

// known settles an order that was asked after.
func (c *Client) known(k *call, r Report, err error) {
	c.mu.Lock()
	if c.pending[k.id] != k {
		c.mu.Unlock()
		return
	}
	switch e, is := r.(*ExecutionReport); {
	case err == nil && is:
		k.report = e
	case errors.Is(err, ErrUnknownOrder):
		k.err = ErrNotEntered
	case c.err == nil && c.link != nil:
		time.AfterFunc(askAgain, func() {
			c.mu.Lock()
			if c.err == nil && c.pending[k.id] == k {
				c.ask(k)
			}
			c.mu.Unlock()
			c.nudge()
		})
		fallthrough
	default:
		c.mu.Unlock()
		return
	}
	c.settle(k)
	c.mu.Unlock()
	finish([]*call{k})
}

// say has a session message sent, before all that waits. c.mu is held; the caller
// calls nudge afterwards.
func (c *Client) say(m SessionMessage) { c.control = append(c.control, m) }

func (c *Client) waiting() bool {
	return len(c.control)+len(c.urgent)+len(c.queue) > 0 || c.bye != nil
}

// nudge wakes the writer.
func (c *Client) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// writer writes what senders did not write themselves.
func (c *Client) writer() {
	for {
		select {
		case <-c.wake:
		case <-c.ctx.Done():
			return
		}
		c.mu.Lock()
		for c.writeBatch() {
		}
		c.mu.Unlock()
	}
}

// writeBatch writes some of what waits, and reports whether it did. c.mu is held,
// but not while it writes; one goroutine writes at a time.
func (c *Client) writeBatch() bool {
	l := c.link
	if c.writing || l == nil || !c.waiting() {
		return false
	}
	c.writing = true
	bye := c.pick(l)
	seq := l.seq
	l.seq += uint64(len(c.batch))
	l.wrote = l.wrote || tellsNumber(c.frames, c.batch)
	c.mu.Unlock()
	err := c.saveAhead()
	for i, k := range c.batch {
		c.frames = append(c.frames, ClientFrame{SeqNo: seq + uint64(i), Request: c.signed(k, l)})
	}
	if bye != nil {
		c.frames = append(c.frames, ClientFrame{Session: bye})
	}
	if err == nil {
		err = l.stream.WriteRequests(c.frames)
	}
	c.mu.Lock()
	c.writing = false
	clear(c.frames)
	clear(c.batch)
	if err != nil {
		c.end(l, err)
	}
	if c.link != nil && c.waiting() {
		c.nudge()
	}
	return err == nil
}

// tellsNumber reports whether what is about to be written tells the venue the number of
// the next request, which shows it what it missed. A question for reports does not.
func tellsNumber(control []ClientFrame, batch []*call) bool {
	return len(batch) > 0 || slices.ContainsFunc(control, func(f ClientFrame) bool {
		_, is := f.Session.(*Sequence)
		return is
	})
}

// pick takes what is to be written next, and the farewell if it comes after that.
// c.mu is held.
func (c *Client) pick(l *link) (bye *Terminate) {
	c.frames, c.batch = c.frames[:0], c.batch[:0]
	for _, m := range c.control {
		if s, ok := m.(*Sequence); ok {
			s.NextSeqNo = l.seq // as of now
		}
		c.frames = append(c.frames, ClientFrame{Session: m})
	}
	c.control = c.control[:0]
	now := time.Now()
	c.urgent = c.pickFrom(c.urgent, l, now)
	c.queue = c.pickFrom(c.queue, l, now)
	if len(c.urgent)+len(c.queue) == 0 {
		bye, c.bye = c.bye, nil
	}
	return bye
}

func (c *Client) pickFrom(queue []*call, l *link, now time.Time) []*call {
	n := 0
	for ; n < len(queue) && len(c.batch) < maxBatch; n++ {
		k := queue[n]
		k.queued = false
		if c.pending[k.id] != k {
			continue // answered meanwhile, by a report of before
		}
		k.seq = l.seq + uint64(len(c.batch))
		if k.sent.IsZero() {
			k.sent = now
		}
		c.batch = append(c.batch, k)
	}
	if n == len(queue) {
		clear(queue)
		return queue[:0]
	}
	return queue[n:]
}

// signed returns the request as it is sent on a connection.
func (c *Client) signed(k *call, l *link) Request {
	if !k.prove {
		return k.request
	}
	proof, err := c.config.Secret.Prove(l.binding, k.request)
	if err != nil {
		return k.request // of a kind that takes none
	}
	switch r := k.request.(type) {
	case *OrderCancelRequest:
		signed := *r
		signed.Proof = proof
		return &signed
	case *OrderCancelReplaceRequest:
		signed := *r
		signed.Proof = proof
		return &signed
	case *OrderStatusRequest:
		signed := *r
		signed.Proof = proof
		return &signed
	case *QuoteCancel:
		signed := *r
		signed.Proof = proof
		return &signed
	}
	return k.request
}

// notApplied has requests sent again that the venue did not see. c.mu is held.
func (c *Client) notApplied(m *NotApplied) {
	for _, k := range c.unanswered() {
		if k.seq >= m.FromSeqNo && k.seq-m.FromSeqNo < m.Count && !k.queued {
			k.seq, k.queued = 0, true
			c.queue = append(c.queue, k)
		}
	}
}
