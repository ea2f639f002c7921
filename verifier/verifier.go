// Package verifier decides about presentations.
//
// A [Verifier] holds a whole policy: parameters, registry, root policy, scope
// rule, limit, clock and store of spent nullifiers. It believes nothing that a
// presentation says about its context: scope, epoch and binding are recomputed,
// and the proof is checked against what was recomputed. Its answer is a
// [zkkex.Decision], an error wrapping [zkkex.ErrRejected], or another error when
// it could not tell; only the first is a yes.
//
// The checks, in the order in which they are made, cheap ones first:
//
//  1. circuit        the verifier has parameters for it
//  2. params         the proof was made with parameters the verifier has
//  3. registry       the verifier's registry
//  4. limit          the verifier's limit
//  5. epoch          the verifier's schedule; now, give or take clock skew, grace and lead
//  6. scope          equal to the recomputed one
//  7. binding        equal to the recomputed one, over what was shown to the verifier
//  8. root           accepted by the root policy, for its sequence number
//  9. members        at least MinMembers with a key of the circuit's type
//  10. encoding       root and nullifier are canonical
//  11. nullifier      not spent yet, looked up without recording
//  12. proof          encoding, curve, subgroup, pairing equation
//  13. nullifier      recorded as spent, atomically: of two at once, one wins
//
// A proof that does not verify spends nothing, so nobody can burn another's
// slot. The proof's bytes are never a replay key: anybody can re-randomise a
// proof, and the nullifier stays the same.
//
// The proof is by far the most expensive check. A [Pool] bounds how many are
// checked and wait at a time, and checks them together under load; nothing else
// about a decision changes, and each nullifier is recorded by itself.
package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier/spent"
)

// Verifier decides about presentations by one policy. It implements
// [zkkex.Verifier] and is safe for concurrent use if the root policy and the
// store are.
type Verifier struct {
	config Config
	params map[zkkex.ParamsDigest]*params.Verifying
}

var _ zkkex.Verifier = (*Verifier)(nil)

// New returns a verifier. It returns an error that names the field if a required
// one is missing, if the root policy is of another registry, or if clock skew and
// grace do not fit the length of an epoch.
func New(c Config) (*Verifier, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	v := &Verifier{config: c, params: make(map[zkkex.ParamsDigest]*params.Verifying)}
	for _, set := range c.Params {
		v.params[set.Digest()] = set
	}
	return v, nil
}

// Verify decides whether p proves membership by the verifier's policy and
// authorises a, and spends its nullifier. The package documentation lists what
// is checked. A nil error is the only yes; an error that does not wrap
// [zkkex.ErrRejected] means that it could not tell, and then the same
// presentation may be tried again; so it may after the reason [zkkex.Busy].
func (v *Verifier) Verify(ctx context.Context, p *zkkex.Presentation, a zkkex.Authorization) (*zkkex.Decision, error) {
	if p == nil {
		return nil, &zkkex.ParseError{Format: "presentation", Err: errors.New("there is none")}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	set, err := v.checkParams(p)
	if err != nil {
		return nil, err
	}
	now := v.config.Now()
	st, err := v.recompute(p, a, now)
	if err != nil {
		return nil, err
	}
	if err := v.checkRoot(p, now); err != nil {
		return nil, err
	}
	if _, err := public.Inputs(st); err != nil {
		return nil, &zkkex.ParseError{Format: "statement", Err: err}
	}
	entry, err := newEntry(st, p)
	if err != nil {
		return nil, err
	}
	if err := decided(v.config.Spent.Lookup(ctx, entry)); err != nil {
		return nil, err
	}
	if err := v.verifyProof(ctx, set, st, p.Proof); err != nil {
		return nil, err
	}
	if err := decided(v.config.Spent.Spend(ctx, entry)); err != nil {
		return nil, err
	}
	_, unspent := v.config.Spent.(noSpend)
	return &zkkex.Decision{Statement: *st, Epoch: p.Epoch, Spent: !unspent}, nil
}

func (v *Verifier) verifyProof(ctx context.Context, set *params.Verifying, st *zkkex.Statement, proof zkkex.Proof) error {
	if v.config.Pool == nil {
		return set.VerifyProof(st, proof)
	}
	return v.config.Pool.verify(ctx, set, st, proof)
}

// checkParams returns the verifier's own parameters for the presentation.
func (v *Verifier) checkParams(p *zkkex.Presentation) (*params.Verifying, error) {
	circuit := p.Statement.Circuit
	var accepted []zkkex.CircuitID
	known := false
	for _, set := range v.config.Params {
		accepted = append(accepted, set.Circuit())
		known = known || set.Circuit() == circuit
	}
	if !known {
		return nil, zkkex.Reject(zkkex.WrongCircuit, "circuit %v, expected one of %v", circuit, accepted)
	}
	set := v.params[p.Params]
	if set == nil || set.Circuit() != circuit {
		return nil, zkkex.Reject(zkkex.WrongParams, "made with parameters %v, expected %v", p.Params, v.digests(circuit))
	}
	return set, nil
}

func (v *Verifier) digests(circuit zkkex.CircuitID) (out []zkkex.ParamsDigest) {
	for _, set := range v.config.Params {
		if set.Circuit() == circuit {
			out = append(out, set.Digest())
		}
	}
	return out
}

// recompute returns the statement as the verifier's own configuration gives it.
// Only circuit, root and nullifier are taken over.
func (v *Verifier) recompute(p *zkkex.Presentation, a zkkex.Authorization, now time.Time) (*zkkex.Statement, error) {
	shown := &p.Statement
	if p.Registry != v.config.Registry {
		return nil, zkkex.Reject(zkkex.WrongRegistry, "about registry %v, expected %v", p.Registry, v.config.Registry)
	}
	if shown.Limit != v.config.Limit {
		return nil, zkkex.Reject(zkkex.WrongLimit, "for %d slots per epoch, expected %d", shown.Limit, v.config.Limit)
	}
	if err := v.checkEpoch(p.Epoch, now); err != nil {
		return nil, err
	}
	scope := v.config.Scope.Scope(v.config.Registry, p.Epoch)
	if shown.Scope != scope {
		return nil, zkkex.Reject(zkkex.WrongScope, "for scope %v, expected %v", shown.Scope, scope)
	}
	binding, err := a.Binding(zkkex.BindingContext{
		Circuit:      shown.Circuit,
		Params:       p.Params,
		Registry:     v.config.Registry,
		RootSequence: p.RootSequence,
		Scope:        scope,
		Limit:        v.config.Limit,
	})
	if err != nil {
		return nil, err
	}
	if err := checkBinding(p, a, binding); err != nil {
		return nil, err
	}
	return &zkkex.Statement{
		Circuit:   shown.Circuit,
		Limit:     v.config.Limit,
		Root:      shown.Root,
		Scope:     scope,
		Nullifier: shown.Nullifier,
		Binding:   binding,
	}, nil
}

func checkBinding(p *zkkex.Presentation, a zkkex.Authorization, binding zkkex.Binding) error {
	if p.Authorization != a {
		return zkkex.Reject(zkkex.WrongBinding, "authorises %v %x, expected %v %x",
			p.Authorization.Kind, p.Authorization.Value, a.Kind, a.Value)
	}
	if p.Statement.Binding != binding {
		return zkkex.Reject(zkkex.WrongBinding, "binding %v, expected %v", p.Statement.Binding, binding)
	}
	return nil
}

// checkEpoch accepts the epoch of the verifier's schedule that it is now, give
// or take clock skew, grace and lead.
func (v *Verifier) checkEpoch(e zkkex.Epoch, now time.Time) error {
	if want := v.config.Scope.Schedule(); e.Schedule != want {
		return zkkex.Reject(zkkex.WrongEpoch, "epochs of %d seconds from %d, expected %d seconds from %d",
			e.Length, e.Origin, want.Length, want.Origin)
	}
	start, err := e.Start()
	if err != nil {
		return err
	}
	end, err := e.End()
	if err != nil {
		return err
	}
	if now.Before(start.Add(-v.config.ClockSkew - v.config.EpochLead)) {
		return zkkex.Reject(zkkex.WrongEpoch, "epoch %d begins at %s, and it is %s",
			e.Number, start.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if !now.Before(end.Add(v.window())) {
		return zkkex.Reject(zkkex.WrongEpoch, "epoch %d ended at %s, and it is %s",
			e.Number, end.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// window is for how long after its end an epoch is accepted.
func (v *Verifier) window() time.Duration { return v.config.ClockSkew + v.config.EpochGrace }

func (v *Verifier) checkRoot(p *zkkex.Presentation, now time.Time) error {
	checkpoint, err := v.config.Roots.Accept(p.RootSequence, p.Statement.Root, now)
	if err != nil {
		return err
	}
	if checkpoint == nil {
		return errors.New("verifier: the root policy accepted a root without naming its checkpoint")
	}
	keyType := p.Statement.Circuit.KeyType()
	if n := checkpoint.Members[keyType]; n < v.config.MinMembers {
		return zkkex.Reject(zkkex.TooFewMembers, "%d members with a %v key at sequence %d, expected at least %d",
			n, keyType, checkpoint.Sequence, v.config.MinMembers)
	}
	return nil
}

func newEntry(st *zkkex.Statement, p *zkkex.Presentation) (spent.Entry, error) {
	end, err := p.Epoch.End()
	if err != nil {
		return spent.Entry{}, err
	}
	encoded, err := p.AppendBinary(nil)
	if err != nil {
		return spent.Entry{}, err
	}
	return spent.Entry{
		Scope:        st.Scope,
		Nullifier:    st.Nullifier,
		EpochEnd:     end,
		Presentation: domain.Hash(domain.Presentation, encoded),
	}, nil
}

// decided turns a store's no into a rejection. Every other error stays what it
// is: the store could not tell.
func decided(err error) error {
	var spentErr *spent.SpentError
	if errors.As(err, &spentErr) {
		return zkkex.Reject(zkkex.SlotUsed, "%v", spentErr)
	}
	if err != nil {
		return fmt.Errorf("cannot tell whether the nullifier is spent: %w", err)
	}
	return nil
}

// Prune removes the entries of epochs that are not accepted any more from the
// store, and returns how many. Until an hour after the end of its window, no
// epoch is removed.
func (v *Verifier) Prune(ctx context.Context) (int, error) {
	return v.config.Spent.Prune(ctx, v.config.Now().Add(-v.window()-pruneDelay))
}

// pruneDelay keeps entries for longer than their epoch is accepted, for other
// verifiers that share the store and whose clocks differ.
const pruneDelay = time.Hour
