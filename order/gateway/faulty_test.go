package gateway

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// plant is a fault of a gateway, put into what it is made of: what the gateway would
// do wrong, happens between it and its journal or engine.
type plant string

const (
	sound        plant = ""
	forgets      plant = "does not know which requests were done"
	sendsFirst   plant = "sends before it has recorded"
	skipsFence   plant = "cancels when the session was taken over"
	noDetach     plant = "cancels what is attached elsewhere"
	neverCancels plant = "does not cancel on disconnect"
	losesReports plant = "leaves out reports when it replays"
)

// faultyStore is a journal that fails when it is told to, and ends with its gateway.
type faultyStore struct {
	journal.Store
	plant plant

	dead      atomic.Bool
	failing   atomic.Bool
	ambiguous atomic.Bool // records, and says that it has not
	slow      chan struct{}
	hangs     atomic.Pointer[chan struct{}]

	mu   sync.Mutex
	late [][]journal.Entry
}

func newFaultyStore(s journal.Store, p plant) *faultyStore {
	return &faultyStore{Store: s, plant: p}
}

// hang makes writes wait.
func (s *faultyStore) hang(until chan struct{}) { s.hangs.Store(&until) }

var errPlanted = fmt.Errorf("%w: planted", journal.ErrUnavailable)

func (s *faultyStore) err() error {
	if s.dead.Load() || s.failing.Load() {
		return errPlanted
	}
	return nil
}

func (s *faultyStore) Append(ctx context.Context, entries []journal.Entry) ([]uint64, int, error) {
	if s.slow != nil {
		<-s.slow
	}
	if until := s.hangs.Load(); until != nil {
		<-*until
	}
	if err := s.err(); err != nil {
		return nil, 0, err
	}
	if s.plant == sendsFirst {
		return s.appendLater(ctx, entries)
	}
	numbers, skipped, err := s.Store.Append(ctx, entries)
	if err == nil && s.ambiguous.Load() {
		return nil, 0, errPlanted
	}
	return numbers, skipped, err
}

// appendLater numbers entries before the entries of the call before are recorded.
func (s *faultyStore) appendLater(ctx context.Context, entries []journal.Entry) ([]uint64, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, late := range s.late {
		if _, _, err := s.Store.Append(ctx, late); err != nil {
			return nil, 0, err
		}
	}
	s.late = [][]journal.Entry{append([]journal.Entry(nil), entries...)}
	numbers := make([]uint64, len(entries))
	added := map[order.SessionID]uint64{}
	for i, e := range entries {
		if len(e.Report) > 0 {
			last, err := s.Store.LastReport(ctx, e.Session)
			if err != nil {
				return nil, 0, err
			}
			added[e.Session]++
			numbers[i] = last + added[e.Session]
		}
	}
	return numbers, 0, nil
}

func (s *faultyStore) Attach(ctx context.Context, id order.SessionID, gateway string, grace time.Duration, keep bool) (*journal.Session, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Store.Attach(ctx, id, gateway, grace, keep)
}

func (s *faultyStore) Detach(ctx context.Context, id order.SessionID, attachment uint64, at time.Time) error {
	if err := s.err(); err != nil {
		return err
	}
	err := s.Store.Detach(ctx, id, attachment, at)
	if s.plant == skipsFence {
		return nil
	}
	return err
}

func (s *faultyStore) Resolve(ctx context.Context, id order.SessionID) (order.SessionID, error) {
	if err := s.err(); err != nil {
		return id, err
	}
	return s.Store.Resolve(ctx, id)
}

func (s *faultyStore) Reports(ctx context.Context, id order.SessionID, from uint64, n int) ([]journal.Numbered, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	reports, err := s.Store.Reports(ctx, id, from, n)
	if s.plant == losesReports && len(reports) > 2 {
		reports[1].Report = reports[0].Report
	}
	return reports, err
}

func (s *faultyStore) Requests(ctx context.Context, id order.SessionID, f func(journal.Request) error) error {
	if err := s.err(); err != nil {
		return err
	}
	if s.plant == forgets {
		return nil
	}
	return s.Store.Requests(ctx, id, f)
}

func (s *faultyStore) Orders(ctx context.Context, id order.ID) ([]*engine.Order, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	return s.Store.Orders(ctx, id)
}

func (s *faultyStore) Beat(ctx context.Context, gateway string, now time.Time) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Beat(ctx, gateway, now)
}

func (s *faultyStore) Orphans(ctx context.Context, now time.Time, older time.Duration) ([]journal.Session, error) {
	if err := s.err(); err != nil {
		return nil, err
	}
	switch s.plant {
	case neverCancels:
		return nil, nil
	case noDetach:
		return s.everybody(ctx, now)
	}
	return s.Store.Orphans(ctx, now, older)
}

// everybody says of all sessions with open orders that they are gone.
func (s *faultyStore) everybody(ctx context.Context, now time.Time) ([]journal.Session, error) {
	seen := map[order.SessionID]bool{}
	err := s.Store.OpenOrders(ctx, func(o *engine.Order) error {
		seen[o.Session] = true
		return nil
	})
	var out []journal.Session
	for id := range seen {
		out = append(out, journal.Session{ID: id, Detached: now})
	}
	return out, err
}

func (s *faultyStore) Ban(ctx context.Context, id order.SessionID) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Ban(ctx, id)
}

func (s *faultyStore) Halt(ctx context.Context, halted bool) error {
	if err := s.err(); err != nil {
		return err
	}
	return s.Store.Halt(ctx, halted)
}

// faultyEngine is an engine that fails when it is told to, and is out of reach when
// its gateway has ended.
type faultyEngine struct {
	engine.Engine
	plant plant

	serial    atomic.Int64
	dead      atomic.Bool
	down      atomic.Bool
	ambiguous atomic.Bool // does, and says that it has not
}

// restorer is a faultyEngine in the gateway's process.
type restorer struct{ *faultyEngine }

func (e restorer) Restore(orders []engine.Order, next uint64) error {
	return e.Engine.(engine.Restorer).Restore(orders, next)
}

func (e *faultyEngine) Do(ctx context.Context, commands []engine.Command) error {
	if e.dead.Load() || e.down.Load() {
		return fmt.Errorf("%w: planted", engine.ErrUnavailable)
	}
	if e.plant == forgets {
		// An engine that forgets refuses what may be older than its memory.
		commands = slices.Clone(commands)
		for i := range commands {
			commands[i].Now = commands[i].Now.Add(time.Duration(e.serial.Add(1)) * time.Millisecond)
		}
	}
	err := e.Engine.Do(ctx, commands)
	if err == nil && e.ambiguous.Load() {
		return fmt.Errorf("%w: planted", engine.ErrUnavailable)
	}
	return err
}

func (e *faultyEngine) Events(ctx context.Context, after uint64, take func([]engine.Event) error) error {
	return e.Engine.Events(ctx, after, func(events []engine.Event) error {
		if e.dead.Load() {
			return engine.ErrUnavailable
		}
		return take(events)
	})
}
