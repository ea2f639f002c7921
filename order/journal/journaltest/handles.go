package journaltest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// handles are several stores on one place, used in turn: whatever is recorded by
// one must be there for the next.
type handles struct {
	stores [3]journal.Store
	turn   atomic.Uint32
}

var _ journal.Store = (*handles)(nil)

func newHandles(t *testing.T, opener Opener) *handles {
	t.Helper()
	h := new(handles)
	for i := range h.stores {
		h.stores[i] = open(t, opener)
	}
	return h
}

func (h *handles) next() journal.Store {
	return h.stores[int(h.turn.Add(1))%len(h.stores)]
}

func (h *handles) Attach(ctx context.Context, id order.SessionID, gateway string, grace time.Duration, keep bool) (*journal.Session, error) {
	return h.next().Attach(ctx, id, gateway, grace, keep)
}

func (h *handles) Detach(ctx context.Context, id order.SessionID, attachment uint64, at time.Time) error {
	return h.next().Detach(ctx, id, attachment, at)
}

func (h *handles) Alias(ctx context.Context, alias, session order.SessionID) error {
	return h.next().Alias(ctx, alias, session)
}

func (h *handles) Resolve(ctx context.Context, alias order.SessionID) (order.SessionID, error) {
	return h.next().Resolve(ctx, alias)
}

func (h *handles) Append(ctx context.Context, entries []journal.Entry) ([]uint64, int, error) {
	return h.next().Append(ctx, entries)
}

func (h *handles) Cursor(ctx context.Context) (uint64, error) { return h.next().Cursor(ctx) }

func (h *handles) Reports(ctx context.Context, id order.SessionID, from uint64, max int) ([]journal.Numbered, error) {
	return h.next().Reports(ctx, id, from, max)
}

func (h *handles) LastReport(ctx context.Context, id order.SessionID) (uint64, error) {
	return h.next().LastReport(ctx, id)
}

func (h *handles) Requests(ctx context.Context, id order.SessionID, f func(journal.Request) error) error {
	return h.next().Requests(ctx, id, f)
}

func (h *handles) OpenOrders(ctx context.Context, f func(*engine.Order) error) error {
	return h.next().OpenOrders(ctx, f)
}

func (h *handles) Orders(ctx context.Context, id order.ID) ([]*engine.Order, error) {
	return h.next().Orders(ctx, id)
}

func (h *handles) Beat(ctx context.Context, gateway string, now time.Time) error {
	return h.next().Beat(ctx, gateway, now)
}

func (h *handles) Orphans(ctx context.Context, now time.Time, older time.Duration) ([]journal.Session, error) {
	return h.next().Orphans(ctx, now, older)
}

func (h *handles) Ban(ctx context.Context, id order.SessionID) error { return h.next().Ban(ctx, id) }

func (h *handles) Bans(ctx context.Context) ([]order.SessionID, error) { return h.next().Bans(ctx) }

func (h *handles) Halt(ctx context.Context, halted bool) error { return h.next().Halt(ctx, halted) }

func (h *handles) Halted(ctx context.Context) (bool, error) { return h.next().Halted(ctx) }

func (h *handles) FIX(ctx context.Context, id order.SessionID) (journal.FIX, error) {
	return h.next().FIX(ctx, id)
}

func (h *handles) Prune(ctx context.Context, epoch uint64) error { return h.next().Prune(ctx, epoch) }

func (h *handles) Close() (err error) {
	for _, s := range h.stores {
		err = errors.Join(err, s.Close())
	}
	return err
}
