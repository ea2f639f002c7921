package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/tunnel"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// tunnelOptions say which venue is tunnelled to, and from where.
type tunnelOptions struct {
	venue   string
	params  paramsFlags
	listen  string
	ahead   int
	admit   time.Duration
	noRenew bool
}

func (a *app) tunnelCommand() *cobra.Command {
	var o tunnelOptions
	c := &cobra.Command{
		Use:     "tunnel --params PARAMS [--venue NAME]",
		GroupID: groupMember,
		Short:   "carry local connections to a venue, anonymously",
		Long: `Tunnel listens on a local port. Every connection to it becomes a session at the
venue, each with a fresh certificate: the venue cannot tell that two of them are
yours. Any program can use it, unchanged: a FIX engine, psql, curl.

A connection that outlives its epoch is renewed with a certificate of the next
one, which tells the venue that the two certificates are one member's;
--no-renew lets it end instead, with a reset. Whoever can connect to the port
acts as you, so it belongs on a loopback address.

Certificates are made ahead; those left when tunnel ends are lost, with their
slots. Addresses and timing are not hidden: use --proxy for the first.

Interrupt it once, and it takes no new connections and lets those there are end,
for 20 seconds; twice, and it ends at once.`,
		Example: `  zkkex tunnel --params ./params --listen 127.0.0.1:5432
  zkkex tunnel --home alice --venue venue.example --params dev --listen 127.0.0.1:8000
  zkkex tunnel --params dev --proxy socks5://127.0.0.1:9050`,
		Args: noArguments,
	}
	o.params.register(c)
	defer a.completeMember(c)
	f := c.Flags()
	f.StringVar(&o.venue, "venue", "", "the venue: its `NAME`, URL or identifier (default the only one)")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "local `ADDRESS` that programs connect to; port 0 takes a free one")
	f.IntVar(&o.ahead, "ahead", 1, "how many session certificates are kept ready")
	f.DurationVar(&o.admit, "admit-ahead", 0, "have certificates admitted at a random time within `DURATION` after they are made, so that opening a session takes no verification (default: when they are used)")
	f.BoolVar(&o.noRenew, "no-renew", false, "let sessions end with their epoch rather than link two certificates")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		opened := func(m *member.Options) {
			m.ProofSystem = o.params.proofSystem()
			m.Params = func(circuit zkkex.CircuitID) (*params.Proving, error) { return o.params.proving(circuit) }
		}
		return a.withMember(ctx, opened, func(m *member.Member) (result, error) { return nil, a.tunnel(ctx, m, &o) })
	})
	return c
}

func (a *app) tunnel(ctx context.Context, m *member.Member, o *tunnelOptions) (err error) {
	if o.ahead < 0 || o.admit < 0 {
		return usagef("--ahead and --admit-ahead must not be negative")
	}
	if _, _, err := o.params.folder(zkkex.BabyJubjub20); err != nil {
		return err
	}
	id, err := m.FindVenue(o.venue)
	if err != nil {
		return err
	}
	// Before certificates are made, whose slots would be lost; but programs that
	// connect must not wait for a passphrase.
	if err := a.checkFree(o.listen); err != nil {
		return err
	}
	if err := a.unlock(ctx, m); err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	v, err := a.openMemberVenue(m, id, o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if err := a.prepare(ctx, m, v); err != nil {
		return errors.Join(err, l.Close())
	}
	if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		a.warnf("%s is not a loopback address: whoever can connect to it acts as you", l.Addr())
	}
	if err := a.emit(&tunnelling{Local: l.Addr().String(), Venue: v.Name(), ID: v.ID().String()}, nil); err != nil {
		return errors.Join(err, l.Close())
	}
	client := &tunnel.Client{
		Listener: l, Log: a.logger(),
		Dial: func(ctx context.Context) (net.Conn, error) {
			s, err := v.Fresh(ctx)
			if err != nil {
				return nil, withAdvice(err)
			}
			return s, nil
		},
	}
	if !o.noRenew {
		client.KeepAlive = a.keepAlive
	}
	defer context.AfterFunc(ctx, func() {
		if left := client.Stats().Active; left > 0 {
			a.notef("%d connections are left and have up to %v; interrupt again to end at once", left, tunnel.DefaultDrain)
		}
	})()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return client.Serve(ctx) })
	group.Go(func() error { return unlessDone(ctx, v.Run(ctx)) })
	return group.Wait()
}

// checkFree returns an error if an address cannot be listened on.
func (a *app) checkFree(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", address, err)
	}
	return l.Close()
}

// keepAlive renews a session as long as it lasts.
func (a *app) keepAlive(ctx context.Context, channel net.Conn) {
	s, ok := channel.(*member.Session)
	if !ok {
		return
	}
	s.KeepAlive(ctx, func(err error) { a.warnf("renewing a session: %v", withAdvice(err)) })
}

func (a *app) openMemberVenue(m *member.Member, id descriptor.VenueID, o *tunnelOptions) (*member.Venue, error) {
	failing := false
	ahead := o.ahead
	if ahead == 0 {
		ahead = -1
	}
	return m.OpenVenue(id, member.VenueOptions{
		Ahead: ahead, Admit: o.admit > 0, AdmitSpread: o.admit,
		Refreshed: func(err error) {
			if err != nil && !failing {
				a.warnf("syncing with the venue: %v; trying again", withAdvice(err))
			}
			failing = err != nil
		},
	})
}

// unlock opens the key while somebody is there to type a passphrase.
func (a *app) unlock(ctx context.Context, m *member.Member) error {
	if !m.Encrypted() {
		return nil
	}
	passphrase, err := a.passphrase(ctx)()
	if err != nil {
		return err
	}
	return m.Unlock(passphrase)
}

// prepare makes sure that the venue is one that sessions can be opened at.
func (a *app) prepare(ctx context.Context, m *member.Member, v *member.Venue) error {
	done := a.progress("syncing with %s", v.Name())
	err := v.Sync(ctx)
	done()
	if state := v.State(); err != nil && ctx.Err() == nil && unreached(err) && state.Problem == nil {
		// The server of descriptors is not what sessions are opened at.
		a.warnf("syncing with %s: %v; going on with what is known, which holds until %s", v.Name(), err, state.Until.UTC().Format(time.RFC3339))
		err = nil
	}
	if err != nil {
		return err
	}
	if err := v.State().Problem; err != nil {
		return err
	}
	s, err := m.VenueStatus(v.ID())
	if err != nil {
		return err
	}
	if s.Problem == nil && s.Left == 0 {
		a.warnf("all of your %d slots at %s are used: connections are reset until the next epoch begins, at %s", s.Limit, v.Name(), s.Ends.UTC().Format(time.RFC3339))
	}
	return s.Problem
}

// unreached reports whether an error means that nobody answered: nothing that
// somebody said is passed over.
func unreached(err error) bool {
	code := codeOf(err)
	return code == "network" || code == "timeout"
}

// withAdvice returns an error that says what to do as well, for where hints are
// not shown beside it.
func withAdvice(err error) error {
	var failed *session.MakeError
	if errors.As(err, &failed) && errors.Is(err, slots.ErrNoSlot) {
		return fmt.Errorf("%w; fresh ones come with the next epoch, at %s", err, failed.Next.UTC().Format(time.RFC3339))
	}
	if hint := hintOf(err); hint != "" {
		return fmt.Errorf("%w; %s", err, hint)
	}
	return err
}

// tunnelling is what is carried, printed when it begins.
type tunnelling struct {
	Local string `json:"local"`
	Venue string `json:"venue"`
	ID    string `json:"venue_id"`
}

func (r *tunnelling) text() string { return r.Local + "\n" }
