package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/registry"
)

// trustFlags say which registry a member trusts.
type trustFlags struct {
	url        string
	key        string
	witnesses  []string
	quorum     int
	minMembers uint64
}

func (f *trustFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.url, "registry", "", "`URL` of the registry: https://, http://, or file:// for an exported folder")
	c.Flags().StringVar(&f.key, "registry-key", "", "the registrar's verifier `KEY`, name+hash+base64, got from the registrar by another way than the server")
	c.Flags().StringArrayVar(&f.witnesses, "witness", nil, "cosignature `KEY` of a witness; repeat for more")
	c.Flags().IntVar(&f.quorum, "quorum", 0, "how many of the witnesses must have cosigned every checkpoint (default all)")
	c.Flags().Uint64Var(&f.minMembers, "min-members", 0, "never prove in a registry with fewer members than this")
}

func (f *trustFlags) registry() member.Registry {
	quorum := f.quorum
	if quorum == 0 {
		quorum = len(f.witnesses)
	}
	return member.Registry{URL: f.url, VerifierKey: f.key, Witnesses: f.witnesses, Quorum: quorum, MinMembers: f.minMembers}
}

// over returns a registry that is known with what the flags say of it.
func (f *trustFlags) over(known member.Registry) member.Registry {
	said := f.registry()
	known.URL = said.URL
	if len(said.Witnesses) > 0 {
		known.Witnesses, known.Quorum = said.Witnesses, said.Quorum
	}
	known.MinMembers = max(known.MinMembers, said.MinMembers)
	return known
}

func (a *app) trustCommand() *cobra.Command {
	var f trustFlags
	var of trustVenueFlags
	var remove string
	c := &cobra.Command{
		Use:     "trust [--registry URL --registry-key KEY | --venue URL --venue-key KEY | --remove NAME]",
		GroupID: groupMember,
		Short:   "record a registry or a venue, its key and its witnesses",
		Long: `Trust records where a registry is, and the key that says which one it is. From
then on, checkpoints are compared with every one that was seen before, and a
registrar that shows two different histories is found out.

The key must come from the registrar by another way than from the server:
whoever takes it from the server trusts the server. Without --registry-key, the
server is asked what its key is, nothing is recorded, and the key is shown for
comparison.

For a registry that is recorded already, address, witnesses and demands are
replaced.

With --venue it records a venue in the same way: where its descriptors are, and
the identity that signs them. A venue admits the members of one registry, which
must be recorded as well.`,
		Example: `  zkkex trust --registry https://registry.example --registry-key registry.example/members+0d3a7e7e+AYb...
  zkkex trust --registry file:///media/usb/registry --registry-key "$(cat registry.key)"
  zkkex trust --venue https://venue.example --venue-key venue.example+6b27b6dc+AW29...
  zkkex trust --remove registry.example/members`,
		Args: noArguments,
	}
	f.register(c)
	of.register(c)
	c.Flags().StringVar(&remove, "remove", "", "remove a registry or a venue that is recorded: its `NAME`, URL or identifier; the copy of it stays")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		return a.withMember(ctx, nil, func(m *member.Member) (result, error) {
			if c.Flags().Changed("remove") {
				return a.removeTrusted(m, remove, &f, &of)
			}
			if of.given() {
				return a.trustVenue(ctx, m, &of, &f)
			}
			id, err := a.trust(ctx, m, &f)
			if err != nil {
				return nil, err
			}
			return newRegistryResult(m, id)
		})
	})
	return c
}

// removeTrusted removes a registry, or the venue of that name.
func (a *app) removeTrusted(m *member.Member, which string, f *trustFlags, of *trustVenueFlags) (result, error) {
	if of.given() {
		return nil, usagef("--remove takes a name or an identifier, and nothing beside it")
	}
	id, err := m.FindVenue(which)
	if _, findErr := m.Find(which); which == "" || findErr == nil || err != nil {
		return a.removeRegistry(m, which, f)
	}
	r, err := newTrustedVenue(m, id)
	if err != nil {
		return nil, err
	}
	a.notef("removed; what was seen of the venue stays, and is compared with if you trust it again")
	return r, m.ForgetVenue(id)
}

// removeRegistry removes a registry from what is trusted.
func (a *app) removeRegistry(m *member.Member, which string, f *trustFlags) (result, error) {
	if which == "" || f.url != "" || f.key != "" {
		return nil, usagef("--remove takes the name or the identifier of a registry, and nothing beside it")
	}
	id, err := m.Find(which)
	if err != nil {
		return nil, err
	}
	r, err := newRegistryResult(m, id)
	if err != nil {
		return nil, err
	}
	if err := m.Forget(id); err != nil {
		return nil, err
	}
	a.notef("removed; the copy of the registry stays, and is compared with if you trust it again")
	return r, nil
}

// trust records the registry that the flags name.
func (a *app) trust(ctx context.Context, m *member.Member, f *trustFlags) (zkkex.RegistryID, error) {
	if f.url == "" {
		return zkkex.RegistryID{}, usagef("name the registry with --registry URL")
	}
	if err := f.checkURL(); err != nil {
		return zkkex.RegistryID{}, err
	}
	if f.key == "" {
		return zkkex.RegistryID{}, a.askKey(ctx, f.url)
	}
	r := f.registry()
	a.warnDropped(m, r)
	return m.Trust(r)
}

// checkURL refuses an address without a scheme, which many type.
func (f *trustFlags) checkURL() error {
	if !strings.Contains(f.url, "://") {
		return usagef("--registry %q: put http:// or https:// before it", f.url)
	}
	return nil
}

// warnDropped tells which demands on a registry that is recorded end.
func (a *app) warnDropped(m *member.Member, r member.Registry) {
	for _, known := range m.Registries() {
		if known.VerifierKey != r.VerifierKey {
			continue
		}
		if r.Quorum < known.Quorum {
			a.warnf("%d witnesses had to cosign, now %d: give --witness and --quorum again to keep them", known.Quorum, r.Quorum)
		}
		if r.MinMembers < known.MinMembers {
			a.warnf("at least %d members were demanded, now %d: give --min-members again to keep that", known.MinMembers, r.MinMembers)
		}
	}
}

// maxVerifierKey bounds a verifier key, in bytes.
const maxVerifierKey = 1024

// askKey returns an error that shows the key a server says it has.
func (a *app) askKey(ctx context.Context, url string) error {
	text, err := a.fetch(ctx, strings.TrimSuffix(url, "/")+"/key", "verifier key", maxVerifierKey)
	if err != nil {
		return withHint(fmt.Errorf("asking the server for its key: %w", err), "get the key from the registrar, and give it with --registry-key")
	}
	key := strings.TrimSuffix(string(text), "\n")
	id, err := registry.ID(key)
	if err != nil {
		return err
	}
	return withHint(usagef("no --registry-key: the server at %s says that its key is\n%s\nand that it is the registry\n%v", url, key, id),
		"compare it with what the registrar says by another way, by telephone or on paper; if it is the same, run this again with --registry-key '%s'", key)
}

// registryResult is a registry that a member trusts.
type registryResult struct {
	Name        string   `json:"name"`
	Registry    string   `json:"registry"`
	URL         string   `json:"url"`
	VerifierKey string   `json:"verifier_key"`
	Witnesses   []string `json:"witnesses"`
	Quorum      int      `json:"quorum"`
	MinMembers  uint64   `json:"min_members"`
}

func newRegistryResult(m *member.Member, id zkkex.RegistryID) (*registryResult, error) {
	s, err := m.Status(id)
	if err != nil {
		return nil, err
	}
	r := s.Registry
	return &registryResult{
		Name: r.Name(), Registry: id.String(), URL: r.URL, VerifierKey: r.VerifierKey,
		Witnesses: append([]string{}, r.Witnesses...), Quorum: r.Quorum, MinMembers: r.MinMembers,
	}, nil
}

func (r *registryResult) text() string {
	var t table
	t.add("registry", "%s", r.Name)
	t.add("identifier", "%s", r.Registry)
	t.add("at", "%s", r.URL)
	if len(r.Witnesses) > 0 {
		t.add("witnesses", "%d, of which %d must cosign", len(r.Witnesses), r.Quorum)
	}
	if r.MinMembers > 0 {
		t.add("members", "at least %d", r.MinMembers)
	}
	return t.String()
}
