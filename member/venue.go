package member

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// VenueSyncInterval is the mean time between two syncs of [Venue.Run].
const VenueSyncInterval = 5 * time.Minute

// VenueOptions say how a member uses a venue. The zero value works.
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
	// Channel configures the channels. Its clock is the member's unless it has one
	// of its own.
	Channel handshake.ClientConfig
	// Refreshed, if set, is called after each sync of [Venue.Run], with its error.
	Refreshed func(error)
}

// Venue is a venue that a member opens sessions at. It is safe for concurrent
// use. Close it before the member.
type Venue struct {
	member  *Member
	id      descriptor.VenueID
	config  VenueConfig
	options VenueOptions
	seen    *venueChain
	client  *venueclient.Client
	pool    *session.Pool
	provers venueProver
	spare   spare
	nap     time.Duration // see [Session.sleepUntil]
	looked  atomic.Int64  // when [Venue.mayLook] last agreed, in Unix nanoseconds
}

// OpenVenue opens a venue that is trusted. It needs no network: what was seen of
// the venue is on disk, and [Venue.Sync] brings it up to date. The pool of session
// certificates is filled in the background; if the key is encrypted, call
// [Member.Unlock] before, or the passphrase is asked for then.
//
// It returns an error wrapping [ErrNoVenue], or those of
// [descriptor.LoadChain] and [session.NewPool].
func (m *Member) OpenVenue(id descriptor.VenueID, o VenueOptions) (*Venue, error) {
	c, err := m.venueConfig(id)
	if err != nil {
		return nil, err
	}
	if o.Channel.Now == nil {
		o.Channel.Now = m.options.Now
	}
	v := &Venue{member: m, id: id, config: *c, options: o, nap: maxNap}
	v.provers.venue = v
	if v.seen, err = openVenueChain(m.venueDir(id), *c); err != nil {
		return nil, err
	}
	v.client, err = venueclient.New(venueclient.Config{URL: c.URL, Dial: m.options.Dial, Now: m.options.Now})
	if err != nil {
		return nil, err
	}
	pool := session.PoolConfig{Prover: &v.provers, Terms: v, Size: o.Ahead, AdmitSpread: o.AdmitSpread, Now: m.options.Now}
	if o.Admit {
		pool.Admit = v.admit
	}
	if v.pool, err = session.NewPool(pool); err != nil {
		return nil, err
	}
	return v, nil
}

// Close stops the pool and wipes what is in it. Sessions that are open go on, but
// cannot be renewed or resumed.
func (v *Venue) Close() error {
	err := v.pool.Close()
	v.spare.close()
	v.provers.close()
	return err
}

// ID returns the venue's identifier.
func (v *Venue) ID() descriptor.VenueID { return v.id }

// Name returns the venue's name, which is part of its identity.
func (v *Venue) Name() string { return v.config.Name() }

// Sync brings the venue's descriptors, and the copy of its registry, up to date.
// What it asks for says nothing about the member. Of several that are called at
// once, each waits its turn, no longer than ctx.
//
// It returns the errors of [venueclient.Client.Update] and [Member.Sync], and one
// wrapping [ErrVenueRegistry]. What could be brought up to date is, also if the
// rest failed.
func (v *Venue) Sync(ctx context.Context) error {
	return errors.Join(v.syncDescriptors(ctx), v.syncRegistry(ctx))
}

func (v *Venue) syncDescriptors(ctx context.Context) error {
	err := v.seen.update(ctx, v.client)
	v.pool.Refresh()
	if err != nil {
		return fmt.Errorf("venue %s: %w", v.Name(), err)
	}
	return nil
}

// syncRegistry syncs the registry that the venue's descriptors name, if there are
// any.
func (v *Venue) syncRegistry(ctx context.Context) error {
	if v.seen.known().Latest() == nil {
		return nil // syncDescriptors said why
	}
	id, err := v.registry()
	if err != nil {
		return err
	}
	_, err = v.member.Sync(ctx, id)
	v.provers.keepPresent()
	v.pool.Refresh()
	return err
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

// admit has a certificate admitted ahead of its use.
func (v *Venue) admit(ctx context.Context, c *session.Certificate) error {
	d := v.dialer(c)
	return d.Admit(ctx, c)
}

// dialer opens connections for one certificate.
func (v *Venue) dialer(c *session.Certificate) *handshake.Dialer {
	return &handshake.Dialer{
		Venue: func(ctx context.Context, refresh bool) (*handshake.Venue, []handshake.Address, error) {
			d, err := v.current(ctx, refresh)
			if err != nil {
				return nil, nil, err
			}
			if p := c.Presentation(); d.Scope(p.Epoch.Number) != p.Statement.Scope {
				return nil, nil, fmt.Errorf("%w: its generation is %d now", ErrRaised, d.Generation)
			}
			known, err := v.handshake(d)
			return known, addresses(d), err
		},
		Dial: v.member.options.Dial, Config: v.options.Channel,
	}
}

// handshake returns what a handshake takes of a descriptor.
func (v *Venue) handshake(d *descriptor.Signed) (*handshake.Venue, error) {
	now := v.member.options.Now()
	epoch, err := d.Schedule.At(now)
	if err != nil {
		return nil, err
	}
	choice, err := v.choose(d, epoch.Number, now)
	if err != nil {
		return nil, err
	}
	return venueclient.Handshake(d, choice.Suite)
}

func addresses(d *descriptor.Signed) (out []handshake.Address) {
	for _, a := range d.Addresses {
		if a.Network == "tcp" {
			out = append(out, handshake.Address{Network: a.Network, Place: a.Place})
		}
	}
	return out
}

// registry returns the registry whose members the venue admits.
func (v *Venue) registry() (zkkex.RegistryID, error) {
	d := v.seen.known().Latest()
	if d == nil {
		return zkkex.RegistryID{}, fmt.Errorf("venue %s: %w; sync first", v.Name(), session.ErrNoTerms)
	}
	id := d.RegistryID()
	if _, err := v.member.known(id); err != nil {
		return id, fmt.Errorf("%w: %s; trust it with a URL and this key, if your registrar confirms the key", ErrVenueRegistry, d.Registry)
	}
	return id, nil
}
