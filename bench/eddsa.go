package bench

import (
	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/prover"
)

// signed is the circuit of signatures that is proved beside circuit, in a registry of
// the same capacity.
const signed = zkkex.EdDSA20

// newSigner makes a member like [newMember]'s, with a key that signs. Making the
// signature is no part of its proofs.
func newSigner() (*member, error) {
	set, err := openProving(signed)
	if err != nil {
		return nil, err
	}
	p, err := prover.Open(set)
	if err != nil {
		return nil, err
	}
	nullifiers, err := keys.Generate()
	if err != nil {
		return nil, err
	}
	key, err := eddsa.Generate()
	if err != nil {
		return nil, err
	}
	encoded := key.Public()
	public, err := keys.ParsePublic(zkkex.KeyEdDSA, encoded[:], nullifiers.Public().NullifierKeyHash())
	if err != nil {
		return nil, err
	}
	st, w, err := statementOf(signed, nullifiers, public.Commitment())
	if err != nil {
		return nil, err
	}
	w.Owner = &circuits.Owner{Public: public, NullifierKey: nullifiers.RevealNullifierKey()}
	if w.Owner.Signature, err = key.Sign(eddsa.Message(st.Binding)); err != nil {
		return nil, err
	}
	return &member{prover: p, verifying: set.Verifying, st: st, witness: w}, nil
}
