package journaltest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

var orders = map[string]func(*testing.T, *store){
	"open orders":                 openOrders,
	"orders are replaced":         ordersReplaced,
	"orders by name":              ordersByName,
	"quotes":                      quotes,
	"open orders by place":        openOrdersByPlace,
	"open orders end early":       openOrdersEndEarly,
	"orders of no session":        ordersOfNoSession,
	"an order opens again":        orderOpensAgain,
	"a closed order is renamed":   closedAgain,
	"names that many orders have": namesOfMany,
}

// open returns the open orders, as the store has them.
func (s *store) open(t *testing.T) (out []*engine.Order) {
	t.Helper()
	must(t, s.OpenOrders(context.Background(), func(o *engine.Order) error {
		out = append(out, o)
		return nil
	}))
	return out
}

// checkOpen expects these open orders, in this order.
func (s *store) checkOpen(t *testing.T, want ...*engine.Order) {
	t.Helper()
	checkOrders(t, "open", s.open(t), want)
}

// checkNamed expects these orders under the n-th ID, in any order.
func (s *store) checkNamed(t *testing.T, n int, want ...*engine.Order) {
	t.Helper()
	got, err := s.Orders(context.Background(), ID(n))
	must(t, err)
	byID := func(a, b *engine.Order) int { return slices.Compare(a.ID[:], b.ID[:]) }
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	checkOrders(t, "named", got, want)
}

func checkOrders(t *testing.T, what string, got, want []*engine.Order) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d orders are %s, want %d", len(got), what, len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("an order is\n%+v\nwith the report\n%+v\nwant\n%+v\n%+v", got[i], got[i].Report, want[i], want[i].Report)
		}
	}
}

func openOrders(t *testing.T, s *store) {
	id := Session(epoch, 1)
	s.append(t, journal.Entry{Session: id, Event: 1, Report: reportOf(id, 1), Order: Order(id, 1, 10)})
	s.append(t,
		journal.Entry{Session: id, Event: 2, Order: Order(id, 2, 10)},
		journal.Entry{Session: id, Event: 3, Order: Order(id, 3, 0)},
	)
	s.checkOpen(t, Order(id, 1, 10), Order(id, 2, 10))
	// A trade, and the end of one; the later entry of one call counts.
	s.append(t,
		journal.Entry{Session: id, Event: 4, Order: Order(id, 1, 7)},
		journal.Entry{Session: id, Event: 5, Order: Order(id, 2, 3)},
		journal.Entry{Session: id, Event: 6, Order: Order(id, 2, 0)},
	)
	s.checkOpen(t, Order(id, 1, 7))
	s.append(t, journal.Entry{Session: id, Event: 7, Order: Order(id, 1, 0)})
	s.checkOpen(t)
	for n := 1; n <= 3; n++ {
		s.checkNamed(t, n, Order(id, n, 0)) // what is closed is still known
	}
}

// renamed is an order after it was replaced under the n-th ID.
func renamed(o *engine.Order, n int) *engine.Order {
	out := *o
	out.ClOrdID, out.OwnerKey = ID(n), digest(n)
	return &out
}

func ordersReplaced(t *testing.T, s *store) {
	id := Session(epoch, 1)
	s.append(t, journal.Entry{Session: id, Order: Order(id, 1, 10)})
	s.append(t, journal.Entry{Session: id, Order: renamed(Order(id, 1, 10), 2)})
	s.checkNamed(t, 1)
	s.checkNamed(t, 2, renamed(Order(id, 1, 10), 2))
	s.checkOpen(t, renamed(Order(id, 1, 10), 2))
	// In one call, twice, and back to the first name.
	s.append(t,
		journal.Entry{Session: id, Order: renamed(Order(id, 1, 8), 3)},
		journal.Entry{Session: id, Order: renamed(Order(id, 1, 6), 1)},
	)
	s.checkNamed(t, 1, Order(id, 1, 6))
	s.checkNamed(t, 2)
	s.checkNamed(t, 3)
	s.checkOpen(t, Order(id, 1, 6))
}

// ordersByName has two sessions use the same ID.
func ordersByName(t *testing.T, s *store) {
	one, two := Session(epoch, 1), Session(epoch+1, 2)
	s.append(t, journal.Entry{Session: one, Order: Order(one, 1, 10)}, journal.Entry{Session: two, Order: Order(two, 1, 5)})
	s.checkNamed(t, 1, Order(one, 1, 10), Order(two, 1, 5))
	s.append(t, journal.Entry{Session: one, Order: renamed(Order(one, 1, 10), 2)})
	s.checkNamed(t, 1, Order(two, 1, 5))
	s.checkNamed(t, 2, renamed(Order(one, 1, 10), 2))
	s.checkNamed(t, 3)
}

func namesOfMany(t *testing.T, s *store) {
	var all []*engine.Order
	for n := range 5 {
		id := Session(epoch, n)
		all = append(all, Order(id, 1, 10))
		s.append(t, journal.Entry{Session: id, Order: all[n]})
	}
	s.checkNamed(t, 1, slices.Clone(all)...)
	for _, n := range []int{2, 0, 4} { // from the middle and from both ends
		s.append(t, journal.Entry{Session: all[n].Session, Order: renamed(all[n], 10+n)})
	}
	s.checkNamed(t, 1, all[1], all[3])
}

func quotes(t *testing.T, s *store) {
	id := Session(epoch, 1)
	o := Order(id, 1, 10)
	o.Quote = &order.Quote{
		QuoteID: ID(1), Symbol: o.Symbol, QuoteReqID: order.NewOrderID(id, ID(9)),
		Bids:       []order.QuoteLevel{{Price: decimal(99), Size: decimal(1)}, {Price: decimal(98), Size: decimal(4)}},
		Offers:     []order.QuoteLevel{{Price: decimal(102), Size: decimal(2)}},
		TimeToLive: 1500_000_000, OwnerKey: digest(1),
	}
	o.TimeInForce, o.ExecInst = 0, 0
	o.Report = &order.QuoteStatusReport{ID: ID(1), QuoteID: o.ID, QuoteStatus: order.QuoteAccepted, ExpireTime: o.Expires}
	s.append(t, journal.Entry{Session: id, Order: o})
	s.checkOpen(t, o)
	s.checkNamed(t, 1, o)
	gone := *o
	gone.Open, gone.Quote = false, nil
	gone.Report = &order.QuoteStatusReport{
		ID: ID(1), QuoteID: o.ID, QuoteStatus: order.QuoteCanceled, StatusReqID: ID(2), Text: "zurückgezogen",
	}
	s.append(t, journal.Entry{Session: id, Order: &gone})
	s.checkOpen(t)
	s.checkNamed(t, 1, &gone)
}

func openOrdersByPlace(t *testing.T, s *store) {
	var want []*engine.Order
	for _, place := range []uint64{1, 2, 255, 256, 257, 1 << 40, journal.MaxNumber} {
		o := Order(Session(epoch+place%3, int(place%5)), int(place%1000), 10)
		o.Place = place
		want = append(want, o)
	}
	for _, i := range []int{3, 6, 0, 5, 1, 4, 2} {
		s.append(t, journal.Entry{Session: want[i].Session, Order: want[i]})
	}
	s.checkOpen(t, want...)
	// An order that loses its place goes to the end.
	moved := *want[0]
	moved.Place = 1 << 41
	s.append(t, journal.Entry{Session: moved.Session, Order: &moved})
	want = append(slices.Clone(want[1:6]), &moved, want[6])
	s.checkOpen(t, want...)
}

func openOrdersEndEarly(t *testing.T, s *store) {
	id := Session(epoch, 1)
	for n := range 3 {
		s.append(t, journal.Entry{Session: id, Order: Order(id, n, 10)})
	}
	calls, enough := 0, errors.New("enough")
	err := s.OpenOrders(context.Background(), func(o *engine.Order) error {
		calls++
		s.append(t, journal.Entry{Session: id, Order: Order(id, 0, 0)})
		return enough
	})
	if calls != 1 || !errors.Is(err, enough) {
		t.Errorf("%d calls, %v; want one, and its error", calls, err)
	}
	s.checkOpen(t, Order(id, 1, 10), Order(id, 2, 10))
}

// ordersOfNoSession records an order with an event that is no report to anybody
// here.
func ordersOfNoSession(t *testing.T, s *store) {
	id := Session(epoch, 1)
	s.append(t, journal.Entry{Event: 1, Order: Order(id, 1, 10)})
	s.checkOpen(t, Order(id, 1, 10))
	s.checkNamed(t, 1, Order(id, 1, 10))
	if a := s.attach(t, id, "one"); a.Attachment != 1 || a.NextSeqNo != 1 || a.LastReport != 0 {
		t.Errorf("the order's session is %+v", *a)
	}
}

func orderOpensAgain(t *testing.T, s *store) {
	id := Session(epoch, 1)
	for _, left := range []int64{10, 0, 10} {
		s.append(t, journal.Entry{Session: id, Order: Order(id, 1, left)})
	}
	s.checkOpen(t, Order(id, 1, 10))
	s.checkNamed(t, 1, Order(id, 1, 10))
}

// closedAgain records a closed order again, under another name.
func closedAgain(t *testing.T, s *store) {
	id := Session(epoch, 1)
	s.append(t, journal.Entry{Session: id, Order: Order(id, 1, 10)}, journal.Entry{Session: id, Order: Order(id, 1, 0)})
	s.append(t, journal.Entry{Session: id, Order: renamed(Order(id, 1, 0), 2)})
	s.checkNamed(t, 1)
	s.checkNamed(t, 2, renamed(Order(id, 1, 0), 2))
	s.checkOpen(t)
}
