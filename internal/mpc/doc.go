// Package mpc is the mathematics of a ceremony: a computation by many parties
// that makes a Groth16 key pair, with a secret that nobody knows unless all of
// them pool what they should have forgotten (ePrint 2017/1050).
//
// It has two phases. [Phase1] makes powers of tau for any circuit of a domain;
// its result is an [SRS]. [Phase2] makes the keys of one circuit. Both are
// chains: a contribution scales every point of the one before by secrets of its
// own, proves that it knows them, and can be checked by anyone who has the one
// before. Each chain ends with a beacon, a contribution whose secrets follow
// from a public value that came later.
//
// Bytes are those of gnark's mpcsetup package, and so is what is computed:
// gnark's own VerifyPhase1 and VerifyPhase2 accept a chain that was made here
// and give the same keys. What is read is checked more strictly: sizes follow
// from the domain or the circuit, every point is canonical, on the curve, in
// the subgroup and finite, and a contribution by one is none. Verification is
// a list of named checks, of which a [CheckError] names the first that fails.
// Nothing that is verified or sealed is changed by it. docs/spec/ceremony-payload.md
// has bytes and checks.
//
// Circuits have no commitments here. Arithmetic with secrets is not constant
// in time: a contribution belongs on a machine where nobody else measures.
// Secrets are wiped after use, as far as Go allows: what the scalar
// multiplications copied meanwhile is left to the garbage collector.
package mpc
