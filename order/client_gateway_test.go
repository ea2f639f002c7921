package order_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

// market is a gateway with a book and a journal, and links to it that break.
type market struct {
	t       testing.TB
	ctx     context.Context
	gateway *gateway.Gateway
	breaks  func() int // bytes until a link breaks, in each direction; below 0 for never
	links   atomic.Int64
	conns   sync.Map
}

func newMarket(t testing.TB, breaks func() int) *market {
	t.Helper()
	engine, err := book.New([]order.Instrument{{
		Symbol: "A/B", TickSize: order.Decimal{Mantissa: 1}, LotSize: order.Decimal{Mantissa: 1},
		MinQty: order.Decimal{Mantissa: 1}, MaxQty: order.Decimal{Mantissa: 1, Exponent: 6},
	}}, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	g, err := gateway.Open(ctx, gateway.Config{Engine: engine, Store: journal.NewMemory(), Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	m := &market{t: t, ctx: ctx, gateway: g, breaks: breaks}
	var work sync.WaitGroup
	work.Go(func() { _ = g.Run(ctx) })
	t.Cleanup(func() {
		stop()
		work.Wait()
		_ = g.Close()
	})
	return m
}

// cuttable is a link that ends after some bytes, and has the name of a pseudonym.
type cuttable struct {
	net.Conn
	pseudonym, binding [32]byte
	left               [2]atomic.Int64
}

func (c *cuttable) ConnectionState() handshake.ConnectionState {
	return handshake.ConnectionState{Statement: zkkex.Statement{Nullifier: c.pseudonym}}
}

func (c *cuttable) Export(string, []byte, int) ([]byte, error) { return c.binding[:], nil }

func (c *cuttable) allow(way, n int) (int, error) {
	left := int(c.left[way].Load())
	if left < 0 {
		return n, nil
	}
	if left == 0 {
		_ = c.Conn.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return min(n, left), nil
}

func (c *cuttable) spend(way, n int) {
	if c.left[way].Load() >= 0 {
		c.left[way].Add(-int64(n))
	}
}

func (c *cuttable) Write(p []byte) (int, error) {
	n, err := c.allow(0, len(p))
	if err != nil {
		return 0, err
	}
	if n, err = c.Conn.Write(p[:n]); err == nil && n < len(p) {
		err = io.ErrUnexpectedEOF
		_ = c.Conn.Close()
	}
	c.spend(0, n)
	return n, err
}

func (c *cuttable) Read(p []byte) (int, error) {
	n, err := c.allow(1, len(p))
	if err != nil {
		return 0, err
	}
	n, err = c.Conn.Read(p[:n])
	c.spend(1, n)
	return n, err
}

// open returns an Open for one member; which differs for each.
func (m *market) open(which uint64) func(context.Context, order.Want) (order.Channel, error) {
	begun := 0
	return func(_ context.Context, w order.Want) (order.Channel, error) {
		if !w.Resume {
			begun++
		}
		link := m.links.Add(1)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		mine, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		theirs, err := l.Accept()
		if err != nil {
			return nil, err
		}
		c := &cuttable{Conn: mine, pseudonym: sha256.Sum256(fmt.Append(nil, which, begun)), binding: sha256.Sum256(fmt.Append(nil, link))}
		c.left[0].Store(int64(m.breaks()))
		c.left[1].Store(int64(m.breaks()))
		m.conns.Store(c, nil)
		go func() {
			_ = m.gateway.Serve(m.ctx, order.NewStream(theirs), gateway.Peer{Session: order.NewSessionID(1, c.pseudonym[:]), Binding: c.binding})
		}()
		return c, nil
	}
}

func (m *market) dial(which uint64, config order.Config) *order.Client {
	m.t.Helper()
	config.Secret, config.State, config.Open = order.NewSecret(), order.MemoryState(), m.open(which)
	for {
		c, err := order.Dial(m.ctx, config)
		if err == nil {
			m.t.Cleanup(func() { _ = c.Close() })
			return c
		}
		if m.ctx.Err() != nil {
			m.t.Fatal(err)
		}
	}
}

func limit(side order.Side, price, quantity int64) order.NewOrderSingle {
	p, _ := order.NewDecimal(price, 0)
	q, _ := order.NewDecimal(quantity, 0)
	return order.NewOrderSingle{
		Symbol: "A/B", Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: q, Price: p, TimeToLive: time.Hour,
	}
}

// Traps O1 and O2 against the gateway itself: two members trade over links that break
// anywhere. What is filled on one side is on the other, each report comes once, and
// what every order's handle says is what the reports add up to.
func TestTradeOverBrokenLinks(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			r := rand.New(rand.NewPCG(seed, 2))
			m := newMarket(t, func() int {
				mu.Lock()
				defer mu.Unlock()
				return 200 + r.IntN(6000)
			})
			const each = 80
			sides := []order.Side{order.Buy, order.Sell}
			var filled [2]int64
			var work sync.WaitGroup
			for i, side := range sides {
				c := m.dial(uint64(i), order.Config{Buffer: 16, Unanswered: 8, ResendWithin: time.Hour})
				work.Go(func() { filled[i] = trade(t, m.ctx, c, side, each) })
			}
			work.Wait()
			if filled[0] != filled[1] || filled[0] != each {
				t.Errorf("bought %d, sold %d, expected %d", filled[0], filled[1], each)
			}
			if m.links.Load() < 4 {
				t.Errorf("%d links: nothing broke", m.links.Load())
			}
			if n := m.gateway.Status().OpenOrders; n != 0 {
				t.Errorf("%d orders are left open", n)
			}
		})
	}
}

// trade enters orders of one lot that all cross, and returns what the reports say was
// filled.
func trade(t *testing.T, ctx context.Context, c *order.Client, side order.Side, n int) (filled int64) {
	var entering sync.WaitGroup
	orders := make([]*order.Order, n)
	entering.Go(func() {
		for i := range orders {
			o, err := c.Submit(ctx, limit(side, 100, 1))
			if err != nil {
				t.Errorf("order %d: %v", i, err)
				return
			}
			orders[i] = o
		}
	})
	next, execs := uint64(1), map[order.OrderID]bool{}
	for filled < int64(n) {
		r, err := c.Next(ctx)
		if err != nil {
			t.Errorf("after %d reports: %v", next-1, err)
			break
		}
		if r.Number != next {
			t.Errorf("report %d came, expected %d", r.Number, next)
		}
		next++
		e, ok := r.Report.(*order.ExecutionReport)
		if !ok {
			t.Errorf("an order was answered by %+v", r.Report)
			continue
		}
		if execs[e.ExecID] {
			t.Errorf("execution %s came twice", e.ExecID)
		}
		execs[e.ExecID] = true
		if e.ExecType == order.ExecTrade {
			filled += e.LastQty.Mantissa
		}
	}
	entering.Wait()
	for _, o := range orders {
		if o == nil {
			continue
		}
		if s, err := o.Closed(ctx); err != nil || s.Status != order.StatusFilled || s.CumQty != (order.Decimal{Mantissa: 1}) {
			t.Errorf("%+v, %v", s, err)
		}
	}
	return filled
}

// The whole of what a member can do, against the gateway.
func TestEverythingAtTheGateway(t *testing.T) {
	m := newMarket(t, func() int { return -1 })
	maker := m.dial(1, order.Config{Quotes: []string{"A/B"}})
	taker := m.dial(2, order.Config{})
	ctx := m.ctx
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ladder := func(price, size int64) []order.QuoteLevel {
		o := limit(order.Buy, price, size)
		return []order.QuoteLevel{{Price: o.Price, Size: o.OrderQty}}
	}
	q, err := maker.Quote(ctx, order.Quote{Symbol: "A/B", Bids: ladder(99, 5), Offers: ladder(101, 5), TimeToLive: time.Minute})
	must(err)
	hit, err := taker.Submit(ctx, limit(order.Buy, 101, 2))
	must(err)
	if s, err := hit.Closed(ctx); err != nil || s.Status != order.StatusFilled {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = maker.CancelQuote(ctx, q.ID)
	must(err)

	rfq, err := taker.RequestQuote(ctx, order.QuoteRequest{Symbol: "A/B", Side: order.Buy, OrderQty: order.Decimal{Mantissa: 3}, TimeToLive: time.Minute})
	must(err)
	var asked *order.QuoteRequestReport
	for asked == nil {
		r, err := maker.Next(ctx)
		must(err)
		asked, _ = r.Report.(*order.QuoteRequestReport)
	}
	_, err = maker.Quote(ctx, order.Quote{Symbol: "A/B", QuoteReqID: asked.QuoteReqID, Offers: ladder(102, 3), TimeToLive: time.Minute})
	must(err)
	offer, err := rfq.Next(ctx)
	must(err)
	e, err := taker.TakeQuote(ctx, order.QuoteResponse{QuoteID: offer.QuoteID, Side: order.Buy, OrderQty: order.Decimal{Mantissa: 3}, Price: offer.Offers[0].Price})
	must(err)
	if e.CumQty != (order.Decimal{Mantissa: 3}) {
		t.Errorf("%+v", e)
	}
	// The request is open still: it is told of before the orders.
	kept, err := taker.Submit(ctx, limit(order.Buy, 90, 1))
	must(err)
	if all, err := taker.MassStatus(ctx); err != nil || len(all) != 1 || all[0].ClOrdID != kept.ID() {
		t.Errorf("%d open orders beside a request for quote, %v", len(all), err)
	}
	_, err = kept.Cancel(ctx)
	must(err)
	must(rfq.Close(ctx))

	first, err := taker.Submit(ctx, limit(order.Buy, 91, 4))
	must(err)
	_, err = first.Replace(ctx, order.Replacement{OrderQty: order.Decimal{Mantissa: 3}, Price: order.Decimal{Mantissa: 91}, TimeToLive: time.Hour})
	must(err)
	if s := first.State(); s.OrderQty != (order.Decimal{Mantissa: 3}) {
		t.Errorf("%+v", s)
	}
	_, err = taker.Submit(ctx, limit(order.Buy, 92, 4))
	must(err)
	all, err := taker.MassStatus(ctx)
	if err != nil || len(all) != 2 {
		t.Errorf("%d open orders, %v", len(all), err)
	}
	if _, err := maker.Cancel(ctx, first.ID()); !errors.Is(err, order.ErrUnknownOrder) {
		t.Errorf("another's order: %v", err)
	}
	if _, err := maker.Status(ctx, first.ID()); !errors.Is(err, order.ErrUnknownOrder) {
		t.Errorf("the state of another's order: %v", err)
	}
	n, err := taker.MassCancel(ctx, "")
	if err != nil || n != 2 {
		t.Errorf("cancelled %d, %v", n, err)
	}
	if all, err = taker.MassStatus(ctx); err != nil || len(all) != 0 {
		t.Errorf("%d open orders, %v", len(all), err)
	}
	if _, err := taker.Submit(ctx, order.NewOrderSingle{
		Symbol: "NO/NE", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.ImmediateOrCancel,
		OrderQty: order.Decimal{Mantissa: 1}, Price: order.Decimal{Mantissa: 1},
	}); !errors.Is(err, order.ErrUnknownSymbol) {
		t.Errorf("a symbol that is not traded: %v", err)
	}
	must(m.gateway.Halt(ctx, true))
	if _, err := taker.Submit(ctx, limit(order.Buy, 91, 4)); !errors.Is(err, order.ErrHalted) {
		t.Errorf("while halted: %v", err)
	}
	must(m.gateway.Halt(ctx, false))
	_, err = taker.Submit(ctx, limit(order.Buy, 93, 4))
	must(err)
	must(taker.Finish(ctx))
	must(maker.Leave(ctx))
	if n := m.gateway.Status().OpenOrders; n != 0 {
		t.Errorf("%d orders are left open", n)
	}
}
