package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/order"
)

// orderTerms are an order's, as a command line gives them.
type orderTerms struct {
	life                      time.Duration
	market, ioc, fok, passive bool
}

func (o *orderTerms) register(c *cobra.Command) {
	f := c.Flags()
	f.DurationVar(&o.life, "ttl", time.Hour, "how long the order is good for, in whole milliseconds; the venue ends it then")
	f.BoolVar(&o.market, "market", false, "take what there is, at PRICE or better, and cancel the rest")
	f.BoolVar(&o.ioc, "ioc", false, "immediate or cancel: nothing rests in the book")
	f.BoolVar(&o.fok, "fok", false, "fill or kill: all of it at once, or nothing")
	f.BoolVar(&o.passive, "post-only", false, "cancel the order rather than take what rests in the book")
	c.MarkFlagsMutuallyExclusive("ioc", "fok", "post-only")
	c.MarkFlagsMutuallyExclusive("market", "post-only")
}

// order returns the order of SYMBOL SIDE QUANTITY PRICE.
func (o *orderTerms) order(args []string) (*order.NewOrderSingle, error) {
	side, err := parseSide(args[1])
	if err != nil {
		return nil, err
	}
	out := &order.NewOrderSingle{
		Symbol: strings.ToUpper(args[0]), Side: side, OrdType: order.Limit,
		TimeInForce: order.GoodTillDate, TimeToLive: o.life,
	}
	if out.OrderQty, err = parseAmount("QUANTITY", args[2]); err != nil {
		return nil, err
	}
	if out.Price, err = parseAmount("PRICE", args[3]); err != nil {
		return nil, err
	}
	if o.market {
		out.OrdType, out.TimeInForce = order.Market, order.ImmediateOrCancel
	}
	switch {
	case o.fok:
		out.TimeInForce = order.FillOrKill
	case o.ioc:
		out.TimeInForce = order.ImmediateOrCancel
	case o.passive:
		out.ExecInst = order.ParticipateDontInitiate
	}
	if out.TimeInForce != order.GoodTillDate {
		out.TimeToLive = 0
	} else if err := checkLife(o.life); err != nil {
		return nil, err
	}
	return out, nil
}

// checkLife returns a usage error for a time to live that no venue takes.
func checkLife(d time.Duration) error {
	if d < time.Millisecond || d > order.MaxTimeToLive || d%time.Millisecond != 0 {
		return usagef("--ttl %v: expected whole milliseconds, from 1ms to %v", d, order.MaxTimeToLive)
	}
	return nil
}

func parseSide(s string) (order.Side, error) {
	switch strings.ToLower(s) {
	case "buy":
		return order.Buy, nil
	case "sell":
		return order.Sell, nil
	}
	return 0, usagef("%q: expected buy or sell", s)
}

// parseAmount reads a price or a quantity.
func parseAmount(what, s string) (order.Decimal, error) {
	d, err := order.ParseDecimal(s)
	if err != nil {
		return order.Decimal{}, usagef("%s: %w", what, err)
	}
	if d.Sign() <= 0 {
		return order.Decimal{}, usagef("%s %s: expected more than 0", what, s)
	}
	return d, nil
}

// parseIDs reads the identifiers of orders.
func parseIDs(args []string) ([]order.ID, error) {
	var out []order.ID
	for _, a := range args {
		id, err := order.ParseID(a)
		if err != nil {
			return nil, usagef("%q: %w; submit prints the identifiers, status lists them", a, err)
		}
		out = append(out, id)
	}
	return out, nil
}
