// Package demo tells the main job of zkkex as a story: traders who stay anonymous
// send orders to a venue that admits members of a registry alone.
//
// Nothing in it is pretended. A registrar with thousands of members, a venue with
// its gateway and journal, and traders run in one process, each party in a folder of
// its own, and talk over sockets. Every connection between traders and venue goes
// through a relay that records it, and cuts it when the story says so. What traders,
// venue and network know of an order is decoded from their folders and from that
// recording; every refusal must come for its one expected reason; otherwise the demo
// fails.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// Numbers of members that the registry has before the story begins, and of traders.
const (
	DefaultMembers = 10_000
	MinMembers     = 2
	MaxMembers     = 100_000

	DefaultTraders = 4
	MinTraders     = 3
	MaxTraders     = 10
)

// ErrUnexpected reports that something was accepted that must be refused, or
// refused for another reason, that an order or a report was lost or came twice, or
// that somebody saw what they must not.
var ErrUnexpected = errors.New("the demo did not go as it must")

// ErrOptions reports options that no demo can be run with.
var ErrOptions = errors.New("not a demo that can be played")

// Options say how the demo is run.
type Options struct {
	// Out is where the story goes.
	Out io.Writer
	// Progress, if set, is told of what takes more than a second while it lasts.
	// With Live it is a terminal, on which that is one line that changes.
	Progress io.Writer
	Live     bool
	// JSON writes one JSON object at the end, in place of the story.
	JSON bool
	// Colour marks what matters with ANSI colours.
	Colour bool
	// Members is how many members the registry has before; 0 is
	// [DefaultMembers].
	Members int
	// Traders is how many traders there are; 0 is [DefaultTraders].
	Traders int
	// Dir is where the parties have their folders. It must be missing or
	// empty, and is left for inspection; "" is a temporary folder, which is
	// removed.
	Dir string

	// latencies is how many orders the last act times at most; 0 is maxTimed.
	latencies int
	// plant, if set, is called before the views are searched: a test plants leaks.
	plant func(*evidence)
	// sabotage, if set, is called before anything is refused.
	sabotage func(*play)
}

const (
	venueName = "venue.example"
	symbol    = "BTC-USD"
	// limit is how many sessions a member can begin in an epoch.
	limit = 6
	// circuit is the one of a registry of this size.
	circuit = zkkex.BabyJubjub20
	// patience bounds what is waited for in one step.
	patience = 90 * time.Second
)

// play is one run: the parties and the story.
type play struct {
	options  Options
	dir      string
	crowd    int
	schedule zkkex.Schedule
	story    *story
	office   *office
	house    *house
	relay    *relay
	traders  []*trader
	proving  func(zkkex.CircuitID) (*params.Proving, error)
	seen     *evidence
}

// Run plays the demo. It returns an error wrapping [ErrUnexpected] if anything comes
// out otherwise than it must, [ErrOptions] before anything is done, [fs.ErrExist] for
// a folder with something in it, and the errors of ctx, the network, the disk and Out.
func Run(ctx context.Context, o Options) (err error) {
	p, err := newPlay(&o)
	if err != nil {
		return err
	}
	if o.Dir == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for _, act := range []func(context.Context) error{
		p.meet, p.enter, p.trade, p.survive, p.compare, p.refuse, p.measure,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return p.story.finish(o.Dir)
}

func newPlay(o *Options) (*play, error) {
	if o.Out == nil {
		return nil, fmt.Errorf("%w: Out is required", ErrOptions)
	}
	setDefault(&o.Members, DefaultMembers)
	setDefault(&o.Traders, DefaultTraders)
	setDefault(&o.latencies, maxTimed)
	if o.Members < MinMembers || o.Members > MaxMembers {
		return nil, fmt.Errorf("%w: a registry of %d members, expected %d to %d", ErrOptions, o.Members, MinMembers, MaxMembers)
	}
	if o.Traders < MinTraders || o.Traders > MaxTraders {
		return nil, fmt.Errorf("%w: %d traders, expected %d to %d", ErrOptions, o.Traders, MinTraders, MaxTraders)
	}
	dir, err := folder(o.Dir)
	if err != nil {
		return nil, err
	}
	// An epoch that has just begun, so that none ends before the demo does.
	origin := time.Now().Truncate(time.Minute).Add(-time.Minute)
	opened := sync.OnceValues(func() (*params.Proving, error) { return openProving(circuit) })
	return &play{
		options: *o, dir: dir, crowd: o.Members, story: newStory(o),
		schedule: zkkex.Schedule{Origin: origin.Unix(), Length: 24 * 60 * 60},
		proving:  func(zkkex.CircuitID) (*params.Proving, error) { return opened() },
	}, nil
}

func setDefault(v *int, value int) {
	if *v == 0 {
		*v = value
	}
}

// folder returns a folder that is there and empty.
func folder(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "zkkex-demo-*")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("%s has %s in it, expected an empty folder: %w", dir, entries[0].Name(), fs.ErrExist)
	}
	return dir, nil
}

func (p *play) path(name string) string { return filepath.Join(p.dir, name) }

// close ends what is running and open.
func (p *play) close() error {
	var errs []error
	for _, t := range p.traders {
		errs = append(errs, t.close())
	}
	if p.relay != nil {
		errs = append(errs, p.relay.close())
	}
	if p.house != nil {
		errs = append(errs, p.house.stop())
	}
	if p.office != nil {
		errs = append(errs, p.office.close())
	}
	return errors.Join(errs...)
}

// openProving and openVerifying open the development parameters, by name.
func openProving(id zkkex.CircuitID) (*params.Proving, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenProving(fsys, params.Accept{Dev: true})
}

func openVerifying(id zkkex.CircuitID, _ zkkex.ParamsDigest) (*params.Verifying, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenVerifying(fsys, params.Accept{Dev: true})
}
