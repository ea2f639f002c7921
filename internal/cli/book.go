package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
)

// bookEvents is how many events "zkkex book" keeps, for gateways that come back.
const bookEvents = 100_000

type bookOptions struct{ listen, instruments string }

func (a *app) bookCommand() *cobra.Command {
	var o bookOptions
	c := &cobra.Command{
		Use:     "book --listen ADDRESS",
		GroupID: groupVenue,
		Short:   "match orders in memory, for trials of a gateway",
		Long: `Book is a small matching engine for trials: price-time priority, quotes and
requests for quote, in memory. A venue has an engine of its own, which speaks
the gRPC service of order/engine/enginegrpc/enginepb/engine.proto as this does.

It keeps nothing on disk: when it ends, all orders are gone, and the gateways'
journals do not fit its successor. It has no passwords either, so it listens on
a Unix socket or a loopback address only.

The file of --instruments is JSON. Without it, BTC-USD and ETH-USD are traded; a
file that is in another form than expected is answered with that form.`,
		Example: `  zkkex book --listen unix:/run/zkkex/book.sock
  zkkex book --listen 127.0.0.1:9450 --instruments instruments.json --json`,
		Args: noArguments,
	}
	c.Flags().StringVar(&o.listen, "listen", "", "`ADDRESS` for gateways: unix:PATH, or 127.0.0.1:PORT; port 0 takes a free one")
	c.Flags().StringVar(&o.instruments, "instruments", "", "`FILE` of what is traded (default BTC-USD and ETH-USD)")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) { return nil, a.book(ctx, o) })
	return c
}

func (a *app) book(ctx context.Context, o bookOptions) error {
	if o.listen == "" {
		return usagef("name an address with --listen, such as unix:./book.sock or 127.0.0.1:9450")
	}
	instruments := book.DefaultInstruments()
	if o.instruments != "" {
		text, err := a.read(o.instruments, "file of instruments", book.MaxInstrumentsFile)
		if err != nil {
			return err
		}
		if instruments, err = book.ParseInstruments(text); err != nil {
			return err
		}
	}
	b, err := book.New(instruments, book.Options{Events: bookEvents})
	if err != nil {
		return err
	}
	l, err := enginegrpc.Listen(o.listen)
	if errors.Is(err, enginegrpc.ErrAddress) {
		return usagef("--listen: %w", err)
	}
	if err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	if err := enginegrpc.CheckPlain(l.Addr()); err != nil {
		return errors.Join(usagef("--listen: %w", err), l.Close())
	}
	if err := a.emit(newBookResult(l.Addr().Network(), l.Addr().String(), instruments), nil); err != nil {
		return errors.Join(err, l.Close())
	}
	a.notef("matching for trials; nothing is kept on disk")
	return enginegrpc.NewServer(enginegrpc.ServerConfig{Engine: b}).Serve(ctx, l)
}

// bookResult is what is served, printed when it begins.
type bookResult struct {
	// Address is what a gateway is told.
	Address string   `json:"address"`
	Symbols []string `json:"symbols"`
}

func newBookResult(network, address string, instruments []order.Instrument) *bookResult {
	if network == "unix" {
		address = "unix:" + address
	}
	r := &bookResult{Address: address}
	for _, i := range instruments {
		r.Symbols = append(r.Symbols, i.Symbol)
	}
	return r
}

func (r *bookResult) text() string {
	return fmt.Sprintf("%s trades %s\n", r.Address, strings.Join(r.Symbols, ", "))
}
