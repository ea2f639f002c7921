package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// trustVenueFlags say which venue a member trusts.
type trustVenueFlags struct {
	url      string
	identity string
	prekey   bool
}

func (f *trustVenueFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.url, "venue", "", "`URL` of a venue's descriptors, to record a venue: https://, http://, or file:// for an exported folder")
	c.Flags().StringVar(&f.identity, "venue-key", "", "the venue's `IDENTITY`, name+hash+base64, on two lines if it has two keys, got from the venue by another way than the server")
	c.Flags().BoolVar(&f.prekey, "require-prekey", false, "open sessions only with suites that hide the first message from a later quantum attacker too")
}

// given reports whether a venue is meant, not a registry.
func (f *trustVenueFlags) given() bool { return f.url != "" || f.identity != "" || f.prekey }

// trustVenue records the venue that the flags name.
func (a *app) trustVenue(ctx context.Context, m *member.Member, f *trustVenueFlags, r *trustFlags) (result, error) {
	if r.url != "" || r.key != "" {
		return nil, usagef("--venue and --registry: record one at a time")
	}
	if !strings.Contains(f.url, "://") {
		return nil, usagef("--venue %q: give the URL of the venue's descriptors, with http:// or https:// before it", f.url)
	}
	if f.identity == "" {
		return nil, a.askIdentity(ctx, f.url)
	}
	said := r.registry()
	if err := a.warnVenueDropped(m, f, &said); err != nil {
		return nil, err
	}
	if err := a.recognizeVenue(ctx, f); err != nil {
		return nil, err
	}
	id, err := m.TrustVenue(member.VenueConfig{
		URL: f.url, Identity: f.identity, Witnesses: said.Witnesses, Quorum: said.Quorum,
		MinMembers: said.MinMembers, RequirePrekey: f.prekey,
	})
	if err != nil {
		return nil, err
	}
	v, err := m.OpenVenue(id, member.VenueOptions{Ahead: -1})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	done := a.progress("fetching the descriptors of %s", v.Name())
	err = v.Sync(ctx)
	done()
	if err != nil {
		a.warnf("recorded, but not synced: %v", withAdvice(err))
	}
	return newTrustedVenue(m, id)
}

// recognizeVenue asks whether the venue of the identity is at the address. Nothing is
// recorded of what is not: a slip in the address would take the place of a good one.
// A server that cannot be reached now is believed.
func (a *app) recognizeVenue(ctx context.Context, f *trustVenueFlags) error {
	identity, err := descriptor.ParseIdentity(f.identity)
	if err != nil {
		return err
	}
	client, err := a.venueClient(f.url)
	if err != nil {
		return err
	}
	shown, err := client.Identity(ctx)
	switch {
	case err == nil && shown.ID() != identity.ID():
		return withHint(fmt.Errorf("%w: the server at %s shows %s with the fingerprint %s, expected %s with %s; nothing was recorded",
			venueclient.ErrOtherVenue, f.url, shown.Name(), shown.Fingerprint(), identity.Name(), identity.Fingerprint()),
			"compare the identity with what the venue says by another way")
	case errors.Is(err, venueclient.ErrServer), errors.Is(err, zkkex.ErrMalformed), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF):
		return withHint(fmt.Errorf("%s is no venue's descriptors: %w; nothing was recorded", f.url, err),
			"it is the address that the venue's zkkex serve has with --publish, not that of sessions or of a registry")
	}
	return nil
}

func (a *app) venueClient(url string) (*venueclient.Client, error) {
	dial, err := a.dial()
	if err != nil {
		return nil, err
	}
	return venueclient.New(venueclient.Config{URL: url, Dial: dial, Now: a.env.Now})
}

// warnVenueDropped tells which demands on a venue that is recorded end.
func (a *app) warnVenueDropped(m *member.Member, f *trustVenueFlags, said *member.Registry) error {
	venues, err := m.Venues()
	if err != nil {
		return err
	}
	for _, known := range venues {
		if known.Identity != f.identity {
			continue
		}
		if said.Quorum < known.Quorum {
			a.warnf("%d witnesses had to cosign, now %d: give --witness and --quorum again to keep them", known.Quorum, said.Quorum)
		}
		if said.MinMembers < known.MinMembers {
			a.warnf("at least %d members were demanded, now %d: give --min-members again to keep that", known.MinMembers, said.MinMembers)
		}
		if known.RequirePrekey && !f.prekey {
			a.warnf("a prekey was demanded, and is not any more: give --require-prekey again to keep that")
		}
	}
	return nil
}

// askIdentity returns an error that shows the identity a server says it has.
func (a *app) askIdentity(ctx context.Context, url string) error {
	client, err := a.venueClient(url)
	if err != nil {
		return err
	}
	identity, err := client.Identity(ctx)
	if err != nil {
		return withHint(fmt.Errorf("asking the server for its identity: %w", err), "get the identity from the venue, and give it with --venue-key")
	}
	again := fmt.Sprintf("'%s'", identity)
	if strings.Contains(identity.String(), "\n") {
		again = "\"$(cat FILE)\", with these lines alone in FILE"
	}
	return withHint(usagef("no --venue-key: the server at %s says that its identity is\n%s\nwith the fingerprint\n%s", url, identity, identity.Fingerprint()),
		"compare it with what the venue says by another way, by telephone or on paper; if it is the same, run this again with --venue-key %s", again)
}

// trustedVenue is a venue that a member trusts.
type trustedVenue struct {
	Name        string   `json:"name"`
	Venue       string   `json:"venue"`
	Fingerprint string   `json:"fingerprint"`
	URL         string   `json:"url"`
	Identity    string   `json:"identity"`
	Witnesses   []string `json:"witnesses"`
	Quorum      int      `json:"quorum"`
	MinMembers  uint64   `json:"min_members"`
	Prekey      bool     `json:"require_prekey"`
}

func newTrustedVenue(m *member.Member, id descriptor.VenueID) (*trustedVenue, error) {
	venues, err := m.Venues()
	if err != nil {
		return nil, err
	}
	for _, v := range venues {
		identity, err := descriptor.ParseIdentity(v.Identity)
		if err != nil {
			return nil, err
		}
		if identity.ID() == id {
			return &trustedVenue{
				Name: v.Name(), Venue: id.String(), Fingerprint: identity.Fingerprint(), URL: v.URL, Identity: v.Identity,
				Witnesses: append([]string{}, v.Witnesses...), Quorum: v.Quorum, MinMembers: v.MinMembers, Prekey: v.RequirePrekey,
			}, nil
		}
	}
	return nil, member.ErrNoVenue
}

func (r *trustedVenue) text() string {
	var t table
	t.add("venue", "%s", r.Name)
	t.add("fingerprint", "%s", r.Fingerprint)
	t.add("at", "%s", r.URL)
	if len(r.Witnesses) > 0 {
		t.add("witnesses", "%d, of which %d must cosign", len(r.Witnesses), r.Quorum)
	}
	if r.MinMembers > 0 {
		t.add("members", "at least %d", r.MinMembers)
	}
	if r.Prekey {
		t.add("suites", "with a prekey only")
	}
	return t.String()
}
