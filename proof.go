package zkkex

import (
	"fmt"
	"slices"
)

// groth16ProofSize is the size of a Groth16 proof over BN254 without
// commitments: A (32 bytes), B (64 bytes) and C (32 bytes), compressed.
const groth16ProofSize = 128

// groth16CommitmentSize is what a commitment adds: D and E (32 bytes each).
const groth16CommitmentSize = 64

// plonkProofSize is the size of a PLONK proof over BN254 without commitments:
// nine compressed points and seven scalars, of 32 bytes each.
const plonkProofSize = 512

// Proof is a proof as it travels: opaque, of a size fixed by its circuit. Its
// points are checked by the verifier. A Groth16 proof can be re-randomised by
// anybody, so a proof's bytes are never a replay key; the nullifier is.
type Proof []byte

// ParseProof returns a copy of b as a proof for the circuit. It returns an
// error wrapping [ErrMalformed] if the size is not the circuit's, and
// [ErrUnsupported] if the circuit is unknown.
func ParseProof(circuit CircuitID, b []byte) (Proof, error) {
	if !circuit.Known() {
		return nil, unsupportedCircuit(circuit)
	}
	if len(b) != circuit.ProofSize() {
		return nil, malformed("proof", "expected %d bytes for %v, got %d", circuit.ProofSize(), circuit, len(b))
	}
	return Proof(slices.Clone(b)), nil
}

func unsupportedCircuit(id CircuitID) error {
	return fmt.Errorf("%w: circuit %#04x, expected one of %v", ErrUnsupported, uint16(id), Circuits())
}
