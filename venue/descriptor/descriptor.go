package descriptor

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/registry"
)

// Limits of the format.
const (
	// MaxText bounds a descriptor's text, in bytes.
	MaxText = 16 << 10
	// MaxCircuits, MaxSuites and MaxAddresses bound the lists.
	MaxCircuits  = 16
	MaxSuites    = 16
	MaxAddresses = 16
	// SwitchGrid is what the times of validity are multiples of, in Unix time:
	// everybody switches at the same whole minute.
	SwitchGrid = time.Minute
	// MaxPrekeyLife is the longest time from a descriptor's beginning to the end
	// of its prekeys.
	MaxPrekeyLife = 14 * 24 * time.Hour

	// latestUnix is the last second of the year 9999.
	latestUnix = 253402300799
)

// Digest identifies a descriptor: a hash of its text.
type Digest [32]byte

// String returns the value as 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// EpochTerms are what a venue names for an epoch, ahead of it and once: the
// limit for good, sequence and root for one generation.
type EpochTerms struct {
	// Number is the epoch's, in the descriptor's schedule.
	Number uint64
	// Limit is the number of slots per member in this epoch, at least 1.
	Limit uint32
	// Sequence and Root are the registry's root that everybody proves against.
	Sequence uint64
	Root     zkkex.Root
}

// Circuit is a circuit that a venue accepts, with a parameter set for it. The
// circuit may be one that this version does not know.
type Circuit struct {
	ID     zkkex.CircuitID
	Params zkkex.ParamsDigest
}

// Descriptor is what a venue says about itself for a time. Its meaning, line by
// line, is in docs/spec/descriptor.md.
type Descriptor struct {
	// Venue is the digest of the venue's identity keys.
	Venue VenueID
	// Number counts the venue's descriptors, from 1.
	Number uint64
	// Previous is the digest of the descriptor before, zero for the first.
	Previous Digest
	// NotBefore is the first instant at which the descriptor is valid, and
	// NotAfter the first at which it is not any more. Whole minutes.
	NotBefore, NotAfter time.Time
	// Schedule is the venue's epochs. It never changes.
	Schedule zkkex.Schedule
	// Generation only grows. A greater one ends the validity of every
	// descriptor before, and is in the scope.
	Generation uint32
	// ChainID is the EVM chain the venue settles on, or 0. It never changes.
	ChainID uint64
	// Registry is the verifier key of the registry whose members the venue
	// admits. It never changes.
	Registry string
	// Epochs are the epoch that NotBefore lies in and the one after it.
	Epochs [2]EpochTerms
	// MaxOpens and MaxChannels cap the opens of one certificate, and its
	// concurrent channels. At least 1 each.
	MaxOpens, MaxChannels uint32
	// Padding are the two sizes that first messages are padded to at least, in
	// bytes: without a certificate in them, and with one.
	Padding [2]uint16
	// Prekeys are the keys that first messages are sealed to.
	Prekeys Prekeys
	// Circuits are the accepted ones, in ascending order, at least one.
	Circuits []Circuit
	// Suites are the accepted ones, the preferred first, at least one.
	Suites []Suite
	// Addresses are where the venue is reached, the preferred first.
	Addresses []Address
}

// RegistryID returns the identifier of the registry, as [registry.ID] does.
func (d *Descriptor) RegistryID() zkkex.RegistryID {
	return domain.Hash(domain.RegistryID, []byte(d.Registry))
}

// Scope returns the scope of sessions in an epoch, by its number.
func (d *Descriptor) Scope(epoch uint64) zkkex.Scope {
	return zkkex.VenueScope{
		Venue:      d.Venue,
		Registry:   d.RegistryID(),
		ChainID:    d.ChainID,
		Epoch:      zkkex.Epoch{Schedule: d.Schedule, Number: epoch},
		Generation: d.Generation,
	}.Scope()
}

// Terms returns what the descriptor names for an epoch, and whether it names
// the epoch at all.
func (d *Descriptor) Terms(epoch uint64) (EpochTerms, bool) {
	for _, terms := range d.Epochs {
		if terms.Number == epoch {
			return terms, true
		}
	}
	return EpochTerms{}, false
}

// check returns an error wrapping [zkkex.ErrMalformed] unless the descriptor is
// well-formed by itself. How it follows others is for [Chain] to check.
func (d *Descriptor) check() error {
	for _, check := range []func() error{d.checkNumber, d.checkTimes, d.checkEpochs, d.checkCaps, d.Prekeys.check, d.checkLists} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Descriptor) checkNumber() error {
	switch {
	case d.Number == 0 || d.Number > 1<<48:
		return malformed(descriptorFormat, "number %d, expected 1 to 2^48", d.Number)
	case d.Number == 1 && d.Previous != Digest{}:
		return malformed(descriptorFormat, "the first descriptor names a previous one, expected zeros")
	case d.Number > 1 && d.Previous == Digest{}:
		return malformed(descriptorFormat, "descriptor %d names no previous one", d.Number)
	}
	if _, err := registry.NewVerifier(d.Registry); err != nil {
		return malformed(descriptorFormat, "registry: %w", err)
	}
	return nil
}

func (d *Descriptor) checkTimes() error {
	for _, t := range []time.Time{d.NotBefore, d.NotAfter} {
		if s := t.Unix(); s < 0 || s > latestUnix || s%int64(SwitchGrid/time.Second) != 0 || t.Nanosecond() != 0 {
			return malformed(descriptorFormat, "validity from %d to %d, expected whole minutes from 0 to %d", d.NotBefore.Unix(), d.NotAfter.Unix(), latestUnix)
		}
	}
	if !d.NotAfter.After(d.NotBefore) {
		return malformed(descriptorFormat, "it ends at %s, expected after it begins, at %s", stamp(d.NotAfter), stamp(d.NotBefore))
	}
	expires := d.Prekeys.Expires
	switch {
	case expires.Nanosecond() != 0 || expires.Unix() > latestUnix:
		return malformed(descriptorFormat, "prekeys expire at %s, expected whole seconds before the year 10000", stamp(expires))
	case expires.Before(d.NotAfter):
		return malformed(descriptorFormat, "prekeys expire at %s, expected not before the descriptor, at %s", stamp(expires), stamp(d.NotAfter))
	case expires.Sub(d.NotBefore) > MaxPrekeyLife:
		return malformed(descriptorFormat, "prekeys live for %v, expected at most %v", expires.Sub(d.NotBefore), MaxPrekeyLife)
	}
	return nil
}

func (d *Descriptor) checkEpochs() error {
	if d.Schedule.Origin < 0 || d.Schedule.Origin > latestUnix {
		return malformed(descriptorFormat, "epoch origin %d, expected 0 to %d", d.Schedule.Origin, latestUnix)
	}
	first, err := d.Schedule.At(d.NotBefore)
	if err != nil {
		return malformed(descriptorFormat, "epochs: %w", err)
	}
	this, next := d.Epochs[0], d.Epochs[1]
	if this.Number != first.Number || next.Number != first.Number+1 {
		return malformed(descriptorFormat, "it names the epochs %d and %d, expected %d, which it begins in, and the next one", this.Number, next.Number, first.Number)
	}
	end, err := zkkex.Epoch{Schedule: d.Schedule, Number: next.Number}.End()
	if err != nil {
		return malformed(descriptorFormat, "epochs: %w", err)
	}
	if d.Prekeys.Expires.After(end) {
		return malformed(descriptorFormat, "prekeys expire at %s, expected not after the last epoch named, which ends at %s", stamp(d.Prekeys.Expires), stamp(end))
	}
	for _, terms := range d.Epochs {
		if err := terms.check(); err != nil {
			return err
		}
	}
	if detail := rootsContradict(this, next); detail != "" {
		return malformed(descriptorFormat, "%s", detail)
	}
	return nil
}

func (t EpochTerms) check() error {
	if t.Limit == 0 {
		return malformed(descriptorFormat, "epoch %d has the limit 0, expected at least 1", t.Number)
	}
	if t.Sequence > 1<<63-1 {
		return malformed(descriptorFormat, "epoch %d: root sequence %d, expected below 2^63", t.Number, t.Sequence)
	}
	if _, err := zkkex.ParseRoot(t.Root[:]); err != nil {
		return malformed(descriptorFormat, "epoch %d: %w", t.Number, err)
	}
	return nil
}

// rootsContradict says how the root of a later epoch, or of a later generation,
// contradicts an earlier one of the same registry, or returns "".
func rootsContradict(earlier, later EpochTerms) string {
	switch {
	case later.Sequence < earlier.Sequence:
		return fmt.Sprintf("epoch %d has the root of sequence %d, which is before %d, that of epoch %d", later.Number, later.Sequence, earlier.Sequence, earlier.Number)
	case later.Sequence == earlier.Sequence && later.Root != earlier.Root:
		return fmt.Sprintf("epochs %d and %d have different roots of one sequence, %d", earlier.Number, later.Number, later.Sequence)
	}
	return ""
}

func (d *Descriptor) checkCaps() error {
	if d.MaxOpens == 0 || d.MaxChannels == 0 {
		return malformed(descriptorFormat, "%d opens and %d channels per certificate, expected at least 1 each", d.MaxOpens, d.MaxChannels)
	}
	if d.Padding[0] == 0 || d.Padding[0] > d.Padding[1] {
		return malformed(descriptorFormat, "padding to %d and %d bytes, expected at least 1, and the second not below the first", d.Padding[0], d.Padding[1])
	}
	return nil
}

func (d *Descriptor) checkLists() error {
	if n := len(d.Circuits); n == 0 || n > MaxCircuits {
		return malformed(descriptorFormat, "%d circuits, expected 1 to %d", n, MaxCircuits)
	}
	for i, c := range d.Circuits[1:] {
		if compareCircuits(d.Circuits[i], c) >= 0 {
			return malformed(descriptorFormat, "circuit %v is not in ascending order", c.ID)
		}
	}
	if n := len(d.Suites); n == 0 || n > MaxSuites {
		return malformed(descriptorFormat, "%d suites, expected 1 to %d", n, MaxSuites)
	}
	for i, s := range d.Suites {
		if err := s.check(); err != nil {
			return err
		}
		if slices.Contains(d.Suites[:i], s) {
			return malformed(descriptorFormat, "suite %s is there twice", s)
		}
		if s.Security() == HybridPrekey && d.Prekeys.MLKEM768 == nil {
			return malformed(descriptorFormat, "suite %s needs an ML-KEM-768 prekey, and there is none", s)
		}
	}
	return d.checkAddresses()
}

func (d *Descriptor) checkAddresses() error {
	if n := len(d.Addresses); n > MaxAddresses {
		return malformed(descriptorFormat, "%d addresses, expected at most %d", n, MaxAddresses)
	}
	for i, a := range d.Addresses {
		if err := a.check(); err != nil {
			return err
		}
		if slices.Contains(d.Addresses[:i], a) {
			return malformed(descriptorFormat, "address %s is there twice", a)
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
