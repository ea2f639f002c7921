package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/order"
)

// number reads a number of the story itself.
func number(s string) order.Decimal {
	d, err := order.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// limited is a limit order that rests for an hour at most.
func limited(side order.Side, quantity, price string) order.NewOrderSingle {
	return order.NewOrderSingle{
		Symbol: symbol, Side: side, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: number(quantity), Price: number(price), TimeToLive: time.Hour,
	}
}

func level(size, price string) order.QuoteLevel {
	return order.QuoteLevel{Price: number(price), Size: number(size)}
}

// trade shows what traders do on a good day.
func (p *play) trade(ctx context.Context) error {
	p.story.title("Orders")
	p.story.text("A market maker promises prices at which it will buy and sell (a quote, here with three prices a side). Others trade against them.")
	for _, scene := range []func(context.Context) error{p.fillOrders, p.changeOrder, p.askForQuote} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fillOrders has orders meet the maker's quote.
func (p *play) fillOrders(ctx context.Context) error {
	s, alice, bob := p.story, p.traders[maker].desk, p.traders[taker].desk
	quote, err := alice.Quote(ctx, order.Quote{
		Symbol: symbol, TimeToLive: time.Hour,
		Bids:   []order.QuoteLevel{level("2", "63990"), level("3", "63980"), level("5", "63970")},
		Offers: []order.QuoteLevel{level("2", "64010"), level("3", "64020"), level("5", "64030")},
	})
	if err != nil {
		return err
	}
	s.event("alice", "quotes %s: buys 2 at 63990, 3 at 63980, 5 at 63970; sells 2 at 64010, 3 at 64020, 5 at 64030", symbol)
	if err := p.buy(ctx, bob, alice, quote.ID, "3", "64020", []string{"2 at 64010", "1 at 64020"}); err != nil {
		return err
	}
	for _, t := range p.traders[offender+1:] {
		if err := p.buy(ctx, t.desk, alice, quote.ID, "0.1", "64020", []string{"0.1 at 64020"}); err != nil {
			return err
		}
	}
	s.accepted("both sides of every trade were told of it, and neither was told a name")
	return nil
}

// buy enters an order that trades at once, and checks what either side is told.
func (p *play) buy(ctx context.Context, d, against *desk, quote order.ID, quantity, price string, trades []string) error {
	o, err := d.Submit(ctx, limited(order.Buy, quantity, price))
	if err != nil {
		return err
	}
	state, err := o.Closed(ctx)
	if err != nil || state.Status != order.StatusFilled {
		return fmt.Errorf("%w: %s's order is %c, expected a fill: %w", ErrUnexpected, d.name, state.Status, err)
	}
	told := ""
	for _, want := range trades {
		for _, side := range []struct {
			desk *desk
			id   order.ID
		}{{d, o.ID()}, {against, quote}} {
			r, err := await(ctx, side.desk, func(r *order.ExecutionReport) bool { return r.ExecType == order.ExecTrade })
			if err != nil {
				return err
			}
			if got := fmt.Sprintf("%s at %s", r.LastQty, r.LastPx); got != want || r.ClOrdID != side.id {
				return fmt.Errorf("%w: %s is told of a trade of %s, expected %s", ErrUnexpected, side.desk.name, got, want)
			}
		}
		told += " " + want + ","
	}
	p.story.event(d.name, "buys %s at %s or better: filled%s from a quote that names nobody", quantity, price, told)
	return nil
}

// changeOrder rests, replaces and cancels an order.
func (p *play) changeOrder(ctx context.Context) error {
	s, bob := p.story, p.traders[taker].desk
	o, err := bob.Submit(ctx, limited(order.Buy, "1", "63995"))
	if err != nil {
		return err
	}
	if _, err := o.Replace(ctx, order.Replacement{OrderQty: number("2"), Price: number("63996"), TimeToLive: time.Hour}); err != nil {
		return err
	}
	r, err := o.Cancel(ctx)
	if err != nil {
		return err
	}
	if r.OrdStatus != order.StatusCanceled || r.OrderQty != number("2") {
		return fmt.Errorf("%w: the cancel is answered with %+v", ErrUnexpected, r)
	}
	s.event(bob.name, "buys 1 at 63995, which waits in the book; makes it 2 at 63996; cancels it")
	s.accepted("an order waited, was replaced, and was cancelled")
	return nil
}

// askForQuote has the taker ask, the maker answer, and both trade.
func (p *play) askForQuote(ctx context.Context) error {
	s, alice, bob := p.story, p.traders[maker].desk, p.traders[taker].desk
	asked, err := bob.RequestQuote(ctx, order.QuoteRequest{
		Symbol: symbol, Side: order.Buy, OrderQty: number("25"), TimeToLive: time.Minute,
	})
	if err != nil {
		return err
	}
	s.event(bob.name, "asks who would sell 25 %s at once (a request for quote)", symbol)
	heard, err := await(ctx, alice, func(*order.QuoteRequestReport) bool { return true })
	if err != nil {
		return err
	}
	if _, err := alice.Quote(ctx, order.Quote{
		Symbol: symbol, QuoteReqID: heard.QuoteReqID, Offers: []order.QuoteLevel{level("25", "64005")}, TimeToLive: time.Minute,
	}); err != nil {
		return err
	}
	s.event(alice.name, "answers with 64005, which only who asked can see")
	quoted, err := asked.Next(ctx)
	if err != nil {
		return err
	}
	trade, err := bob.TakeQuote(ctx, order.QuoteResponse{
		QuoteID: quoted.QuoteID, Side: order.Buy, OrderQty: number("25"), Price: number("64005"),
	})
	if err != nil {
		return err
	}
	if trade.OrdStatus != order.StatusFilled || trade.LastPx != number("64005") {
		return fmt.Errorf("%w: taking the quote is answered with %+v", ErrUnexpected, trade)
	}
	if err := asked.Close(ctx); err != nil {
		return err
	}
	s.event(bob.name, "takes it: 25 at 64005")
	s.accepted("two who do not know each other asked, quoted and traded")
	return nil
}
