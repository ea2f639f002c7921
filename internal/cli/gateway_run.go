package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/order/telemetry"
)

func (a *app) gatewayRunCommand(o *gatewayOptions) *cobra.Command {
	var p paramsFlags
	places := make(map[string]*string)
	c := &cobra.Command{
		Use:   "run --params PARAMS",
		Short: "take orders until interrupted",
		Long: `Run takes members' sessions and their orders. It follows the registry, issues
the venue's descriptors when they are due (unless it follows another gateway)
and publishes them, and shows health and metrics at the admin address: /live,
/ready and /metrics. Flags replace what gateway.json says, for this run.

Interrupt it once, and it drains: members are told to connect elsewhere, and
what has happened is recorded; twice, and it ends at once. What it told anybody
survives either way, and kill -9 too. Orders outlive their connection for the
grace that their owner asked for.`,
		Example: `  zkkex gateway run --dir ./gateway --params ./params
  zkkex gateway run --dir ./gateway-b --params dev --listen 127.0.0.1:9450 --publish none --json`,
		Args: noArguments,
	}
	p.register(c)
	f := c.Flags()
	places["listen"] = f.String("listen", "", "`ADDRESS` to take sessions on")
	places["publish"] = f.String("publish", "", "`ADDRESS` to publish descriptors on, or none")
	places["admin"] = f.String("admin", "", "`ADDRESS` of health and metrics, or none")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		for name, place := range places {
			if _, _, err := net.SplitHostPort(*place); err != nil && *place != "" && (*place != "none" || name == "listen") {
				return nil, usagef("--%s %q: expected HOST:PORT", name, *place)
			}
		}
		return nil, a.runGateway(ctx, o, &p, func(to *server.Config) {
			replace(&to.Sessions, *places["listen"])
			replace(&to.Publish, *places["publish"])
			replace(&to.Admin, *places["admin"])
		})
	})
	return c
}

// replace replaces an address by what a flag says, if it says anything.
func replace(field *string, said string) {
	switch said {
	case "":
	case "none":
		*field = ""
	default:
		*field = said
	}
}

func (a *app) runGateway(ctx context.Context, o *gatewayOptions, p *paramsFlags, change func(*server.Config)) (err error) {
	dir, err := a.gatewayDir(o)
	if err != nil {
		return err
	}
	sets, err := p.admitting()
	if err != nil {
		return err
	}
	open, err := a.venueOptions(sets)
	if err != nil {
		return err
	}
	metrics := telemetry.NewMetrics()
	observe, shutdown, err := a.observers(ctx, dir, metrics)
	if err != nil {
		return err
	}
	defer shutdown()
	done := a.progress("opening the journal")
	n, err := server.Open(ctx, dir, server.Options{Venue: open, Changed: change, Observe: observe, Log: a.logger()})
	done()
	if errors.Is(err, filelock.ErrLocked) {
		return withHint(err, "one process at a time; the other gateway and venue commands work beside it")
	}
	if config, bad := server.ReadConfig(dir); errors.Is(err, fs.ErrNotExist) && bad == nil && config.Follow {
		return withHint(err, "this gateway follows another one: start that first, and look whether this one sees what it shares")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if err := metrics.Register(telemetry.NewVenue(n.Venue.Status)); err != nil {
		return err
	}
	done = a.progress("following the registry")
	first := n.Venue.Maintain(ctx)
	done()
	if first != nil && ctx.Err() != nil {
		return first
	}
	if first != nil {
		a.warnf("%v; trying again", first)
	}
	if n.Config.Engine == "" {
		a.warnf("orders are matched by a simple book in this process, which is for trials; --engine names a real one")
	}
	return a.serveGateway(ctx, dir, n, metrics)
}

// observers are the metrics, and traces if the configuration names a collector.
func (a *app) observers(ctx context.Context, dir string, metrics *telemetry.Metrics) (gateway.Observer, func(), error) {
	c, err := server.ReadConfig(dir)
	if err != nil {
		return nil, nil, err
	}
	if c.Traces == "" {
		return metrics, func() {}, nil
	}
	traces, err := telemetry.NewTraces(ctx, telemetry.TracesConfig{Collector: c.Traces, OneIn: c.TracesSampled, Gateway: c.Name})
	if err != nil {
		return nil, nil, err
	}
	return telemetry.Observers(metrics, traces), func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWait)
		defer cancel()
		if err := traces.Shutdown(ending); err != nil {
			a.warnf("the last traces were not delivered: %v", err)
		}
	}, nil
}

// serveGateway serves the gateway, and the other commands, until ctx ends.
func (a *app) serveGateway(ctx context.Context, dir string, n *server.Node, metrics *telemetry.Metrics) error {
	l, err := n.Listen(ctx)
	if errors.Is(err, syscall.EADDRINUSE) {
		return withHint(err, "another program listens there: stop it, or change sessions, publish or admin in %s", filepath.Join(dir, "gateway.json"))
	}
	if err != nil {
		return err
	}
	controls, err := a.gatewayControls(dir, n)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := a.emit(gatewayServingOf(n, l), nil); err != nil {
		return errors.Join(err, l.Close(), controls.close())
	}
	a.notef("taking orders for %s, fingerprint %s", n.Venue.Config().Name, n.Venue.Identity().Fingerprint())
	// A job to drain ends the gateway as an interrupt does.
	ctx, drain := context.WithCancel(ctx)
	defer drain()
	group, controlled := errgroup.WithContext(context.WithoutCancel(ctx))
	controlled, stop := context.WithCancel(controlled)
	group.Go(func() error { return serveControl(controlled, controls.gateway, performAt(n, drain)) })
	if controls.venue != nil {
		group.Go(func() error { return serveControl(controlled, controls.venue, performIn(n.Venue)) })
	}
	group.Go(func() error {
		defer stop()
		return n.Serve(ctx, l, metrics.Handler())
	})
	return group.Wait()
}

// gatewayControls are where the other commands reach a running gateway, and its
// venue unless it follows another one.
type gatewayControls struct{ gateway, venue net.Listener }

func (a *app) gatewayControls(dir string, n *server.Node) (*gatewayControls, error) {
	var c gatewayControls
	var err error
	if c.gateway, err = listenControl(dir); err != nil {
		return nil, fmt.Errorf("the other gateway commands could not reach this one: %w", err)
	}
	if n.Config.Follow {
		return &c, nil
	}
	at := n.Config.Venue
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, at)
	}
	if c.venue, err = listenControl(at); err != nil {
		c.venue = nil
		a.warnf("the venue commands cannot reach this gateway: %v", err)
	}
	return &c, nil
}

func (c *gatewayControls) close() error {
	err := c.gateway.Close()
	if c.venue != nil {
		err = errors.Join(err, c.venue.Close())
	}
	return err
}

// gatewayServing is where a gateway is reached, printed when it begins.
type gatewayServing struct {
	Sessions string `json:"sessions"`
	URL      string `json:"url,omitempty"`
	Admin    string `json:"admin,omitempty"`
	Gateway  string `json:"gateway"`
	Name     string `json:"name"`
	Venue    string `json:"venue"`
	Identity string `json:"identity"`
}

func gatewayServingOf(n *server.Node, l server.Listeners) *gatewayServing {
	id := n.Venue.Identity()
	s := &gatewayServing{Sessions: l.Sessions.Addr().String(), Gateway: n.Config.Name, Name: id.Name(), Venue: id.ID().String(), Identity: id.String()}
	if l.Publish != nil {
		s.URL = "http://" + l.Publish.Addr().String()
	}
	if l.Admin != nil {
		s.Admin = "http://" + l.Admin.Addr().String()
	}
	return s
}

func (r *gatewayServing) text() string {
	var t table
	t.add("sessions", "%s", r.Sessions)
	if r.URL != "" {
		t.add("descriptors", "%s", r.URL)
	}
	if r.Admin != "" {
		t.add("admin", "%s", r.Admin)
	}
	return t.String()
}

// Names of what a gateway's operator can do.
const (
	doGatewayStatus = "status"
	doHalt          = "halt"
	doResume        = "resume"
	doKill          = "kill"
	doKillAll       = "kill all"
	doBan           = "ban"
	doDrain         = "drain"
)

// gatewayJob is what is to be done in a gateway that runs.
type gatewayJob struct {
	Do string `json:"do"`
	// Session is whose orders are cancelled, or who is banned.
	Session string `json:"session,omitempty"`
}

// gatewayDone is what came out of a job.
type gatewayDone struct {
	Status *gateway.Status `json:"status,omitempty"`
	Ready  string          `json:"ready,omitempty"` // why not
}

func performAt(n *server.Node, drain func()) func(context.Context, gatewayJob) (*gatewayDone, error) {
	return func(ctx context.Context, j gatewayJob) (*gatewayDone, error) {
		var id order.SessionID
		if j.Session != "" {
			var err error
			if id, err = order.ParseSessionID(j.Session); err != nil {
				return nil, err
			}
		}
		var err error
		switch j.Do {
		case doGatewayStatus:
			done := &gatewayDone{}
			s := n.Gateway.Status()
			done.Status = &s
			if err := n.Gateway.Ready(); err != nil {
				done.Ready = err.Error()
			}
			return done, nil
		case doHalt, doResume:
			err = n.Gateway.Halt(ctx, j.Do == doHalt)
		case doKill:
			err = n.Gateway.Kill(ctx, id)
		case doKillAll:
			err = n.Gateway.KillAll(ctx)
		case doBan:
			err = errors.Join(n.Gateway.Ban(ctx, id), n.Venue.Ban(ctx, id.Epoch, id.ID))
		case doDrain:
			time.AfterFunc(drainAfter, drain) // the answer first
		default:
			err = fmt.Errorf("%w: job %q", zkkex.ErrUnsupported, j.Do)
		}
		return &gatewayDone{}, err
	}
}

// drainAfter lets the answer to a drain leave before the gateway does.
const drainAfter = 100 * time.Millisecond
