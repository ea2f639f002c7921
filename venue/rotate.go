package venue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// ErrNotPublished reports a descriptor that was issued, and is in force, but is
// not in a published checkpoint yet, so that clients cannot fetch it. The next
// [Venue.Rotate] tries again.
var ErrNotPublished = errors.New("the newest descriptor is not published yet")

// Rotate issues the next descriptor if it is due, publishes what is not published
// yet, and returns the newest descriptor. An epoch that has no root yet gets the
// newest of the registry, as of the last [Venue.Sync].
//
// No root is named, and the error wraps [mirror.ErrNotSynced] or is a
// [*registry.AgeError], if the copy of the registry is not fresh; it wraps
// [zkkex.ErrRejected], with the reason [zkkex.TooFewMembers], if too few would be
// in the set. It wraps [descriptor.ErrTerms] if the configuration contradicts
// what the venue said before, and [ErrNotPublished] beside the descriptor.
func (v *Venue) Rotate(ctx context.Context) (*descriptor.Signed, error) {
	if v.Follows() {
		return nil, ErrFollows
	}
	v.issuing.Lock()
	defer v.issuing.Unlock()
	signed, err := v.rotate()
	if err := errors.Join(err, v.gate.renew()); err != nil {
		v.problem(ctx, "rotate", err)
		return nil, err
	}
	v.problem(ctx, "rotate", nil)
	return signed, v.publish(ctx)
}

func (v *Venue) rotate() (*descriptor.Signed, error) {
	now, before := v.now(), v.store.Latest()
	named, err := v.rootToName(now, before)
	if err != nil {
		return nil, err
	}
	signed, err := v.store.Rotate(now, v.terms(named))
	if err == nil && signed != before {
		v.logIssued(signed)
	}
	return signed, err
}

// Raise syncs with the registry and issues a descriptor of the next generation,
// with the registry's newest root: whoever was revoked is out, everybody else
// proves again, with fresh slots, and channels of older generations end. It
// begins with the current minute, so it is in force when Raise returns.
//
// It fails if it cannot sync: a root from before the revocation would undo
// nothing. The errors are those of [Venue.Sync] and [Venue.Rotate].
func (v *Venue) Raise(ctx context.Context) (*descriptor.Signed, error) {
	if v.Follows() {
		return nil, ErrFollows
	}
	if _, err := v.Sync(ctx); err != nil {
		return nil, fmt.Errorf("the generation is not raised: %w", err)
	}
	v.issuing.Lock()
	defer v.issuing.Unlock()
	now := v.now()
	newest, err := v.newestRoot(now)
	if err != nil {
		return nil, fmt.Errorf("the generation is not raised: %w", err)
	}
	signed, err := v.store.Raise(now, v.terms(newest))
	if err != nil {
		return nil, fmt.Errorf("the generation is not raised: %w", err)
	}
	v.logIssued(signed)
	return signed, errors.Join(v.gate.renew(), v.publish(ctx))
}

func (v *Venue) logIssued(d *descriptor.Signed) {
	v.log.Info("descriptor issued", "number", d.Number, "generation", d.Generation, "begins", d.NotBefore, "ends", d.NotAfter,
		"epoch", d.Epochs[0].Number, "root", d.Epochs[0].Sequence, "next_root", d.Epochs[1].Sequence)
}

// root is a root to name.
type root struct {
	sequence uint64
	root     zkkex.Root
}

// rootToName returns the root for an epoch that has none yet. Where the next
// descriptor names no such epoch, a registry that is out of reach is no hindrance.
func (v *Venue) rootToName(now time.Time, latest *descriptor.Signed) (root, error) {
	if latest != nil && !v.namesAnother(now, latest) {
		last := latest.Epochs[1]
		return root{last.Sequence, last.Root}, nil
	}
	return v.newestRoot(now)
}

// namesAnother reports whether the descriptor after the latest one, if it is due,
// names an epoch that the latest one does not. It does so if it begins in the
// second of those epochs or later.
func (v *Venue) namesAnother(now time.Time, latest *descriptor.Signed) bool {
	timing := v.config.Timing
	if now.Before(latest.NotBefore.Add(timing.Interval - timing.Overlap)) {
		return false
	}
	// It begins an interval after the latest one, or now, or when others before
	// the latest one have ended: the latest possible decides.
	begin := latest.NotBefore.Add(timing.Interval)
	if now.After(begin) {
		begin = now
	}
	if before, err := v.store.ByNumber(latest.Number - 1); err == nil && before.NotAfter.After(begin) {
		begin = before.NotAfter
	}
	epoch, err := latest.Schedule.At(begin)
	return err != nil || epoch.Number != latest.Epochs[0].Number
}

// newestRoot returns the registry's newest root, if it is fit to be named.
func (v *Venue) newestRoot(now time.Time) (root, error) {
	newest := v.mirror.Checkpoint()
	if newest == nil {
		return root{}, fmt.Errorf("naming a root: %w", mirror.ErrNotSynced)
	}
	if err := newest.CheckAge(now, registry.DefaultMaxAge); err != nil {
		return root{}, fmt.Errorf("naming a root: %w", err)
	}
	for _, circuit := range v.config.Circuits {
		if have := newest.Members[circuit.ID.KeyType()]; have < v.config.MinMembers {
			return root{}, zkkex.Reject(zkkex.TooFewMembers, "%d members of key type %v at checkpoint %d, expected at least %d before its root is named; wait until more have joined, or set min_members",
				have, circuit.ID.KeyType(), newest.Sequence, v.config.MinMembers)
		}
	}
	return root{newest.Sequence, newest.Root}, nil
}

// terms are what the configuration and a root say about the next descriptor.
func (v *Venue) terms(named root) descriptor.Terms {
	c := &v.config
	return descriptor.Terms{
		Timing: c.Timing, Schedule: c.Schedule, ChainID: c.ChainID, Registry: c.Registry.VerifierKey,
		Limit: c.Limit, Sequence: named.sequence, Root: named.root,
		MaxOpens: c.MaxOpens, MaxChannels: c.MaxChannels, Padding: c.Padding,
		Circuits: c.Circuits, Suites: c.Suites, Addresses: c.Addresses,
	}
}

// publish makes the newest descriptor one that clients can fetch, after the other
// gateways can have it, and then shares that it is published.
func (v *Venue) publish(ctx context.Context) error {
	err := v.shareNew(ctx)
	published, failed := v.published()
	if err = errors.Join(err, failed); err == nil && published < v.store.Latest().Number {
		_, err = v.store.Publish(ctx, v.cosign)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotPublished, err)
	}
	v.problem(ctx, "publish", err)
	if err == nil {
		_ = v.shareNew(ctx) // kept for Status, and tried again
	}
	return err
}
