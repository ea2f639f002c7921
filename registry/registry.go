// Package registry is the set of members: a log of operations that anyone can
// replay, the tree of commitments that follows from it, and the signed
// checkpoints that name both.
//
// # Log and tree
//
// A registrar keeps an append-only log of [Operation] records: admit, revoke
// and grow. The log is an RFC 6962 Merkle tree, served as static C2SP tiles, so
// that existing witnesses can attest that it only grows. Replaying it from the
// beginning gives the member [Tree], whose root proofs are made against. A
// [Checkpoint] states both roots, and the sequence number of the member tree's
// root is the number of operations in the log.
//
// # Who learns what
//
// The log holds commitments and key types, never public keys. A member MUST
// replay the log and take its path from its own [Tree]: whoever asks a server
// for one path says who it is.
//
// The formats are in docs/spec/registry.md and docs/spec/checkpoint.md.
package registry

import (
	"fmt"

	"github.com/zkkex/zkkex"
)

// Capacities of a registry, as base-2 logarithms.
const (
	// SmallCapacityBits is the capacity a registry starts with, 2^20 members.
	SmallCapacityBits = 20
	// LargeCapacityBits is the capacity after growth, 2^32 members.
	LargeCapacityBits = 32
)

// malformed reports bytes that are not in one of this package's formats.
func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}

// checkCapacity returns an error wrapping [zkkex.ErrUnsupported] unless bits is
// one of the two capacities.
func checkCapacity(bits int) error {
	if bits == SmallCapacityBits || bits == LargeCapacityBits {
		return nil
	}
	return fmt.Errorf("%w: capacity 2^%d, expected 2^%d or 2^%d", zkkex.ErrUnsupported, bits, SmallCapacityBits, LargeCapacityBits)
}
