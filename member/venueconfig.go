package member

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

const (
	// venueFormat is the value of a venue configuration's field "format".
	venueFormat = "zkkex/v1 member venue"
	// maxVenueConfig bounds its file, in bytes: an identity of the largest size,
	// with every witness there can be.
	maxVenueConfig = 64 << 10
	// MaxVenues is the number of venues a directory can hold.
	MaxVenues = 256
)

// Errors of venues.
var (
	// ErrNoVenue reports that the directory knows no venue, or none of the given
	// name.
	ErrNoVenue = errors.New("no such venue in the state directory")
	// ErrSeveralVenues reports that a venue must be named.
	ErrSeveralVenues = errors.New("the state directory has several venues")
)

// VenueConfig is a venue that a member trusts: where its descriptors are, and
// the identity that says which one it is.
type VenueConfig struct {
	// URL is where the venue's descriptors are: https, http, or file for a folder
	// that the venue exported.
	URL string `json:"url"`
	// Identity is the venue's public keys, got from somewhere else than the
	// server (docs/spec/descriptor.md): whoever takes it from the server trusts
	// the server.
	Identity string `json:"identity"`
	// Witnesses are the cosignature keys of witnesses of the venue's log, of
	// which Quorum must have cosigned it.
	Witnesses []string `json:"witnesses"`
	Quorum    int      `json:"quorum"`
	// MinMembers is the smallest anonymity set that the member opens sessions
	// in; 0 demands nothing beyond what it demands of the registry.
	MinMembers uint64 `json:"min_members"`
	// RequirePrekey demands suites that seal the first message to the venue's
	// ML-KEM prekey too.
	RequirePrekey bool `json:"require_prekey"`
}

// ID returns the venue's identifier. It returns an error wrapping
// [zkkex.ErrMalformed].
func (v VenueConfig) ID() (descriptor.VenueID, error) {
	identity, err := descriptor.ParseIdentity(v.Identity)
	if err != nil {
		return descriptor.VenueID{}, err
	}
	return identity.ID(), nil
}

// Name returns the venue's name, which is part of its identity, or "" if that is
// none.
func (v VenueConfig) Name() string {
	identity, err := descriptor.ParseIdentity(v.Identity)
	if err != nil {
		return ""
	}
	return identity.Name()
}

func (v VenueConfig) chainConfig() (descriptor.ChainConfig, error) {
	identity, err := descriptor.ParseIdentity(v.Identity)
	if err != nil {
		return descriptor.ChainConfig{}, err
	}
	return descriptor.ChainConfig{Identity: identity, Witnesses: v.Witnesses, Quorum: v.Quorum}, nil
}

func (v VenueConfig) check() error {
	c, err := v.chainConfig()
	if err != nil {
		return err
	}
	if len(v.URL) > MaxURL {
		return malformedVenue("URL of %d bytes, expected at most %d", len(v.URL), MaxURL)
	}
	if _, err := venueclient.New(venueclient.Config{URL: v.URL}); err != nil {
		return malformedVenue("%w", err)
	}
	if err := v.checkWitnesses(); err != nil {
		return err
	}
	if _, err := descriptor.NewChain(c); err != nil {
		return malformedVenue("%w", err)
	}
	return nil
}

func (v VenueConfig) checkWitnesses() error {
	if len(v.Witnesses) > MaxWitnesses {
		return malformedVenue("%d witnesses, expected at most %d", len(v.Witnesses), MaxWitnesses)
	}
	for _, key := range v.Witnesses {
		if len(key) > maxWitnessKey {
			return malformedVenue("witness key of %d bytes, expected at most %d", len(key), maxWitnessKey)
		}
	}
	if v.Quorum < 0 || v.Quorum > len(v.Witnesses) {
		return malformedVenue("a quorum of %d, expected 0 to %d, the number of witnesses", v.Quorum, len(v.Witnesses))
	}
	return nil
}

// venueFile is the content of a venue's config.json.
type venueFile struct {
	Format string `json:"format"`
	VenueConfig
}

// parseVenue decodes a venue's configuration, strictly: it accepts exactly what
// encodeVenue writes.
func parseVenue(text []byte) (*VenueConfig, error) {
	var f venueFile
	if err := strictjson.Decode(text, maxVenueConfig, &f); err != nil {
		return nil, malformedVenue("%w", err)
	}
	if f.Format != venueFormat {
		return nil, fmt.Errorf("%w: a venue's configuration of format %q, expected %q", zkkex.ErrUnsupported, f.Format, venueFormat)
	}
	if err := f.VenueConfig.check(); err != nil {
		return nil, err
	}
	if err := strictjson.Check(text, encodeVenue(f.VenueConfig)); err != nil {
		return nil, malformedVenue("%w", err)
	}
	return &f.VenueConfig, nil
}

// encodeVenue returns the one accepted form: fields in their order, indented by
// two spaces, ended by a newline.
func encodeVenue(v VenueConfig) []byte {
	if v.Witnesses == nil {
		v.Witnesses = []string{}
	}
	return strictjson.Encode(venueFile{venueFormat, v})
}

// TrustVenue records a venue, or a new address, witnesses or demands of one that
// is known. From then on its descriptors are compared with everything that was
// seen of it before. A [Venue] that is open goes on with what it was opened with.
// It returns an error wrapping [zkkex.ErrMalformed].
func (m *Member) TrustVenue(v VenueConfig) (descriptor.VenueID, error) {
	if err := v.check(); err != nil {
		return descriptor.VenueID{}, err
	}
	id, err := v.ID()
	if err != nil {
		return id, err
	}
	return id, m.locked(func() error { return m.putVenue(id, v) })
}

func (m *Member) putVenue(id descriptor.VenueID, v VenueConfig) error {
	known, err := m.Venues()
	if err != nil {
		return err
	}
	isThis := func(k VenueConfig) bool { return k.Identity == v.Identity }
	if len(known) >= MaxVenues && !slices.ContainsFunc(known, isThis) {
		return malformedVenue("%d venues are recorded, which is the most; forget one first", MaxVenues)
	}
	dir := m.venueDir(id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, configName), encodeVenue(v), 0o600)
}

// ForgetVenue removes a venue from what is trusted. What was seen of it stays on
// disk: whoever trusts it again compares with that. It returns an error wrapping
// [ErrNoVenue].
func (m *Member) ForgetVenue(id descriptor.VenueID) error {
	return m.locked(func() error {
		err := os.Remove(filepath.Join(m.venueDir(id), configName))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %v", ErrNoVenue, id)
		}
		return err
	})
}

// Venues returns the venues that are trusted, in order of their identifiers. It
// returns an error wrapping [zkkex.ErrMalformed] for a damaged file.
func (m *Member) Venues() ([]VenueConfig, error) {
	entries, err := os.ReadDir(filepath.Join(m.dir, venuesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []VenueConfig
	for _, e := range entries {
		id, err := zkkex.ParseHex(e.Name())
		if err != nil {
			continue
		}
		v, err := m.venueConfig(id)
		if errors.Is(err, ErrNoVenue) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, *v)
	}
	return out, nil
}

// FindVenue returns the venue with a given URL, name, identity or identifier, or,
// for the empty string, the only one there is. It returns an error wrapping
// [ErrNoVenue] or [ErrSeveralVenues].
func (m *Member) FindVenue(which string) (descriptor.VenueID, error) {
	var found []descriptor.VenueID
	var names []string
	venues, err := m.Venues()
	if err != nil {
		return descriptor.VenueID{}, err
	}
	for _, v := range venues {
		id, err := v.ID()
		if err != nil {
			return id, err
		}
		names = append(names, fmt.Sprintf("%s (%v)", v.Name(), id))
		if which == "" || slices.Contains([]string{v.URL, v.Name(), v.Identity, id.String()}, which) {
			found = append(found, id)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return descriptor.VenueID{}, fmt.Errorf("%w: name one of %v", ErrSeveralVenues, names)
	case which == "":
		return descriptor.VenueID{}, fmt.Errorf("%w: it has none yet", ErrNoVenue)
	default:
		return descriptor.VenueID{}, fmt.Errorf("%w: %q; it has %v", ErrNoVenue, which, names)
	}
}

func (m *Member) venueDir(id descriptor.VenueID) string {
	return filepath.Join(m.dir, venuesName, id.String())
}

// venueConfig reads what is recorded of a venue.
func (m *Member) venueConfig(id descriptor.VenueID) (*VenueConfig, error) {
	path := filepath.Join(m.venueDir(id), configName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %v", ErrNoVenue, id)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := readAtMost(f, maxVenueConfig)
	if err != nil {
		return nil, err
	}
	v, err := parseVenue(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if recorded, err := v.ID(); err != nil || recorded != id {
		return nil, fmt.Errorf("%s: %w", path, malformedVenue("it is another venue's than its folder says"))
	}
	return v, nil
}

func malformedVenue(msg string, args ...any) error {
	return &zkkex.ParseError{Format: "venue's configuration", Err: fmt.Errorf(msg, args...)}
}
