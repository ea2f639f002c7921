package member

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/registry"
)

// configFormat is the value of the configuration's field "format".
const configFormat = "zkkex/v1 member config"

// Limits of the configuration.
const (
	// maxConfig bounds its file, in bytes.
	maxConfig = 256 << 10
	// MaxRegistries is the number of registries a directory can hold.
	MaxRegistries = 64
	// MaxURL is the longest address of a registry, in bytes.
	MaxURL = 1024
	// MaxWitnesses is the largest number of witnesses of a registry.
	MaxWitnesses = 32
	// maxWitnessKey is the longest key of a witness, in bytes.
	maxWitnessKey = 512
)

// Registry is a registry that a member trusts: where it is, and the key that
// says which one it is.
type Registry struct {
	// URL is where its files are: https, http, or file for a folder that the
	// registrar exported.
	URL string `json:"url"`
	// VerifierKey is the registrar's key, got from somewhere else than the
	// server: whoever takes it from the server trusts the server.
	VerifierKey string `json:"verifier_key"`
	// Witnesses are the cosignature keys of witnesses, of which Quorum must
	// have cosigned every checkpoint.
	Witnesses []string `json:"witnesses"`
	// Quorum is the number of witnesses that must have cosigned, 0 for none.
	Quorum int `json:"quorum"`
	// MinMembers is the smallest anonymity set that the member proves in; 0
	// demands nothing.
	MinMembers uint64 `json:"min_members"`
}

// ID returns the registry's identifier, which follows from its key. It returns
// an error wrapping [zkkex.ErrMalformed].
func (r Registry) ID() (zkkex.RegistryID, error) { return registry.ID(r.VerifierKey) }

// Name returns the registry's name, which is part of its key, or "" if the key
// is none.
func (r Registry) Name() string {
	v, err := registry.NewVerifier(r.VerifierKey)
	if err != nil {
		return ""
	}
	return v.Name()
}

func (r Registry) check() error {
	if _, err := r.ID(); err != nil {
		return err
	}
	u, err := url.Parse(r.URL)
	if err != nil || len(r.URL) > MaxURL || !slices.Contains([]string{"http", "https", "file"}, u.Scheme) {
		return malformed("registry URL %.80q, expected one of at most %d bytes that begins with https://, http:// or file://", r.URL, MaxURL)
	}
	if len(r.Witnesses) > MaxWitnesses {
		return malformed("%d witnesses, expected at most %d", len(r.Witnesses), MaxWitnesses)
	}
	for _, key := range r.Witnesses {
		if len(key) > maxWitnessKey {
			return malformed("witness key of %d bytes, expected at most %d", len(key), maxWitnessKey)
		}
	}
	if r.Quorum < 0 || r.Quorum > len(r.Witnesses) {
		return malformed("a quorum of %d, expected 0 to %d, the number of witnesses", r.Quorum, len(r.Witnesses))
	}
	return nil
}

// config is the content of config.json.
type config struct {
	Format     string     `json:"format"`
	Registries []Registry `json:"registries"`
}

// parseConfig decodes the configuration, strictly: it accepts exactly what
// encode writes.
func parseConfig(text []byte) (*config, error) {
	var c config
	if err := strictjson.Decode(text, maxConfig, &c); err != nil {
		return nil, malformed("%w", err)
	}
	if c.Format != configFormat {
		return nil, fmt.Errorf("%w: a member's configuration of format %q, expected %q", zkkex.ErrUnsupported, c.Format, configFormat)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := strictjson.Check(text, c.encode()); err != nil {
		return nil, malformed("%w", err)
	}
	return &c, nil
}

func (c *config) check() error {
	if len(c.Registries) > MaxRegistries {
		return malformed("%d registries, expected at most %d", len(c.Registries), MaxRegistries)
	}
	seen := make(map[string]bool)
	for _, r := range c.Registries {
		if err := r.check(); err != nil {
			return err
		}
		if seen[r.VerifierKey] {
			return malformed("two registries with the key %s", r.VerifierKey)
		}
		seen[r.VerifierKey] = true
	}
	return nil
}

// encode returns the one accepted form: fields in their order, indented by two
// spaces, ended by a newline.
func (c *config) encode() []byte {
	shown := config{Format: configFormat, Registries: slices.Clone(c.Registries)}
	if shown.Registries == nil {
		shown.Registries = []Registry{}
	}
	for i := range shown.Registries {
		if shown.Registries[i].Witnesses == nil {
			shown.Registries[i].Witnesses = []string{}
		}
	}
	return strictjson.Encode(shown)
}

// put adds a registry, or replaces the one with the same key.
func (c *config) put(r Registry) error {
	registries := slices.Clone(c.Registries)
	i := slices.IndexFunc(registries, func(known Registry) bool { return known.VerifierKey == r.VerifierKey })
	if i < 0 {
		registries = append(registries, r)
	} else {
		registries[i] = r
	}
	next := config{Format: configFormat, Registries: registries}
	if err := next.check(); err != nil {
		return err
	}
	*c = next
	return nil
}

// remove removes the registry with an identifier.
func (c *config) remove(id zkkex.RegistryID) error {
	for i, r := range c.Registries {
		known, err := r.ID()
		if err != nil {
			return err
		}
		if known == id {
			c.Registries = slices.Delete(slices.Clone(c.Registries), i, i+1)
			return nil
		}
	}
	return fmt.Errorf("%w: %v", ErrNoRegistry, id)
}

func malformed(msg string, args ...any) error {
	return &zkkex.ParseError{Format: "member's configuration", Err: fmt.Errorf(msg, args...)}
}
