package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue"
)

func (a *app) venueCommand() *cobra.Command {
	var o venueOptions
	c := &cobra.Command{
		Use:     "venue",
		GroupID: groupVenue,
		Short:   "keep a venue: its identity, descriptors and admissions",
		Long: `Venue keeps a venue in a folder: a long-term identity, the signed descriptors
that tell members how to open sessions, and the record of what was admitted.
While "zkkex serve" has it open, the other commands work all the same.

A venue admits the members of one registry, and learns of each session that some
member opened it, within its limit: never which one.`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	o.register(c)
	c.AddCommand(
		a.venueInitCommand(&o),
		a.venueStatusCommand(&o),
		a.venueDescriptorCommand(&o),
		a.venueRotateCommand(&o),
		a.venueExportCommand(&o),
	)
	return c
}

// venueOptions say which venue.
type venueOptions struct{ dir string }

func (o *venueOptions) register(c *cobra.Command) {
	c.PersistentFlags().StringVar(&o.dir, "dir", "", "the venue's `DIR` (default venue in the state directory)")
}

// venueDir returns the venue's folder.
func (a *app) venueDir(o *venueOptions) (string, error) {
	if o.dir != "" {
		return o.dir, nil
	}
	home, err := a.homeDir()
	return filepath.Join(home, "venue"), err
}

// Names of what a venue's operator can do.
const (
	doStatus     = "status"
	doDescriptor = "descriptor"
	doRotate     = "rotate"
	doRaise      = "raise"
)

// venueJob is what is to be done in a venue: here, if nobody has it open, and
// otherwise in the server that has.
type venueJob struct {
	Do string `json:"do"`
	// Number is of a descriptor; 0 is the newest.
	Number uint64 `json:"number,omitempty"`
	// Folder is where to export to, an absolute path.
	Folder string `json:"folder,omitempty"`
}

// venueDone is what came out of a job.
type venueDone struct {
	Status *venue.Status `json:"status,omitempty"`
	// Number and Note are of a signed descriptor.
	Number uint64 `json:"number,omitempty"`
	Note   string `json:"note,omitempty"`
}

func performIn(v *venue.Venue) func(context.Context, venueJob) (*venueDone, error) {
	return func(ctx context.Context, j venueJob) (*venueDone, error) {
		switch j.Do {
		case doStatus:
			return &venueDone{Status: v.Status()}, nil
		case doDescriptor:
			d, err := v.Descriptor(j.Number)
			if err != nil {
				return nil, err
			}
			return &venueDone{Number: d.Number, Note: string(d.Note())}, nil
		case doRotate:
			if _, err := v.Sync(ctx); err != nil {
				return nil, err
			}
			d, err := v.Rotate(ctx)
			if err != nil {
				return nil, err
			}
			return &venueDone{Number: d.Number, Note: string(d.Note())}, nil
		case doRaise:
			d, err := v.Raise(ctx)
			if err != nil {
				return nil, err
			}
			return &venueDone{Number: d.Number, Note: string(d.Note())}, nil
		case doExport:
			n, err := v.Export(j.Folder)
			return &venueDone{Number: n}, err
		default:
			return nil, fmt.Errorf("%w: job %q", zkkex.ErrUnsupported, j.Do)
		}
	}
}

// inVenue does a job in a venue, or has its server do it.
func (a *app) inVenue(ctx context.Context, o *venueOptions, j venueJob) (*venueDone, error) {
	dir, err := a.venueDir(o)
	if err != nil {
		return nil, err
	}
	v, err := a.openVenue(dir, nil)
	if errors.Is(err, filelock.ErrLocked) {
		return askServer[venueDone](ctx, dir, j)
	}
	if err != nil {
		return nil, err
	}
	done, err := performIn(v)(ctx, j)
	return done, errors.Join(err, v.Close())
}

// openVenue opens a venue; without parameters, it admits nobody.
func (a *app) openVenue(dir string, sets []*params.Verifying) (*venue.Venue, error) {
	o, err := a.venueOptions(sets)
	if err != nil {
		return nil, err
	}
	return venue.Open(dir, o)
}

// venueOptions are what venues are opened with.
func (a *app) venueOptions(sets []*params.Verifying) (venue.Options, error) {
	dial, err := a.dial()
	if err != nil {
		return venue.Options{}, err
	}
	o := venue.Options{Dial: dial, Now: a.env.Now, Log: a.logger()}
	if sets != nil {
		o.Params = func(circuit zkkex.CircuitID, digest zkkex.ParamsDigest) (*params.Verifying, error) {
			for _, set := range sets {
				if set.Circuit() == circuit && set.Digest() == digest {
					return set, nil
				}
			}
			return nil, withHint(fmt.Errorf("%w: the venue accepts %v with the digest %v, which is not what --params has", zkkex.ErrParamsMismatch, circuit, digest),
				"give the set that venue init was given")
		}
	}
	return o, nil
}

func (a *app) venueStatusCommand(o *venueOptions) *cobra.Command {
	c := &cobra.Command{
		Use:     "status",
		Short:   "show descriptors, epochs, admissions and what goes wrong",
		Example: "  zkkex venue status\n  zkkex venue status --dir ./venue --json",
		Args:    noArguments,
	}
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		done, err := a.inVenue(ctx, o, venueJob{Do: doStatus})
		if err != nil {
			return nil, err
		}
		return &venueStatusResult{done.Status}, nil
	})
	return c
}

type venueStatusResult struct{ *venue.Status }

func (r *venueStatusResult) text() string {
	var t table
	t.add("venue", "%s", r.Name)
	t.add("identifier", "%s", r.ID)
	t.add("fingerprint", "%s", r.Fingerprint)
	for key := range strings.Lines(r.Identity) { // a row each
		t.add("identity", "%s", strings.TrimSpace(key))
	}
	t.add("registry", "%s, at %s", r.Registry.Name, r.Registry.URL)
	if r.Registry.Sequence == nil {
		t.add("checkpoint", "none yet")
	} else {
		t.add("checkpoint", "%d, signed %s", *r.Registry.Sequence, r.Registry.Signed.Format(time.RFC3339))
	}
	if d := r.Current; d != nil {
		t.add("descriptor", "%d, until %s, generation %d", d.Number, d.NotAfter.Format(time.RFC3339), d.Generation)
	} else {
		t.add("descriptor", "none is valid: nobody can connect; zkkex venue rotate issues one")
	}
	if d := r.Next; d != nil {
		t.add("next", "%d, from %s", d.Number, d.NotBefore.Format(time.RFC3339))
	}
	for _, e := range r.Epochs {
		members := "a root that this copy of the registry does not have"
		if e.Members != nil {
			members = membersText(e.Members)
		}
		t.add("epoch", "%d, until %s: limit %d, root %d, members %s", e.Number, e.Ends.Format(time.RFC3339), e.Limit, e.Sequence, members)
	}
	if s := r.Admissions; s != nil {
		t.add("admitted", "%d certificates, %d opens, %d channels now, %d undecided", s.Admitted, s.Opens, s.Channels, s.Undecided)
		for _, reason := range sortedKeys(s.Refused) {
			t.add("refused", "%d as %s", s.Refused[reason], reason)
		}
	}
	addCounters(&t, r.Status)
	for _, p := range r.Problems {
		t.add("problem", "%s, since %s: %s", p.What, p.Since.Format(time.RFC3339), p.Error)
	}
	return t.String()
}

// membersText says how many members of each key type there are.
func membersText(members map[string]uint64) string {
	var parts []string
	for _, keyType := range sortedKeys(members) {
		parts = append(parts, fmt.Sprintf("%d with a %s key", members[keyType], keyType))
	}
	return strings.Join(parts, ", ")
}

func (a *app) venueDescriptorCommand(o *venueOptions) *cobra.Command {
	var number uint64
	c := &cobra.Command{
		Use:   "descriptor",
		Short: "print a signed descriptor",
		Long: `Descriptor prints a signed descriptor, the newest one unless --number says
another. It is public: what members need to open sessions, signed by the venue.`,
		Example: "  zkkex venue descriptor\n  zkkex venue descriptor --number 3",
		Args:    noArguments,
	}
	c.Flags().Uint64Var(&number, "number", 0, "the descriptor of this `NUMBER`")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		return a.descriptorOf(ctx, o, venueJob{Do: doDescriptor, Number: number})
	})
	return c
}

func (a *app) venueRotateCommand(o *venueOptions) *cobra.Command {
	var emergency bool
	c := &cobra.Command{
		Use:   "rotate [--emergency]",
		Short: "sync with the registry, and issue the next descriptor if it is due",
		Long: `Rotate follows the registry and issues the next descriptor if it is due, as
"zkkex serve" does by itself.

With --emergency, it raises the venue's generation: the present root of the
registry takes the place of the epoch's, so that whoever was revoked is out now;
everybody else proves again, with fresh slots, and all open sessions end within
a minute.`,
		Example: "  zkkex venue rotate\n  zkkex venue rotate --emergency",
		Args:    noArguments,
	}
	c.Flags().BoolVar(&emergency, "emergency", false, "raise the generation: everybody proves again, and open sessions end")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		job := venueJob{Do: doRotate}
		if emergency {
			job.Do = doRaise
		}
		done, err := a.inVenue(ctx, o, job)
		if err != nil {
			return nil, err
		}
		return &rotateResult{done.Number, done.Note, emergency}, nil
	})
	return c
}

// rotateResult says what a rotation did.
type rotateResult struct {
	Number     uint64 `json:"number"`
	Descriptor string `json:"descriptor"`
	Raised     bool   `json:"raised"`
}

func (r *rotateResult) text() string {
	if r.Raised {
		return fmt.Sprintf("descriptor %d raises the generation: everybody proves again, and open sessions end within a minute\n", r.Number)
	}
	return fmt.Sprintf("descriptor %d is the newest; zkkex venue descriptor prints it\n", r.Number)
}

func (a *app) descriptorOf(ctx context.Context, o *venueOptions, j venueJob) (result, error) {
	done, err := a.inVenue(ctx, o, j)
	if err != nil {
		return nil, err
	}
	return &descriptorResult{done.Number, done.Note}, nil
}

type descriptorResult struct {
	Number     uint64 `json:"number"`
	Descriptor string `json:"descriptor"`
}

func (r *descriptorResult) text() string { return r.Descriptor }

func (r *descriptorResult) artefact() {}

func (a *app) venueExportCommand(o *venueOptions) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "export --out DIR",
		Short: "write what members fetch into a folder, for any web server",
		Long: `Export writes the venue's identity, descriptors and the log they are in to a
folder that any web server can serve, or that can be handed over. Export again
after each rotation.`,
		Example: "  zkkex venue export --out /srv/www/venue",
		Args:    noArguments,
	}
	c.Flags().StringVar(&out, "out", "", "the folder `DIR` to write to")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		if out == "" {
			return nil, usagef("name a folder with --out")
		}
		path, err := filepath.Abs(out)
		if err != nil {
			return nil, err
		}
		done, err := a.inVenue(ctx, o, venueJob{Do: doExport, Folder: path})
		if err != nil {
			return nil, err
		}
		return &exportedVenue{Folder: path, Number: done.Number}, nil
	})
	return c
}

type exportedVenue struct {
	Folder string `json:"folder"`
	Number uint64 `json:"number"`
}

func (r *exportedVenue) text() string {
	return fmt.Sprintf("exported up to descriptor %d to %s\n", r.Number, r.Folder)
}
