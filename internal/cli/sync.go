package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/registry/mirror"
)

func (a *app) syncCommand() *cobra.Command {
	var which, venue string
	c := &cobra.Command{
		Use:     "sync [--registry NAME | --venue NAME]",
		GroupID: groupMember,
		Short:   "bring what you know of your registries and venues up to date",
		Long: `Sync fetches what is new of the registries and venues that "zkkex trust" or
"zkkex enroll" recorded, checks it against everything that was seen before, and
recomputes the member tree. It always fetches whole files in order: nothing in
it says which member is asking.

Sync on a schedule rather than right before a proof: who sees both could connect
them.`,
		Example: `  zkkex sync
  zkkex sync --registry registry.example/members
  zkkex sync --venue venue.example`,
		Args: noArguments,
	}
	c.Flags().StringVar(&which, "registry", "", "sync this registry alone: its `NAME`, URL or identifier")
	c.Flags().StringVar(&venue, "venue", "", "sync this venue alone, with its registry: its `NAME`, URL or identifier")
	a.completeMember(c)
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		return a.withMember(ctx, nil, func(m *member.Member) (result, error) { return a.sync(ctx, m, which, venue) })
	})
	return c
}

func (a *app) sync(ctx context.Context, m *member.Member, which, venue string) (result, error) {
	all := &syncResults{Registries: []*syncResult{}, Venues: []*syncedVenue{}}
	switch {
	case which != "" && venue != "":
		return nil, usagef("--registry and --venue: give one of them")
	case venue != "":
		return resultOf(all, a.syncVenues(ctx, m, venue, all))
	}
	err := a.syncRegistries(ctx, m, which, all)
	if which == "" && ctx.Err() == nil && !errors.Is(err, member.ErrNoRegistry) {
		err = errors.Join(err, a.syncVenues(ctx, m, "", all))
	}
	return resultOf(all, err)
}

// resultOf returns results with their error, or the error alone if there are none.
func resultOf(all *syncResults, err error) (result, error) {
	if err != nil && len(all.Registries)+len(all.Failed)+len(all.Venues)+len(all.FailedVenues) == 0 {
		return nil, err
	}
	return all, err
}

// syncRegistries syncs the registry of a name, or all. What went wrong is in the
// results and in the error.
func (a *app) syncRegistries(ctx context.Context, m *member.Member, which string, all *syncResults) error {
	ids, err := chosen(m, which)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		done := a.progress("syncing")
		report, err := m.Sync(ctx, id)
		done()
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			err = named(m, id, err)
			all.Failed = append(all.Failed, failedSync{id.String(), codeOf(err), printable(err.Error())})
			errs = append(errs, err)
			continue
		}
		all.Registries = append(all.Registries, newSyncResult(report, id))
	}
	for _, r := range all.Registries {
		if r.Old {
			a.warnf("the newest checkpoint of %s is %s old: the registrar, or something in between, may be holding back newer ones", r.Name, r.age)
		}
	}
	return errors.Join(errs...)
}

// named says which registry an error is about.
func named(m *member.Member, id zkkex.RegistryID, err error) error {
	for _, r := range m.Registries() {
		if known, idErr := r.ID(); idErr == nil && known == id {
			return fmt.Errorf("%s: %w", m.Label(r), err)
		}
	}
	return err
}

// chosen returns the registry of a name, or all for the empty name.
func chosen(m *member.Member, which string) ([]zkkex.RegistryID, error) {
	if which != "" {
		id, err := m.Find(which)
		return []zkkex.RegistryID{id}, err
	}
	var ids []zkkex.RegistryID
	var errs []error
	for _, r := range m.Registries() {
		id, err := r.ID()
		ids, errs = append(ids, id), append(errs, err)
	}
	if len(ids) == 0 {
		_, err := m.Find("")
		return nil, err
	}
	return ids, errors.Join(errs...)
}

// syncResult is what a sync did.
type syncResult struct {
	Name       string            `json:"name"`
	Registry   string            `json:"registry"`
	Sequence   uint64            `json:"sequence"`
	Root       string            `json:"root"`
	Added      uint64            `json:"added"`
	Requests   uint64            `json:"requests"`
	Bytes      uint64            `json:"bytes"`
	Members    map[string]uint64 `json:"members"`
	AgeSeconds int64             `json:"age_seconds"`
	Old        bool              `json:"old"`
	Witnesses  []string          `json:"witnesses"`

	age time.Duration
}

type syncResults struct {
	Registries []*syncResult `json:"registries"`
	// Failed are the registries that could not be synced.
	Failed []failedSync `json:"failed,omitempty"`
	// Venues are those that were synced, FailedVenues those that could not be.
	Venues       []*syncedVenue `json:"venues"`
	FailedVenues []failedVenue  `json:"failed_venues,omitempty"`
}

// failedSync is a registry that could not be synced, and why.
type failedSync struct {
	Registry string `json:"registry"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

func newSyncResult(report *mirror.Report, id zkkex.RegistryID) *syncResult {
	c := report.Checkpoint
	return &syncResult{
		Name: c.Origin, Registry: id.String(), Sequence: c.Sequence, Root: c.Root.String(), Added: report.Added,
		Requests: report.Requests, Bytes: report.Bytes, Members: membersByName(c.Members),
		AgeSeconds: int64(report.Age / time.Second), Old: report.Old, Witnesses: append([]string{}, c.Witnesses...),
		age: report.Age.Round(time.Second),
	}
}

func membersByName(members map[zkkex.KeyType]uint64) map[string]uint64 {
	out := make(map[string]uint64)
	for keyType, n := range members {
		out[keyType.String()] = n
	}
	return out
}

func (r *syncResults) text() string {
	var parts []string
	for _, one := range r.Registries {
		parts = append(parts, one.text())
	}
	for _, one := range r.Venues {
		parts = append(parts, one.text())
	}
	return strings.Join(parts, "\n")
}

func (r *syncResult) text() string {
	var t table
	t.add("registry", "%s", r.Name)
	t.add("checkpoint", "%d, %s old, %d new operations", r.Sequence, r.age, r.Added)
	t.add("root", "%s", r.Root)
	for _, name := range sortedKeys(r.Members) {
		t.add("members", "%d with a %s key", r.Members[name], name)
	}
	if len(r.Witnesses) > 0 {
		t.add("cosigned by", "%s", strings.Join(r.Witnesses, ", "))
	}
	return t.String()
}
