package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/venue/descriptor"
)

func (a *app) orderWatchCommand(o *orderOptions) *cobra.Command {
	var finish, keep bool
	var grace time.Duration
	c := &cobra.Command{
		Use:   "watch --params PARAMS",
		Short: "keep a session open, show what happens in it, and lend it to the other order commands",
		Long: `Watch opens a session and keeps it: through lost connections, and into the next
epoch. It prints a line, with --json an object, for every report of the venue,
each once and in order. The other order commands of the same state directory and
venue use its session while it runs.

If the connection is lost and not made again within --grace, the venue cancels
what is open; --keep leaves orders in the book until they expire. Interrupt
watch, and what is open stays for the grace, or --finish cancels it.`,
		Example: `  zkkex order watch --params ./params
  zkkex order watch --home alice --params dev --finish --json`,
		Args: noArguments,
	}
	c.Flags().BoolVar(&finish, "finish", false, "cancel everything that is open at the end")
	c.Flags().BoolVar(&keep, "keep", false, "leave orders in the book until they expire, whatever happens to the connection")
	c.Flags().DurationVar(&grace, "grace", order.DefaultGrace, "how long orders outlive a lost connection")
	c.MarkFlagsMutuallyExclusive("finish", "keep")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		if grace < 0 || grace > order.MaxGrace || grace%time.Millisecond != 0 {
			return nil, usagef("--grace %v: expected whole milliseconds, up to %v", grace, order.MaxGrace)
		}
		if grace == 0 {
			grace = -1
		}
		config := order.Config{Grace: grace, KeepOrders: keep}
		return a.withOrders(ctx, o, config, func(ctx context.Context, c *order.Client) (result, error) {
			return nil, a.watchOrders(ctx, o, c, finish)
		})
	})
	return c
}

// watchOrders prints reports and takes jobs, until ctx ends or the session does.
func (a *app) watchOrders(ctx context.Context, o *orderOptions, c *order.Client, finish bool) error {
	control, err := a.listenWatch(ctx, o)
	if err != nil {
		return err
	}
	if err := a.emit(openedOf(c), nil); err != nil {
		return errors.Join(err, control.Close())
	}
	a.notef("the session is open; other order commands of this state directory use it")
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error {
		return serveControl(serving, control, func(ctx context.Context, j orderJob) (*ordersDone, error) { return performOrder(ctx, c, j) })
	})
	group.Go(func() error { return unlessDone(ctx, a.printReports(serving, c)) })
	group.Go(func() error { a.noteConnection(serving, c); return nil })
	err = group.Wait()
	a.noteOpen(c, finish && ctx.Err() != nil)
	if finish && ctx.Err() != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWait)
		defer cancel()
		err = errors.Join(err, c.Finish(ending))
	}
	return err
}

// noteConnection says when the connection is lost, and when there is one again.
func (a *app) noteConnection(ctx context.Context, c *order.Client) {
	tick := time.NewTicker(connectionPoll)
	defer tick.Stop()
	for lost := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s := c.State()
		if s.Connected == !lost || s.Err != nil {
			continue
		}
		lost = !s.Connected
		switch {
		case !lost:
			a.notef("connected to the venue again")
		case s.Venue.KeepOrders:
			a.warnf("the connection to the venue is lost, and tried again; open orders stay in the book until they expire")
		default:
			a.warnf("the connection to the venue is lost, and tried again; the venue cancels open orders after %v without one", s.Venue.Grace)
		}
	}
}

// connectionPoll is how often it is looked at.
const connectionPoll = 500 * time.Millisecond

// noteOpen says at the end what is open, as far as is known, and what becomes of it.
func (a *app) noteOpen(c *order.Client, finish bool) {
	s := c.State()
	if len(s.Open) == 0 || finish {
		return
	}
	switch {
	case s.Err != nil:
		a.warnf("%d orders were open, as far as this session heard; zkkex order status ID tells what became of one:", len(s.Open))
	case s.Venue.KeepOrders:
		a.warnf("%d orders are open, and stay in the book until they expire; zkkex order cancel --all finds and ends them:", len(s.Open))
	default:
		a.warnf("%d orders are open, and the venue cancels them in %v:", len(s.Open), s.Venue.Grace)
	}
	for i, o := range s.Open {
		if i == mostNoted {
			a.warnf("and %d more", len(s.Open)-i)
			break
		}
		a.warnf("%s", strings.TrimSuffix(executionOfState(o).text(), "\n"))
	}
}

// mostNoted is how many orders are listed at the end.
const mostNoted = 20

// opened is a session that was opened.
type opened struct {
	// Session is the venue's name for it, by which to ask the venue about it.
	Session string   `json:"session"`
	Symbols []string `json:"symbols"`
	Grace   string   `json:"grace"`
	Keep    bool     `json:"keep"`
}

func openedOf(c *order.Client) *opened {
	s := c.State()
	o := &opened{Session: s.Session.String(), Symbols: []string{}, Grace: s.Venue.Grace.String(), Keep: s.Venue.KeepOrders}
	for _, i := range s.Venue.Instruments {
		o.Symbols = append(o.Symbols, i.Symbol)
	}
	return o
}

func (o *opened) text() string {
	var t table
	t.add("session", "%s", o.Session)
	t.add("traded", "%s", strings.Join(o.Symbols, ", "))
	return t.String()
}

// printReports prints what the venue says, each report once.
func (a *app) printReports(ctx context.Context, c *order.Client) error {
	for {
		r, err := c.Next(ctx)
		if err != nil {
			return err
		}
		e, isExecution := r.Report.(*order.ExecutionReport)
		if !isExecution || e.ExecType == order.ExecStatus {
			continue // the command that asked shows it
		}
		if err := a.printLine(executionOf(e)); err != nil {
			return err
		}
	}
}

// printLine prints a result of many: a line of text, or of JSON.
func (a *app) printLine(r result) error {
	if !a.json {
		return a.emit(r, nil)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = a.env.Stdout.Write(append(line, '\n'))
	return err
}

// watchFolder is where the session for a venue takes jobs.
func watchFolder(home string, id descriptor.VenueID) string {
	return filepath.Join(home, "orders", id.String()[:16])
}

// listenWatch returns the listener for jobs. There is one session for each state
// directory and venue that takes them.
func (a *app) listenWatch(ctx context.Context, o *orderOptions) (net.Listener, error) {
	home, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	id, err := a.orderVenue(ctx, o)
	if err != nil {
		return nil, err
	}
	dir := watchFolder(home, id)
	if watched, err := a.watched(ctx, o); err != nil || watched {
		return nil, errors.Join(err, withHint(errors.New("another zkkex order watch keeps a session at this venue"), "one is enough; use another --home for another trader"))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return listenControl(dir)
}

// watched reports whether "order watch" keeps a session.
func (a *app) watched(ctx context.Context, o *orderOptions) (bool, error) {
	home, err := a.homeDir()
	if err != nil {
		return false, err
	}
	id, err := a.orderVenue(ctx, o)
	if err != nil {
		return false, err
	}
	c, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(watchFolder(home, id), controlSocket))
	if err != nil {
		return false, nil
	}
	return true, c.Close()
}
