package zkkex

import "fmt"

// CircuitID names one relation, exactly: the proof system, the curve, the key
// type and the capacity of the registry. A changed relation is a new id, never
// an edit. The high byte is the family, a [ProofSystem]; the low byte is the
// relation within it.
type CircuitID uint16

// The circuits of this version.
const (
	// BabyJubjub20 proves a Baby Jubjub key in a registry of capacity 2^20.
	BabyJubjub20 CircuitID = 0x0101
	// BabyJubjub32 proves a Baby Jubjub key in a registry of capacity 2^32.
	BabyJubjub32 CircuitID = 0x0102
	// EdDSA20 proves a signature of the binding by a Baby Jubjub key, whose private
	// part nobody needs to have, in a registry of capacity 2^20.
	EdDSA20 CircuitID = 0x0103
	// EdDSA32 proves the same as [EdDSA20], in a registry of capacity 2^32.
	EdDSA32 CircuitID = 0x0104
	// P256Key20 proves the private scalar of an ECDSA key on P-256, in a registry of
	// capacity 2^20.
	P256Key20 CircuitID = 0x0111
	// P256Key32 proves the same as [P256Key20], in a registry of capacity 2^32.
	P256Key32 CircuitID = 0x0112
	// Secp256k1Key20 proves the private scalar of a key on secp256k1, in a registry of
	// capacity 2^20.
	Secp256k1Key20 CircuitID = 0x0113
	// Secp256k1Key32 proves the same as [Secp256k1Key20], in a registry of capacity
	// 2^32.
	Secp256k1Key32 CircuitID = 0x0114
	// P256Sig20 proves a signature of the binding by a key on P-256 that signs digests
	// (envelope raw), in a registry of capacity 2^20.
	P256Sig20 CircuitID = 0x0121
	// P256Sig32 proves the same as [P256Sig20], in a registry of capacity 2^32.
	P256Sig32 CircuitID = 0x0122
	// P256SSH20 proves the same as [P256Sig20] for keys in an ssh-agent (envelope
	// sshsig).
	P256SSH20 CircuitID = 0x0123
	// P256SSH32 proves the same as [P256SSH20], in a registry of capacity 2^32.
	P256SSH32 CircuitID = 0x0124
	// Secp256k1Sig20 proves a signature of the binding by a key on secp256k1 that signs
	// digests (envelope raw), in a registry of capacity 2^20.
	Secp256k1Sig20 CircuitID = 0x0125
	// Secp256k1Sig32 proves the same as [Secp256k1Sig20], in a registry of capacity
	// 2^32.
	Secp256k1Sig32 CircuitID = 0x0126
	// Secp256k1EIP71220 proves the same as [Secp256k1Sig20] for keys in a wallet
	// (envelope eip712).
	Secp256k1EIP71220 CircuitID = 0x0127
	// Secp256k1EIP71232 proves the same as [Secp256k1EIP71220], in a registry of
	// capacity 2^32.
	Secp256k1EIP71232 CircuitID = 0x0128
	// BabyJubjub20Plonk proves the same as [BabyJubjub20], with PLONK.
	BabyJubjub20Plonk CircuitID = 0x0201
	// BabyJubjub32Plonk proves the same as [BabyJubjub32], with PLONK.
	BabyJubjub32Plonk CircuitID = 0x0202
)

// circuit is what an id stands for.
type circuit struct {
	id           CircuitID
	name         string
	keyType      KeyType
	capacityBits int
}

// circuits lists the circuits of this version, in order of their ids.
func circuits() []circuit {
	return []circuit{
		{BabyJubjub20, "babyjubjub-20", KeyBabyJubjub, 20},
		{BabyJubjub32, "babyjubjub-32", KeyBabyJubjub, 32},
		{EdDSA20, "eddsa-20", KeyEdDSA, 20},
		{EdDSA32, "eddsa-32", KeyEdDSA, 32},
		{P256Key20, "p256-key-20", KeyP256, 20},
		{P256Key32, "p256-key-32", KeyP256, 32},
		{Secp256k1Key20, "secp256k1-key-20", KeySecp256k1, 20},
		{Secp256k1Key32, "secp256k1-key-32", KeySecp256k1, 32},
		{P256Sig20, "p256-sig-20", KeyP256, 20},
		{P256Sig32, "p256-sig-32", KeyP256, 32},
		{P256SSH20, "p256-ssh-20", KeyP256, 20},
		{P256SSH32, "p256-ssh-32", KeyP256, 32},
		{Secp256k1Sig20, "secp256k1-sig-20", KeySecp256k1, 20},
		{Secp256k1Sig32, "secp256k1-sig-32", KeySecp256k1, 32},
		{Secp256k1EIP71220, "secp256k1-eip712-20", KeySecp256k1, 20},
		{Secp256k1EIP71232, "secp256k1-eip712-32", KeySecp256k1, 32},
		{BabyJubjub20Plonk, "babyjubjub-20-plonk", KeyBabyJubjub, 20},
		{BabyJubjub32Plonk, "babyjubjub-32-plonk", KeyBabyJubjub, 32},
	}
}

// circuit returns what the id stands for, or the zero value for an unknown one.
func (id CircuitID) circuit() circuit {
	for _, c := range circuits() {
		if c.id == id {
			return c
		}
	}
	return circuit{}
}

// Circuits lists the circuits this version knows, in order of their ids.
func Circuits() []CircuitID {
	var ids []CircuitID
	for _, c := range circuits() {
		ids = append(ids, c.id)
	}
	return ids
}

// ParseCircuit returns the circuit that [CircuitID.String] names. It returns an
// error wrapping [ErrUnsupported] for any other name.
func ParseCircuit(name string) (CircuitID, error) {
	for _, id := range Circuits() {
		if id.String() == name {
			return id, nil
		}
	}
	return 0, fmt.Errorf("%w: no circuit %q, expected one of %v", ErrUnsupported, name, Circuits())
}

// Known reports whether this version knows the circuit.
func (id CircuitID) Known() bool { return id.circuit().id != 0 }

// ProofSystem returns the proof system of the circuit's proofs, or 0 for an
// unknown circuit.
func (id CircuitID) ProofSystem() ProofSystem { return ProofSystem(id.circuit().id >> 8) }

// String returns the circuit's name, as in "babyjubjub-20".
func (id CircuitID) String() string {
	if c := id.circuit(); c.name != "" {
		return c.name
	}
	return fmt.Sprintf("circuit-%#04x", uint16(id))
}

// KeyType returns the type of the keys the circuit proves, or 0 for a circuit
// that this version does not know.
func (id CircuitID) KeyType() KeyType { return id.circuit().keyType }

// CapacityBits returns the base-2 logarithm of the capacity of the registry
// the circuit proves membership in, or 0 for an unknown circuit.
func (id CircuitID) CapacityBits() int { return id.circuit().capacityBits }

// Commitments returns the number of commitments in the circuit's proofs: 1 with
// Groth16 for keys on another curve than the proofs', whose arithmetic needs range
// checks, and 0 for all other circuits.
func (id CircuitID) Commitments() int {
	if t := id.KeyType(); id.ProofSystem() == Groth16 && (t == KeyP256 || t == KeySecp256k1) {
		return 1
	}
	return 0
}

// ProofSize returns the size of the circuit's proofs in bytes, or 0 for an
// unknown circuit.
func (id CircuitID) ProofSize() int {
	switch id.ProofSystem() {
	case Groth16:
		return groth16ProofSize + id.Commitments()*groth16CommitmentSize
	case Plonk:
		return plonkProofSize
	default:
		return 0
	}
}

// KeyType is the type of an identity key. It is part of the leaf, so that a
// key of one type never opens a leaf of another.
type KeyType uint16

// The key types of this version.
const (
	// KeyBabyJubjub is a key on Baby Jubjub, the twisted Edwards curve over BN254's
	// scalar field (ERC-2494), that its owner proves to know.
	KeyBabyJubjub KeyType = 1
	// KeyP256 is an ECDSA key on P-256 (FIPS 186-5): HSMs, TPMs, ssh-agents.
	KeyP256 KeyType = 2
	// KeySecp256k1 is an ECDSA key on secp256k1 (SEC 2): wallets, HSMs.
	KeySecp256k1 KeyType = 3
	// KeyEdDSA is a key on Baby Jubjub that is proven by a signature, so that nobody
	// needs to hold it whole: the key of a threshold group.
	KeyEdDSA KeyType = 4
)

// KeyTypes lists the key types this version knows, in ascending order.
func KeyTypes() []KeyType {
	return []KeyType{KeyBabyJubjub, KeyP256, KeySecp256k1, KeyEdDSA}
}

// Known reports whether this version knows the key type.
func (t KeyType) Known() bool { return KeyBabyJubjub <= t && t <= KeyEdDSA }

// ParseKeyType returns the key type that [KeyType.String] names. It returns an
// error wrapping [ErrUnsupported] for any other name.
func ParseKeyType(name string) (KeyType, error) {
	for _, t := range KeyTypes() {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("%w: no key type %q, expected one of %v", ErrUnsupported, name, KeyTypes())
}

// String returns the key type's name, as in "babyjubjub".
func (t KeyType) String() string {
	switch t {
	case KeyBabyJubjub:
		return "babyjubjub"
	case KeyP256:
		return "p256"
	case KeySecp256k1:
		return "secp256k1"
	case KeyEdDSA:
		return "eddsa"
	default:
		return fmt.Sprintf("keytype-%#04x", uint16(t))
	}
}
