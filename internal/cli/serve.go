package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/tunnel"
	"github.com/zkkex/zkkex/venue"
)

// venueServeOptions say what a venue serves, and where.
type venueServeOptions struct {
	venue    venueOptions
	params   paramsFlags
	listen   string
	publish  string
	upstream string
	carried  int
}

func (a *app) serveCommand() *cobra.Command {
	var s venueServeOptions
	c := &cobra.Command{
		Use:     "serve --upstream HOST:PORT --params PARAMS",
		GroupID: groupVenue,
		Short:   "take anonymous members' sessions, and carry them to a server behind",
		Long: `Serve is a venue's side of "zkkex tunnel": it takes sessions of members that it
cannot name, and connects each to the server at --upstream, bytes unchanged.
That server sees connections from here and needs to know nothing of zkkex.

It follows the registry, issues descriptors when they are due, and publishes
them over HTTP at --publish, where members fetch them. Put TLS in front of that
if you like; descriptors are signed. It keeps no log of addresses. The other
venue commands work beside it.

Interrupt it once, and it takes no new sessions and lets those there are end,
for 20 seconds; twice, and it ends at once. A session that is cut off is reset
on both sides, never shown as complete.`,
		Example: `  zkkex serve --upstream 127.0.0.1:5432 --params ./params
  zkkex serve --dir ./venue --listen 127.0.0.1:9440 --publish 127.0.0.1:9441 --upstream 127.0.0.1:8000 --params dev`,
		Args: noArguments,
	}
	s.venue.register(c)
	s.params.register(c)
	f := c.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:9440", "`ADDRESS` to take sessions on; port 0 takes a free one")
	f.StringVar(&s.publish, "publish", "127.0.0.1:9441", "`ADDRESS` to publish descriptors on over HTTP, or none for \"zkkex venue export\"")
	f.StringVar(&s.upstream, "upstream", "", "`HOST:PORT` of the server that sessions are carried to")
	f.IntVar(&s.carried, "max-sessions", 0, "how many sessions are carried at once (default 1024)")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) { return nil, a.serveVenue(ctx, &s) })
	return c
}

func (a *app) serveVenue(ctx context.Context, s *venueServeOptions) (err error) {
	if s.upstream == "" {
		return usagef("name the server that sessions are carried to with --upstream HOST:PORT")
	}
	if _, port, err := net.SplitHostPort(s.upstream); err != nil || port == "" {
		return usagef("--upstream %q: expected HOST:PORT", s.upstream)
	}
	if s.carried < 0 {
		return usagef("--max-sessions must not be negative")
	}
	dir, err := a.venueDir(&s.venue)
	if err != nil {
		return err
	}
	sets, err := s.params.admitting()
	if err != nil {
		return err
	}
	v, err := a.openVenue(dir, sets)
	if errors.Is(err, filelock.ErrLocked) {
		return withHint(err, "one server is enough; the other venue commands work beside it")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	done := a.progress("following the registry")
	first := v.Maintain(ctx)
	done()
	if first != nil && ctx.Err() != nil {
		return first
	}
	if first != nil {
		a.warnf("%v; trying again", first)
	}
	return a.carry(ctx, dir, v, s)
}

// carry serves the venue's members, until ctx ends.
func (a *app) carry(ctx context.Context, dir string, v *venue.Venue, s *venueServeOptions) error {
	l, err := a.listenVenue(dir, v, s)
	if err != nil {
		return err
	}
	a.warnUpstream(ctx, s.upstream)
	if err := a.emit(l.serving(v), nil); err != nil {
		return errors.Join(err, l.close())
	}
	a.notef("serving %s, fingerprint %s", v.Config().Name, v.Identity().Fingerprint())
	carrier := &tunnel.Server{
		Listener: l.sessions, Network: "tcp", Address: s.upstream,
		Limits: tunnel.Limits{Connections: s.carried}, Log: a.logger(),
	}
	group, ctx := errgroup.WithContext(ctx)
	if l.publish != nil {
		group.Go(func() error { return publish(ctx, l.publish, v.Handler()) })
	}
	if l.control != nil {
		group.Go(func() error { return serveControl(ctx, l.control, performIn(v)) })
	}
	group.Go(func() error { return carrier.Serve(ctx) })
	group.Go(func() error { return unlessDone(ctx, v.Run(ctx)) })
	return group.Wait()
}

// venueListeners are where a venue is reached. publish and control can be nil.
type venueListeners struct{ sessions, publish, control net.Listener }

func (a *app) listenVenue(dir string, v *venue.Venue, s *venueServeOptions) (*venueListeners, error) {
	var l venueListeners
	sessions, err := v.Listen("tcp", s.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", s.listen, err)
	}
	l.sessions = sessions
	if s.publish != "none" {
		if l.publish, err = net.Listen("tcp", s.publish); err != nil {
			l.publish = nil
			return nil, errors.Join(fmt.Errorf("--publish %s: %w", s.publish, err), l.close())
		}
	}
	if l.control, err = listenControl(dir); err != nil {
		l.control = nil
		a.warnf("the other venue commands cannot reach this server: %v", err)
	}
	return &l, nil
}

func (l *venueListeners) close() error {
	var errs []error
	for _, one := range []net.Listener{l.sessions, l.publish, l.control} {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}

// serving says where the listeners are.
func (l *venueListeners) serving(v *venue.Venue) *venueServing {
	id := v.Identity()
	s := &venueServing{
		Sessions: l.sessions.Addr().String(), Name: id.Name(), Venue: id.ID().String(),
		Fingerprint: id.Fingerprint(), Identity: id.String(),
	}
	if l.publish != nil {
		s.URL = "http://" + l.publish.Addr().String()
	}
	return s
}

// upstreamWait is how long the server behind may take to answer at the start.
const upstreamWait = 2 * time.Second

// warnUpstream warns if nothing answers at the upstream now. It may come later.
func (a *app) warnUpstream(ctx context.Context, address string) {
	ctx, cancel := context.WithTimeout(ctx, upstreamWait)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		a.warnf("nothing answers at --upstream %s: %v; sessions are reset until something does", address, err)
		return
	}
	_ = c.Close()
}

// publish serves what members fetch.
func publish(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// unlessDone is nil for the error with which something ends that ctx has ended.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// venueServing is what is served, printed when it begins.
type venueServing struct {
	Sessions    string `json:"sessions"`
	URL         string `json:"url,omitempty"`
	Name        string `json:"name"`
	Venue       string `json:"venue"`
	Fingerprint string `json:"fingerprint"`
	Identity    string `json:"identity"`
}

func (r *venueServing) text() string {
	var t table
	t.add("sessions", "%s", r.Sessions)
	if r.URL != "" {
		t.add("descriptors", "%s", r.URL)
	}
	return t.String()
}
