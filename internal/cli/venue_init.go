package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// venueInitOptions are what an operator decides.
type venueInitOptions struct {
	name      string
	trust     trustFlags
	params    paramsFlags
	addresses []string
	epoch     time.Duration
	rotation  time.Duration
	sync      time.Duration
	limit     uint32
	opens     uint32
	channels  uint32
	chain     uint64
	mldsa     bool
}

func (a *app) venueInitCommand(o *venueOptions) *cobra.Command {
	var i venueInitOptions
	c := &cobra.Command{
		Use:   "init --name NAME --registry URL --registry-key KEY --params PARAMS --address HOST:PORT",
		Short: "make a venue: draw its identity and write its configuration",
		Long: `Init makes a venue in an empty folder and prints its identity, the line that
members pin. Give it to them by another way than the server: whoever takes it
from the server trusts the server.

The registry's key says whose members are admitted, the parameters by which
proofs. Name, registry, epochs and chain are for good; everything else is in
config.json and can be changed there while nobody has the venue open.`,
		Example: `  zkkex venue init --name venue.example --registry https://registry.example \
      --registry-key registry.example/members+0d3a7e7e+AYb... --params ./params --address venue.example:9440
  zkkex venue init --dir ./venue --name venue.example --registry http://127.0.0.1:8080 \
      --registry-key "$(cat registry.key)" --params dev --address 127.0.0.1:9440`,
		Args: noArguments,
	}
	f := c.Flags()
	f.StringVar(&i.name, "name", "", "the venue's `NAME`, part of its identity, such as venue.example")
	i.trust.register(c)
	i.params.register(c)
	f.StringArrayVar(&i.addresses, "address", nil, "where members connect: `HOST:PORT`; repeat for more, the preferred first")
	f.DurationVar(&i.epoch, "epoch", time.Duration(venue.DefaultSchedule().Length)*time.Second, "length of an epoch, in which limits count; a new member gets in, and a revoked one is out, after two at most")
	f.DurationVar(&i.rotation, "rotation", descriptor.DefaultTiming().Interval, "time from one descriptor, and its prekeys, to the next")
	f.DurationVar(&i.sync, "sync-interval", venue.DefaultSyncInterval, "mean time between syncs with the registry")
	f.Uint32Var(&i.limit, "limit", venue.DefaultLimit, "session certificates per member and epoch")
	f.Uint32Var(&i.opens, "opens", venue.DefaultMaxOpens, "how often one certificate can be opened")
	f.Uint32Var(&i.channels, "channels", venue.DefaultMaxChannels, "concurrent sessions of one certificate")
	f.BoolVar(&i.mldsa, "post-quantum", false, "sign with ML-DSA-65 beside Ed25519: the identity is then of two lines, which members pin together")
	f.Uint64Var(&i.chain, "chain", 0, "EVM chain `ID` that the venue settles on")
	c.RunE = a.run(func(_ context.Context, _ []string) (result, error) { return a.initVenue(o, &i) })
	return c
}

func (a *app) initVenue(o *venueOptions, i *venueInitOptions) (result, error) {
	if i.name == "" || i.trust.url == "" || i.trust.key == "" {
		return nil, usagef("give --name, --registry and --registry-key: who the venue is, and whose members it admits")
	}
	if err := i.trust.checkURL(); err != nil {
		return nil, err
	}
	c, err := i.config()
	if err != nil {
		return nil, err
	}
	if len(c.Addresses) == 0 {
		a.warnf("without --address, members must know another way where to connect")
	}
	dir, err := a.venueDir(o)
	if err != nil {
		return nil, err
	}
	identity, err := venue.Init(dir, *c)
	if errors.Is(err, zkkex.ErrMalformed) || errors.Is(err, zkkex.ErrUnsupported) {
		return nil, &usageError{err} // all of it came from the command line
	}
	if err != nil {
		return nil, err
	}
	a.notef("fingerprint %s", identity.Fingerprint())
	a.notef("next, to take orders: zkkex gateway init --venue %s", dir)
	a.notef("or, before a server of your own: zkkex serve --dir %s --listen ADDRESS --publish ADDRESS --upstream ADDRESS %s", dir, &i.params)
	return &venueIdentity{Name: i.name, ID: identity.ID().String(), Fingerprint: identity.Fingerprint(), Identity: identity.String()}, nil
}

func (i *venueInitOptions) config() (*venue.Config, error) {
	sets, err := i.params.admitting()
	if err != nil {
		return nil, err
	}
	said := i.trust.registry()
	c := &venue.Config{
		Name:         i.name,
		PostQuantum:  i.mldsa,
		Registry:     venue.Registry{URL: said.URL, VerifierKey: said.VerifierKey, Witnesses: said.Witnesses, Quorum: said.Quorum},
		Schedule:     zkkex.Schedule{Length: uint32(i.epoch / time.Second)},
		ChainID:      i.chain,
		Limit:        i.limit,
		MaxOpens:     i.opens,
		MaxChannels:  i.channels,
		MinMembers:   said.MinMembers,
		Timing:       timingOf(i.rotation),
		SyncInterval: i.sync,
	}
	if i.epoch <= 0 || i.epoch%time.Second != 0 || i.epoch > 366*24*time.Hour {
		return nil, usagef("--epoch %v: expected whole seconds, at most a year", i.epoch)
	}
	for _, set := range sets {
		c.Circuits = append(c.Circuits, descriptor.Circuit{ID: set.Circuit(), Params: set.Digest()})
	}
	for _, place := range i.addresses {
		if strings.Contains(place, "://") {
			return nil, usagef("--address %q: expected HOST:PORT", place)
		}
		c.Addresses = append(c.Addresses, descriptor.Address{Network: "tcp", Place: place})
	}
	return c, nil
}

// timingOf returns the timing of an interval, in the proportions of the default.
func timingOf(interval time.Duration) descriptor.Timing {
	t := descriptor.DefaultTiming()
	if interval < t.Interval {
		t.Overlap = max(time.Minute, (interval / 6).Truncate(time.Minute))
		t.PrekeyGrace = min(t.PrekeyGrace, t.Overlap)
	}
	t.Interval = interval
	return t
}

// venueIdentity is who a venue is.
type venueIdentity struct {
	Name        string `json:"name"`
	ID          string `json:"id"`
	Fingerprint string `json:"fingerprint"`
	Identity    string `json:"identity"`
}

func (r *venueIdentity) text() string { return fmt.Sprintln(r.Identity) }
