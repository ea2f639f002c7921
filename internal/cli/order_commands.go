package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/order"
)

func (a *app) orderSubmitCommand(o *orderOptions) *cobra.Command {
	var t orderTerms
	c := &cobra.Command{
		Use:   "submit SYMBOL buy|sell QUANTITY PRICE --params PARAMS",
		Short: "submit an order",
		Long: `Submit sends an order and prints the venue's answer: the order's identifier, and
what became of it. It exits with 3 if the venue refused it.

PRICE is the limit; with --market, the worst price to take. An order that rests
in the book ends after --ttl.`,
		Example: `  zkkex order submit BTC-USD buy 1.5 64250.25 --params ./params
  zkkex order submit BTC-USD sell 0.2 64000 --market --params dev
  zkkex order submit ETH-USD buy 10 3100 --post-only --ttl 30s --params dev --json`,
		Args: arguments(4, 4, "SYMBOL, buy or sell, QUANTITY and PRICE"),
	}
	t.register(c)
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		if _, err := t.order(args); err != nil { // before a proof is made
			return nil, err
		}
		return a.inSession(ctx, o, orderJob{
			Do: doSubmit, Symbol: args[0], Side: args[1], Quantity: args[2], Price: args[3],
			Life: t.life.Milliseconds(), Market: t.market, IOC: t.ioc, FOK: t.fok, Passive: t.passive,
		})
	})
	return c
}

func (a *app) orderReplaceCommand(o *orderOptions) *cobra.Command {
	var life time.Duration
	c := &cobra.Command{
		Use:   "replace ID QUANTITY PRICE --params PARAMS",
		Short: "give an order another quantity, price and time to live",
		Long: `Replace changes an open order. QUANTITY is the whole quantity, with what is
already filled. The order keeps its place in the book if only the quantity
changes, and only down. It has another identifier after it, which is printed.`,
		Example: "  zkkex order replace 5f0c3f9a77bb41b2a6f0c1d2e3f40516 1 64250.50 --params dev",
		Args:    arguments(3, 3, "ID, QUANTITY and PRICE"),
	}
	c.Flags().DurationVar(&life, "ttl", time.Hour, "how long the order is good for, from now")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		if err := checkLife(life); err != nil {
			return nil, err
		}
		if _, err := parseIDs(args[:1]); err != nil {
			return nil, err
		}
		for i, what := range []string{"QUANTITY", "PRICE"} {
			if _, err := parseAmount(what, args[i+1]); err != nil {
				return nil, err
			}
		}
		return a.inSession(ctx, o, orderJob{Do: doReplace, IDs: args[:1], Quantity: args[1], Price: args[2], Life: life.Milliseconds()})
	})
	return c
}

func (a *app) orderCancelCommand(o *orderOptions) *cobra.Command {
	var all, prove bool
	var symbol string
	c := &cobra.Command{
		Use:   "cancel ID... | --all",
		Short: "cancel orders",
		Long: `Cancel ends orders, each named by its identifier. With --all, it ends everything
of the session that "zkkex order watch" keeps; without such a session, it looks
for everything that you may have open at the venue, in all your sessions, and
ends it. That needs nothing but your key and your order secret, and shows the
venue that these sessions are the same member's.`,
		Example: `  zkkex order cancel 5f0c3f9a77bb41b2a6f0c1d2e3f40516 --params dev
  zkkex order cancel --all --symbol BTC-USD --params dev`,
		Args: cobra.ArbitraryArgs,
	}
	c.Flags().BoolVar(&all, "all", false, "cancel everything that is open")
	c.Flags().StringVar(&symbol, "symbol", "", "with --all, only in this `SYMBOL`")
	c.Flags().BoolVar(&prove, "prove", false, "the order is of an earlier session than the one that order watch keeps")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		if all == (len(args) > 0) || symbol != "" && !all {
			return nil, usagef("give the identifiers of orders, or --all, which can have --symbol")
		}
		if !all {
			if _, err := parseIDs(args); err != nil {
				return nil, err
			}
			return a.inSession(ctx, o, orderJob{Do: doCancel, IDs: args, Prove: prove})
		}
		watched, err := a.watched(ctx, o)
		if err != nil {
			return nil, err
		}
		if watched {
			return a.inSession(ctx, o, orderJob{Do: doCancelAll, Symbol: symbol})
		}
		return a.recoverOrders(ctx, o, symbol, true)
	})
	return c
}

func (a *app) orderStatusCommand(o *orderOptions) *cobra.Command {
	var all, prove bool
	c := &cobra.Command{
		Use:   "status [ID... | --all]",
		Short: "show orders",
		Long: `Status asks the venue for the state of orders, each named by its identifier.
Without one, it shows what is open in the session that "zkkex order watch"
keeps. With --all, it looks for everything that you may have open at the venue,
in all your sessions, as "zkkex order cancel --all" does.`,
		Example: `  zkkex order status --params dev
  zkkex order status 5f0c3f9a77bb41b2a6f0c1d2e3f40516 --params dev
  zkkex order status --all --params dev --json`,
		Args: cobra.ArbitraryArgs,
	}
	c.Flags().BoolVar(&all, "all", false, "look in all sessions of yours")
	c.Flags().BoolVar(&prove, "prove", false, "the order is of an earlier session than the one that order watch keeps")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		if all && len(args) > 0 {
			return nil, usagef("give the identifiers of orders, or --all")
		}
		if _, err := parseIDs(args); err != nil {
			return nil, err
		}
		if all {
			return a.recoverOrders(ctx, o, "", false)
		}
		if len(args) > 0 {
			return a.inSession(ctx, o, orderJob{Do: doOrderState, IDs: args, Prove: prove})
		}
		watched, err := a.watched(ctx, o)
		if err != nil {
			return nil, err
		}
		if !watched {
			return nil, errNoSession
		}
		return a.inSession(ctx, o, orderJob{Do: doOpenOrders})
	})
	return c
}

var errNoSession = errors.New("no session is open, and a new one has no orders")

// recoverOrders finds what a member has open in all its sessions, and cancels it if
// that is asked for.
func (a *app) recoverOrders(ctx context.Context, o *orderOptions, symbol string, cancel bool) (result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return a.withVenue(ctx, o, func(v *member.Venue) (result, error) {
		a.notef("this shows the venue that the sessions in which something is found are the same member's")
		done := a.progress("looking for orders in all your sessions at %s", v.Name())
		found, err := findOrders(ctx, v, strings.ToUpper(symbol), cancel)
		done()
		r := &ordersFound{Orders: []*execution{}, cancel: cancel}
		for _, f := range found {
			r.add(f)
			if f.Err != nil && !errors.Is(f.Err, order.ErrTooLate) {
				err = errors.Join(err, fmt.Errorf("cancelling: %w", f.Err))
			}
		}
		return r, err
	})
}

// findOrders finds what is open in all sessions, or of it the orders in a symbol.
func findOrders(ctx context.Context, v *member.Venue, symbol string, cancel bool) (found []*order.Found, err error) {
	if symbol == "" {
		return v.RecoverOrders(ctx, order.Recovery{Gap: recoveryGap, Cancel: cancel}, false)
	}
	nullifiers, err := v.Nullifiers()
	if err != nil {
		return nil, err
	}
	look := order.Recovery{Gap: recoveryGap}
	for _, n := range nullifiers {
		look.Nullifiers = append(look.Nullifiers, n)
	}
	c, err := v.Orders(ctx, order.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Finish(ctx)) }()
	if err := traded(c, symbol); err != nil {
		return nil, err
	}
	all, err := order.Recover(ctx, c, look)
	for _, f := range all {
		e, isOrder := f.Report.(*order.ExecutionReport)
		if !isOrder || e.Symbol != symbol || !f.Open() {
			continue
		}
		if cancel && err == nil {
			_, f.Err = c.Cancel(ctx, e.ClOrdID, order.WithProof())
			f.Canceled = f.Err == nil
		}
		found = append(found, f)
	}
	return found, err
}

// recoveryGap is how many identifiers in a row are unknown when there are no more:
// sessions of this command number their orders without gaps.
const recoveryGap = 64

// ordersFound are the orders of lost sessions.
type ordersFound struct {
	Orders    []*execution `json:"orders"`
	Quotes    int          `json:"quotes"`
	Cancelled int          `json:"cancelled"`
	cancel    bool         // that was asked for
}

func (r *ordersFound) add(f *order.Found) {
	if f.Canceled {
		r.Cancelled++
	}
	e, isOrder := f.Report.(*order.ExecutionReport)
	switch {
	case !f.Open(): // as it was found
	case isOrder:
		r.Orders = append(r.Orders, executionOf(e))
	default:
		r.Quotes++
	}
}

func (r *ordersFound) text() string {
	var out string
	for _, e := range r.Orders {
		out += e.text()
	}
	out += fmt.Sprintf("found open: %d orders and %d quotes", len(r.Orders), r.Quotes)
	if r.cancel {
		out += fmt.Sprintf("; %d cancelled", r.Cancelled)
	}
	return out + "\n"
}
