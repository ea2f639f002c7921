package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier/spent"
)

// DefaultClockSkew is the difference between a prover's and a verifier's clocks
// that is allowed for unless [Config] says otherwise.
const DefaultClockSkew = 30 * time.Second

// NoClockSkew is the value of [Config.ClockSkew] that allows for no difference.
const NoClockSkew time.Duration = -1

// Config is a verifier's policy. Fields without a default are required.
type Config struct {
	// Params are the parameter sets whose proofs are accepted, and so the
	// accepted circuits. There may be several of one circuit.
	Params []*params.Verifying
	// Registry identifies the registry whose members may prove.
	Registry zkkex.RegistryID
	// Roots decides which roots of that registry are accepted. A policy with a
	// method Registry() [zkkex.RegistryID] must return Registry's value.
	Roots registry.RootPolicy
	// Scope says which scope counts in which epoch.
	Scope ScopeRule
	// Limit is the number of slots per member and epoch.
	Limit uint32
	// Spent records nullifiers. [NoSpend] says by name that nothing is to be
	// recorded, and that the same presentation is accepted again and again.
	Spent spent.Store
	// MinMembers is the smallest anonymity set that is accepted: the number of
	// live members with a key of the circuit's type. 0 accepts any.
	MinMembers uint64
	// ClockSkew is how far a prover's clock may be from the verifier's: an
	// epoch is accepted from this long before it begins until this long after
	// it ends. 0 means [DefaultClockSkew].
	ClockSkew time.Duration
	// EpochGrace is for how long after its end an epoch is accepted, beside the
	// clock skew: time for a presentation to arrive. 0 means none.
	EpochGrace time.Duration
	// EpochLead is for how long before its beginning an epoch is accepted,
	// beside the clock skew: a venue admits certificates of the next epoch
	// ahead. 0 means none.
	EpochLead time.Duration
	// Pool, if set, verifies the proofs, batched under load and bounded;
	// several verifiers can share one. nil verifies each proof at once, in the
	// goroutine that asks.
	Pool *Pool
	// Now is the clock, [time.Now] by default.
	Now func() time.Time
}

// ScopeRule says which scope a verifier accepts. It MUST depend on its
// arguments and on the verifier's own configuration alone.
type ScopeRule interface {
	// Schedule returns the epochs that slots count in.
	Schedule() zkkex.Schedule
	// Scope returns the scope of an epoch.
	Scope(id zkkex.RegistryID, epoch zkkex.Epoch) zkkex.Scope
}

// NamedScope is the rule for proofs without a venue: a name that prover and
// verifier agree on.
type NamedScope struct {
	// Name is the agreed string, as in [zkkex.NamedScope].
	Name string
	// Epochs is the agreed schedule.
	Epochs zkkex.Schedule
}

// Schedule implements [ScopeRule].
func (n NamedScope) Schedule() zkkex.Schedule { return n.Epochs }

// Scope implements [ScopeRule].
func (n NamedScope) Scope(id zkkex.RegistryID, epoch zkkex.Epoch) zkkex.Scope {
	return zkkex.NamedScope{Name: n.Name, Registry: id, Epoch: epoch}.Scope()
}

// NoSpend, as [Config.Spent], records nothing: whoever has a presentation can
// show it again and again while its epoch and root are accepted. It is for
// looking at a presentation without using it up.
const NoSpend noSpend = 0

type noSpend uint8

var _ spent.Store = NoSpend

func (noSpend) Spend(context.Context, spent.Entry) error      { return nil }
func (noSpend) Lookup(context.Context, spent.Entry) error     { return nil }
func (noSpend) Prune(context.Context, time.Time) (int, error) { return 0, nil }

// withDefaults returns a copy that is complete, or an error that names the
// field.
func (c Config) withDefaults() (Config, error) {
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"Params", len(c.Params) == 0},
		{"Registry", c.Registry == zkkex.RegistryID{}},
		{"Roots", c.Roots == nil},
		{"Scope", c.Scope == nil},
		{"Limit", c.Limit == 0},
		{"Spent (a store, or verifier.NoSpend)", c.Spent == nil},
	} {
		if field.missing {
			return c, fmt.Errorf("verifier: Config.%s is required", field.name)
		}
	}
	for i, set := range c.Params {
		if set == nil {
			return c, fmt.Errorf("verifier: Config.Params[%d] is nil", i)
		}
	}
	if err := c.checkRegistry(); err != nil {
		return c, err
	}
	switch c.ClockSkew {
	case 0:
		c.ClockSkew = DefaultClockSkew
	case NoClockSkew:
		c.ClockSkew = 0
	}
	if c.ClockSkew < 0 || c.EpochGrace < 0 || c.EpochLead < 0 {
		return c, errors.New("verifier: Config.ClockSkew, Config.EpochGrace and Config.EpochLead must not be negative")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, c.checkWindow()
}

// checkRegistry refuses a root policy that is known to be another registry's.
func (c *Config) checkRegistry() error {
	roots, ok := c.Roots.(interface{ Registry() zkkex.RegistryID })
	if !ok {
		return nil
	}
	if id := roots.Registry(); id != c.Registry {
		return fmt.Errorf("verifier: Config.Roots is of registry %v, expected %v, as in Config.Registry", id, c.Registry)
	}
	return nil
}

// checkWindow refuses a window in which more than two epochs would be accepted
// at one time, and so more than twice the limit.
func (c *Config) checkWindow() error {
	length := time.Duration(c.Scope.Schedule().Length) * time.Second
	if length == 0 {
		return errors.New("verifier: the scope's epochs have a length of 0 seconds, expected at least 1")
	}
	if max(c.ClockSkew, c.EpochGrace, c.EpochLead) > length || 2*c.ClockSkew+c.EpochGrace+c.EpochLead > length {
		return fmt.Errorf("verifier: twice the clock skew, the grace and the lead (%v, %v and %v) are more than the length of an epoch, %v; set Config.ClockSkew", c.ClockSkew, c.EpochGrace, c.EpochLead, length)
	}
	return nil
}
