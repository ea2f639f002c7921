package enginegrpc

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

var at = time.UnixMilli(1_750_000_000_000).UTC()

func sampleCommands() []engine.Command {
	c := engine.Command{
		ID: order.OrderID{1}, Session: order.SessionID{Epoch: 2, ID: [16]byte{3}}, Now: at, Expires: at.Add(time.Minute),
		Request: &order.NewOrderSingle{
			ClOrdID: order.ID{4}, Symbol: "BTC-USD", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
			OrderQty: order.Decimal{Mantissa: 15, Exponent: -1}, Price: order.Decimal{Mantissa: 101}, TimeToLive: time.Minute,
		},
	}
	cancel := c
	cancel.Request, cancel.Target, cancel.Expires = &order.OrderCancelRequest{ClOrdID: order.ID{5}, OrigClOrdID: order.ID{4}}, c.ID, time.Time{}
	unasked := cancel
	unasked.Request, unasked.Reason = &order.OrderCancelRequest{}, engine.Disconnected
	mass := unasked
	mass.Request, mass.Reason = &order.OrderCancelRequest{ClOrdID: order.ID{6}}, engine.MassCancel
	return []engine.Command{c, cancel, unasked, mass}
}

func sampleEvents() []engine.Event {
	report := &order.QuoteStatusReport{ID: order.ID{1}, QuoteID: order.OrderID{2}, ExpireTime: at}
	fill := &order.ExecutionReport{
		OrderID: order.OrderID{2}, ClOrdID: order.ID{1}, ExecID: order.OrderID{9}, ExecType: order.ExecTrade,
		OrdStatus: order.StatusPartiallyFilled, Symbol: "BTC-USD", Side: order.Sell, OrdType: order.Limit,
		OrderQty: order.Decimal{Mantissa: 5}, Price: order.Decimal{Mantissa: 101}, LastQty: order.Decimal{Mantissa: 2},
		LastPx: order.Decimal{Mantissa: 101}, LeavesQty: order.Decimal{Mantissa: 3}, CumQty: order.Decimal{Mantissa: 2}, TransactTime: at,
	}
	session := order.SessionID{Epoch: 2, ID: [16]byte{3}}
	return []engine.Event{
		{Number: 1, Command: order.OrderID{7}, Session: session, Report: fill, Order: &engine.Order{
			ID: order.OrderID{2}, Session: session, ClOrdID: order.ID{1}, OwnerKey: [32]byte{8}, Symbol: "BTC-USD", Open: true,
			Expires: at, Place: 12, Report: report, CumSold: order.Decimal{Mantissa: 2},
			Quote: &order.Quote{
				QuoteID: order.ID{1}, Symbol: "BTC-USD", Offers: []order.QuoteLevel{{Price: order.Decimal{Mantissa: 101}, Size: order.Decimal{Mantissa: 3}}},
				TimeToLive: time.Second, OwnerKey: [32]byte{8},
			},
		}},
		{Number: 2, Command: order.OrderID{7}, Report: &order.QuoteRequestReport{
			QuoteReqID: order.OrderID{7}, Symbol: "BTC-USD", OrderQty: order.Decimal{Mantissa: 3}, ExpireTime: at,
		}},
		{Number: 3, Command: order.OrderID{7}, Session: session, Report: fill, Order: &engine.Order{
			ID: order.OrderID{2}, Session: session, ClOrdID: order.ID{1}, Symbol: "BTC-USD", Report: fill,
			TimeInForce: order.GoodTillDate, ExecInst: order.ParticipateDontInitiate,
		}},
	}
}

func encoded(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := strictCodec{}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzDecodeCommand(f *testing.F) {
	for _, c := range sampleCommands() {
		p, err := encodeCommand(&c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded(f, p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p enginepb.Command
		if !decodes(t, b, &p) {
			return
		}
		c, err := decodeCommand(&p)
		if err != nil {
			typed(t, err)
			return
		}
		again, err := encodeCommand(&c)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, again), b) {
			t.Error("another encoding was accepted")
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	for _, e := range sampleEvents() {
		p, err := encodeEvent(&e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded(f, p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p enginepb.Event
		if !decodes(t, b, &p) {
			return
		}
		e, err := decodeEvent(&p)
		if err != nil {
			typed(t, err)
			return
		}
		again, err := encodeEvent(&e)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, again), b) {
			t.Error("another encoding was accepted")
		}
	})
}

func decodes(t *testing.T, b []byte, m proto.Message) bool {
	t.Helper()
	err := strictCodec{}.Unmarshal(b, m)
	if err != nil {
		typed(t, err)
	}
	return err == nil
}

func typed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("untyped: %v", err)
	}
}

// The bytes that protobuf itself would take for the same message are refused.
func TestStrictCodec(t *testing.T) {
	good := encoded(t, &enginepb.FollowRequest{Life: []byte{1}, After: 5})
	for name, b := range map[string][]byte{
		"unknown field":   append(bytes.Clone(good), 0x18, 1),
		"twice":           append(bytes.Clone(good), 0x10, 5),
		"another order":   {0x10, 5, 0x0a, 1, 1},
		"a long number":   {0x0a, 1, 1, 0x10, 0x85, 0},
		"a zero":          {0x0a, 1, 1, 0x10, 0},
		"cut off":         good[:len(good)-1],
		"no message":      {0xff},
		"another message": encoded(t, &enginepb.Decimal{Mantissa: 3, Exponent: 1}),
	} {
		if err := (strictCodec{}).Unmarshal(b, new(enginepb.FollowRequest)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := (strictCodec{}).Unmarshal(good, new(enginepb.FollowRequest)); err != nil {
		t.Error(err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*enginepb.Command){
		"ID":              func(p *enginepb.Command) { p.ID = p.ID[1:] },
		"zero ID":         func(p *enginepb.Command) { p.ID = make([]byte, 16) },
		"no session":      func(p *enginepb.Command) { p.Session = nil },
		"time":            func(p *enginepb.Command) { p.Now = -1 },
		"late time":       func(p *enginepb.Command) { p.Expires = maxMillis + 1 },
		"reason":          func(p *enginepb.Command) { p.Reason = 5 },
		"request":         func(p *enginepb.Command) { p.Request = append(p.Request, 0) },
		"no request":      func(p *enginepb.Command) { p.Request = nil },
		"both":            func(p *enginepb.Command) { p.Reason, p.Target = 1, p.ID },
		"an ID too much":  func(p *enginepb.Command) { p.ClOrdID = p.ID },
		"target":          func(p *enginepb.Command) { p.Target = []byte{1} },
		"no target":       func(p *enginepb.Command) { p.Reason, p.Request = 1, nil },
		"reason, too big": func(p *enginepb.Command) { p.Reason = 257 },
	} {
		c := sampleCommands()[0]
		p, err := encodeCommand(&c)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		if _, err := decodeCommand(p); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, change := range map[string]func(*enginepb.Event){
		"number":       func(p *enginepb.Event) { p.Number = 0 },
		"report":       func(p *enginepb.Event) { p.Report = nil },
		"session":      func(p *enginepb.Event) { p.Session = nil },
		"symbol":       func(p *enginepb.Event) { p.Order.Symbol = "" },
		"cum":          func(p *enginepb.Event) { p.Order.CumSold.Mantissa = -1 },
		"cum, form":    func(p *enginepb.Event) { p.Order.CumSold.Mantissa = 10 },
		"force":        func(p *enginepb.Event) { p.Order.TimeInForce = '1' },
		"instruction":  func(p *enginepb.Event) { p.Order.ExecInst = 256 },
		"level":        func(p *enginepb.Event) { p.Order.Quote.Offers[0].Size = nil },
		"time to live": func(p *enginepb.Event) { p.Order.Quote.TimeToLive = -1 },
		"ladder": func(p *enginepb.Event) {
			for range order.MaxLadder {
				p.Order.Quote.Offers = append(p.Order.Quote.Offers, p.Order.Quote.Offers[0])
			}
		},
	} {
		e := sampleEvents()[0]
		p, err := encodeEvent(&e)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		if _, err := decodeEvent(p); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A gateway that takes nothing is left behind after a while, and the engine goes on.
func TestSlowGateway(t *testing.T) {
	q := newQueue()
	if err := q.push(make([]engine.Event, maxWaiting)); err != nil {
		t.Fatal(err)
	}
	if err := q.push(make([]engine.Event, 1)); !errors.Is(err, errSlow) {
		t.Errorf("got %v", err)
	}
	if got := len(q.pop()); got != maxWaiting {
		t.Errorf("%d events waited", got)
	}
	if err := q.push(make([]engine.Event, 1)); err != nil {
		t.Error(err)
	}
}
