package prover

import (
	"context"
	"errors"
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
	// eddsa.Message(binding); for [zkkex.P256Sig20] and the like, ECDSA's r and s on the
	// digest of a certificate for the binding, in the envelope that package
	// keys/envelope tells of the circuit. It is asked once for each proof, before a slot is
	// taken, and may be asked by several goroutines at once.
	Sign func(ctx context.Context, binding zkkex.Binding) ([64]byte, error)
	// WithScalar takes the place of Sign for circuits that prove the private key itself,
	// as [zkkex.P256Key20] does. It lends the key, 32 bytes big-endian, which use does
	// not keep; and it is asked as Sign is.
	WithScalar func(use func(scalar []byte) error) error
}

// check returns nil if the owner is complete and has a key for the circuit.
func (o *Owner) check(circuit zkkex.CircuitID) error {
	if o.Public == nil {
		return errors.New("prover: Owner.Public is required")
	}
	if (o.Sign == nil) == (o.WithScalar == nil) {
		return errors.New("prover: of Owner.Sign and Owner.WithScalar, one is required")
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

// show returns what the owner shows for a statement, checked, or nil if there is no
// owner. The statement has its binding, and no nullifier yet. What is shown may hold
// the private key, and is the caller's to wipe.
func (h *Holder) show(ctx context.Context, st *zkkex.Statement) (*circuits.Owner, error) {
	o := h.config.Owner
	if o == nil {
		return nil, nil
	}
	shown := &circuits.Owner{Public: o.Public, NullifierKey: o.NullifierKey}
	if err := o.fill(ctx, st, shown); err != nil {
		clear(shown.Scalar[:])
		return nil, err
	}
	return shown, nil
}

// fill adds the scalar, or a signature, and checks it.
func (o *Owner) fill(ctx context.Context, st *zkkex.Statement, shown *circuits.Owner) (err error) {
	if o.WithScalar != nil {
		if err := o.WithScalar(func(scalar []byte) error { return copyScalar(&shown.Scalar, scalar) }); err != nil {
			return fmt.Errorf("lending the private key: %w", err)
		}
	} else if shown.Signature, err = o.Sign(ctx, st.Binding); err != nil {
		return fmt.Errorf("signing the binding: %w", err)
	}
	return circuits.CheckOwner(st, shown)
}

func copyScalar(out *[32]byte, scalar []byte) error {
	if len(scalar) != len(out) {
		return fmt.Errorf("expected %d bytes, got %d", len(out), len(scalar))
	}
	copy(out[:], scalar)
	return nil
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
