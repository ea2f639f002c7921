package prover

import (
	"context"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/keys"
)

// Owner is a member whose key is no [keys.Secret]: the key of a threshold group, say,
// that nobody holds whole. Nothing prints it.
type Owner struct {
	redact.Silent
	// Public is the member's key, of the type that the circuit proves, with H(nk).
	Public *keys.Public
	// NullifierKey is nk, a canonical field element. Who has it links the member's
	// sessions; it cannot sign.
	NullifierKey [32]byte
	// Sign returns a signature for a binding, in the form that the circuit proves:
	// for [zkkex.EdDSA20], that of package keys/eddsa of the message
	// eddsa.Message(binding). It is asked once for each proof, before a slot is
	// taken, and may be asked by several goroutines at once.
	Sign func(ctx context.Context, binding zkkex.Binding) ([64]byte, error)
}

// check returns nil if the owner is complete and has a key for the circuit.
func (o *Owner) check(circuit zkkex.CircuitID) error {
	for name, missing := range map[string]bool{"Public": o.Public == nil, "Sign": o.Sign == nil} {
		if missing {
			return fmt.Errorf("prover: Owner.%s is required", name)
		}
	}
	if got := o.Public.KeyType(); got != circuit.KeyType() {
		return fmt.Errorf("%w: a key of type %v, circuit %v proves those of type %v", zkkex.ErrUnsupported, got, circuit, circuit.KeyType())
	}
	nk, err := field.Parse(o.NullifierKey)
	if err != nil {
		return fmt.Errorf("prover: Owner.NullifierKey: %w", err)
	}
	if field.Bytes(field.HashNullifierKey(nk)) != o.Public.NullifierKeyHash() {
		return fmt.Errorf("prover: Owner.NullifierKey is not the one whose hash is in Owner.Public")
	}
	return nil
}

func (h *Holder) commitment() zkkex.Commitment {
	if h.config.Owner != nil {
		return h.config.Owner.Public.Commitment()
	}
	return h.config.Secret.Commitment()
}

// sign returns what the owner shows for a statement, checked, or nil if there is no
// owner. The statement has its binding, and no nullifier yet.
func (h *Holder) sign(ctx context.Context, st *zkkex.Statement) (*circuits.Owner, error) {
	o := h.config.Owner
	if o == nil {
		return nil, nil
	}
	signature, err := o.Sign(ctx, st.Binding)
	if err != nil {
		return nil, fmt.Errorf("signing the binding: %w", err)
	}
	shown := &circuits.Owner{Public: o.Public, NullifierKey: o.NullifierKey, Signature: signature}
	if err := circuits.CheckOwner(st, shown); err != nil {
		return nil, err
	}
	return shown, nil
}

// nullifier returns the member's nullifier of a slot.
func (h *Holder) nullifier(scope zkkex.Scope, slot uint32) (zkkex.Nullifier, error) {
	o := h.config.Owner
	if o == nil {
		return h.config.Secret.Nullifier(scope, slot), nil
	}
	nk, err := field.Parse(o.NullifierKey)
	if err != nil {
		return zkkex.Nullifier{}, fmt.Errorf("nullifier key: %w", err)
	}
	return field.Bytes(field.Nullifier(field.FromHash(scope), slot, nk)), nil
}
