package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue/descriptor"
)

func (a *app) orderCommand() *cobra.Command {
	var o orderOptions
	c := &cobra.Command{
		Use:     "order",
		GroupID: groupMember,
		Short:   "send orders to a venue, anonymously",
		Long: `Order sends orders to a venue that admits you without knowing who you are, and
that runs "zkkex gateway".

"zkkex order watch" keeps a session open, shows what happens in it, and lends it
to the other order commands of the same state directory and venue: they are
quick then, and all in one session. Without it, each of them opens a session of
its own, with a slot and a proof, and leaves what it submits in the book until
its time to live is over. To cancel or look at an order of an earlier session,
the command shows that it is yours with the order's own key; the venue then
knows that the two sessions are one member's, and no more.

An order that was sent is never sent twice, whatever happens to the connection.
Its identifier is made from a secret in your state directory (order-secret), and
looks random to everybody else.`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	for _, command := range []*cobra.Command{
		a.orderSubmitCommand(&o),
		a.orderCancelCommand(&o),
		a.orderReplaceCommand(&o),
		a.orderStatusCommand(&o),
		a.orderWatchCommand(&o),
	} {
		o.register(a, command)
		c.AddCommand(command)
	}
	return c
}

// orderOptions say at which venue, and how long an answer may take.
type orderOptions struct {
	venue  string
	params paramsFlags
	wait   time.Duration
}

func (o *orderOptions) register(a *app, c *cobra.Command) {
	defer a.completeMember(c)
	f := c.Flags()
	f.StringVar(&o.venue, "venue", "", "the venue: its `NAME`, URL or identifier (default the only one)")
	f.DurationVar(&o.wait, "wait", 30*time.Second, "how long to wait for the venue's answer")
	o.params.register(c)
}

func (o *orderOptions) check() error {
	if o.wait <= 0 {
		return usagef("--wait %v: expected more than 0", o.wait)
	}
	return nil
}

// withOrders does something with a session of orders at the venue, which is left, with
// its orders in the book, at the end.
func (a *app) withOrders(ctx context.Context, o *orderOptions, config order.Config, use func(context.Context, *order.Client) (result, error)) (result, error) {
	return a.withVenue(ctx, o, func(v *member.Venue) (result, error) {
		done := a.progress("opening a session at %s", v.Name())
		client, err := v.Orders(ctx, config)
		done()
		if errors.Is(err, zkkex.ErrMalformed) {
			return nil, withHint(fmt.Errorf("%s answers, but not as a gateway of orders: %w", v.Name(), err), "does the venue run zkkex gateway? zkkex serve carries to another server: use zkkex tunnel")
		}
		if err != nil {
			return nil, withAdvice(err)
		}
		r, err := use(ctx, client)
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWait)
		defer cancel()
		left := client.Leave(leaving)
		told := errors.Is(left, order.ErrClosed) || errors.Is(left, order.ErrSessionLost) && err != nil
		if left != nil && !told {
			a.warnf("leaving the session: %v", left)
		}
		return r, err
	})
}

// leaveWait bounds how long the end of a session is waited for.
const leaveWait = 5 * time.Second

// withVenue opens the venue for a member.
func (a *app) withVenue(ctx context.Context, o *orderOptions, use func(*member.Venue) (result, error)) (result, error) {
	opened := func(m *member.Options) {
		m.ProofSystem = o.params.proofSystem()
		m.Params = func(circuit zkkex.CircuitID) (*params.Proving, error) { return o.params.proving(circuit) }
	}
	return a.withMember(ctx, opened, func(m *member.Member) (r result, err error) {
		if _, _, err := o.params.folder(zkkex.BabyJubjub20); err != nil {
			return nil, err
		}
		id, err := m.FindVenue(o.venue)
		if err != nil {
			return nil, err
		}
		if err := a.unlock(ctx, m); err != nil {
			return nil, err
		}
		v, err := m.OpenVenue(id, member.VenueOptions{Ahead: -1})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, v.Close()) }()
		if err := a.prepare(ctx, m, v); err != nil {
			return nil, err
		}
		return use(v)
	})
}

// orderVenue returns which venue is meant, without opening anything for long.
func (a *app) orderVenue(ctx context.Context, o *orderOptions) (id descriptor.VenueID, err error) {
	_, err = a.withMember(ctx, nil, func(m *member.Member) (result, error) {
		id, err = m.FindVenue(o.venue)
		return nil, err
	})
	return id, err
}

// Names of what can be done in a session of orders.
const (
	doSubmit     = "submit"
	doCancel     = "cancel"
	doCancelAll  = "cancel all"
	doReplace    = "replace"
	doOrderState = "status"
	doOpenOrders = "open"
)

// orderJob is what is to be done in a session: one of its own, or the one that "order
// watch" keeps.
type orderJob struct {
	Do  string   `json:"do"`
	IDs []string `json:"ids,omitempty"`
	// Symbol, Side and the terms are of an order, or of a replacement.
	Symbol   string `json:"symbol,omitempty"`
	Side     string `json:"side,omitempty"`
	Quantity string `json:"quantity,omitempty"`
	Price    string `json:"price,omitempty"`
	Life     int64  `json:"ttl_ms,omitempty"`
	Market   bool   `json:"market,omitempty"`
	IOC      bool   `json:"ioc,omitempty"`
	FOK      bool   `json:"fok,omitempty"`
	Passive  bool   `json:"post_only,omitempty"`
	// Prove shows with the order's own key that an order of an earlier session is
	// one's own.
	Prove bool `json:"prove,omitempty"`
	// Wait bounds the answer.
	Wait int64 `json:"wait_ms"`
}

// ordersDone are the orders that a job was about, as they are after it.
type ordersDone struct {
	Orders []*execution `json:"orders"`
	// Cancelled is how many orders a mass cancel ended.
	Cancelled *int `json:"cancelled,omitempty"`
}

func (r *ordersDone) text() string {
	var out string
	for _, e := range r.Orders {
		out += e.text()
	}
	if r.Cancelled != nil {
		out += fmt.Sprintf("%d cancelled\n", *r.Cancelled)
	}
	if out == "" {
		out = "no open orders\n"
	}
	return out
}

// inSession does a job in the session that "order watch" keeps, or in one of its own.
func (a *app) inSession(ctx context.Context, o *orderOptions, j orderJob) (result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	j.Wait = o.wait.Milliseconds()
	dir, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	id, err := a.orderVenue(ctx, o)
	if err != nil {
		return nil, err
	}
	done, err := askServer[ordersDone](ctx, watchFolder(dir, id), j)
	if err != nil && !noServer(err) && !errors.As(err, new(*controlError)) {
		err = withHint(fmt.Errorf("zkkex order watch has not answered, and may have done it: %w", err), "zkkex order status --all finds what is open; do not submit it again before that")
	}
	if err == nil || !noServer(err) {
		return ordersResult(done), err
	}
	if len(j.IDs) > 0 {
		j.Prove = true
		a.notef("this shows the venue that the order's session and this one are the same member's")
	}
	return a.withOrders(ctx, o, order.Config{KeepOrders: true}, func(ctx context.Context, c *order.Client) (result, error) {
		if j.Do == doSubmit && !c.State().Venue.KeepOrders {
			a.warnf("the venue cancels orders %v after their session has gone: use zkkex order watch", c.State().Venue.Grace)
		}
		done, err := performOrder(ctx, c, j)
		return ordersResult(done), err
	})
}

func ordersResult(done *ordersDone) result {
	if done == nil {
		return nil
	}
	return done
}

// performOrder does a job in a session.
func performOrder(ctx context.Context, c *order.Client, j orderJob) (*ordersDone, error) {
	wait := time.Duration(min(j.Wait, maxWait)) * time.Millisecond
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	done, err := attemptOrder(waiting, c, j)
	if err != nil && ctx.Err() == nil && waiting.Err() != nil {
		return done, unanswered(c, j, wait, err)
	}
	return done, plainOrder(c, err)
}

func attemptOrder(ctx context.Context, c *order.Client, j orderJob) (*ordersDone, error) {
	switch j.Do {
	case doSubmit:
		n, err := j.order()
		if err != nil {
			return nil, err
		}
		entered, err := c.Submit(ctx, *n)
		return submitted(entered, err)
	case doReplace:
		return replaceOrder(ctx, c, j)
	case doCancel, doOrderState:
		return eachOrder(ctx, c, j)
	case doCancelAll:
		symbol := strings.ToUpper(j.Symbol)
		if err := traded(c, symbol); symbol != "" && err != nil {
			return nil, err
		}
		n, err := c.MassCancel(ctx, symbol)
		if err != nil {
			return nil, err
		}
		return &ordersDone{Orders: []*execution{}, Cancelled: &n}, nil
	case doOpenOrders:
		reports, err := c.MassStatus(ctx)
		done := &ordersDone{Orders: []*execution{}}
		for _, r := range reports {
			done.Orders = append(done.Orders, executionOf(r))
		}
		return done, err
	}
	return nil, fmt.Errorf("%w: job %q", zkkex.ErrUnsupported, j.Do)
}

// maxWait bounds what a job may ask for, in milliseconds.
const maxWait = 3_600_000

// submitted is an order after its submission; what was refused has a report too.
func submitted(o *order.Order, err error) (*ordersDone, error) {
	var no *order.RejectError
	if errors.As(err, &no) {
		if r, ok := no.Report.(*order.ExecutionReport); ok {
			return &ordersDone{Orders: []*execution{executionOf(r)}}, err
		}
	}
	if o == nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("order %s: %w", o.ID(), err)
	}
	return &ordersDone{Orders: []*execution{executionOfState(o.State())}}, nil
}

func replaceOrder(ctx context.Context, c *order.Client, j orderJob) (*ordersDone, error) {
	ids, err := parseIDs(j.IDs)
	if err != nil {
		return nil, err
	}
	var n order.Replacement
	if n.OrderQty, err = parseAmount("QUANTITY", j.Quantity); err != nil {
		return nil, err
	}
	if n.Price, err = parseAmount("PRICE", j.Price); err != nil {
		return nil, err
	}
	n.TimeToLive = time.Duration(j.Life) * time.Millisecond
	r, err := c.Replace(ctx, ids[0], n, j.proof()...)
	if err != nil {
		return nil, fmt.Errorf("order %s: %w", ids[0], err)
	}
	return &ordersDone{Orders: []*execution{executionOf(r)}}, nil
}

// eachOrder cancels orders, or asks for their states; it goes on after an error.
func eachOrder(ctx context.Context, c *order.Client, j orderJob) (*ordersDone, error) {
	ids, err := parseIDs(j.IDs)
	if err != nil {
		return nil, err
	}
	do := c.Cancel
	if j.Do == doOrderState {
		do = c.Status
	}
	done := &ordersDone{Orders: []*execution{}}
	var errs []error
	for _, id := range ids {
		r, err := do(ctx, id, j.proof()...)
		if err != nil {
			err = fmt.Errorf("order %s: %w", id, plainOrder(c, err))
			if j.Prove && errors.Is(err, order.ErrUnknownOrder) {
				err = withHint(err, "is the identifier right, and the venue? it forgets orders that have ended after a while")
			}
			errs = append(errs, err)
			continue
		}
		done.Orders = append(done.Orders, executionOf(r))
	}
	if len(done.Orders) == 0 {
		return nil, errors.Join(errs...)
	}
	return done, errors.Join(errs...)
}

func (j *orderJob) proof() []order.Option {
	if j.Prove {
		return []order.Option{order.WithProof()}
	}
	return nil
}

func (j *orderJob) order() (*order.NewOrderSingle, error) {
	t := orderTerms{life: time.Duration(j.Life) * time.Millisecond, market: j.Market, ioc: j.IOC, fok: j.FOK, passive: j.Passive}
	return t.order([]string{j.Symbol, j.Side, j.Quantity, j.Price})
}
