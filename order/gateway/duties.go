package gateway

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// How often a gateway looks after what is due.
const (
	tickEvery  = 50 * time.Millisecond
	sweepEvery = 200 * time.Millisecond
	beatEvery  = time.Second
	pruneEvery = time.Minute
	// expireAgain is when the end of a time to live is said again, to an engine that
	// may have lost it.
	expireAgain = 10 * time.Second
)

// Run does what is due: times to live, silent clients, cancel on disconnect, the
// gateway's own sign of life. It returns when ctx ends, or with an error wrapping
// [ErrFailed] when the gateway cannot go on.
func (g *Gateway) Run(ctx context.Context) error {
	tended := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(tended)
		every(ctx, g.stopped, g.tend)
	}()
	every(ctx, g.stopped, g.tick)
	cancel()
	<-tended
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}

// every calls f again and again, until ctx or stopped ends.
func every(ctx, stopped context.Context, f func(context.Context)) {
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopped.Done():
			return
		case <-t.C:
			f(ctx)
		}
	}
}

// tick does what needs no journal.
func (g *Gateway) tick(ctx context.Context) {
	now := g.clock.now()
	g.do(ctx, g.overdue(now))
	g.giveAgain(ctx)
	if now.Sub(g.swept) >= sweepEvery {
		g.swept = now
		oldest := g.oldest(now)
		for _, s := range g.sweep(now) {
			s.check(g.clock.exact(), oldest)
		}
	}
}

// sweep drops what is of no more use, and returns the sessions that are attached.
func (g *Gateway) sweep(now time.Time) []*Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, q := range g.asked {
		if !q.expires.After(now) {
			delete(g.asked, id)
		}
	}
	attached := make([]*Session, 0, g.attached)
	for id, st := range g.states {
		if st.attached != nil {
			attached = append(attached, st.attached)
		} else if st.idle(now) {
			delete(g.states, id)
		}
	}
	return attached
}

// overdue returns commands that end what has lived its time.
func (g *Gateway) overdue(now time.Time) []engine.Command {
	g.mu.Lock()
	defer g.mu.Unlock()
	var commands []engine.Command
	for len(g.due) > 0 && !g.due[0].at.After(now) {
		id := heap.Pop(&g.due).(expiry).id
		o := g.orders[id]
		if o == nil || o.Expires.After(now) {
			continue // it has ended, or was replaced
		}
		commands = append(commands, g.withdraw(o.Session, o.ClOrdID, name{o.ID, o.Quote != nil}, engine.Expired, now))
		heap.Push(&g.due, expiry{now.Add(expireAgain), id})
	}
	return commands
}

// check ends a session whose client is silent, whose channel has had its time, or which
// began before the oldest epoch, and says that the venue is there.
func (s *Session) check(now time.Time, oldest uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != nil:
	case s.id.Epoch < oldest:
		s.endLocked(order.RejectEnded, "the session began two epochs ago, and ends, however often its channel was renewed: begin another")
	case s.ends != nil && !s.g.clock.wall().Before(s.ends()):
		s.endLocked(order.RejectEnded, "the channel's epoch is over: begin another session, or renew the channel")
	case s.keepAlive == 0:
	case now.Sub(s.heard) > s.keepAlive+s.keepAlive/2:
		s.endLocked(order.RejectSilent, fmt.Sprintf("nothing was heard for %v", now.Sub(s.heard).Round(time.Millisecond)))
	case now.Sub(s.sent) > s.keepAlive/2 && s.live && len(s.frames) == 0:
		s.queue(order.VenueFrame{Session: &order.Sequence{NextSeqNo: s.next}})
		s.notify()
	}
}

// codLists are what cancel on disconnect has to do.
type codLists struct {
	detaching []detachment                  // what the journal has not taken
	graces    map[order.SessionID]time.Time // when to look for orphans
	beat      time.Time                     // the last sign of life that was recorded
	tried     time.Time
	pruned    time.Time
	told      bool // of a wall clock that jumped
}

// detachment is the end of a session's connection.
type detachment struct {
	session    order.SessionID
	attachment uint64
	at         time.Time
	grace      time.Duration
	keep       bool
	finish     bool
}

// detach records the end of a connection. Only when the journal has confirmed that
// nobody has attached the session since, its orders are cancelled: at once, or after
// the grace.
func (g *Gateway) detach(ctx context.Context, d detachment) error {
	err := g.store.Detach(ctx, d.session, d.attachment, d.at)
	switch {
	case err == nil && d.finish:
		g.do(ctx, g.abandoned(d.session))
	case err == nil && d.grace == 0 && !d.keep:
		g.disconnected(ctx, d.session)
	case err == nil && !d.keep:
		g.mu.Lock()
		g.cod.graces[d.session] = d.at.Add(d.grace)
		g.mu.Unlock()
	case err == nil || errors.Is(err, journal.ErrTakenOver) || errors.Is(err, journal.ErrEnded):
	default:
		g.mu.Lock()
		g.cod.detaching = append(g.cod.detaching, d)
		g.mu.Unlock()
	}
	return err
}

// tend does what needs the journal.
func (g *Gateway) tend(ctx context.Context) {
	g.mu.Lock()
	detaching := g.cod.detaching
	g.cod.detaching = nil
	g.mu.Unlock()
	for _, d := range detaching {
		_ = g.detach(ctx, d) // it is kept for the next time if that fails
	}
	now := g.clock.now()
	over := g.graceOver(now)
	if now.Sub(g.cod.tried) >= beatEvery {
		g.cod.tried = now
		g.beat(ctx, now)
	} else if over {
		g.orphans(ctx, now)
	}
	if now.Sub(g.cod.pruned) >= pruneEvery {
		g.cod.pruned = now
		g.prune(ctx, now)
	}
}

// graceOver reports whether a session that was detached here has had its grace.
func (g *Gateway) graceOver(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	over := false
	for id, at := range g.cod.graces {
		if !at.After(now) {
			delete(g.cod.graces, id)
			over = true
		}
	}
	return over
}

// beat says that the gateway lives, and learns what others said.
func (g *Gateway) beat(ctx context.Context, now time.Time) {
	if err := g.store.Beat(ctx, g.name, now); err != nil {
		g.log.Warn("the journal did not take the gateway's sign of life", "error", err)
		return
	}
	if silent := now.Sub(g.cod.beat); silent > g.limits.DeadAfter && !g.restored {
		g.disown(silent)
	}
	g.cod.beat = now
	if halted, err := g.store.Halted(ctx); err == nil {
		g.setHalted(halted)
	}
	g.expel(ctx)
	g.orphans(ctx, now)
	if offset, jump := g.clock.jump(); jump != g.cod.told {
		g.cod.told = jump
		g.log.Warn("the wall clock was set: deadlines go on as they were", "ahead", offset.Round(time.Millisecond), "settled", !jump)
	}
}

// disown ends all sessions after a silence in which other gateways took them for
// disconnected: their clients establish them anew.
func (g *Gateway) disown(silent time.Duration) {
	g.log.Error("the gateway was silent for so long that others took over its sessions", "silent", silent.Round(time.Millisecond))
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions() {
		s.end(order.RejectNotAvailable, "the gateway was out of reach of the journal: reconnect")
	}
}

// orphans cancels what is open of sessions whose grace is over. The journal says
// which those are: a session may have been attached elsewhere.
func (g *Gateway) orphans(ctx context.Context, now time.Time) {
	sessions, err := g.store.Orphans(ctx, now, g.limits.DeadAfter)
	if err != nil {
		g.log.Warn("the journal did not say which sessions lost their connection", "error", err)
		return
	}
	for _, s := range sessions {
		if !s.KeepOrders && !s.Detached.Add(s.Grace).After(now) {
			g.disconnected(ctx, s.ID)
		}
	}
}

// disconnected cancels what is open of a session whose grace is over. An engine that
// cannot be reached is not asked again: as long as the session is not attached, the
// journal will name it again, and if it is, the cancels would come too late.
func (g *Gateway) disconnected(ctx context.Context, id order.SessionID) {
	commands := g.abandoned(id)
	if len(commands) == 0 {
		return
	}
	if err := g.engine.Do(ctx, commands); err != nil {
		g.log.Warn("the matching engine did not take cancels on disconnect: they are made again", "error", err)
	}
}

// abandoned returns commands that cancel all of a session, unless it is attached
// here.
func (g *Gateway) abandoned(id order.SessionID) []engine.Command {
	g.mu.Lock()
	defer g.mu.Unlock()
	st := g.states[id]
	if st == nil || st.attached != nil {
		return nil
	}
	return g.withdrawAll(nil, st, engine.Disconnected, g.clock.now())
}

// withdrawAll appends commands that cancel all of a session. The caller holds mu.
func (g *Gateway) withdrawAll(commands []engine.Command, st *state, reason engine.Reason, now time.Time) []engine.Command {
	seen := make(map[order.OrderID]struct{}, len(st.names))
	for id, n := range st.names {
		if _, ok := seen[n.id]; !ok {
			seen[n.id] = struct{}{}
			commands = append(commands, g.withdraw(st.id, id, n, reason, now))
		}
	}
	return commands
}

// oldest returns the number of the epoch before the present one: sessions that began
// before it are over. It is 0 if none are.
func (g *Gateway) oldest(now time.Time) uint64 {
	if g.schedule.Length == 0 {
		return 0
	}
	epoch, err := g.schedule.At(now)
	if err != nil {
		return 0
	}
	return max(epoch.Number, 1) - 1
}

// prune forgets sessions of epochs before the last one, when all gateways have ended
// them: what is done in a session that is not there is told to nobody.
func (g *Gateway) prune(ctx context.Context, now time.Time) {
	oldest := g.oldest(now.Add(-pruneEvery))
	if oldest == 0 {
		return
	}
	if err := g.store.Prune(ctx, oldest); err != nil {
		g.log.Warn("the journal was not pruned", "error", err)
	}
}
