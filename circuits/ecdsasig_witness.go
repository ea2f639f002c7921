package circuits

import (
	"math/big"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/public"
)

// signatureRelation is the relation for a type of key.
func signatureRelation(keyType zkkex.KeyType) *relation {
	newCircuit := func(capacityBits int) (*ECDSASignature, error) { return NewECDSASignature(keyType, capacityBits) }
	return &relation{circuit: constructor(newCircuit), assign: assignSignature, checkOwner: checkSignature}
}

// assignSignature is [Assign] for the relation.
func assignSignature(st *zkkex.Statement, w *Witness) (frontend.Circuit, error) {
	o, digest, err := openSignature(st, w.Owner)
	if err != nil {
		return nil, err
	}
	defer o.wipe()
	if err := check(st, w, w.Owner.Public.Commitment(), w.Owner.NullifierKey); err != nil {
		return nil, err
	}
	var v statementValues
	defer v.wipe()
	if err := v.set(st, w, w.Owner.NullifierKey); err != nil {
		return nil, err
	}
	curve := eckey.CurveOf(st.Circuit.KeyType())
	return &ECDSASignature{
		PublicInputs: v.publicInputs(),
		Signature:    sigCurveOf(curve).wires(o, digest),
		MemberWires:  v.memberWires(),
		curve:        curve,
	}, nil
}

// checkSignature is [CheckOwner] for the relation.
func checkSignature(st *zkkex.Statement, owner *Owner) error {
	o, _, err := openSignature(st, owner)
	if err != nil {
		return err
	}
	o.wipe()
	return nil
}

// openSignature verifies the owner's signature on what stands for the binding, and
// returns it in the circuit's form, with the digest.
func openSignature(st *zkkex.Statement, owner *Owner) (*openedSignature, *big.Int, error) {
	if err := checkOwner(owner, st.Circuit.KeyType()); err != nil {
		return nil, nil, err
	}
	digest, err := public.SignedDigest(st)
	if err != nil {
		return nil, nil, err
	}
	curve := eckey.CurveOf(st.Circuit.KeyType())
	key, err := curve.Parse(owner.Public.Bytes())
	if err != nil {
		return nil, nil, err
	}
	if err := key.Verify(digest, owner.Signature); err != nil {
		return nil, nil, &WitnessError{"signature", err.Error()}
	}
	r, s, err := curve.Scalars(owner.Signature)
	if err != nil {
		return nil, nil, &WitnessError{"signature", err.Error()}
	}
	e := new(big.Int).SetBytes(digest[:])
	o, err := sigCurveOf(curve).open(pointOf(key), e, r, s)
	if err != nil {
		return nil, nil, &WitnessError{"signature", err.Error()}
	}
	return o, e, nil
}
