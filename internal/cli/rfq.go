package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/order"
)

func (a *app) rfqCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "rfq",
		GroupID: groupMember,
		Short:   "ask for quotes, or make them, anonymously",
		Long: `Rfq asks the market makers at a venue for quotes, or answers those who ask.
Neither side learns who the other is: makers see symbol, quantity and, if it is
named, the side; who asked sees prices. Each command is a session of its own.`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	c.AddCommand(a.rfqAskCommand(), a.rfqMakeCommand())
	return c
}

// quoteAsk is a request for quote of a command line.
type quoteAsk struct {
	order orderOptions
	side  string
	take  string
	life  time.Duration
}

func (a *app) rfqAskCommand() *cobra.Command {
	var o quoteAsk
	c := &cobra.Command{
		Use:   "ask SYMBOL QUANTITY --params PARAMS",
		Short: "ask for quotes, and take the first that is good enough",
		Long: `Ask sends a request for quote and prints what is quoted until --ttl is over.
With --take, it takes the first quote whose price for all of QUANTITY is that or
better, which needs --side, and prints the trade; it exits with 3 if there was
none.`,
		Example: `  zkkex rfq ask BTC-USD 25 --params ./params
  zkkex rfq ask BTC-USD 25 --side buy --take 64300 --ttl 5s --params dev`,
		Args: arguments(2, 2, "SYMBOL and QUANTITY"),
	}
	f := c.Flags()
	f.StringVar(&o.side, "side", "", "tell the makers your `SIDE`, buy or sell")
	f.StringVar(&o.take, "take", "", "take a quote at `PRICE` or better")
	f.DurationVar(&o.life, "ttl", 10*time.Second, "how long to take quotes")
	o.order.register(a, c)
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.askForQuotes(ctx, &o, args) })
	return c
}

func (a *app) askForQuotes(ctx context.Context, o *quoteAsk, args []string) (result, error) {
	r := order.QuoteRequest{Symbol: strings.ToUpper(args[0]), TimeToLive: o.life}
	var err error
	if r.OrderQty, err = parseAmount("QUANTITY", args[1]); err != nil {
		return nil, err
	}
	if o.side != "" {
		if r.Side, err = parseSide(o.side); err != nil {
			return nil, err
		}
	}
	var worst order.Decimal
	if o.take != "" {
		if o.side == "" {
			return nil, usagef("--take needs --side: which side of the quote to take")
		}
		if worst, err = parseAmount("--take", o.take); err != nil {
			return nil, err
		}
	}
	if err := checkLife(o.life); err != nil {
		return nil, err
	}
	if err := o.order.check(); err != nil {
		return nil, err
	}
	return a.withOrders(ctx, &o.order, order.Config{}, func(ctx context.Context, c *order.Client) (result, error) {
		q, err := c.RequestQuote(ctx, r)
		if err != nil {
			return nil, plainOrder(c, err)
		}
		a.notef("asked; quotes come for %v", o.life)
		return a.takeQuote(ctx, c, q, &r, worst)
	})
}

// takeQuote prints quotes, and takes one that is good enough.
func (a *app) takeQuote(ctx context.Context, c *order.Client, q *order.QuoteRequested, r *order.QuoteRequest, worst order.Decimal) (result, error) {
	for seen := 0; ; seen++ {
		quote, err := q.Next(ctx)
		if errors.Is(err, order.ErrRequestOver) && worst.Sign() == 0 {
			a.notef("%d quotes", seen)
			return nil, nil
		}
		if errors.Is(err, order.ErrRequestOver) {
			return nil, fmt.Errorf("%w: %d quotes, none at %s or better for all of %s", errNoQuote, seen, worst, r.OrderQty)
		}
		if err != nil {
			return nil, err
		}
		if err := a.printLine(quoteOf(quote)); err != nil {
			return nil, err
		}
		if worst.Sign() == 0 {
			continue
		}
		trade, err := c.TakeQuote(ctx, order.QuoteResponse{QuoteID: quote.QuoteID, Side: r.Side, OrderQty: r.OrderQty, Price: worst})
		if errors.As(err, new(*order.RejectError)) {
			continue // too dear, too small, or gone: the next may do
		}
		if err != nil {
			return nil, err
		}
		return &ordersDone{Orders: []*execution{executionOf(trade)}}, nil
	}
}

var errNoQuote = errors.New("nothing was traded")

// quoted is a quote in output.
type quoted struct {
	Quote   string      `json:"quote_id"`
	Symbol  string      `json:"symbol"`
	Bids    [][2]string `json:"bids"`
	Offers  [][2]string `json:"offers"`
	Expires *time.Time  `json:"expires,omitempty"`
}

func quoteOf(q *order.QuoteReport) *quoted {
	return &quoted{q.QuoteID.String(), q.Symbol, levels(q.Bids), levels(q.Offers), utc(q.ExpireTime)}
}

func levels(from []order.QuoteLevel) [][2]string {
	out := [][2]string{}
	for _, l := range from {
		out = append(out, [2]string{l.Price.String(), l.Size.String()})
	}
	return out
}

func (q *quoted) text() string {
	return fmt.Sprintf("%s  %s  bid %s  offer %s\n", q.Quote, q.Symbol, ladder(q.Bids), ladder(q.Offers))
}

func ladder(levels [][2]string) string {
	var out []string
	for _, l := range levels {
		out = append(out, l[1]+" at "+l[0])
	}
	if out == nil {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

// maker is a two-sided market of a command line.
type maker struct {
	order            orderOptions
	bid, offer, size string
	life             time.Duration
	bids, offers     []order.QuoteLevel
	most             order.Decimal
}

func (a *app) rfqMakeCommand() *cobra.Command {
	var o maker
	c := &cobra.Command{
		Use:   "make SYMBOL [--bid PRICE] [--offer PRICE] --size QUANTITY --params PARAMS",
		Short: "answer requests for quote with a firm price",
		Long: `Make listens for requests for quote in SYMBOL, and answers each with a firm
quote, good for --ttl and seen by nobody but who asked. It prints the trades,
and beside them each request, until it is interrupted. A request for more than
--size is not answered. With one of --bid and --offer it quotes one side.`,
		Example: "  zkkex rfq make BTC-USD --bid 64200 --offer 64280 --size 50 --params dev",
		Args:    arguments(1, 1, "SYMBOL"),
	}
	f := c.Flags()
	f.StringVar(&o.bid, "bid", "", "`PRICE` to buy at")
	f.StringVar(&o.offer, "offer", "", "`PRICE` to sell at")
	f.StringVar(&o.size, "size", "", "`QUANTITY` to trade at most, for each request")
	f.DurationVar(&o.life, "ttl", 5*time.Second, "how long each quote is good for")
	o.order.register(a, c)
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		if err := o.parse(); err != nil {
			return nil, err
		}
		symbol := strings.ToUpper(args[0])
		return a.withOrders(ctx, &o.order, order.Config{Quotes: []string{symbol}}, func(ctx context.Context, c *order.Client) (result, error) {
			if err := a.emit(openedOf(c), nil); err != nil {
				return nil, err
			}
			a.notef("listening for requests for quote in %s", symbol)
			return nil, unlessDone(ctx, a.makeQuotes(ctx, c, &o))
		})
	})
	return c
}

func (o *maker) parse() error {
	if o.bid == "" && o.offer == "" || o.size == "" {
		return usagef("give --bid, --offer or both, and --size")
	}
	var err error
	if o.most, err = parseAmount("--size", o.size); err != nil {
		return err
	}
	for _, side := range []struct {
		flag, price string
		to          *[]order.QuoteLevel
	}{{"--bid", o.bid, &o.bids}, {"--offer", o.offer, &o.offers}} {
		if side.price == "" {
			continue
		}
		p, err := parseAmount(side.flag, side.price)
		if err != nil {
			return err
		}
		*side.to = []order.QuoteLevel{{Price: p, Size: o.most}}
	}
	if o.bids != nil && o.offers != nil {
		if below, err := exceeds(o.offers[0].Price, o.bids[0].Price); err != nil || !below {
			return usagef("--bid %s --offer %s: expected a bid below the offer", o.bid, o.offer)
		}
	}
	if err := checkLife(o.life); err != nil {
		return err
	}
	return o.order.check()
}

// makeQuotes answers requests, until the session or ctx ends.
func (a *app) makeQuotes(ctx context.Context, c *order.Client, o *maker) error {
	for {
		r, err := c.Next(ctx)
		if err != nil {
			return err
		}
		switch r := r.Report.(type) {
		case *order.QuoteRequestReport:
			if err := a.quoteFor(ctx, c, o, r); err != nil {
				return err
			}
		case *order.ExecutionReport:
			if err := a.printLine(executionOf(r)); err != nil {
				return err
			}
		}
	}
}

func (a *app) quoteFor(ctx context.Context, c *order.Client, o *maker, r *order.QuoteRequestReport) error {
	if more, err := exceeds(r.OrderQty, o.most); err != nil || more {
		a.notef("a request for %s %s is not answered: more than --size", r.OrderQty, r.Symbol)
		return nil
	}
	q := order.Quote{Symbol: r.Symbol, QuoteReqID: r.QuoteReqID, Bids: o.bids, Offers: o.offers, TimeToLive: o.life}
	_, err := c.Quote(ctx, q)
	if errors.As(err, new(*order.RejectError)) {
		a.warnf("quoting %s: %v", r.Symbol, plainOrder(c, err))
		return nil
	}
	if err == nil {
		a.notef("a request for %s %s is answered", r.OrderQty, r.Symbol)
	}
	return err
}

// exceeds reports whether a is more than b.
func exceeds(a, b order.Decimal) (bool, error) {
	unit := min(a.Exponent, b.Exponent)
	x, err := a.In(unit)
	if err != nil {
		return false, err
	}
	y, err := b.In(unit)
	return x > y, err
}
