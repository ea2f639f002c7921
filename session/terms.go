package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
)

// leadFraction: slots of an epoch can be taken from a quarter of its length
// before it begins (package slots).
const leadFraction = 4

// marginFraction: certificates of an epoch are made no later than a sixth of
// the lead before it begins, so that what fails can be tried again.
const marginFraction = 6

var (
	// ErrNoTerms reports that the venue has not named the terms of the present
	// epoch. Fetch its newest descriptor.
	ErrNoTerms = errors.New("the venue has named no terms for this epoch: fetch its newest descriptor")
	// ErrTerms reports a prover that made a proof for other terms than it was
	// asked for, such as another root. Bring its copy of the registry to the
	// root that the venue named.
	ErrTerms = errors.New("the proof is not for the venue's terms: bring the registry to the root that the venue named")
)

// Terms are what the certificates of one epoch at one venue are made for, as the
// venue's descriptor names them. Certificates made for other terms, however
// little they differ, are worth nothing.
type Terms struct {
	// Scope is the venue scope of the epoch and the generation.
	Scope zkkex.Scope
	// Epoch is the epoch that the slots count in.
	Epoch zkkex.Epoch
	// Limit is the number of slots per member in this epoch.
	Limit uint32
	// Root is the one root that everybody proves against in this epoch, and
	// Sequence its sequence number in the registry.
	Root     zkkex.Root
	Sequence uint64
	// Generation is the venue's.
	Generation uint32
}

// TermsSource knows the terms of a venue.
type TermsSource interface {
	// Terms returns the terms of the epoch that now lies in and, once the venue
	// has named them, those of the next one: at most two. What it returns no
	// more is over, and certificates made for it are dropped. It is asked
	// often, so it must be cheap: it answers from what was fetched before.
	Terms(ctx context.Context, now time.Time) ([]Terms, error)
}

// Lead returns how long before the beginning of an epoch its certificates can be
// made: a quarter of the epoch's length, as package slots has it.
func Lead(s zkkex.Schedule) time.Duration {
	return time.Duration(s.Length) * time.Second / leadFraction
}

// window returns from when to when certificates of the epoch are made ahead of
// its beginning.
func window(e zkkex.Epoch) (from, to time.Time, err error) {
	start, err := e.Start()
	if err != nil {
		return from, to, err
	}
	lead := Lead(e.Schedule)
	return start.Add(-lead), start.Add(-lead / marginFraction), nil
}

// begun reports whether the epoch has begun.
func (t *Terms) begun(now time.Time) bool {
	start, err := t.Epoch.Start()
	return err == nil && !now.Before(start)
}

// over reports whether the epoch is over, or none.
func (t *Terms) over(now time.Time) bool {
	end, err := t.Epoch.End()
	return err != nil || !now.Before(end)
}

// claim is what a prover is asked for.
func (t *Terms) claim(key [32]byte) zkkex.Claim {
	return zkkex.Claim{Scope: t.Scope, Epoch: t.Epoch, Limit: t.Limit, Authorization: zkkex.SessionKey(key)}
}

// check returns an error wrapping [ErrTerms] unless p is what was asked for.
func (t *Terms) check(p *zkkex.Presentation) error {
	st := &p.Statement
	switch {
	case st.Root != t.Root || p.RootSequence != t.Sequence:
		return fmt.Errorf("%w: expected root %v of sequence %d, got %v of sequence %d", ErrTerms, t.Root, t.Sequence, st.Root, p.RootSequence)
	case st.Scope != t.Scope || p.Epoch != t.Epoch:
		return fmt.Errorf("%w: expected scope %v of epoch %d, got %v of epoch %d", ErrTerms, t.Scope, t.Epoch.Number, st.Scope, p.Epoch.Number)
	case st.Limit != t.Limit:
		return fmt.Errorf("%w: expected limit %d, got %d", ErrTerms, t.Limit, st.Limit)
	}
	return nil
}

// usable returns, of what a source said, the terms of the present epoch and of
// the next one. It returns an error wrapping [ErrNoTerms] without the present's.
func usable(list []Terms, now time.Time) ([]Terms, error) {
	if len(list) > 2 {
		return nil, fmt.Errorf("session: terms of %d epochs, expected at most 2", len(list))
	}
	var out []Terms
	for _, t := range list {
		if t.over(now) || t.Limit == 0 {
			continue
		}
		if t.begun(now) {
			out = append([]Terms{t}, out...)
			continue
		}
		out = append(out, t)
	}
	if len(out) == 0 || !out[0].begun(now) {
		return out, fmt.Errorf("session: %w", ErrNoTerms)
	}
	if len(out) == 2 && (out[1].Epoch.Schedule != out[0].Epoch.Schedule || out[1].Epoch.Number != out[0].Epoch.Number+1) {
		return nil, fmt.Errorf("session: terms of epochs %d and %d, expected one epoch and its successor", out[0].Epoch.Number, out[1].Epoch.Number)
	}
	return out, nil
}
