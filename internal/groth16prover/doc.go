// Package groth16prover makes Groth16 proofs over BN254 (ePrint 2016/260) with a
// proving key that stays the same, on gnark's solver and gnark-crypto's fields.
// It makes the proofs that gnark's own prover makes, for less: sums of points go
// through affine coordinates with shared inversions, the key's points can be
// tabulated ([Key.Precompute]), and a member's next proof adds up only what has
// changed ([Session]).
//
// A circuit has no commitment or one, to private wires of which one is random and
// hides the others (package relation).
//
// Nothing here is constant time, as gnark's prover is not. Witnesses, digits,
// sums and blinding are cleared after use where Go allows; copies that the
// compiler or gnark's solver makes are not.
package groth16prover
