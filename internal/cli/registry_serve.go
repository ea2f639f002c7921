package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/registry/registrar"
)

// witnessFlags say who cosigns checkpoints.
type witnessFlags struct {
	witnesses []string
	quorum    int
}

func (f *witnessFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.witnesses, "witness", nil, "ask a witness to cosign: `URL=KEY`, with its cosignature key; repeat for more")
	c.Flags().IntVar(&f.quorum, "quorum", 0, "how many witnesses must cosign before a checkpoint is published (default all)")
}

// cosigner returns who is asked before a checkpoint is published, or nil. The
// flags may be nil.
func (a *app) cosigner(f *witnessFlags, verifierKey string) (registrar.Cosigner, error) {
	if f == nil || len(f.witnesses) == 0 {
		return nil, nil
	}
	if a.proxy != "" {
		return nil, usagef("--proxy and --witness: witnesses are asked directly, so give one of them")
	}
	var witnesses []registrar.Witness
	for _, w := range f.witnesses {
		url, key, found := strings.Cut(w, "=")
		if !found {
			return nil, usagef("--witness %q: expected URL=KEY", w)
		}
		witnesses = append(witnesses, registrar.Witness{URL: url, VerifierKey: key})
	}
	quorum := f.quorum
	if quorum == 0 {
		quorum = len(witnesses)
	}
	cosign, err := registrar.NewCosigner(verifierKey, witnesses, quorum)
	if err != nil {
		return nil, usagef("--witness: %w", err)
	}
	return cosign, nil
}

func (a *app) registryServeCommand(o *registryOptions) *cobra.Command {
	var s serveOptions
	c := &cobra.Command{
		Use:   "serve",
		Short: "serve the registry over HTTP",
		Long: `Serve publishes the registry and takes enrolment requests, until it is
interrupted. It admits approved requests and signs a checkpoint at intervals, so
that admissions in one checkpoint hide one another's times.

Requests wait for "zkkex registry approve", unless --allow or --approve-all
decides. There is no way to ask the server for one member's path: such a
question says who is asking. It keeps no log of addresses.

Put TLS in front of it. The first line of standard output is the address.`,
		Example: `  zkkex registry serve --listen 127.0.0.1:8080
  zkkex registry serve --listen :8080 --allow members.txt --checkpoint-interval 10m`,
		Args: noArguments,
	}
	c.Flags().StringVar(&s.listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on; port 0 takes a free one")
	c.Flags().BoolVar(&s.approveAll, "approve-all", false, "admit everybody who asks: for tests and demonstrations")
	c.Flags().StringVar(&s.allow, "allow", "", "approve the public keys in `FILE`, a key type and a key in hexadecimal on each line")
	c.Flags().DurationVar(&s.interval, "checkpoint-interval", registrar.DefaultCheckpointInterval, "how often there can be a new checkpoint")
	c.Flags().DurationVar(&s.renew, "renew-interval", registrar.DefaultRenewInterval, "the longest time without a new signature")
	c.Flags().DurationVar(&s.delegation, "max-delegation", registrar.DefaultMaxDelegation, "the longest that a device can delegate for")
	s.witnesses.register(c)
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) { return a.serve(ctx, o, &s) })
	return c
}

type serveOptions struct {
	listen          string
	approveAll      bool
	allow           string
	interval, renew time.Duration
	delegation      time.Duration
	witnesses       witnessFlags
}

// approval returns the policy that decides about requests, or nil for people.
func (s *serveOptions) approval() (registrar.ApprovalPolicy, error) {
	switch {
	case s.approveAll && s.allow != "":
		return nil, usagef("--approve-all and --allow: give one of them")
	case s.approveAll:
		return registrar.ApproveAll, nil
	case s.allow != "":
		return registrar.ApproveListed(s.allow), nil
	default:
		return nil, nil
	}
}

func (a *app) serve(ctx context.Context, o *registryOptions, s *serveOptions) (_ result, err error) {
	approve, err := s.approval()
	if err != nil {
		return nil, err
	}
	if s.delegation < time.Minute || s.delegation > enrolment.MaxDelegation {
		return nil, usagef("--max-delegation %v: expected from a minute to %v", s.delegation, enrolment.MaxDelegation)
	}
	if s.interval < 0 || s.renew < 0 {
		return nil, usagef("--checkpoint-interval and --renew-interval must not be negative")
	}
	dir, err := a.folder(o)
	if err != nil {
		return nil, err
	}
	queue, err := openQueue(dir)
	if err != nil {
		return nil, err
	}
	r, err := a.openRegistrar(dir)
	if errors.Is(err, registrar.ErrLocked) {
		return nil, withHint(err, "one server is enough; the other commands work beside it")
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	op := &operator{registrar: r, queue: queue, now: a.env.Now}
	if op.cosigner, err = a.cosigner(&s.witnesses, r.VerifierKey()); err != nil {
		return nil, err
	}
	if s.approveAll {
		a.warnf("--approve-all: whoever makes a key is a member, as often as they like")
	}
	server := registrar.NewServer(r, queue, registrar.ServerConfig{
		Approve: approve, CheckpointInterval: s.interval, RenewInterval: s.renew, MaxDelegation: s.delegation, Cosigner: op.cosigner,
		Log: a.logger(), Now: a.env.Now,
	})
	return nil, a.listenAndServe(ctx, s.listen, dir, server, op)
}

// listenAndServe serves the network and the registrar's other commands.
func (a *app) listenAndServe(ctx context.Context, address, dir string, server *registrar.Server, op *operator) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", address, err)
	}
	control, err := listenControl(dir)
	if err != nil {
		a.warnf("the other registry commands cannot reach this server: %v", err)
	}
	if err := a.emit(&serveResult{
		URL: "http://" + l.Addr().String(), Registry: op.registrar.ID().String(), Name: op.registrar.Name(), VerifierKey: op.registrar.VerifierKey(),
	}, nil); err != nil {
		return errors.Join(err, l.Close())
	}
	a.notef("serving %s, key %s", op.registrar.Name(), op.registrar.VerifierKey())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Serve(ctx, l) })
	if control != nil {
		group.Go(func() error { return serveControl(ctx, control, op.perform) })
	}
	return group.Wait()
}

// serveResult is what is served, printed when it begins.
type serveResult struct {
	URL         string `json:"url"`
	Name        string `json:"name"`
	Registry    string `json:"registry"`
	VerifierKey string `json:"verifier_key"`
}

func (r *serveResult) text() string { return r.URL + "\n" }
