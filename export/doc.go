// Package export writes verifying keys, proofs and public inputs in the forms
// that verifiers by others read: the JSON of snarkjs, and a contract in Solidity
// with the data of a call to it.
//
// What is exported proves the statement, and nothing more: neither that its
// root is a registry's newest, nor that its scope, limit and binding are the
// expected ones, nor that its nullifier is unused. Package verifier decides
// about all of these; whoever verifies elsewhere has to. The formats, and a list
// of what is left to check, are in docs/spec/export.md.
//
// Contracts are written by gnark, whose generator calls itself experimental. The
// tests compile and run them.
package export
