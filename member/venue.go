package member

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// chainName is the file with the descriptors of a venue.
const chainName = "chain"

const (
	// VenueSyncInterval is the mean time between two syncs of [Venue.Run].
	VenueSyncInterval = 5 * time.Minute
	// namedMaxAge is how old the copy of the registry may be in which a root is
	// looked up that a venue named.
	namedMaxAge = 48 * time.Hour
)

// ErrVenueRegistry reports a venue that admits the members of a registry that is
// not trusted here.
var ErrVenueRegistry = errors.New("the venue admits members of a registry that is not trusted here")

// VenueOptions say how a member uses a venue.
type VenueOptions struct {
	// Ahead is how many session certificates are kept ready: 0 is
	// [session.DefaultPoolSize], and [session.NoneAhead] makes each when it is
	// asked for. Those that are ready when the process ends are lost, with their
	// slots.
	Ahead int
	// Admit has certificates admitted ahead of their use, each on a connection of
	// its own at a random moment within AdmitSpread; opening a session then costs
	// the venue no verification. Otherwise they are shown when they are opened.
	Admit       bool
	AdmitSpread time.Duration
	// Channel configures the channels.
	Channel handshake.ClientConfig
	// Refreshed, if set, is called after each sync of [Venue.Run], with its error.
	Refreshed func(error)
}

// Venue is a venue that a member opens sessions at. It is safe for concurrent
// use. Close it.
type Venue struct {
	member  *Member
	id      descriptor.VenueID
	config  VenueConfig
	options VenueOptions
	chain   *descriptor.Chain
	client  *venueclient.Client
	pool    *session.Pool
	dialer  handshake.Dialer
	provers venueProver

	syncing sync.Mutex
}

// OpenVenue opens a venue that is trusted. It needs no network: what was seen of
// the venue is on disk, and [Venue.Sync] brings it up to date. The pool of session
// certificates is filled in the background.
//
// It returns an error wrapping [ErrNoVenue], or those of
// [descriptor.LoadChain] and [session.NewPool].
func (m *Member) OpenVenue(id descriptor.VenueID, o VenueOptions) (*Venue, error) {
	c, err := m.venueConfig(id)
	if err != nil {
		return nil, err
	}
	v := &Venue{member: m, id: id, config: *c, options: o}
	v.provers.venue = v
	if v.chain, err = v.loadChain(); err != nil {
		return nil, err
	}
	v.client, err = venueclient.New(venueclient.Config{URL: c.URL, Dial: m.options.Dial, Now: m.options.Now})
	if err != nil {
		return nil, err
	}
	v.dialer = handshake.Dialer{Venue: v.present, Dial: m.options.Dial, Config: o.Channel}
	pool := session.PoolConfig{Prover: &v.provers, Terms: v, Size: o.Ahead, AdmitSpread: o.AdmitSpread, Now: m.options.Now}
	if o.Admit {
		pool.Admit = v.dialer.Admit
	}
	v.pool, err = session.NewPool(pool)
	return v, err
}

func (v *Venue) loadChain() (*descriptor.Chain, error) {
	c, err := v.config.chainConfig()
	if err != nil {
		return nil, err
	}
	chain, err := descriptor.LoadChain(filepath.Join(v.member.venueDir(v.id), chainName), c)
	if errors.Is(err, fs.ErrNotExist) {
		return descriptor.NewChain(c)
	}
	return chain, err
}

// Close stops the pool and wipes what is in it. Sessions go on.
func (v *Venue) Close() error {
	err := v.pool.Close()
	v.provers.close()
	return err
}

// ID returns the venue's identifier, and Name its name.
func (v *Venue) ID() descriptor.VenueID { return v.id }

// Name returns the venue's name.
func (v *Venue) Name() string { return v.config.Name() }

// Sync brings the venue's descriptors, and the copy of its registry, up to date.
// What it asks for says nothing about the member. It returns the errors of
// [venueclient.Client.Update] and [Member.Sync], and one wrapping
// [ErrVenueRegistry].
func (v *Venue) Sync(ctx context.Context) error {
	v.syncing.Lock()
	defer v.syncing.Unlock()
	_, err := v.client.Update(ctx, v.chain)
	if saved := v.saveChain(); err == nil {
		err = saved
	}
	if err != nil {
		return err
	}
	id, err := v.registry()
	if err != nil {
		return err
	}
	_, err = v.member.Sync(ctx, id)
	v.pool.Refresh()
	return err
}

// saveChain keeps what was taken in, evidence against the venue included.
func (v *Venue) saveChain() error {
	if v.chain.Latest() == nil && v.chain.Fork() == nil {
		return nil
	}
	dir := v.member.venueDir(v.id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return descriptor.SaveChain(filepath.Join(dir, chainName), v.chain)
}

// Run syncs, now and then at random times about [VenueSyncInterval] apart, until
// ctx ends, whose error it returns. A sync that fails is tried again.
func (v *Venue) Run(ctx context.Context) error {
	for {
		err := v.Sync(ctx)
		if v.options.Refreshed != nil && ctx.Err() == nil {
			v.options.Refreshed(err)
		}
		// A mean of the interval, from a half to one and a half.
		pause := VenueSyncInterval/2 + rand.N(VenueSyncInterval)
		if err != nil {
			pause /= 10
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// registry returns the registry whose members the venue admits.
func (v *Venue) registry() (zkkex.RegistryID, error) {
	d := v.chain.Latest()
	if d == nil {
		return zkkex.RegistryID{}, fmt.Errorf("venue %s: %w", v.Name(), descriptor.ErrNotYet)
	}
	id := d.RegistryID()
	if _, err := v.member.known(id); err != nil {
		return id, fmt.Errorf("%w: %s; trust it with a URL and this key, if your registrar confirms the key", ErrVenueRegistry, d.Registry)
	}
	return id, nil
}

// current returns the descriptor of now, after a sync if what is known is over.
func (v *Venue) current(ctx context.Context, refresh bool) (*descriptor.Signed, error) {
	if !refresh {
		d, err := v.chain.Current(v.member.options.Now())
		if err == nil || errors.As(err, new(*descriptor.ForkError)) {
			return d, err
		}
	}
	if err := v.Sync(ctx); err != nil {
		return nil, err
	}
	return v.chain.Current(v.member.options.Now())
}

// present is what the dialer knows of the venue.
func (v *Venue) present(ctx context.Context, refresh bool) (*handshake.Venue, []handshake.Address, error) {
	d, err := v.current(ctx, refresh)
	if err != nil {
		return nil, nil, err
	}
	now := v.member.options.Now()
	epoch, err := d.Schedule.At(now)
	if err != nil {
		return nil, nil, err
	}
	choice, err := v.choose(d, epoch.Number, now)
	if err != nil {
		return nil, nil, err
	}
	known, err := venueclient.Handshake(d, choice.Suite)
	if err != nil {
		return nil, nil, err
	}
	var addresses []handshake.Address
	for _, a := range d.Addresses {
		if a.Network == "tcp" {
			addresses = append(addresses, handshake.Address{Network: a.Network, Place: a.Place})
		}
	}
	return known, addresses, nil
}

// choose returns what member and venue have in common in an epoch.
func (v *Venue) choose(d *descriptor.Signed, epoch uint64, now time.Time) (*descriptor.Choice, error) {
	id, err := v.registry()
	if err != nil {
		return nil, err
	}
	r, err := v.member.known(id)
	if err != nil {
		return nil, err
	}
	copied, err := v.member.Mirror(id)
	if err != nil {
		return nil, err
	}
	p, err := v.proverAt(copied, d, epoch)
	if err != nil {
		return nil, err
	}
	policy := descriptor.Policy{
		Identity: v.chain.Identity(), Registry: r.VerifierKey,
		Circuit: p.Circuit(), Params: []zkkex.ParamsDigest{p.Params()},
		MinMembers: max(r.MinMembers, v.config.MinMembers),
		Roots:      copied.Named(namedMaxAge),
	}
	if v.config.RequirePrekey {
		policy.MinSecurity = descriptor.HybridPrekey
	}
	return policy.Check(&d.Descriptor, epoch, now)
}

// Terms implements [session.TermsSource]: what is known of the venue, now.
func (v *Venue) Terms(_ context.Context, now time.Time) ([]session.Terms, error) {
	d, err := v.chain.Current(now)
	if err != nil {
		return nil, err
	}
	epoch, err := d.Schedule.At(now)
	if err != nil {
		return nil, err
	}
	var out []session.Terms
	for _, number := range []uint64{epoch.Number, epoch.Number + 1} {
		if _, named := d.Terms(number); !named {
			continue
		}
		choice, err := v.choose(d, number, now)
		if errors.Is(err, mirror.ErrNotMember) && len(out) > 0 {
			break // a member that leaves has this epoch still
		}
		if err != nil && number == epoch.Number+1 {
			break // the next epoch is not for us to worry about yet
		}
		if err != nil {
			return nil, err
		}
		out = append(out, session.Terms{
			Scope: choice.Scope, Epoch: zkkex.Epoch{Schedule: d.Schedule, Number: number}, Limit: choice.Terms.Limit,
			Root: choice.Terms.Root, Sequence: choice.Terms.Sequence, Generation: d.Generation,
		})
	}
	if len(out) == 0 {
		return nil, session.ErrNoTerms
	}
	return out, nil
}
