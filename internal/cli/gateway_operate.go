package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/order/server"
)

// gatewayOperation is a command that a running gateway carries out.
type gatewayOperation struct {
	use, short, long, example string
	job                       gatewayJob
	session                   bool // takes the name of a session
	said                      string
}

func (a *app) gatewayOperations(o *gatewayOptions) []*cobra.Command {
	var out []*cobra.Command
	for _, op := range []gatewayOperation{
		{
			use: "halt", short: "take no new orders at any gateway; cancels go on", job: gatewayJob{Do: doHalt},
			long: `Halt makes every gateway of the venue refuse new orders, replacements, quotes
and requests for quote. Cancels are taken, and what rests in the book stays
there. It holds until "zkkex gateway resume", also after a restart.`,
			example: "  zkkex gateway halt --dir ./gateway", said: "halted: no new orders are taken",
		},
		{
			use: "resume", short: "take orders again", job: gatewayJob{Do: doResume},
			long: "Resume ends what \"zkkex gateway halt\" began.", example: "  zkkex gateway resume --dir ./gateway", said: "orders are taken again",
		},
		{
			use: "kill SESSION", short: "cancel all open orders of a session", job: gatewayJob{Do: doKill}, session: true,
			long: `Kill cancels all open orders and quotes of a session, which may go on. SESSION
is the name that the matching engine knows it by.`,
			example: "  zkkex gateway kill 00000000000001f4d0e3c1a2b4958677685940312213f4e5", said: "cancelled",
		},
		{
			use: "kill-all", short: "cancel every open order at the venue", job: gatewayJob{Do: doKillAll},
			long:    "Kill-all cancels every open order and quote of every session. To take no new\nones either, halt first.",
			example: "  zkkex gateway halt && zkkex gateway kill-all", said: "cancelled",
		},
		{
			use: "ban SESSION", short: "end a session, and refuse it until its epoch ends", job: gatewayJob{Do: doBan}, session: true,
			long: `Ban ends a session's connections, cancels its orders, and refuses its pseudonym
at every gateway until the epoch ends. Other pseudonyms of the same member are
not known, and go on: a member with many slots needs the registrar.`,
			example: "  zkkex gateway ban 00000000000001f4d0e3c1a2b4958677685940312213f4e5", said: "banned until the epoch ends",
		},
		{
			use: "drain", short: "stop the gateway in good order", job: gatewayJob{Do: doDrain},
			long: `Drain ends "zkkex gateway run" as one interrupt does: it becomes not ready,
members are told to connect elsewhere, and what has happened is recorded.`,
			example: "  zkkex gateway drain --dir ./gateway-a", said: "draining",
		},
	} {
		out = append(out, a.gatewayOperation(o, op))
	}
	return out
}

func (a *app) gatewayOperation(o *gatewayOptions, op gatewayOperation) *cobra.Command {
	c := &cobra.Command{Use: op.use, Short: op.short, Long: op.long, Example: op.example, Args: noArguments}
	if op.session {
		c.Args = arguments(1, 1, "the name of a session")
	}
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		j := op.job
		if op.session {
			j.Session = args[0]
		}
		if _, err := a.atGateway(ctx, o, j); err != nil {
			return nil, err
		}
		return &gatewayDid{Done: op.said}, nil
	})
	return c
}

// atGateway has the running gateway do a job.
func (a *app) atGateway(ctx context.Context, o *gatewayOptions, j gatewayJob) (*gatewayDone, error) {
	dir, err := a.gatewayDir(o)
	if err != nil {
		return nil, err
	}
	if _, err := server.ReadConfig(dir); err != nil {
		return nil, err
	}
	done, err := askServer[gatewayDone](ctx, dir, j)
	if noServer(err) {
		var nobody *net.OpError
		if errors.As(err, &nobody) {
			err = nobody // what is around it takes a process for granted
		}
		return nil, withHint(fmt.Errorf("the gateway in %s does not run: %w", dir, err), "start it with zkkex gateway run, or name another one with --dir")
	}
	return done, err
}

// noServer reports whether an error means that nobody listens on a control socket, so
// that the job was not begun: a connection that broke later may have left one done.
func noServer(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

type gatewayDid struct {
	Done string `json:"done"`
}

func (r *gatewayDid) text() string { return r.Done + "\n" }

func (a *app) gatewayStatusCommand(o *gatewayOptions) *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "show sessions, open orders, journal and engine",
		Long: `Status asks the running gateway how it is. Whether it is ready to take orders is
at the admin address as well, under /ready.`,
		Example: "  zkkex gateway status --dir ./gateway\n  zkkex gateway status --json",
		Args:    noArguments,
	}
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		done, err := a.atGateway(ctx, o, gatewayJob{Do: doGatewayStatus})
		if err != nil {
			return nil, err
		}
		return gatewayStatusOf(done), nil
	})
	return c
}

// gatewayStatus is a gateway.Status in output.
type gatewayStatus struct {
	NotReady        string `json:"not_ready,omitempty"`
	Sessions        int    `json:"sessions"`
	OpenOrders      int    `json:"open_orders"`
	Halted          bool   `json:"halted"`
	Draining        bool   `json:"draining"`
	JournalFailing  bool   `json:"journal_failing"`
	ReportsWaiting  int    `json:"reports_waiting"`
	EngineGone      bool   `json:"engine_gone"`
	CommandsWaiting int    `json:"commands_waiting"`
	Event           uint64 `json:"event"`
	ClockOffsetMS   int64  `json:"clock_offset_ms"`
}

func gatewayStatusOf(d *gatewayDone) *gatewayStatus {
	s := d.Status
	return &gatewayStatus{
		NotReady: d.Ready, Sessions: s.Sessions, OpenOrders: s.OpenOrders, Halted: s.Halted, Draining: s.Draining,
		JournalFailing: s.StoreFailing, ReportsWaiting: s.Waiting, EngineGone: s.EngineGone, CommandsWaiting: s.Commands,
		Event: s.Event, ClockOffsetMS: s.ClockOffset.Milliseconds(),
	}
}

func (r *gatewayStatus) text() string {
	var t table
	ready := "yes"
	if r.NotReady != "" {
		ready = "no: " + r.NotReady
	}
	t.add("ready", "%s", ready)
	t.add("sessions", "%d", r.Sessions)
	t.add("open orders", "%d", r.OpenOrders)
	t.add("halted", "%s", yesNo(r.Halted))
	t.add("journal", "%s, %d reports waiting", failing(r.JournalFailing), r.ReportsWaiting)
	t.add("engine", "%s, %d commands waiting, event %d", failing(r.EngineGone), r.CommandsWaiting, r.Event)
	if set := time.Duration(r.ClockOffsetMS) * time.Millisecond; set.Abs() >= time.Second {
		t.add("clock", "was set by %v while the gateway ran", set)
	}
	return t.String()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func failing(b bool) string {
	if b {
		return "cannot be reached"
	}
	return "fine"
}
