package gateway

import (
	"context"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// kind names a request's type, for metrics.
func kind(r order.Request) string {
	switch r.(type) {
	case *order.NewOrderSingle:
		return "NewOrderSingle"
	case *order.OrderCancelRequest:
		return "OrderCancelRequest"
	case *order.OrderCancelReplaceRequest:
		return "OrderCancelReplaceRequest"
	case *order.OrderStatusRequest:
		return "OrderStatusRequest"
	case *order.OrderMassStatusRequest:
		return "OrderMassStatusRequest"
	case *order.OrderMassCancelRequest:
		return "OrderMassCancelRequest"
	case *order.Quote:
		return "Quote"
	case *order.QuoteCancel:
		return "QuoteCancel"
	case *order.QuoteRequest:
		return "QuoteRequest"
	case *order.QuoteResponse:
		return "QuoteResponse"
	}
	return "unknown"
}

// opens reports whether a request can add to what is traded: what is refused while
// the venue is halted or cannot record.
func opens(r order.Request) bool {
	switch r.(type) {
	case *order.NewOrderSingle, *order.OrderCancelReplaceRequest, *order.Quote, *order.QuoteRequest, *order.QuoteResponse:
		return true
	}
	return false
}

// asks reports whether a request only asks. Questions are answered anew each time.
func asks(r order.Request) bool {
	switch r.(type) {
	case *order.OrderStatusRequest, *order.OrderMassStatusRequest:
		return true
	}
	return false
}

// incoming is a request with what can be said of it before anything is locked.
type incoming struct {
	request order.Request
	id      order.ID
	digest  [32]byte
	command order.OrderID
	seqNo   uint64
	reject  order.Report
}

// batch is what one call of Do has come to.
type batch struct {
	s        *Session
	now      time.Time
	read     time.Time
	in       []incoming
	commands []engine.Command
	later    []*incoming // what needs the journal, or comes after the commands
	lost     []order.ID  // repeated requests whose answer's number is not known
	own      []func([]item) []item
}

func (b *batch) reset() {
	clear(b.in)
	clear(b.commands)
	clear(b.later)
	clear(b.own)
	// The engine may hold on to commands of an earlier call only until Do returned.
	b.in, b.commands, b.later, b.own = b.in[:0], b.commands[:0], b.later[:0], b.own[:0]
	b.lost = b.lost[:0]
}

// Do does the requests of one client, in order, and takes its messages of the
// session layer but for Establish and Terminate. What comes of it is delivered as
// reports; in memory, before Do returns. The error is an [*EndError] if the session
// has ended.
func (s *Session) Do(ctx context.Context, frames []order.ClientFrame) error {
	s.mu.Lock()
	s.busy = true
	s.heard = s.g.clock.exact()
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		return ended
	}
	err := s.do(ctx, frames)
	if werr := s.flush(true); werr != nil && err == nil {
		s.fail(werr)
		err = werr
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		s.notify()
	}
	return err
}

func (s *Session) do(ctx context.Context, frames []order.ClientFrame) error {
	b := &s.work
	b.reset()
	b.read = time.Now()
	for i := range frames {
		if err := b.prepare(ctx, &frames[i]); err != nil {
			return err
		}
	}
	if err := b.decide(); err != nil {
		return err
	}
	b.execute(ctx)
	b.finish(ctx)
	b.resendLost(ctx)
	return nil
}

// prepare does what needs no lock.
func (b *batch) prepare(ctx context.Context, f *order.ClientFrame) error {
	if f.Request == nil {
		return b.sessionMessage(ctx, f.Session)
	}
	if f.SeqNo > journal.MaxNumber {
		return b.s.malformed("a sequence number is above what can be counted")
	}
	in := incoming{request: f.Request, id: f.Request.RequestID(), seqNo: f.SeqNo}
	if !b.s.checked {
		in.reject = order.CheckRequest(f.Request)
	}
	if in.reject == nil && !asks(f.Request) {
		in.digest = order.RequestDigest(f.Request)
		in.command = order.NewOrderID(b.s.id, in.id)
	}
	b.in = append(b.in, in)
	b.s.g.observe.Request(kind(f.Request))
	return nil
}

func (b *batch) sessionMessage(ctx context.Context, m order.SessionMessage) error {
	switch m := m.(type) {
	case *order.Sequence:
		if m.NextSeqNo > 0 && m.NextSeqNo <= journal.MaxNumber {
			b.s.g.mu.Lock()
			b.expect(m.NextSeqNo)
			b.s.g.mu.Unlock()
		}
		return nil
	case *order.RetransmitRequest:
		if err := b.s.Retransmit(ctx, m.FromReport, m.Count); err != nil {
			return b.s.malformed(err.Error())
		}
		return nil
	}
	return b.s.malformed(fmt.Sprintf("a %T is out of place here", m))
}

// malformed ends a session whose client does not keep to the protocol.
func (s *Session) malformed(text string) error {
	s.end(order.RejectMalformed, text)
	return s.Err()
}

// count notes a request's number. The caller holds the gateway's lock.
func (b *batch) count(seqNo uint64) {
	b.expect(seqNo)
	b.s.st.nextSeqNo = max(b.s.st.nextSeqNo, seqNo+1)
}

// expect notes that the client sends the request numbered next now. A gap before it is
// told, and holds nothing back. The caller holds the gateway's lock.
func (b *batch) expect(next uint64) {
	st := b.s.st
	if next <= st.nextSeqNo {
		return
	}
	b.s.say(&order.NotApplied{FromSeqNo: st.nextSeqNo, Count: next - st.nextSeqNo})
	st.nextSeqNo = next
}

// decide makes commands of requests, or reports that refuse them.
func (b *batch) decide() error {
	g := b.s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if b.s.st.attached != b.s {
		return &EndError{order.RejectTakenOver, "the session was established on another connection"}
	}
	if g.failed != nil {
		return g.failed
	}
	b.now = g.clock.now()
	for i := range b.in {
		in := &b.in[i]
		if in.seqNo > 0 {
			b.count(in.seqNo)
		}
		b.one(in)
	}
	return nil
}

// one decides on one request.
func (b *batch) one(in *incoming) {
	g, st := b.s.g, b.s.st
	if in.reject == nil && !asks(in.request) && b.repeated(in) {
		return
	}
	opening := opens(in.request)
	free := !opening && b.cancelsOwn(in)
	tokens := &st.others
	if opening {
		tokens = &st.orders
	}
	if !tokens.take(b.now) && !free {
		b.passing(in, order.BusinessThrottled, "throttled", "more requests per second than the session is allowed")
		return
	}
	if uint64(len(st.requests)+len(st.pending)) >= g.limits.MaxRequests && !free && !asks(in.request) {
		b.passing(in, order.BusinessThrottled, "budget", "the session has made as many requests as it is allowed")
		return
	}
	if in.reject != nil {
		b.refuse(in, in.reject, "invalid")
		return
	}
	if opening && b.closed(in) {
		return
	}
	b.byKind(in)
}

// closed refuses what adds to trading while that is not possible.
func (b *batch) closed(in *incoming) bool {
	g := b.s.g
	switch {
	case g.halted:
		b.reject(in, order.RejExchangeClosed, "halted", "the venue is halted: cancels are taken")
	case g.recorder.failing():
		b.passing(in, order.BusinessNotAvailable, "store", "the venue cannot record orders now: cancels are taken")
	case g.waiting.gone():
		b.passing(in, order.BusinessNotAvailable, "engine", "the venue's matching engine cannot be reached now")
	default:
		return false
	}
	return true
}

// repeated answers a request that was seen before.
func (b *batch) repeated(in *incoming) bool {
	st := b.s.st
	if d, ok := st.requests[in.id]; ok {
		switch {
		case !st.others.take(b.now):
			b.passing(in, order.BusinessThrottled, "throttled", "more repetitions per second than the session is allowed")
		case !d.same(in.digest):
			b.duplicate(in)
		case d.report == 0:
			b.lost = append(b.lost, in.id)
		default:
			b.s.resend(span{d.report, d.report})
		}
		return true
	}
	p, ok := st.pending[in.id]
	switch {
	case !ok:
		return false
	case p.digest != in.digest:
		b.duplicate(in)
	case !p.answered && p.given.Request != nil && st.others.take(b.now):
		// An engine that was started again since may not have it.
		c := p.given
		c.Now = b.now
		b.commands = append(b.commands, c)
	case !p.answered && p.left != nil && st.others.take(b.now):
		b.massAgain(p)
	}
	return true // the answer will come
}

// resendLost sends reports again whose numbers have to be looked up, because
// another gateway recorded them.
func (b *batch) resendLost(ctx context.Context) {
	if len(b.lost) == 0 || b.s.g.loadRequests(ctx, b.s) != nil {
		return // the client asks again
	}
	g := b.s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range b.lost {
		if d := b.s.st.requests[id]; d.report > 0 {
			b.s.resend(span{d.report, d.report})
		}
	}
}

func (b *batch) duplicate(in *incoming) {
	b.s.g.observe.Reject(kind(in.request), "duplicate")
	r := order.NewReject(in.request, order.RejDuplicate, "the ID was used for another request")
	b.tell(in, r, false)
}

// cancelsOwn reports whether a request cancels an open order of its own session.
func (b *batch) cancelsOwn(in *incoming) bool {
	var id order.ID
	switch r := in.request.(type) {
	case *order.OrderCancelRequest:
		id = r.OrigClOrdID
	case *order.QuoteCancel:
		id = r.QuoteID
	case *order.OrderMassCancelRequest:
		return len(b.s.st.names) > 0
	default:
		return false
	}
	_, ok := b.s.st.names[id]
	return ok
}

// reject refuses a request, for good.
func (b *batch) reject(in *incoming, reason order.OrdRejReason, label, text string) {
	b.refuse(in, order.NewReject(in.request, reason, text), label)
}

// refuse answers a request with a reject that is recorded: a repetition gets the
// same one.
func (b *batch) refuse(in *incoming, r order.Report, label string) {
	b.s.g.observe.Reject(kind(in.request), label)
	if b.s.g.recorder.failing() {
		b.complete(in, r)
		b.s.push(0, r, true) // a repetition is decided on anew
		return
	}
	b.tell(in, r, !asks(in.request) && in.digest != [32]byte{})
}

// tell records and tells a report of the gateway's own. With answers set, it is what
// a repetition of the request will get.
func (b *batch) tell(in *incoming, r order.Report, answers bool) {
	b.complete(in, r)
	p := b.pend(in, answers)
	if answers {
		p.answered = true
	}
	b.own = append(b.own, func(items []item) []item {
		items = b.s.g.own(items, p, r)
		if !answers && len(items) > 0 {
			last := &items[len(items)-1]
			last.entry.Request, last.answers = nil, nil
		}
		return items
	})
}

// complete sets what makes an execution report one of this venue.
func (b *batch) complete(in *incoming, r order.Report) {
	report, ok := r.(*order.ExecutionReport)
	if !ok {
		return
	}
	report.OrderID = order.NewOrderID(b.s.id, in.id)
	report.TransactTime = b.now
	id := domain.Hash(domain.OrderCommand, []byte("reject"), report.OrderID[:], domain.Uint64(b.s.attachment), in.digest[:])
	report.ExecID = order.OrderID(id[:16])
}

// passing refuses a request without recording that: its ID may be used again, for
// the same request, when the reason is over.
func (b *batch) passing(in *incoming, reason order.BusinessRejectReason, label, text string) {
	b.s.g.observe.Reject(kind(in.request), label)
	b.s.push(0, &order.BusinessMessageReject{
		BusinessRejectRefID: in.id, BusinessRejectReason: reason, Text: text,
	}, true)
}

// pend makes a pending request; it is kept until it is answered.
func (b *batch) pend(in *incoming, keep bool) *pending {
	p := &pending{
		session: b.s.id, request: in.request, digest: in.digest, command: in.command, seqNo: in.seqNo, read: b.read,
	}
	if keep {
		b.s.st.pending[in.id] = p
	}
	return p
}

// seen reports whether a request came twice in one batch.
func (b *batch) seen(in *incoming) bool {
	_, answered := b.s.st.requests[in.id]
	return answered || b.s.st.pending[in.id] != nil
}

// command hands a request to the engine.
func (b *batch) command(in *incoming, target order.OrderID, ttl time.Duration) *pending {
	p := b.pend(in, true)
	c := engine.Command{ID: in.command, Session: b.s.id, Request: in.request, Target: target, Now: b.now}
	if ttl > 0 {
		c.Expires = b.now.Add(ttl)
	}
	p.given = c
	b.commands = append(b.commands, c)
	return p
}

// byKind does what each kind of request needs.
func (b *batch) byKind(in *incoming) {
	switch r := in.request.(type) {
	case *order.NewOrderSingle:
		b.newOrder(in, r)
	case *order.OrderCancelReplaceRequest:
		b.onTarget(in, r.OrigClOrdID, false)
	case *order.OrderCancelRequest:
		b.onTarget(in, r.OrigClOrdID, false)
	case *order.QuoteCancel:
		b.onTarget(in, r.QuoteID, true)
	case *order.Quote:
		b.quote(in, r)
	case *order.QuoteRequest:
		b.ask(in, r)
	case *order.QuoteResponse:
		b.response(in, r)
	default:
		b.later = append(b.later, in)
	}
}

func (b *batch) newOrder(in *incoming, r *order.NewOrderSingle) {
	unit := b.s.g.units[r.Symbol]
	if unit == nil {
		b.reject(in, order.RejUnknownSymbol, "symbol", "the venue does not trade this symbol")
		return
	}
	if reason, text := fits(unit, r.OrderQty, r.Price); text != "" {
		b.reject(in, reason, "units", text)
		return
	}
	rests := r.TimeInForce == order.GoodTillDate
	if b.lives(in, r.TimeToLive) || rests && b.crowded(in) {
		return
	}
	p := b.command(in, order.OrderID{}, r.TimeToLive)
	b.named(p, in, rests, false)
}

// named gives a pending order or quote its name.
func (b *batch) named(p *pending, in *incoming, rests, quote bool) {
	b.s.st.names[in.id] = name{in.command, quote}
	if p.rests = rests; rests {
		b.s.st.resting++
	}
}

// fits says why price or quantity are not of the instrument's units, if so.
func fits(unit *order.Instrument, qty, price order.Decimal) (order.OrdRejReason, string) {
	lots, err := qty.In(unit.LotSize.Exponent)
	if err != nil {
		return order.RejIncorrectQuantity, "the quantity is no multiple of " + unit.LotSize.String()
	}
	least, err := unit.MinQty.In(unit.LotSize.Exponent)
	if err != nil || lots < least {
		return order.RejIncorrectQuantity, "the quantity is below " + unit.MinQty.String()
	}
	if most, err := unit.MaxQty.In(unit.LotSize.Exponent); err == nil && lots > most {
		return order.RejIncorrectQuantity, "the quantity is above " + unit.MaxQty.String()
	}
	if _, err := price.In(unit.TickSize.Exponent); err != nil {
		return order.RejInvalidPriceIncrement, "the price is no multiple of " + unit.TickSize.String()
	}
	return 0, ""
}

// lives refuses a time to live that is more than the venue allows.
func (b *batch) lives(in *incoming, ttl time.Duration) bool {
	if most := b.s.g.limits.MaxTimeToLive; ttl > most {
		b.reject(in, order.RejExceedsLimit, "time_to_live", "the time to live is above "+most.String())
		return true
	}
	return false
}

// crowded refuses what would be more than may rest.
func (b *batch) crowded(in *incoming) bool {
	if len(b.s.st.open)+b.s.st.resting >= int(b.s.g.limits.MaxOpenOrders) {
		b.reject(in, order.RejExceedsLimit, "open_orders", "the session has as many open orders and quotes as it is allowed")
		return true
	}
	return false
}

func (b *batch) quote(in *incoming, r *order.Quote) {
	unit := b.s.g.units[r.Symbol]
	if unit == nil {
		b.reject(in, order.RejUnknownSymbol, "symbol", "the venue does not trade this symbol")
		return
	}
	for _, side := range [][]order.QuoteLevel{r.Bids, r.Offers} {
		for _, l := range side {
			if reason, text := fits(unit, l.Size, l.Price); text != "" {
				b.reject(in, reason, "units", text)
				return
			}
		}
	}
	if b.lives(in, r.TimeToLive) || b.crowded(in) {
		return
	}
	b.named(b.command(in, order.OrderID{}, r.TimeToLive), in, true, true)
}

func (b *batch) ask(in *incoming, r *order.QuoteRequest) {
	unit := b.s.g.units[r.Symbol]
	if unit == nil {
		b.reject(in, order.RejUnknownSymbol, "symbol", "the venue does not trade this symbol")
		return
	}
	if reason, text := fits(unit, r.OrderQty, order.Decimal{}); text != "" {
		b.reject(in, reason, "units", text)
		return
	}
	if b.lives(in, r.TimeToLive) || b.crowded(in) {
		return
	}
	b.named(b.command(in, order.OrderID{}, r.TimeToLive), in, true, true)
	b.s.g.asked[in.command] = question{b.s.id, b.now.Add(r.TimeToLive)}
}

func (b *batch) response(in *incoming, r *order.QuoteResponse) {
	b.command(in, r.QuoteID, 0)
}

// onTarget cancels or replaces an open order or quote of the session; what is none
// of those is looked up in the journal after the commands.
func (b *batch) onTarget(in *incoming, orig order.ID, quote bool) {
	n, ok := b.s.st.names[orig]
	if !ok || n.quote != quote {
		b.later = append(b.later, in)
		return
	}
	o := b.s.st.open[n.id]
	var symbol string
	if o != nil {
		symbol = o.Symbol
	} else if p := b.s.st.pending[orig]; p != nil {
		if r, ok := p.request.(*order.NewOrderSingle); ok {
			symbol = r.Symbol
		}
	}
	b.change(in, n.id, symbol)
}

// change hands a cancel or a replacement to the engine.
func (b *batch) change(in *incoming, target order.OrderID, symbol string) {
	r, ok := in.request.(*order.OrderCancelReplaceRequest)
	if !ok {
		b.command(in, target, 0)
		return
	}
	if unit := b.s.g.units[symbol]; unit != nil {
		if reason, text := fits(unit, r.OrderQty, r.Price); text != "" {
			b.reject(in, reason, "units", text)
			return
		}
	}
	if b.lives(in, r.TimeToLive) {
		return
	}
	b.command(in, target, r.TimeToLive)
	if o := b.s.g.orders[target]; o == nil || o.Session == b.s.id {
		b.s.st.names[in.id] = name{target, false}
	}
}

// execute gives commands to the engine, and records the gateway's own reports.
func (b *batch) execute(ctx context.Context) {
	g := b.s.g
	if len(b.commands) > 0 {
		g.do(ctx, b.commands)
		b.commands = b.commands[:0]
	}
	if len(b.own) > 0 {
		g.recorder.record(func(items []item) []item {
			for _, build := range b.own {
				items = build(items)
			}
			return items
		})
		clear(b.own)
		b.own = b.own[:0]
	}
}

// finish does what comes after the commands.
func (b *batch) finish(ctx context.Context) {
	for _, in := range b.later {
		switch r := in.request.(type) {
		case *order.OrderStatusRequest:
			b.orderStatus(ctx, r)
		case *order.OrderMassStatusRequest:
			b.massStatus(r)
		case *order.OrderMassCancelRequest:
			b.massCancel(ctx, in, r)
		default:
			b.foreign(ctx, in)
		}
		b.execute(ctx)
	}
}

// find looks for what a request is about in the journal, by the name that its owner
// gave it: an order of the session itself, or one that the request's proof shows to
// be the sender's. What is not the sender's is not there.
func (b *batch) find(ctx context.Context, r order.Request, id order.ID, quote func(bool) bool) (*engine.Order, error) {
	orders, err := b.s.g.store.Orders(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		if o.Session != b.s.id && order.VerifyProof(o.OwnerKey, b.s.binding, r) != nil || !quote(o.Quote != nil) {
			continue
		}
		g := b.s.g
		g.mu.Lock()
		if now := g.orders[o.ID]; now != nil {
			o = now
		}
		g.mu.Unlock()
		return o, nil
	}
	return nil, nil
}

// foreign does a cancel or a replacement of what is not open in the session.
func (b *batch) foreign(ctx context.Context, in *incoming) {
	var orig order.ID
	isQuote := false
	switch r := in.request.(type) {
	case *order.OrderCancelRequest:
		orig = r.OrigClOrdID
	case *order.OrderCancelReplaceRequest:
		orig = r.OrigClOrdID
	case *order.QuoteCancel:
		orig, isQuote = r.QuoteID, true
	}
	o, err := b.find(ctx, in.request, orig, func(quote bool) bool { return quote == isQuote })
	g := b.s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case b.s.st.attached != b.s || b.seen(in):
	case err != nil:
		b.passing(in, order.BusinessNotAvailable, "store", "the venue cannot look up orders now: only open orders of the session itself can be cancelled")
	case o == nil:
		b.reject(in, order.RejUnknownOrder, "unknown_order", "there is no such order")
	case !o.Open:
		b.reject(in, order.RejTooLate, "too_late", "the order is filled, cancelled or expired")
	default:
		b.change(in, o.ID, o.Symbol)
	}
}

// refuse answers a request that could be framed, but not decoded. It is not marked
// as done, since there is no telling two of them apart.
func (s *Session) refuse(ctx context.Context, e *order.RequestError) error {
	s.mu.Lock()
	s.heard = s.g.clock.exact()
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		return ended
	}
	if e.SeqNo > journal.MaxNumber {
		return s.malformed("a sequence number is above what can be counted")
	}
	b := &s.work
	b.reset()
	b.read = time.Now()
	if err := b.refuseBad(e); err != nil {
		return err
	}
	b.execute(ctx)
	return nil
}

func (b *batch) refuseBad(e *order.RequestError) error {
	g, st := b.s.g, b.s.st
	g.mu.Lock()
	defer g.mu.Unlock()
	if st.attached != b.s {
		return &EndError{order.RejectTakenOver, "the session was established on another connection"}
	}
	b.now = g.clock.now()
	if e.SeqNo > 0 {
		b.count(e.SeqNo)
	}
	in := incoming{request: &order.OrderMassStatusRequest{ID: e.Reject.Answers()}, id: e.Reject.Answers(), seqNo: e.SeqNo}
	g.observe.Request("invalid")
	if !st.orders.take(b.now) {
		b.passing(&in, order.BusinessThrottled, "throttled", "more requests per second than the session is allowed")
		return nil
	}
	g.observe.Reject("invalid", "invalid")
	b.tell(&in, e.Reject, false)
	return nil
}
