// Package plonk proves and checks with PLONK over BN254 (ePrint 2019/953, with
// KZG commitments), by gnark's prover and verifier: strict codecs for everything
// that gnark would take on trust, the structured reference string with its checks,
// and the keys, which follow from it and from the circuit.
//
// Only circuits without commitments are supported: a proof is nine points and
// seven scalars, and nothing else. The formats are in docs/spec/plonk.md.
package plonk
