package prover

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// PathSource finds a member's path. It MUST do so from a local copy of the
// registry: whoever asks a server for one path says who it is.
type PathSource interface {
	// Path returns the path of a commitment, and the checkpoint that has the
	// root it leads to. It must return an error if the commitment is not a
	// live leaf.
	Path(c zkkex.Commitment) (registry.Path, *registry.Checkpoint, error)
}

// SlotSource hands out slots.
type SlotSource interface {
	// Take returns a slot below limit that was never handed out before in the
	// scope, and has recorded that durably before it returns. It must return
	// an error if none is left, or if it cannot tell.
	Take(scope zkkex.Scope, epoch zkkex.Epoch, limit uint32) (uint32, error)
}

// HolderConfig is what a [Holder] is made of. Every field but MinMembers is
// required; of Secret and Owner, one.
type HolderConfig struct {
	// Prover proves, with the parameters to use.
	Prover *Prover
	// Secret is the member's key, for circuits that prove a Baby Jubjub scalar.
	Secret *keys.Secret
	// Owner is the member's key for other circuits.
	Owner *Owner
	// Registry identifies the registry that Paths is a copy of.
	Registry zkkex.RegistryID
	// Paths finds the member's path.
	Paths PathSource
	// Slots hands out the member's slots.
	Slots SlotSource
	// MinMembers is the smallest anonymity set to prove in: the number of live
	// members with a key of the circuit's type.
	MinMembers uint64
}

// ErrFewMembers reports an anonymity set that is smaller than the member
// demands. No slot was taken.
var ErrFewMembers = errors.New("too few members to hide among")

// Holder proves for one member. It implements [zkkex.Prover] and is safe for
// concurrent use if its sources are. Keep it for as long as the member proves:
// it proves in a [Session], so its second proof at a root is much cheaper than
// its first.
type Holder struct {
	config  HolderConfig
	session *Session
}

var _ zkkex.Prover = (*Holder)(nil)

// NewHolder returns a holder. It returns an error that names the field if a
// required one is missing.
func NewHolder(c HolderConfig) (*Holder, error) {
	for name, missing := range map[string]bool{
		"Prover":   c.Prover == nil,
		"Secret":   c.Secret == nil && c.Owner == nil,
		"Registry": c.Registry == zkkex.RegistryID{},
		"Paths":    c.Paths == nil,
		"Slots":    c.Slots == nil,
	} {
		if missing {
			return nil, fmt.Errorf("prover: HolderConfig.%s is required", name)
		}
	}
	if c.Owner != nil {
		if c.Secret != nil {
			return nil, errors.New("prover: HolderConfig.Secret and HolderConfig.Owner are one too many")
		}
		if err := c.Owner.check(c.Prover.Circuit()); err != nil {
			return nil, err
		}
	}
	return &Holder{config: c, session: c.Prover.Session()}, nil
}

// Prove finds the member's path, has the owner sign or lend its key if there is one,
// takes a slot durably, and proves. An error after the slot was taken wastes it: a slot
// is never handed out again. Before that, it returns an error if the path is not one of
// the circuit's, or if there are fewer than MinMembers members ([ErrFewMembers]), or
// [ErrClosed], or that of the owner, or a [*circuits.WitnessError] if what it signed is
// no signature, or what it lent not its key.
func (h *Holder) Prove(ctx context.Context, c zkkex.Claim) (*zkkex.Presentation, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h.session.isClosed() {
		return nil, ErrClosed // before a slot is taken
	}
	if c.Limit == 0 {
		return nil, fmt.Errorf("claim with a limit of 0, expected at least 1")
	}
	path, checkpoint, err := h.path()
	if err != nil {
		return nil, err
	}
	p, err := h.prepare(c, checkpoint)
	if err != nil {
		return nil, err
	}
	w := &circuits.Witness{Secret: h.config.Secret, Path: path}
	if w.Owner, err = h.show(ctx, &p.Statement); err != nil {
		return nil, err
	}
	if w.Owner != nil {
		defer clear(w.Owner.Scalar[:])
	}
	if w.Slot, err = h.config.Slots.Take(c.Scope, c.Epoch, c.Limit); err != nil {
		return nil, fmt.Errorf("taking a slot: %w", err)
	}
	if p.Statement.Nullifier, err = h.nullifier(c.Scope, w.Slot); err != nil {
		return nil, err
	}
	if p.Proof, err = h.session.Prove(ctx, &p.Statement, w); err != nil {
		return nil, err
	}
	return p, nil
}

// Close wipes what the holder keeps of earlier proofs. Prove returns [ErrClosed]
// from then on. The secret stays the caller's.
func (h *Holder) Close() { h.session.Close() }

// path returns a path that was checked to lead to the checkpoint's root.
func (h *Holder) path() (registry.Path, *registry.Checkpoint, error) {
	var none registry.Path
	commitment := h.commitment()
	path, checkpoint, err := h.config.Paths.Path(commitment)
	if err != nil {
		return none, nil, fmt.Errorf("finding the path: %w", err)
	}
	circuit := h.config.Prover.Circuit()
	if path.CapacityBits() != circuit.CapacityBits() {
		return none, nil, fmt.Errorf("%w: the registry has a capacity of 2^%d, circuit %v proves in 2^%d; open the parameters of the other circuit",
			zkkex.ErrUnsupported, path.CapacityBits(), circuit, circuit.CapacityBits())
	}
	root, err := path.Root(commitment)
	if err != nil {
		return none, nil, fmt.Errorf("checking the path: %w", err)
	}
	if root != checkpoint.Root {
		return none, nil, fmt.Errorf("the path leads to root %v, the checkpoint has %v; sync again", root, checkpoint.Root)
	}
	if n := checkpoint.Members[circuit.KeyType()]; n < h.config.MinMembers {
		return none, nil, fmt.Errorf("%w: %d with a %v key, expected at least %d", ErrFewMembers, n, circuit.KeyType(), h.config.MinMembers)
	}
	return path, checkpoint, nil
}

// prepare returns the presentation without nullifier and proof.
func (h *Holder) prepare(c zkkex.Claim, checkpoint *registry.Checkpoint) (*zkkex.Presentation, error) {
	prover := h.config.Prover
	binding, err := c.Authorization.Binding(zkkex.BindingContext{
		Circuit:      prover.Circuit(),
		Params:       prover.Params(),
		Registry:     h.config.Registry,
		RootSequence: checkpoint.Sequence,
		Scope:        c.Scope,
		Limit:        c.Limit,
	})
	if err != nil {
		return nil, err
	}
	return &zkkex.Presentation{
		Statement: zkkex.Statement{
			Circuit: prover.Circuit(),
			Limit:   c.Limit,
			Root:    checkpoint.Root,
			Scope:   c.Scope,
			Binding: binding,
		},
		Params:        prover.Params(),
		Registry:      h.config.Registry,
		RootSequence:  checkpoint.Sequence,
		Epoch:         c.Epoch,
		Authorization: c.Authorization,
	}, nil
}
