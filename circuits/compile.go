package circuits

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/quiet"
)

// New returns the relation of a circuit, to be compiled. It returns an error
// wrapping [zkkex.ErrUnsupported] for an unknown circuit.
func New(id zkkex.CircuitID) (frontend.Circuit, error) {
	if id.KeyType() != zkkex.KeyBabyJubjub {
		return nil, fmt.Errorf("%w: %v", zkkex.ErrUnsupported, id)
	}
	return NewBabyJubjub(id.CapacityBits())
}

// Compile compiles a circuit to a rank-1 constraint system over BN254's scalar
// field. Compiling is deterministic: the serialised system has the same digest
// on every machine.
func Compile(id zkkex.CircuitID) (*cs.R1CS, error) {
	quiet.Gnark()
	circuit, err := New(id)
	if err != nil {
		return nil, err
	}
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, circuit)
	if err != nil {
		return nil, fmt.Errorf("compiling %v: %w", id, err)
	}
	system, ok := compiled.(*cs.R1CS)
	if !ok {
		return nil, fmt.Errorf("compiling %v: unexpected constraint system %T", id, compiled)
	}
	return system, nil
}
