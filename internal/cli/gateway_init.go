package cli

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order/server"
	"github.com/zkkex/zkkex/venue"
)

// gatewayInitOptions are what an operator decides on the command line; the rest is
// decided in gateway.json.
type gatewayInitOptions struct {
	config server.Config
	venue  string
}

func (a *app) gatewayInitCommand(o *gatewayOptions) *cobra.Command {
	i := gatewayInitOptions{config: server.DefaultConfig("")}
	c := &cobra.Command{
		Use:   "init [--venue DIR]",
		Short: "make a gateway: write its configuration, and begin its journal",
		Long: `Init makes a gateway in an empty folder, beside a venue that "zkkex venue init"
made. Budgets, instruments and everything else are in gateway.json, and can be
changed there while the gateway is stopped.

Without --engine, orders are matched by a simple book in the gateway's own
process: good for trials, and nothing more. With --postgresql, journal and
admissions are in a database that several gateways share; the first init makes
the tables. Its password belongs in the file that PGPASSFILE names.

A second gateway of the same venue takes --follow: descriptors are issued by the
first, and read from the venue's folder or a copy that is kept up to date.`,
		Example: `  zkkex gateway init --venue ./venue --dir ./gateway
  zkkex gateway init --venue ./venue --dir ./gateway-a --name a --engine unix:./engine.sock \
      --postgresql "host=/var/run/postgresql dbname=orders"
  zkkex gateway init --venue ./venue --dir ./gateway-b --name b --follow --engine unix:./engine.sock \
      --postgresql "host=/var/run/postgresql dbname=orders" --listen 127.0.0.1:9450 --publish 127.0.0.1:9451 --admin 127.0.0.1:9452`,
		Args: noArguments,
	}
	f := c.Flags()
	f.StringVar(&i.venue, "venue", "", "the venue's `DIR` (default venue in the state directory)")
	f.StringVar(&i.config.Name, "name", i.config.Name, "the gateway's `NAME`, among those that share a journal")
	f.BoolVar(&i.config.Follow, "follow", false, "another gateway issues the venue's descriptors")
	f.StringVar(&i.config.Sessions, "listen", i.config.Sessions, "`ADDRESS` to take sessions on")
	f.StringVar(&i.config.Publish, "publish", i.config.Publish, "`ADDRESS` to publish descriptors on over HTTP, or none")
	f.StringVar(&i.config.Admin, "admin", i.config.Admin, "`ADDRESS` of health and metrics, or none")
	f.StringVar(&i.config.PostgreSQL, "postgresql", "", "`CONNECTION` string of a shared journal, without a password")
	f.IntVar(&i.config.Replicas, "replicas", 0, "how many synchronous standbys the database must have")
	f.StringVar(&i.config.Engine, "engine", "", "where the matching engine answers: `unix:PATH or HOST:PORT`")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) { return a.initGateway(ctx, o, &i) })
	return c
}

func (a *app) initGateway(ctx context.Context, o *gatewayOptions, i *gatewayInitOptions) (result, error) {
	dir, err := a.gatewayDir(o)
	if err != nil {
		return nil, err
	}
	at, err := a.venueDir(&venueOptions{i.venue})
	if err != nil {
		return nil, err
	}
	if i.config.Venue, err = relative(dir, at); err != nil {
		return nil, err
	}
	if socket, isSocket := strings.CutPrefix(i.config.Engine, "unix:"); isSocket && !filepath.IsAbs(socket) {
		// On the command line it is as seen from here, in the folder as seen from there.
		if socket, err = relative(dir, socket); err != nil {
			return nil, err
		}
		i.config.Engine = "unix:" + socket
	}
	for _, place := range []*string{&i.config.Publish, &i.config.Admin} {
		if *place == "none" {
			*place = ""
		}
	}
	if e := i.config.Engine; e != "" && !strings.HasPrefix(e, "unix:") {
		if _, _, err := net.SplitHostPort(e); err != nil {
			return nil, usagef("--engine %s: expected unix:PATH or HOST:PORT", e)
		}
	}
	done := a.progress("making the journal")
	err = server.Init(ctx, dir, i.config)
	done()
	if errors.Is(err, zkkex.ErrMalformed) {
		return nil, &usageError{err} // all of it came from the command line
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, withHint(err, "choose another --dir, or change gateway.json in it")
	}
	if err != nil {
		return nil, err
	}
	a.noteAddress(at, i.config.Sessions)
	a.notef("next: zkkex gateway run --dir %s --params PARAMS", dir)
	return &gatewayMade{Folder: dir, Name: i.config.Name, Venue: i.config.Venue}, nil
}

// noteAddress says if the venue sends members to other ports than the one where the
// gateway listens: right behind a proxy, and a mistake otherwise.
func (a *app) noteAddress(dir, listen string) {
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return // of a follower, it comes later
	}
	c, err := venue.ParseConfig(text)
	if err != nil {
		return // run says so
	}
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return
	}
	var told []string
	for _, address := range c.Addresses {
		if strings.HasSuffix(address.Place, ":"+port) {
			return
		}
		told = append(told, address.Place)
	}
	a.warnf("the gateway listens on %s, and the venue tells members to connect to %s: unless something there passes them on, change sessions in gateway.json, or addresses in the venue's config.json", listen, strings.Join(told, ", "))
}

// relative returns where a folder is, as seen from another one that will be made.
func relative(from, to string) (string, error) {
	from, err := filepath.Abs(from)
	if err != nil {
		return "", err
	}
	if to, err = filepath.Abs(to); err != nil {
		return "", err
	}
	return filepath.Rel(from, to)
}

// gatewayMade is what init made.
type gatewayMade struct {
	Folder string `json:"folder"`
	Name   string `json:"name"`
	Venue  string `json:"venue"`
}

func (r *gatewayMade) text() string {
	var t table
	t.add("gateway", "%s", r.Name)
	t.add("folder", "%s", r.Folder)
	t.add("venue", "%s", r.Venue)
	return t.String()
}
