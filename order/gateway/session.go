package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// Attach is what a session is attached with: an [order.Establish] that came in any
// way.
type Attach struct {
	// Session is the pseudonym's, or that of an alias; see [Gateway.Renewed].
	Session order.SessionID
	// Binding is that of the channel, for proofs; see order.BindingLabel.
	Binding [32]byte
	// NextReport, Grace, KeepOrders and Quotes are as in order.Establish. What is
	// more than the limits allow is shortened.
	NextReport uint64
	Grace      time.Duration
	KeepOrders bool
	Quotes     []string
	// Deliver is given reports, in order, by one goroutine at a time. While it does
	// not return, reports wait; above Limits.MaxOutbox the session is ended. Its
	// error ends the session.
	Deliver func([]order.Numbered) error
}

// Session is a session that is attached to a connection. It is safe for concurrent
// use; [Session.Do] is for one goroutine at a time.
type Session struct {
	g          *Gateway
	st         *state
	id         order.SessionID
	attachment uint64
	binding    [32]byte
	grace      time.Duration
	keep       bool
	quotes     []string
	first      uint64 // the report that the replay begins with
	known      uint64 // the last report, when the session was attached
	checked    bool   // requests were checked by who decoded them
	keepAlive  time.Duration
	ends       func() time.Time
	write      func([]order.VenueFrame) error
	hangUp     func()
	work       batch

	wake chan struct{}
	done chan struct{} // the writer has ended
	gone context.Context
	off  context.CancelFunc
	once sync.Once // detaches

	writing sync.Mutex // one writes at a time; taken before mu
	mu      sync.Mutex
	frames  []order.VenueFrame // to be written
	spare   []order.VenueFrame
	held    []order.VenueFrame // without a number, for when the client is up to date
	again   []span
	next    uint64 // the next report to queue
	last    uint64 // the last one known to be recorded
	missed  uint64 // how often catchUp was called
	live    bool   // reports are queued as they come
	started bool
	busy    bool // the reader will flush
	heard   time.Time
	sent    time.Time
	ended   *EndError
	cut     *time.Timer // hangs up after the end, whatever was written
}

// EndError is why a session ended. It is what [Session.Err] and [Session.Do] return.
type EndError struct {
	Code order.RejectCode
	Text string
}

func (e *EndError) Error() string {
	return fmt.Sprintf("the session ended: %s: %s", codeName(e.Code), e.Text)
}

// codeName is for logs and metrics.
func codeName(c order.RejectCode) string {
	names := [...]string{
		order.RejectUnspecified: "unspecified", order.RejectMalformed: "malformed", order.RejectBanned: "banned",
		order.RejectTakenOver: "taken_over", order.RejectNotAvailable: "not_available", order.RejectDraining: "draining",
		order.RejectSilent: "silent", order.RejectSlow: "slow", order.RejectFinished: "finished", order.RejectEnded: "ended",
	}
	if int(c) < len(names) && names[c] != "" {
		return names[c]
	}
	return "unknown"
}

// Attach attaches a session, and takes it from a connection that has it. Its error
// wraps [ErrDraining], [ErrFull], [journal.ErrBanned], [journal.ErrEnded] or
// [journal.ErrUnavailable]. The session must be detached at its end.
func (g *Gateway) Attach(ctx context.Context, a Attach) (*Session, error) {
	s := g.newSession(a)
	s.write = func(frames []order.VenueFrame) error {
		reports := make([]order.Numbered, 0, len(frames))
		for _, f := range frames {
			if f.Report.Report != nil {
				reports = append(reports, f.Report)
			}
		}
		if len(reports) == 0 {
			return nil
		}
		return a.Deliver(reports)
	}
	if err := g.attach(ctx, s, a); err != nil {
		return nil, err
	}
	s.start()
	return s, nil
}

func (g *Gateway) newSession(a Attach) *Session {
	s := &Session{
		g: g, binding: a.Binding,
		grace: max(0, min(a.Grace, g.limits.MaxGrace)), keep: a.KeepOrders && !g.limits.NoKeepOrders, quotes: a.Quotes,
		wake: make(chan struct{}, 1), done: make(chan struct{}), hangUp: func() {},
	}
	s.work.s = s
	s.gone, s.off = context.WithCancel(context.Background())
	return s
}

// attach makes s the session's connection.
func (g *Gateway) attach(ctx context.Context, s *Session, a Attach) error {
	if err := g.admits(); err != nil {
		return err
	}
	id, err := g.store.Resolve(ctx, a.Session)
	if err != nil {
		return fmt.Errorf("attach the session: %w", err)
	}
	held, err := g.store.Attach(ctx, id, g.name, s.grace, s.keep)
	if err != nil {
		return fmt.Errorf("attach the session: %w", err)
	}
	s.id, s.attachment = id, held.Attachment
	s.known = held.LastReport
	s.first = held.LastReport + 1
	if a.NextReport > 0 && a.NextReport < s.first {
		s.first = a.NextReport
	}
	s.next = s.first
	whole, err := g.enter(s, held)
	if err == nil && !whole {
		err = g.loadRequests(ctx, s)
	}
	if err != nil {
		s.leave()
		_ = s.Detach(ctx)
		return fmt.Errorf("attach the session: %w", err)
	}
	return nil
}

// admits returns why no session is taken, if so.
func (g *Gateway) admits() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.failed != nil:
		return g.failed
	case g.draining || g.stopped.Err() != nil:
		return ErrDraining
	case g.attached >= g.limits.MaxSessions:
		return ErrFull
	}
	return nil
}

// enter makes s the one that reports go to, and reports whether the requests that
// were done are known already.
func (g *Gateway) enter(s *Session, held *journal.Session) (whole bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining || g.failed != nil {
		return false, ErrDraining
	}
	now := g.clock.exact()
	st := g.state(s.id)
	s.st, s.heard, s.sent = st, now, now
	if old := st.attached; old != nil {
		if old.attachment > s.attachment {
			return false, journal.ErrTakenOver
		}
		whole = old.attachment+1 == s.attachment
		g.exit(old)
		old.end(order.RejectTakenOver, "the session was established on another connection")
	}
	st.attached = s
	st.nextSeqNo = max(held.NextSeqNo, 1)
	if st.requests == nil {
		st.requests = make(map[order.ID]done)
		whole = false
	}
	for _, symbol := range s.quotes {
		if g.listeners[symbol] == nil {
			g.listeners[symbol] = make(map[*Session]struct{})
		}
		g.listeners[symbol][s] = struct{}{}
	}
	g.attached++
	g.observe.Sessions(g.attached)
	delete(g.cod.graces, s.id)
	return whole, nil
}

// exit is the inverse of enter. The caller holds mu.
func (g *Gateway) exit(s *Session) {
	if s.st == nil || s.st.attached != s {
		return
	}
	s.st.attached = nil
	for _, symbol := range s.quotes {
		delete(g.listeners[symbol], s)
	}
	g.attached--
	g.observe.Sessions(g.attached)
}

// loadRequests reads what the session has done.
func (g *Gateway) loadRequests(ctx context.Context, s *Session) error {
	return g.store.Requests(ctx, s.id, func(r journal.Request) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if s.st.attached != s {
			return journal.ErrTakenOver
		}
		if d, ok := s.st.requests[r.ID]; !ok || d.report == 0 {
			s.st.requests[r.ID] = done{[16]byte(r.Digest[:16]), r.Report}
		}
		return nil
	})
}

// start begins to send reports.
func (s *Session) start() {
	s.mu.Lock()
	s.started = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	go s.run()
}

// ID returns the session's name.
func (s *Session) ID() order.SessionID { return s.id }

// Done is closed when the session has ended here, and all was delivered that could
// be. The connection is of no more use then.
func (s *Session) Done() <-chan struct{} { return s.gone.Done() }

// Err returns why the session ended: an [*EndError], or nil while it lasts.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		return nil
	}
	return s.ended
}

// end ends the session here; its client is told why.
func (s *Session) end(code order.RejectCode, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(code, text)
}

func (s *Session) endLocked(code order.RejectCode, text string) {
	if s.ended != nil {
		return
	}
	s.frames = append(s.frames, order.VenueFrame{Session: &order.Terminate{Code: code, Text: text}})
	s.ended = &EndError{code, text}
	s.cut = time.AfterFunc(lingers, s.leave)
	s.g.observe.Ended(codeName(code))
	s.notify()
}

// lingers is how long an ended session may take to deliver what is queued.
const lingers = time.Second

// fail ends the session without a word: its connection is lost.
func (s *Session) fail(err error) {
	s.mu.Lock()
	if s.ended == nil {
		s.ended = &EndError{order.RejectUnspecified, "the connection was lost: " + err.Error()}
		s.g.observe.Ended("lost")
	}
	s.mu.Unlock()
	s.leave()
}

// leave gives up the connection.
func (s *Session) leave() {
	s.mu.Lock()
	if s.cut != nil {
		s.cut.Stop()
	}
	s.mu.Unlock()
	s.off()
	s.hangUp()
}

// Retransmit sends count reports again, from a number on, beside those to come. It
// returns an error for numbers that are out of bounds. What is under way already, or
// more than [maxResend] ranges, is left out: a client that misses it asks again.
func (s *Session) Retransmit(_ context.Context, from uint64, count uint32) error {
	if from == 0 || from > journal.MaxNumber || count == 0 || count > order.MaxRetransmit {
		return fmt.Errorf("asked for %d reports from %d on, expected 1 to %d from 1 on", count, from, order.MaxRetransmit)
	}
	s.resend(span{from, from + uint64(count) - 1})
	return nil
}

// Detach ends the session's connection. Unless the session was taken over by a
// later one, its orders are cancelled after the grace. If the journal cannot be
// reached, the gateway goes on trying; the error says so.
func (s *Session) Detach(ctx context.Context) error { return s.detach(ctx, false) }

// Finish is Detach that cancels what is open at once.
func (s *Session) Finish(ctx context.Context) error { return s.detach(ctx, true) }

func (s *Session) detach(ctx context.Context, finish bool) (err error) {
	s.once.Do(func() {
		s.mu.Lock()
		if s.ended == nil {
			s.ended = &EndError{order.RejectFinished, "the session was detached"}
			s.g.observe.Ended("closed")
		}
		s.mu.Unlock()
		s.leave()
		s.g.mu.Lock()
		s.g.exit(s)
		if s.st != nil && s.st.attached == nil {
			s.st.requests = nil
		}
		now := s.g.clock.now()
		s.g.mu.Unlock()
		err = s.g.detach(ctx, detachment{s.id, s.attachment, now, s.grace, s.keep, finish})
	})
	if errors.Is(err, journal.ErrTakenOver) || errors.Is(err, journal.ErrEnded) {
		return nil
	}
	return err
}
