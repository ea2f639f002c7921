package member

import (
	"context"
	"errors"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// namedMaxAge is how old the copy of the registry may be in which a root is looked
// up that a venue named.
const namedMaxAge = 48 * time.Hour

// Errors of what a venue says.
var (
	// ErrVenueRegistry reports a venue that admits the members of a registry that
	// is not trusted here.
	ErrVenueRegistry = errors.New("the venue admits members of a registry that is not trusted here")
	// ErrRaised reports a certificate that the venue does not take any more,
	// because it has raised its generation. Open a fresh session.
	ErrRaised = errors.New("the venue has raised its generation since the certificate was made: open a fresh session")
)

// Terms implements [session.TermsSource]: what is known of the venue, without
// asking it. It is called often, and does no more than look up what was computed.
func (v *Venue) Terms(_ context.Context, now time.Time) ([]session.Terms, error) {
	d, err := v.seen.known().Current(now)
	if err != nil {
		return nil, err
	}
	epoch, err := d.Schedule.At(now)
	if err != nil {
		return nil, err
	}
	present, err := v.terms(d, epoch.Number, now)
	if err != nil {
		return nil, err
	}
	next, err := v.terms(d, epoch.Number+1, now)
	if err != nil {
		return []session.Terms{present}, nil // it has time: the next sync may help
	}
	return []session.Terms{present, next}, nil
}

// terms returns the terms of one epoch.
func (v *Venue) terms(d *descriptor.Signed, epoch uint64, now time.Time) (session.Terms, error) {
	if _, named := d.Terms(epoch); !named {
		return session.Terms{}, session.ErrNoTerms
	}
	choice, err := v.choose(d, epoch, now)
	if err != nil {
		return session.Terms{}, err
	}
	return session.Terms{
		Scope: choice.Scope, Epoch: zkkex.Epoch{Schedule: d.Schedule, Number: epoch}, Limit: choice.Terms.Limit,
		Root: choice.Terms.Root, Sequence: choice.Terms.Sequence, Generation: d.Generation,
	}, nil
}

// choose returns what member and venue have in common in an epoch.
func (v *Venue) choose(d *descriptor.Signed, epoch uint64, now time.Time) (*descriptor.Choice, error) {
	id, err := v.registry()
	if err != nil {
		return nil, err
	}
	r, err := v.member.known(id)
	if err != nil {
		return nil, err
	}
	copied, err := v.member.Mirror(id)
	if err != nil {
		return nil, err
	}
	p, err := v.proverAt(copied, d, epoch)
	if err != nil {
		return nil, err
	}
	policy := descriptor.Policy{
		Identity: v.seen.config.Identity, Registry: r.VerifierKey,
		Circuit: p.Circuit(), Params: []zkkex.ParamsDigest{p.Params()},
		MinMembers: max(r.MinMembers, v.config.MinMembers),
		Roots:      copied.Named(namedMaxAge),
	}
	if v.config.RequirePrekey {
		policy.MinSecurity = descriptor.HybridPrekey
	}
	return policy.Check(&d.Descriptor, epoch, now)
}

// current returns the descriptor of now, after asking the venue if the one that is
// known is over, or if the venue does not know it: refresh.
func (v *Venue) current(ctx context.Context, refresh bool) (*descriptor.Signed, error) {
	if !refresh {
		d, err := v.seen.known().Current(v.member.options.Now())
		if err == nil || errors.Is(err, descriptor.ErrFork) {
			return d, err
		}
	}
	if err := v.syncDescriptors(ctx); err != nil {
		return nil, err
	}
	d, err := v.seen.known().Current(v.member.options.Now())
	if err != nil {
		return nil, err
	}
	if _, err := v.handshake(d); syncHelps(err) {
		return d, v.syncRegistry(ctx)
	}
	return d, nil
}

// syncHelps reports whether a sync may make an error go away.
func syncHelps(err error) bool {
	for _, missing := range []error{session.ErrNoTerms, session.ErrTerms, errTermsChanged, mirror.ErrNotSynced} {
		if errors.Is(err, missing) {
			return true
		}
	}
	var old *registry.AgeError
	var no *zkkex.RejectError
	return errors.As(err, &old) || errors.As(err, &no) && (no.Reason == zkkex.UnknownRoot || no.Reason == zkkex.StaleRoot)
}
