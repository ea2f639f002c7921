package book_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
)

// flow makes commands whose IDs count.
type flow struct {
	n   uint64
	now time.Time
}

func (f *flow) command(s order.SessionID, r order.Request) engine.Command {
	f.n++
	var id order.OrderID
	binary.BigEndian.PutUint64(id[:], f.n)
	return engine.Command{ID: id, Session: s, Request: r, Now: f.now, Expires: f.now.Add(time.Minute)}
}

func (f *flow) order(s order.SessionID, side order.Side, quantity order.Decimal, ticks int64) engine.Command {
	var id order.ID
	binary.BigEndian.PutUint64(id[:], f.n+1)
	price, err := order.NewDecimal(ticks, -2)
	if err != nil {
		panic(err)
	}
	return f.command(s, &order.NewOrderSingle{
		ClOrdID: id, Symbol: "BTC-USD", Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: quantity, Price: price, TimeToLive: time.Minute,
	})
}

// BenchmarkOrders does a mix of a thousand prices: of ten orders, five rest and are
// cancelled, four rest and are taken, by one each. A command is one operation.
func BenchmarkOrders(b *testing.B) {
	bk, err := book.New([]order.Instrument{instrument}, book.Options{})
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		_ = bk.Events(b.Context(), 0, func([]engine.Event) error { return nil })
	}()
	f := flow{now: time.UnixMilli(1_750_000_000_000)}
	maker, taker := order.SessionID{Epoch: 1}, order.SessionID{Epoch: 2}
	one := order.Decimal{Mantissa: 1}
	commands := make([]engine.Command, 0, 18*1000)
	for i := range int64(1000) {
		for j := range int64(5) {
			o := f.order(maker, order.Buy, one, 90_000-(7*i+j)%1000)
			cancel := f.command(maker, &order.OrderCancelRequest{ClOrdID: order.ID{1}})
			cancel.Target = o.ID
			commands = append(commands, o, cancel)
		}
		for j := range int64(4) {
			commands = append(commands,
				f.order(maker, order.Sell, one, 90_001+(7*i+j)%1000),
				f.order(taker, order.Buy, one, 91_001))
		}
	}
	b.ReportAllocs()
	ctx := b.Context()
	for i := 0; b.Loop(); i++ {
		at := i % len(commands)
		if at == 0 && i > 0 {
			b.StopTimer()
			f.now = f.now.Add(time.Second)
			for j := range commands { // new names and times for the next round
				commands[j].Now, commands[j].Expires = f.now, f.now.Add(time.Minute)
				binary.BigEndian.PutUint64(commands[j].ID[8:], uint64(i))
				binary.BigEndian.PutUint64(commands[j].Target[8:], uint64(i))
			}
			b.StartTimer()
		}
		if err := bk.Do(ctx, commands[at:at+1]); err != nil {
			b.Fatal(err)
		}
	}
}
