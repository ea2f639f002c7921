package zkkex

import "fmt"

// ProofSystem is the family of a circuit: how its proofs are made, over which
// curve, and what their parameters rest on. All prove the same statement: Groth16
// for every type of key, PLONK for Baby Jubjub keys whose scalar is proved.
type ProofSystem byte

// The proof systems of this version, both over BN254.
const (
	// Groth16 has the smallest proofs and the fastest prover (ePrint 2016/260).
	// Each circuit needs a ceremony of its own.
	Groth16 ProofSystem = 0x01
	// Plonk has one setup for all circuits, a universal one (ePrint 2019/953).
	// Its proofs are larger and take longer.
	Plonk ProofSystem = 0x02
)

// ProofSystems lists the proof systems this version knows, in ascending order.
func ProofSystems() []ProofSystem { return []ProofSystem{Groth16, Plonk} }

// Known reports whether this version knows the proof system.
func (s ProofSystem) Known() bool { return s == Groth16 || s == Plonk }

// ParseProofSystem returns the proof system that [ProofSystem.String] names. It
// returns an error wrapping [ErrUnsupported] for any other name.
func ParseProofSystem(name string) (ProofSystem, error) {
	for _, s := range ProofSystems() {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: no proof system %q, expected one of %v", ErrUnsupported, name, ProofSystems())
}

// String returns the proof system's name, as in "groth16".
func (s ProofSystem) String() string {
	switch s {
	case Groth16:
		return "groth16"
	case Plonk:
		return "plonk"
	default:
		return fmt.Sprintf("proofsystem-%#02x", byte(s))
	}
}

// Circuits lists the circuits of the proof system, in order of their ids.
func (s ProofSystem) Circuits() []CircuitID {
	var out []CircuitID
	for _, id := range Circuits() {
		if id.ProofSystem() == s {
			out = append(out, id)
		}
	}
	return out
}

// Circuit returns the proof system's circuit for a key type in a registry of
// capacity 2^capacityBits: of several, the first, which proves the private key and not
// a signature. It returns an error wrapping [ErrUnsupported] if there
// is none.
func (s ProofSystem) Circuit(keyType KeyType, capacityBits int) (CircuitID, error) {
	for _, id := range s.Circuits() {
		if id.KeyType() == keyType && id.CapacityBits() == capacityBits {
			return id, nil
		}
	}
	return 0, fmt.Errorf("%w: no %v circuit for a %v key in a registry of capacity 2^%d", ErrUnsupported, s, keyType, capacityBits)
}
