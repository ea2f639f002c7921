package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/setup/params"
)

func (a *app) proveCommand() *cobra.Command {
	var o proveOptions
	c := &cobra.Command{
		Use:     "prove [FILE | --message STRING | --session-key HEX] --scope NAME --params DIR|dev",
		GroupID: groupMember,
		Short:   "prove that you are a member, for one thing",
		Long: `Prove writes a presentation: a proof that you own a key in the registry, bound
to one thing that it authorises and is worthless without. It is one short text,
with nothing secret in it, for "zkkex verify".

What it tells: the registry and its checkpoint, the type of your key, the scope,
the epoch and the limit. What it does not tell: which key, which slot, nor
whether two proofs are of one member, except that it names your checkpoint, and
who synced at another time than others stands out. Every proof uses up one of
your slots of the epoch, whether it is shown or not.

Defaults that "zkkex verify" shares: epochs of 24h from midnight UTC, a limit of
1. The circuit follows from the registry's capacity.`,
		Example: `  zkkex prove order.json --scope rfq.example/2026 --params dev --out order.proof
  zkkex prove --message "I was here" --scope guestbook --params dev | ssh verifier zkkex verify - ...
  zkkex prove --session-key "$(cat session.pub)" --scope rfq.example --limit 100 --params ./params`,
		Args: arguments(0, 1, "at most one FILE"),
	}
	o.scope.register(c)
	o.authorization.register(c)
	o.params.register(c)
	c.Flags().StringVar(&o.registry, "registry", "", "`NAME`, URL or identifier of the registry, if there are several")
	c.Flags().StringVar(&o.circuit, "circuit", "", "insist on this `CIRCUIT`")
	c.Flags().StringVar(&o.out, "out", stdStream, "write the presentation to `FILE`")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.prove(ctx, &o, args) })
	return c
}

type proveOptions struct {
	scope         scopeFlags
	authorization authorizationFlags
	params        paramsFlags
	registry      string
	circuit       string
	out           string
}

func (a *app) prove(ctx context.Context, o *proveOptions, files []string) (result, error) {
	if err := o.scope.check(); err != nil {
		return nil, err
	}
	if o.params.which == "" {
		_, _, err := o.params.folder(0)
		return nil, err
	}
	if o.out != stdStream {
		if err := refuseExisting(o.out); err != nil {
			return nil, err
		}
	}
	authorization, err := a.authorization(&o.authorization, files)
	if err != nil {
		return nil, err
	}
	withParams := func(mo *member.Options) {
		mo.ProofSystem = o.params.proofSystem()
		mo.Params = func(circuit zkkex.CircuitID) (*params.Proving, error) {
			if o.circuit != "" && o.circuit != circuit.String() {
				return nil, usagef("--circuit %s: the registry's capacity asks for %v", o.circuit, circuit)
			}
			return o.params.proving(circuit)
		}
	}
	return a.withMember(ctx, withParams, func(m *member.Member) (result, error) {
		return a.proveAs(ctx, m, o, authorization)
	})
}

func (a *app) proveAs(ctx context.Context, m *member.Member, o *proveOptions, authorization zkkex.Authorization) (result, error) {
	schedule, err := o.scope.schedule()
	if err != nil {
		return nil, err
	}
	id, err := m.Find(o.registry)
	if err != nil {
		return nil, err
	}
	claim, err := m.NamedClaim(id, o.scope.name, schedule, o.scope.limit, authorization)
	if err != nil {
		return nil, err
	}
	if err := a.warnBeforeProving(m, id, o.params.which); err != nil {
		return nil, err
	}
	prover, err := m.Prover(id)
	if err != nil {
		return nil, explainRevoked(m, id, err)
	}
	discard, err := reserve(o.out)
	if err != nil {
		return nil, err
	}
	before, beforeErr := m.SlotsLeft(claim)
	done := a.progress("proving")
	p, err := prover.Prove(ctx, claim)
	done()
	if err != nil {
		discard()
		if after, afterErr := m.SlotsLeft(claim); beforeErr == nil && afterErr == nil && after < before {
			err = &slotLostError{err}
		}
		return nil, err
	}
	r, err := a.provedResult(m, id, o, p)
	if err != nil {
		discard()
		return nil, &slotLostError{err}
	}
	return r, nil
}

// explainRevoked adds to an error about a leaf that is not live that it was.
func explainRevoked(m *member.Member, id zkkex.RegistryID, err error) error {
	if !errors.Is(err, mirror.ErrNotMember) {
		return err
	}
	s, statusErr := m.Status(id)
	if statusErr != nil || s.Revoked == nil {
		return err
	}
	if s.Ended {
		return withHint(fmt.Errorf("the delegation to your key ended at %s: %w", rfc3339(s.Delegation.Delegation.Until), err),
			"zkkex enroll --registry %s --key URI renews it, with the device that delegated", s.Registry.Name())
	}
	return withHint(fmt.Errorf("your key was revoked, by operation %d of the registry's log: %w", s.Revoked.Operation, err), "ask the registrar")
}

// slotLostError is an error after a slot was taken: it is used up for nothing.
type slotLostError struct{ error }

const slotLost = "; one slot was used up"

func (e *slotLostError) Error() string { return e.error.Error() + slotLost }

func (e *slotLostError) Unwrap() error { return e.error }

// warnBeforeProving tells what weakens the proof that follows.
func (a *app) warnBeforeProving(m *member.Member, id zkkex.RegistryID, which string) error {
	s, err := m.Status(id)
	if err != nil {
		return err
	}
	if which == devParams {
		a.warnf("development parameters: whoever made them could forge any proof")
	}
	if s.Admitted && s.Ended {
		a.warnf("the delegation to your key ended at %s: the proof is good only until the registrar takes the leaf out; zkkex enroll --key URI renews it", rfc3339(s.Delegation.Delegation.Until))
	}
	switch {
	case !s.Admitted:
	case s.Members == 1:
		a.warnf("you are the only member: the proof says who you are")
	case s.Members < member.FewMembers:
		a.warnf("you are one of %d members, fewer than %d: the proof says a good deal about who you are", s.Members, member.FewMembers)
	}
	if s.Age > registry.DefaultMaxAge {
		a.warnf("the newest checkpoint here is %s old; zkkex sync", s.Age.Round(time.Minute))
	}
	return nil
}

// proveResult is a presentation, and what it says in the open.
type proveResult struct {
	presentationResult
	ScopeName string `json:"scope_name"`
	Members   uint64 `json:"members"`
	// CheckpointAge is how long ago the checkpoint was signed.
	CheckpointAge int64  `json:"checkpoint_age_seconds"`
	SlotsLeft     uint32 `json:"slots_left"`
	Out           string `json:"out,omitempty"`
	Presentation  string `json:"presentation"`
}

func (a *app) provedResult(m *member.Member, id zkkex.RegistryID, o *proveOptions, p *zkkex.Presentation) (result, error) {
	body, err := newPresentationResult(p)
	if err != nil {
		return nil, err
	}
	text, err := p.MarshalText()
	if err != nil {
		return nil, err
	}
	s, err := m.Status(id)
	if err != nil {
		return nil, err
	}
	left, err := m.SlotsLeft(zkkex.Claim{Scope: p.Statement.Scope, Epoch: p.Epoch, Limit: p.Statement.Limit})
	if err != nil {
		return nil, err
	}
	r := &proveResult{presentationResult: *body, ScopeName: o.scope.name, Members: s.Members, CheckpointAge: int64(s.Age / time.Second), SlotsLeft: left, Presentation: string(text)}
	if o.out != stdStream {
		if err := fill(o.out, text); err != nil {
			return nil, err
		}
		r.Out = o.out
		a.notef("wrote the presentation to %s", o.out)
	}
	a.notef("registry %s, checkpoint %d, signed %v ago, one of %d members", s.Registry.Name(), p.RootSequence, s.Age.Round(time.Second), s.Members)
	a.notef("digest of the presentation %s", r.Digest)
	a.notef("scope %q, epoch %v, limit %d", o.scope.name, body.Epoch, p.Statement.Limit)
	a.notef("slots left in this epoch: %d", left)
	return r, nil
}

func (r *proveResult) text() string {
	if r.Out != "" {
		return ""
	}
	return r.Presentation
}

func (r *proveResult) artefact() {}

// unprinted implements [unprinted].
func (r *proveResult) unprinted(err error) error {
	if r.Out != "" {
		return err
	}
	return &slotLostError{err}
}

// presentationResult is what a presentation says in the open.
type presentationResult struct {
	// Digest is what a record of used slots names the presentation by.
	Digest       string      `json:"digest"`
	Circuit      string      `json:"circuit"`
	Params       string      `json:"params"`
	Registry     string      `json:"registry"`
	RootSequence uint64      `json:"root_sequence"`
	Root         string      `json:"root"`
	Scope        string      `json:"scope"`
	Epoch        epochResult `json:"epoch"`
	Limit        uint32      `json:"limit"`
	Nullifier    string      `json:"nullifier"`
	Binding      string      `json:"binding"`
	Authorizes   string      `json:"authorizes"`
	Value        string      `json:"value"`
	ProofSize    int         `json:"proof_bytes"`
}

// presentationDigest returns what [spent.Entry] holds of a presentation.
func presentationDigest(p *zkkex.Presentation) ([32]byte, error) {
	encoded, err := p.AppendBinary(nil)
	if err != nil {
		return [32]byte{}, err
	}
	return domain.Hash(domain.Presentation, encoded), nil
}

func newPresentationResult(p *zkkex.Presentation) (*presentationResult, error) {
	epoch, err := newEpochResult(p.Epoch)
	if err != nil {
		return nil, err
	}
	digest, err := presentationDigest(p)
	if err != nil {
		return nil, err
	}
	return &presentationResult{
		Digest:       hex.EncodeToString(digest[:]),
		Circuit:      p.Statement.Circuit.String(),
		Params:       p.Params.String(),
		Registry:     p.Registry.String(),
		RootSequence: p.RootSequence,
		Root:         p.Statement.Root.String(),
		Scope:        p.Statement.Scope.String(),
		Epoch:        epoch,
		Limit:        p.Statement.Limit,
		Nullifier:    p.Statement.Nullifier.String(),
		Binding:      p.Statement.Binding.String(),
		Authorizes:   p.Authorization.Kind.String(),
		Value:        hex.EncodeToString(p.Authorization.Value[:]),
		ProofSize:    len(p.Proof),
	}, nil
}

func (r *presentationResult) table() (t table) {
	t.add("digest", "%s", r.Digest)
	t.add("circuit", "%s", r.Circuit)
	t.add("parameters", "%s", r.Params)
	t.add("registry", "%s", r.Registry)
	t.add("checkpoint", "%d", r.RootSequence)
	t.add("root", "%s", r.Root)
	t.add("scope", "%s", r.Scope)
	t.add("epoch", "%v", r.Epoch)
	t.add("limit", "%d", r.Limit)
	t.add("nullifier", "%s", r.Nullifier)
	t.add("authorizes", "%s %s", r.Authorizes, r.Value)
	t.add("proof", "%d bytes, not checked here: see zkkex verify", r.ProofSize)
	return t
}
