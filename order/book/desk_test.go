package book_test

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
)

// desk gives commands to a book, and has what they lead to at once.
type desk struct {
	*testing.T
	book *book.Book
	now  time.Time
	n    uint64
	seen uint64 // the number of the last event
}

func newDesk(t *testing.T, options book.Options, instruments ...order.Instrument) *desk {
	t.Helper()
	if len(instruments) == 0 {
		instruments = []order.Instrument{instrument}
	}
	b, err := book.New(instruments, options)
	if err != nil {
		t.Fatal(err)
	}
	return &desk{T: t, book: b, now: start}
}

// do returns the events of commands.
func (d *desk) do(commands ...engine.Command) (events []engine.Event) {
	d.Helper()
	marker := engine.Command{ID: order.OrderID{0: 0xff}, Session: order.SessionID{Epoch: 1}, Now: d.now}
	binary.BigEndian.PutUint64(marker.ID[8:], d.seen)
	if err := d.book.Do(d.Context(), append(commands, marker)); err != nil {
		d.Fatal(err)
	}
	err := d.book.Events(d.Context(), d.seen, func(batch []engine.Event) error {
		for _, e := range batch {
			if d.seen = e.Number; e.Command == marker.ID {
				return errDone
			}
			events = append(events, e)
		}
		return nil
	})
	if !errors.Is(err, errDone) {
		d.Fatal(err)
	}
	return events
}

func (d *desk) id() (id order.ID) {
	d.n++
	binary.BigEndian.PutUint64(id[8:], d.n)
	return id
}

func session(n byte) order.SessionID { return order.SessionID{Epoch: 1, ID: [16]byte{n}} }

func (d *desk) command(s byte, r order.Request) engine.Command {
	return engine.Command{
		ID: order.NewOrderID(session(s), r.RequestID()), Session: session(s), Request: r,
		Now: d.now, Expires: d.now.Add(time.Minute),
	}
}

// limit is an order good for a minute, in lots and ticks.
func (d *desk) limit(s byte, side order.Side, lots, ticks int64) engine.Command {
	return d.command(s, &order.NewOrderSingle{
		ClOrdID: d.id(), Symbol: instrument.Symbol, Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: number(lots, -4), Price: number(ticks, -2), TimeToLive: time.Minute,
	})
}

func (d *desk) replacement(of engine.Command, lots, ticks int64) engine.Command {
	c := d.command(of.Session.ID[0], &order.OrderCancelReplaceRequest{
		ClOrdID: d.id(), OrigClOrdID: of.Request.RequestID(),
		OrderQty: number(lots, -4), Price: number(ticks, -2), TimeToLive: time.Minute,
	})
	c.Target = of.ID
	return c
}

func (d *desk) cancel(of engine.Command) engine.Command {
	c := d.command(of.Session.ID[0], &order.OrderCancelRequest{ClOrdID: d.id(), OrigClOrdID: of.Request.RequestID()})
	c.Target = of.ID
	return c
}

func levels(lots int64, ticks ...int64) (l []order.QuoteLevel) {
	for _, t := range ticks {
		l = append(l, order.QuoteLevel{Price: number(t, -2), Size: number(lots, -4)})
	}
	return l
}

func (d *desk) quote(s byte, bids, offers []order.QuoteLevel) engine.Command {
	return d.command(s, &order.Quote{QuoteID: d.id(), Symbol: instrument.Symbol, Bids: bids, Offers: offers, TimeToLive: time.Minute})
}

func (d *desk) ask(s byte, lots int64) engine.Command {
	return d.command(s, &order.QuoteRequest{QuoteReqID: d.id(), Symbol: instrument.Symbol, OrderQty: number(lots, -4), TimeToLive: time.Minute})
}

// answer is a quote that answers a request.
func (d *desk) answer(s byte, ask engine.Command, bids, offers []order.QuoteLevel) engine.Command {
	c := d.quote(s, bids, offers)
	c.Request.(*order.Quote).QuoteReqID = ask.ID
	return c
}

func (d *desk) response(s byte, quote engine.Command, side order.Side, lots, ticks int64) engine.Command {
	return d.command(s, &order.QuoteResponse{
		QuoteRespID: d.id(), QuoteID: quote.ID, Side: side, OrderQty: number(lots, -4), Price: number(ticks, -2),
	})
}

// trades returns what was traded, in lots, by orders and quotes.
func (d *desk) trades(events []engine.Event) map[order.OrderID]int64 {
	traded := make(map[order.OrderID]int64)
	for _, e := range events {
		if r, ok := e.Report.(*order.ExecutionReport); ok && r.ExecType == order.ExecTrade {
			n, err := r.LastQty.In(-4)
			if err != nil {
				d.Fatal(err)
			}
			traded[r.OrderID] += n
		}
	}
	return traded
}

// last returns the last report on an order.
func last(events []engine.Event, id order.OrderID) (r *order.ExecutionReport) {
	for _, e := range events {
		if x, ok := e.Report.(*order.ExecutionReport); ok && x.OrderID == id {
			r = x
		}
	}
	return r
}
