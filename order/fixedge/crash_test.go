package fixedge

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// mortal is a gateway's way to a journal, which ends as if its process were killed:
// what was under way is written or not, and nothing after it.
type mortal struct {
	journal.Store
	// left is how many writes of FIX sessions it has to live; it does not count
	// while below 0.
	left atomic.Int64
	dead atomic.Bool
}

func (m *mortal) alive() error {
	if m.dead.Load() {
		return journal.ErrUnavailable
	}
	return nil
}

func (m *mortal) Append(ctx context.Context, entries []journal.Entry) ([]uint64, int, error) {
	if err := m.alive(); err != nil {
		return nil, 0, err
	}
	return m.Store.Append(ctx, entries)
}

func (m *mortal) Attach(ctx context.Context, id order.SessionID, gateway string, grace time.Duration, keep bool) (*journal.Session, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Attach(ctx, id, gateway, grace, keep)
}

func (m *mortal) Detach(ctx context.Context, id order.SessionID, attachment uint64, at time.Time) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.Store.Detach(ctx, id, attachment, at)
}

func (m *mortal) FIX(ctx context.Context, id order.SessionID) (journal.FIX, error) {
	f, err := m.Store.FIX(ctx, id)
	return mortalFIX{f, m}, err
}

type mortalFIX struct {
	journal.FIX
	m *mortal
}

func (f mortalFIX) Save(ctx context.Context, number uint64, message []byte, next uint64) error {
	if f.m.left.Add(-1) == 0 {
		f.m.dead.Store(true)
	}
	if err := f.m.alive(); err != nil {
		return err
	}
	return f.FIX.Save(ctx, number, message, next)
}

// A gateway that dies anywhere between two writes of the journal, while orders and
// reports are under way, costs no order and no report, and doubles none: what the
// client had heard of comes again only if it asks again, and is marked then.
func TestGatewayDies(t *testing.T) {
	t.Parallel()
	for _, after := range []int64{6, 7, 11, 16, 25} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			store, book := journal.NewMemory(), newBook(t)
			dying := &mortal{Store: store}
			a := newVenue(t, engine.Engine(external{book}), dying, nil)
			b := newVenue(t, engine.Engine(external{book}), store, nil)
			r := newRelay(t, a.address)
			c := newClient(t, unique(t, "trader"))
			c.start(r.address)
			c.loggedOn(1)
			dying.left.Store(after)
			const orders = 60
			for i := range orders {
				c.order(fmt.Sprint("o ", i), "1", "1", "90")
				if i == orders/2 {
					waitFor(t, "the gateway's death", func() bool { return dying.dead.Load() || c.count() > i })
				}
			}
			waitFor(t, "the gateway's death", func() bool { return dying.dead.Load() || c.count() == orders })
			dying.dead.Store(true)
			r.to(b.address)
			r.cut()
			c.wait("all reports", func() bool { return len(firsts(c.in)) >= orders })
			if n := b.gateway.Status().OpenOrders; n != orders {
				t.Errorf("%d orders, want %d", n, orders)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if n := len(firsts(c.in)); n != orders {
				t.Errorf("%d orders were reported, want %d", n, orders)
			}
			for id, n := range firsts(c.in) {
				if n != 1 {
					t.Errorf("%s was reported %d times as new", id, n)
				}
			}
		})
	}
}

func (c *client) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.in)
}

// firsts counts reports that are not marked as repetitions, by the name of their
// order.
func firsts(in []*message) map[string]int {
	out := make(map[string]int)
	for _, m := range in {
		if m.get(tagExecType) == "0" && m.get(tagPossResend) != "Y" {
			out[m.get(tagClOrdID)]++
		}
	}
	return out
}
