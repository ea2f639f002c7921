package circuits

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/quiet"
)

// New returns the relation of a circuit, to be compiled. It returns an error
// wrapping [zkkex.ErrUnsupported] for an unknown circuit.
func New(id zkkex.CircuitID) (frontend.Circuit, error) {
	r, err := relationOf(id)
	if err != nil {
		return nil, err
	}
	return r.circuit(id.CapacityBits())
}

// Compile compiles a circuit of Groth16 to a rank-1 constraint system over
// BN254's scalar field. Compiling is deterministic: the serialised system has the
// same digest on every machine. It returns an error wrapping
// [zkkex.ErrUnsupported] for a circuit of another proof system.
func Compile(id zkkex.CircuitID) (*cs.R1CS, error) {
	return compile[*cs.R1CS](id, zkkex.Groth16, r1cs.NewBuilder)
}

// CompilePlonk compiles a circuit of PLONK to a sparse constraint system over
// BN254's scalar field, the same relation as [Compile]'s for the capacity, and as
// deterministic. The system has no commitments, which would add to proof and key.
// It returns an error wrapping [zkkex.ErrUnsupported] for a circuit of another
// proof system.
func CompilePlonk(id zkkex.CircuitID) (*cs.SparseR1CS, error) {
	system, err := compile[*cs.SparseR1CS](id, zkkex.Plonk, scs.NewBuilder)
	if err != nil {
		return nil, err
	}
	if n := len(system.CommitmentInfo.CommitmentIndexes()); n != 0 {
		return nil, fmt.Errorf("compiling %v: %d commitments, expected none", id, n)
	}
	return system, nil
}

func compile[S any](id zkkex.CircuitID, want zkkex.ProofSystem, builder frontend.NewBuilder) (system S, err error) {
	quiet.Gnark()
	if id.ProofSystem() != want {
		return system, fmt.Errorf("%w: %v, expected a circuit of %v", zkkex.ErrUnsupported, id, want)
	}
	circuit, err := New(id)
	if err != nil {
		return system, err
	}
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), builder, circuit)
	if err != nil {
		return system, fmt.Errorf("compiling %v: %w", id, err)
	}
	system, ok := compiled.(S)
	if !ok {
		return system, fmt.Errorf("compiling %v: unexpected constraint system %T", id, compiled)
	}
	return system, nil
}
