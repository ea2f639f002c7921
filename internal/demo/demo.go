// Package demo is the main job of zkkex as a story: a registrar with thousands
// of members, one member who enrols and proves, a verifier who accepts once, and
// everything that is refused.
//
// Nothing in it is pretended. Keys, proofs of possession, admissions, syncs over
// a loopback socket, proofs and decisions are made by the packages that users
// call, each party in a folder of its own. Every refusal must come for its one
// expected reason, or the demo fails.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// Numbers of members that the registry has before the story begins.
const (
	DefaultMembers = 5_000
	MinMembers     = 2
	MaxMembers     = 100_000
)

// ErrUnexpected reports that something was accepted that must be refused, or
// refused for another reason, or that the presentation held what it must not.
var ErrUnexpected = errors.New("the demo did not go as it must")

// Options say how the demo is run.
type Options struct {
	// Out is where the story goes.
	Out io.Writer
	// JSON writes one JSON object at the end, in place of the story.
	JSON bool
	// Members is how many members the registry has before; 0 is
	// [DefaultMembers].
	Members int
	// Dir is where the parties have their folders. It must be missing or
	// empty, and is left for inspection; "" is a temporary folder, which is
	// removed.
	Dir string
}

const (
	scopeName = "rfq.example/quotes"
	// limit is how many proofs a member can make in an epoch.
	limit = 3
	// circuit is the one of a registry of this size.
	circuit = zkkex.BabyJubjub20
)

// play is one run: the parties and the story.
type play struct {
	dir      string
	crowd    int
	schedule zkkex.Schedule
	story    *story
	office   *office
	person   *person
	desk     *desk
}

// Run plays the demo, in a few seconds for thousands of members. It returns an
// error wrapping [ErrUnexpected] if anything comes out otherwise than it must,
// and that of ctx, the network, the disk or Out.
func Run(ctx context.Context, o Options) (err error) {
	p, err := newPlay(&o)
	if err != nil {
		return err
	}
	if o.Dir == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(p.dir)) }()
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for _, scene := range []func(context.Context) error{
		p.openRegistry, p.enrol, p.prove, p.decide, p.refuse, p.exhaust, p.revoke,
	} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return p.story.finish(o.Dir)
}

func newPlay(o *Options) (*play, error) {
	if o.Out == nil {
		return nil, errors.New("demo: Options.Out is required")
	}
	crowd := o.Members
	if crowd == 0 {
		crowd = DefaultMembers
	}
	if crowd < MinMembers || crowd > MaxMembers {
		return nil, fmt.Errorf("a registry of %d members, expected %d to %d", crowd, MinMembers, MaxMembers)
	}
	dir, err := folder(o.Dir)
	if err != nil {
		return nil, err
	}
	// An epoch that has just begun, so that none ends before the demo does.
	schedule := zkkex.Schedule{Origin: time.Now().Add(-time.Minute).Unix(), Length: 24 * 60 * 60}
	return &play{dir: dir, crowd: crowd, schedule: schedule, story: newStory(o)}, nil
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
		return "", fmt.Errorf("%s has %s in it, expected an empty folder: %w", dir, entries[0].Name(), os.ErrExist)
	}
	return dir, nil
}

func (p *play) path(name string) string { return filepath.Join(p.dir, name) }

// close ends what is running and open.
func (p *play) close() error {
	var errs []error
	if p.person != nil {
		errs = append(errs, p.person.Close())
	}
	if p.desk != nil {
		errs = append(errs, p.desk.mirror.Close())
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

func openVerifying(id zkkex.CircuitID) (*params.Verifying, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenVerifying(fsys, params.Accept{Dev: true})
}
