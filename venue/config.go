package venue

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Defaults of a configuration.
const (
	// DefaultLimit is the number of sessions per member and epoch.
	DefaultLimit = 64
	// DefaultMaxOpens is how often one certificate can be opened.
	DefaultMaxOpens = 64
	// DefaultMaxChannels is how many channels of one certificate can be open at
	// the same time.
	DefaultMaxChannels = 8
	// DefaultSyncInterval is the mean time between two syncs with the registry.
	DefaultSyncInterval = 5 * time.Minute
	// DefaultPadding and DefaultPaddingWithCertificate are what first messages
	// are padded to at least, in bytes. In suites without a prekey an open takes
	// 1,383 bytes and one with its certificate inline 1,770: they are the next
	// multiples of 64, and one for fields to come. In suites with one, 2,487 and
	// 2,874 bytes are the natural sizes, the same for everybody, and not padded.
	DefaultPadding                = 1408
	DefaultPaddingWithCertificate = 1856
	// DefaultPaddingWithPlonk takes the place of the second where a circuit of
	// PLONK is accepted, whose certificates take 3,258 bytes in suites with a
	// prekey: messages with certificates are then of one size in every suite, and
	// nobody's proof system can be told.
	DefaultPaddingWithPlonk = 3328
)

// DefaultSchedule returns the schedule that stands for none: epochs of four hours.
// A new member gets in, and a revoked one is out, after two epochs at most.
func DefaultSchedule() zkkex.Schedule { return zkkex.Schedule{Length: 4 * 60 * 60} }

// Limits of a configuration.
const (
	// MaxURL is the longest address of a registry or witness, in bytes.
	MaxURL = 1024
	// MaxWitnesses is the largest number of witnesses of a log.
	MaxWitnesses = 32
	// MaxSyncInterval bounds the time between syncs: a longer one would make every
	// checkpoint too old.
	MaxSyncInterval = registry.DefaultMaxAge / 2
	// MaxLimit bounds the slots per member and epoch.
	MaxLimit = 1 << 20

	maxWitnessKey = 512
)

// Config is what an operator decides. Name, kinds of keys, registry key, schedule and chain id
// are for good: other ones are another venue, with another identity. All else
// can change, and holds from the next descriptor on; the limit from the next
// epoch that none was named for.
type Config struct {
	// Name is the venue's, such as "venue.example". It is part of the identity.
	Name string
	// PostQuantum gives the identity an ML-DSA-65 key beside the Ed25519 key: both
	// sign, so that who the venue is holds while either of the two does. The
	// identity is then of two lines and 2.7 kB.
	PostQuantum bool
	// Registry is whose members are admitted.
	Registry Registry
	// Schedule is the venue's epochs; its zero value is
	// [DefaultSchedule].
	Schedule zkkex.Schedule
	// ChainID is the EVM chain that the venue settles on, or 0.
	ChainID uint64
	// Limit is the number of sessions per member and epoch; 0 is [DefaultLimit].
	Limit uint32
	// MaxOpens and MaxChannels cap the opens of one certificate and its
	// concurrent channels; 0 is the default.
	MaxOpens, MaxChannels uint32
	// MinMembers is the smallest set of members that the venue names a root of,
	// for each circuit: who is one of few is not anonymous. At least 1, to which
	// 0 is set.
	MinMembers uint64
	// Circuits are the accepted circuits and parameter sets. There is no
	// default: whoever made the parameters can forge admissions.
	Circuits []descriptor.Circuit
	// Suites are the accepted ones, the preferred first; none is
	// [DefaultSuites].
	Suites []descriptor.Suite
	// Padding are the sizes of first messages; zeros are the defaults.
	Padding [2]uint16
	// Timing says how long descriptors are valid; its zero value is
	// [descriptor.DefaultTiming].
	Timing descriptor.Timing
	// SyncInterval is the mean time between syncs with the registry. Whole
	// seconds; 0 is [DefaultSyncInterval].
	SyncInterval time.Duration
	// Addresses are where the venue is reached, the preferred first. They may be
	// none, for clients that know another way.
	Addresses []descriptor.Address
	// Witnesses are asked to cosign the venue's own log, and Quorum of them must,
	// before a descriptor is published.
	Witnesses []registrar.Witness
	Quorum    int
}

// Registry says which registry a venue follows.
type Registry struct {
	// URL is where its files are: https, http, or file for a folder.
	URL string
	// VerifierKey is the registrar's key.
	VerifierKey string
	// Witnesses are the cosignature keys of witnesses, of which Quorum must have
	// cosigned every checkpoint.
	Witnesses []string
	Quorum    int
}

// DefaultSuites are the AES-GCM suites: first the one whose first messages are
// smallest and quickest, then the one that also hides them from a later quantum
// attacker and can carry early data. A client that demands the latter takes it.
func DefaultSuites() []descriptor.Suite {
	return []descriptor.Suite{
		"Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256",
		"Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_SHA256",
	}
}

// withDefaults returns the configuration with the defaults in place of what is
// not set.
func (c Config) withDefaults() Config {
	setDefault(&c.Schedule, DefaultSchedule())
	setDefault(&c.Limit, DefaultLimit)
	setDefault(&c.MaxOpens, DefaultMaxOpens)
	setDefault(&c.MaxChannels, DefaultMaxChannels)
	setDefault(&c.MinMembers, 1)
	setDefault(&c.Padding, c.defaultPadding())
	setDefault(&c.Timing, descriptor.DefaultTiming())
	setDefault(&c.SyncInterval, DefaultSyncInterval)
	if len(c.Suites) == 0 {
		c.Suites = DefaultSuites()
	}
	c.Circuits = slices.SortedFunc(slices.Values(c.Circuits), compareCircuits)
	return c
}

// defaultPadding returns the padding that hides what circuits a member can choose
// from.
func (c *Config) defaultPadding() [2]uint16 {
	for _, circuit := range c.Circuits {
		if circuit.ID.ProofSystem() == zkkex.Plonk {
			return [2]uint16{DefaultPadding, DefaultPaddingWithPlonk}
		}
	}
	return [2]uint16{DefaultPadding, DefaultPaddingWithCertificate}
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// check returns an error wrapping [zkkex.ErrMalformed] or
// [zkkex.ErrUnsupported] unless the venue could work by the configuration.
func (c *Config) check() error {
	for _, check := range []func() error{c.checkRegistry, c.checkNumbers, c.checkTimes, c.checkCircuits, c.checkWitnesses, c.checkTexts} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkRegistry() error {
	if err := checkURL("registry", c.Registry.URL, "http", "https", "file"); err != nil {
		return err
	}
	if len(c.Registry.Witnesses) > MaxWitnesses {
		return malformed("%d witnesses of the registry, expected at most %d", len(c.Registry.Witnesses), MaxWitnesses)
	}
	for _, key := range c.Registry.Witnesses {
		if len(key) > maxWitnessKey {
			return malformed("witness key of %d bytes, expected at most %d", len(key), maxWitnessKey)
		}
	}
	follow := mirror.Config{URL: c.Registry.URL, VerifierKey: c.Registry.VerifierKey, Witnesses: c.Registry.Witnesses, Quorum: c.Registry.Quorum}
	if err := follow.Check(); err != nil {
		return malformed("registry: %w", err)
	}
	return nil
}

func checkURL(what, address string, schemes ...string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > MaxURL || !slices.Contains(schemes, u.Scheme) {
		return malformed("%s URL %.80q, expected one of at most %d bytes that begins with %v://", what, address, MaxURL, schemes)
	}
	return nil
}

func (c *Config) checkNumbers() error {
	switch {
	case c.Limit == 0 || c.Limit > MaxLimit:
		return malformed("limit %d, expected 1 to %d", c.Limit, MaxLimit)
	case c.MinMembers == 0:
		return malformed("min_members 0, expected at least 1")
	}
	return nil
}

func (c *Config) checkTimes() error {
	if c.SyncInterval < time.Second || c.SyncInterval > MaxSyncInterval || c.SyncInterval%time.Second != 0 {
		return malformed("a sync every %v, expected whole seconds from one to %v", c.SyncInterval, MaxSyncInterval)
	}
	if err := c.Timing.Check(); err != nil {
		return malformed("%w", err)
	}
	if each, epoch := c.Timing.Interval+c.Timing.Overlap, time.Duration(c.Schedule.Length)*time.Second; each > epoch {
		return malformed("descriptors of %v, with the overlap, and epochs of %v, expected descriptors that fit into one", each, epoch)
	}
	return nil
}

func (c *Config) checkCircuits() error {
	if len(c.Circuits) == 0 {
		return malformed("no circuits, expected at least one, with the digest of its parameters")
	}
	for _, circuit := range c.Circuits {
		if !circuit.ID.Known() {
			return fmt.Errorf("%w: venue's configuration: %v, expected one of %v", zkkex.ErrUnsupported, circuit.ID, zkkex.Circuits())
		}
	}
	for _, suite := range c.Suites {
		if suite.Security() == descriptor.UnknownSecurity {
			return fmt.Errorf("%w: venue's configuration: suite %.80q, expected some of %v", zkkex.ErrUnsupported, suite, descriptor.Suites())
		}
	}
	return nil
}

func (c *Config) checkWitnesses() error {
	if len(c.Witnesses) > MaxWitnesses || c.Quorum < 0 || c.Quorum > len(c.Witnesses) {
		return malformed("a quorum of %d of %d witnesses, expected at most %d witnesses and no larger quorum", c.Quorum, len(c.Witnesses), MaxWitnesses)
	}
	for _, w := range c.Witnesses {
		if err := checkURL("witness", w.URL, "http", "https"); err != nil {
			return err
		}
		if len(w.VerifierKey) > maxWitnessKey {
			return malformed("witness key of %d bytes, expected at most %d", len(w.VerifierKey), maxWitnessKey)
		}
	}
	return nil
}

// checkTexts checks what goes into a descriptor word by word, by the rules of
// descriptors: a first one, as it were, with made-up keys.
func (c *Config) checkTexts() error {
	if err := registry.CheckName(c.Name); err != nil {
		return malformed("name: %w", err)
	}
	d, err := sample(c)
	if err != nil {
		return err
	}
	if _, err := d.MarshalText(); err != nil {
		return malformed("the descriptors that follow would be none: %w", err)
	}
	return nil
}

func malformed(msg string, args ...any) error {
	return &zkkex.ParseError{Format: "venue's configuration", Err: fmt.Errorf(msg, args...)}
}
