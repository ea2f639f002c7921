package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// Config is what a gateway is made of. Engine, Store and Name are needed.
type Config struct {
	Engine engine.Engine
	Store  journal.Store
	// Name tells this gateway from others on the same journal, for people.
	Name   string
	Limits Limits
	// Schedule is the venue's; sessions of epochs before the last one are pruned. The
	// zero schedule prunes nothing.
	Schedule zkkex.Schedule
	// Log is told what an operator has to know; never of a session. nil is for none.
	Log *slog.Logger
	// Now is the wall clock; time.Now if nil.
	Now func() time.Time
	// Observe is told what metrics count; nil is for none.
	Observe Observer
	// Inline records on the goroutine that brings a request or an event, for a store
	// that answers in microseconds. A [journal.Memory] is recorded so in any case.
	// Other stores have a goroutine that records what has come up in the meantime.
	Inline bool
}

// Gateway is the venue's end of order sessions. It is safe for concurrent use.
type Gateway struct {
	engine      engine.Engine
	store       journal.Store
	restored    bool // the engine keeps nothing itself, so this is the only gateway
	name        string
	limits      Limits
	schedule    zkkex.Schedule
	log         *slog.Logger
	clock       *clock
	observe     Observer
	instruments []order.Instrument
	units       map[string]*order.Instrument
	recorder    *recorder
	waiting     waiting
	cod         codLists

	// Locks are taken in this order: an engine's own, recorder.mu, mu, Session.mu.
	mu        sync.Mutex
	states    map[order.SessionID]*state
	orders    map[order.OrderID]*engine.Order // open ones, of all sessions
	due       expiries
	asked     map[order.OrderID]question
	listeners map[string]map[*Session]struct{}
	attached  int
	serial    uint64 // of commands of the gateway's own
	taken     uint64 // the last event
	halted    bool
	draining  bool
	failed    error
	swept     time.Time // of tick alone

	stop    context.CancelFunc
	stopped context.Context
	pumped  chan struct{}
}

// Errors of gateways.
var (
	// ErrDraining means that the gateway takes no sessions because it is about to
	// stop.
	ErrDraining = errors.New("the gateway is about to stop: connect to another")
	// ErrFull means that the gateway has as many sessions as it takes.
	ErrFull = errors.New("the gateway has as many sessions as it takes: connect to another, or later")
	// ErrFailed means that the gateway has to be started again, because the engine
	// and the journal no longer continue what it knows.
	ErrFailed = errors.New("the gateway has to be started again")
)

// Open puts open orders back into an engine that keeps nothing itself, and takes up
// the engine's events where the journal ends. Sessions of an earlier run of this
// gateway begin their grace: at once if no other gateway can be there, otherwise
// when that run has been silent for [Limits].DeadAfter. [Gateway.Run] must run for
// as long as the gateway is used.
func Open(ctx context.Context, c Config) (*Gateway, error) {
	g, err := newGateway(c)
	if err != nil {
		return nil, err
	}
	if err := g.recover(ctx); err != nil {
		g.stop()
		return nil, fmt.Errorf("open the gateway: %w", err)
	}
	go g.recorder.run()
	go g.pump()
	return g, nil
}

func newGateway(c Config) (*Gateway, error) {
	if c.Engine == nil || c.Store == nil || c.Name == "" {
		return nil, errors.New("a gateway needs an engine, a journal and a name")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = noObserver{}
	}
	var run [4]byte
	rand.Read(run[:]) // never fails
	g := &Gateway{
		engine: c.Engine, store: c.Store, name: c.Name + "-" + hex.EncodeToString(run[:]),
		limits: c.Limits.withDefaults(), schedule: c.Schedule, log: c.Log, clock: newClock(c.Now), observe: c.Observe,
		states:    make(map[order.SessionID]*state),
		orders:    make(map[order.OrderID]*engine.Order),
		asked:     make(map[order.OrderID]question),
		listeners: make(map[string]map[*Session]struct{}),
		pumped:    make(chan struct{}),
	}
	g.cod.graces = make(map[order.SessionID]time.Time)
	_, memory := c.Store.(*journal.Memory)
	g.recorder = newRecorder(g, c.Inline || memory)
	g.stopped, g.stop = context.WithCancel(context.Background())
	return g, nil
}

// recover takes up what journal and engine hold.
func (g *Gateway) recover(ctx context.Context) (err error) {
	if g.instruments, err = g.engine.Instruments(ctx); err != nil {
		return err
	}
	g.units = make(map[string]*order.Instrument, len(g.instruments))
	for i := range g.instruments {
		g.units[g.instruments[i].Symbol] = &g.instruments[i]
	}
	if g.taken, err = g.store.Cursor(ctx); err != nil {
		return err
	}
	if err := g.recoverOrders(ctx); err != nil {
		return err
	}
	if g.halted, err = g.store.Halted(ctx); err != nil {
		return err
	}
	now := g.clock.now()
	if err := g.store.Beat(ctx, g.name, now); err != nil {
		return err
	}
	g.cod.beat = now
	if g.restored {
		_, err = g.store.Orphans(ctx, now, 0)
	}
	return err
}

func (g *Gateway) recoverOrders(ctx context.Context) error {
	var open []engine.Order
	err := g.store.OpenOrders(ctx, func(o *engine.Order) error {
		open = append(open, *o)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range open {
		g.apply(&open[i])
		if r, ok := open[i].Report.(*order.ExecutionReport); ok {
			// A wall clock that was set back while the gateway was down must not make
			// the venue's time go back.
			g.clock.atLeast(r.TransactTime)
		}
	}
	if e, ok := g.engine.(engine.Restorer); ok {
		g.restored = true
		return e.Restore(open, g.taken+1)
	}
	return nil
}

// pump takes the engine's events.
func (g *Gateway) pump() {
	defer close(g.pumped)
	for wait := newBackoff(); ; {
		g.mu.Lock()
		after := g.taken
		g.mu.Unlock()
		err := g.engine.Events(g.stopped, after, g.take)
		if g.stopped.Err() != nil {
			return
		}
		if errors.Is(err, engine.ErrForgotten) {
			g.fail(err)
			return
		}
		g.mu.Lock()
		progress := g.taken > after
		g.mu.Unlock()
		if progress {
			wait = newBackoff()
		}
		g.log.Warn("the engine's events are interrupted", "error", err)
		if !wait.sleep(g.stopped) {
			return
		}
	}
}

// fail ends a gateway that cannot go on.
func (g *Gateway) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failLocked(err)
}

func (g *Gateway) failLocked(err error) {
	if g.failed != nil {
		return
	}
	g.failed = fmt.Errorf("%w: %w", ErrFailed, err)
	g.log.Error("the gateway has to be started again", "error", err)
	for _, s := range g.sessions() {
		s.end(order.RejectNotAvailable, "the venue's gateway starts again: reconnect")
	}
	g.stop()
}

// sessions returns those attached. The caller holds mu.
func (g *Gateway) sessions() []*Session {
	var out []*Session
	for _, st := range g.states {
		if st.attached != nil {
			out = append(out, st.attached)
		}
	}
	return out
}

// Close ends all sessions without cancelling their orders, and waits until what
// has happened is recorded, as far as the journal can be reached. Drain comes
// before it in an orderly stop. It closes neither journal nor engine.
func (g *Gateway) Close() error {
	g.mu.Lock()
	for _, s := range g.sessions() {
		s.end(order.RejectDraining, "the gateway stops: connect to another")
	}
	g.mu.Unlock()
	g.stop()
	g.recorder.open() // nobody waits there any more
	<-g.pumped
	return g.recorder.close()
}

// Status is what an operator sees.
type Status struct {
	// Sessions are attached, OpenOrders rest in the engine, of all gateways.
	Sessions, OpenOrders int
	// Waiting reports are not recorded yet, Commands not taken by the engine.
	Waiting, Commands int
	// Event is the number of the engine's last event that came here.
	Event                    uint64
	Halted, Draining         bool
	StoreFailing, EngineGone bool
	// ClockOffset is how far the wall clock is ahead of the venue's time, which
	// does not jump. A second or more means that somebody has set it: deadlines are
	// unchanged, and the difference goes away at half a percent of passing time, or
	// when the gateway is started again.
	ClockOffset time.Duration
}

// Status returns what an operator sees.
func (g *Gateway) Status() Status {
	offset, _ := g.clock.jump()
	waiting, failing := g.recorder.status()
	commands, gone := g.waiting.status()
	g.mu.Lock()
	defer g.mu.Unlock()
	return Status{
		Sessions: g.attached, OpenOrders: len(g.orders), Waiting: waiting, Commands: commands, Event: g.taken,
		Halted: g.halted, Draining: g.draining, StoreFailing: failing, EngineGone: gone, ClockOffset: offset,
	}
}

// Ready returns nil if the gateway takes new orders, or would if it was not halted;
// otherwise what is the matter.
func (g *Gateway) Ready() error {
	g.mu.Lock()
	failed, draining := g.failed, g.draining
	g.mu.Unlock()
	switch {
	case failed != nil:
		return failed
	case g.stopped.Err() != nil:
		return ErrFailed
	case draining:
		return ErrDraining
	case g.recorder.failing():
		return fmt.Errorf("orders are refused: %w", journal.ErrUnavailable)
	case g.waiting.gone():
		return fmt.Errorf("orders are refused: %w", engine.ErrUnavailable)
	}
	return nil
}
