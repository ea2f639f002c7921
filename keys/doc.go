// Package keys holds a member's secrets, what follows from them, and the files
// they are kept in.
//
// A [Secret] is two independent secrets. The identity key is a scalar sk of
// Baby Jubjub, and its public key is pk = sk*G. The nullifier key nk is a field
// element, drawn beside the identity key and never derivable from it: whoever
// learns identity keys one day, by theft or by solving discrete logarithms,
// still cannot compute anybody's nullifiers. A [Public] is what a registrar
// sees: the public key and H(nk). Both hash to the same commitment, the
// member's leaf in a registry.
//
// The curve is the a = -1 form of Baby Jubjub that gnark-crypto implements.
// The y coordinate of a point is the same as in ERC-2494 and circom; x differs
// by a constant factor, and the base point is the image of ERC-2494's Base8. A
// scalar therefore has the same y coordinate in both worlds.
//
// # Not constant time
//
// Scalar multiplication in gnark-crypto and the scalar arithmetic on math/big
// that signing needs take a time that depends on the secret. A stranger's
// process on the same processor may learn something from it. Make and use keys
// on a machine that you do not share, and away from a path whose timing a peer
// can measure. Encoding, comparison and hashing of secrets are constant time.
//
// # Erasure
//
// [Secret.Wipe] overwrites the one copy that a Secret owns. The Go runtime and
// math/big may have left others in memory that was freed; wiping narrows the
// window, it does not close it.
package keys
