package circuits

import (
	"fmt"

	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
)

// relation is what there is to know about one relation, for both capacities.
type relation struct {
	// circuit returns the relation, to be compiled.
	circuit func(capacityBits int) (frontend.Circuit, error)
	// assign is [Assign] for circuits of this relation.
	assign func(st *zkkex.Statement, w *Witness) (frontend.Circuit, error)
	// checkOwner is [CheckOwner] for circuits of this relation. It is nil if they
	// take no Owner.
	checkOwner func(st *zkkex.Statement, o *Owner) error
}

// relationOf returns the relation that a circuit names, or an error wrapping
// [zkkex.ErrUnsupported]. Several circuits may share one.
func relationOf(id zkkex.CircuitID) (*relation, error) {
	switch id {
	case zkkex.BabyJubjub20, zkkex.BabyJubjub32, zkkex.BabyJubjub20Plonk, zkkex.BabyJubjub32Plonk:
		return &relation{circuit: constructor(NewBabyJubjub), assign: assignBabyJubjub}, nil
	case zkkex.EdDSA20, zkkex.EdDSA32:
		return &relation{circuit: constructor(NewEdDSA), assign: assignEdDSA, checkOwner: checkEdDSA}, nil
	case zkkex.P256Key20, zkkex.P256Key32, zkkex.Secp256k1Key20, zkkex.Secp256k1Key32:
		return ecKeyRelation(id.KeyType()), nil
	case zkkex.P256Sig20, zkkex.P256Sig32, zkkex.P256SSH20, zkkex.P256SSH32,
		zkkex.Secp256k1Sig20, zkkex.Secp256k1Sig32, zkkex.Secp256k1EIP71220, zkkex.Secp256k1EIP71232:
		return signatureRelation(id.KeyType()), nil
	default:
		return nil, fmt.Errorf("%w: %v", zkkex.ErrUnsupported, id)
	}
}

// constructor turns a relation's own constructor into that of any relation.
func constructor[C frontend.Circuit](newCircuit func(capacityBits int) (C, error)) func(int) (frontend.Circuit, error) {
	return func(capacityBits int) (frontend.Circuit, error) { return newCircuit(capacityBits) }
}
