package admission

import (
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/verifier"
)

// Limits of a gate. [Config] can only tighten them.
const (
	// ChannelGrace is for how long after its certificate's epoch a channel may
	// live, unless a quarter of the epoch is less.
	ChannelGrace = 5 * time.Minute
	// GenerationCheck is how often, at least, whoever holds channels asks
	// [Gate.Live] about each: within it, raising the generation ends them.
	GenerationCheck = 30 * time.Second
	// PruneDelay is how long records outlive what they are needed for, for
	// clocks that go back.
	PruneDelay = time.Hour
)

// NoGrace is the value of [Config.ChannelGrace] that ends channels with their
// epoch.
const NoGrace time.Duration = -1

// graceFraction: a channel's grace is at most this part of the epoch, a quarter.
const graceFraction = 4

// Config is what a gate decides by, beside the terms. Fields without a default
// are required.
type Config struct {
	// Store records admissions and opens.
	Store Store
	// Terms are those that the gate begins with; [Gate.SetTerms] replaces them.
	Terms Terms
	// Venue is the digest of the venue's identity keys, ChainID the EVM chain
	// that it settles on, or 0, and Schedule its epochs. They are in every
	// scope, and never change.
	Venue    [32]byte
	ChainID  uint64
	Schedule zkkex.Schedule
	// Registry is the registry whose members are admitted, and Roots its
	// checkpoints.
	Registry zkkex.RegistryID
	Roots    Roots
	// Params are the parameter sets whose proofs are accepted.
	Params []*params.Verifying
	// MinMembers is the smallest anonymity set that is accepted.
	MinMembers uint64
	// Pool verifies the proofs; nil verifies each in the goroutine that asks.
	Pool *verifier.Pool
	// ClockSkew, EpochGrace and EpochLead are those of [verifier.Config], except
	// that 0 for EpochLead means [slots.Lead].
	ClockSkew, EpochGrace, EpochLead time.Duration
	// ChannelGrace is for how long after its epoch a channel may live; 0 means
	// as long as is allowed, which is also the most that can be set.
	ChannelGrace time.Duration
	// Now is the clock, [time.Now] by default.
	Now func() time.Time
	// NewVerifier makes what verifies an epoch's certificates, [verifier.New] by
	// default. It is for tests of what is built on proofs: what it returns must
	// check all that package verifier lists, but record nothing.
	NewVerifier func(verifier.Config) (zkkex.Verifier, error)
}

// withDefaults returns a copy that is complete, or an error that names the
// field.
func (c Config) withDefaults() (Config, error) {
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Store", c.Store == nil},
		{"Venue", c.Venue == [32]byte{}},
		{"Schedule", c.Schedule.Length == 0},
		{"Registry", c.Registry == zkkex.RegistryID{}},
		{"Roots", c.Roots == nil},
	} {
		if field.missing {
			return c, fmt.Errorf("admission: Config.%s is required", field.name)
		}
	}
	if id := c.Roots.Registry(); id != c.Registry {
		return c, fmt.Errorf("admission: Config.Roots is of registry %v, expected %v, as in Config.Registry", id, c.Registry)
	}
	if c.EpochLead == 0 {
		c.EpochLead = slots.Lead(c.Schedule)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewVerifier == nil {
		c.NewVerifier = func(v verifier.Config) (zkkex.Verifier, error) { return verifier.New(v) }
	}
	return c.withGrace()
}

// withGrace sets the grace of channels.
func (c Config) withGrace() (Config, error) {
	most := min(ChannelGrace, time.Duration(c.Schedule.Length)*time.Second/graceFraction)
	switch {
	case c.ChannelGrace == 0:
		c.ChannelGrace = most
	case c.ChannelGrace == NoGrace:
		c.ChannelGrace = 0
	case c.ChannelGrace < 0 || c.ChannelGrace > most:
		return c, fmt.Errorf("admission: Config.ChannelGrace is %v, expected at most %v", c.ChannelGrace, most)
	}
	if c.EpochGrace < 0 || c.EpochLead < 0 || c.ClockSkew < verifier.NoClockSkew {
		return c, errors.New("admission: Config.ClockSkew, EpochGrace and EpochLead must not be negative")
	}
	return c, nil
}

// skew is the clock skew that package verifier makes of the field.
func (c *Config) skew() time.Duration {
	switch c.ClockSkew {
	case 0:
		return verifier.DefaultClockSkew
	case verifier.NoClockSkew:
		return 0
	default:
		return c.ClockSkew
	}
}
