// Package circuits holds the relations that zkkex proves, one type per key
// type, and the native twin of every gadget in them.
//
// A circuit and its specification, docs/spec/circuit-babyjubjub.md and so on, have
// the same order and the same names. The babyjubjub relation, in short:
//
//	key        y  = y-coordinate of x*G, for the x whose signed digits are known
//	leaf       l  = f_3(tag + keytype*2^16, y, f_2(tag, nk))
//	membership l is among the eight children of a node, that node among the
//	           eight of the next, ..., the last among the four below root
//	slot       0 <= slot < limit
//	nullifier  n  = f_3(tag*2^64 + slot, scope, nk)
//	public     root, scope, limit, nullifier and binding are each squared
//
// In the eddsa relation, the key is one of which a signature of the binding is known:
//
//	key        A = 8*eighth, for a point of the curve
//	signature  e = f_4(tag, R.x, R.y, f_4(tag, A.x, A.y, binding)), with R = s*G - e*A
//	leaf       l = f_3(tag + keytype*2^16, A.y, f_2(tag, nk)), and the rest as above
//
// # What the relation leaves out
//
// It has no position: "the running hash is one of the children" is a product
// of differences that is zero, so there are no selector bits to forget. It has
// no range check on the key's scalar: the nullifier depends on nk alone, so
// that two scalars for one point are worth no more than one (trap C3). It has
// no hints: every value is an input of the witness or the output of a product
// or a division, so there is no hint output to leave unconstrained (trap C8).
//
// # Incomplete additions
//
// The fixed-base multiplication adds points with the Montgomery chord formula,
// whose slope is free on 0/0. Nothing degenerate can occur, whatever the
// witness: see [Digits]. Nor can it where a signature's key is multiplied by its
// challenge; the same kind of argument stands in variablebase.go.
//
// # Keys on other curves
//
// P-256 and secp256k1 have their coordinates in other fields than the one that
// constraints are over. Integers modulo another prime are cut into chunks, which hints
// give and one table checks: the circuits concerned have one commitment, and every
// hint has an assertion that pins it. See docs/spec/circuit-ecdsa-key.md and
// [ECDigits].
//
// This package and internal ones are the only ones with gnark types in their
// exported signatures. gnark promises no constant time: whoever shares a
// processor with a prover may learn from timing.
package circuits
