// Package zkkex is the vocabulary of anonymous key ownership: the nouns that
// provers, verifiers, handshakes and order gateways share, and their encodings.
//
// A member holds an identity key. A registrar admits commitments to members'
// keys into a registry. A verifier, such as a trading venue, admits whoever
// proves:
//
//	"I own a key whose commitment is in this registry, and this is one of my
//	Limit allowed slots in this epoch."
//
// The proof says nothing else: not which key, not which slot, not whether two
// proofs come from one member. It is bound to one thing that it authorises, a
// session key or a message, and is worthless for any other.
//
// This package depends on the standard library alone. Proofs are made by
// package prover and checked by package verifier, keys are in package keys, the
// registry in package registry.
package zkkex

import "context"

// Claim is what a member wants to prove.
type Claim struct {
	// Scope and Epoch are the context the slot is taken from. Scope must be
	// derived by the caller, with [VenueScope] or [NamedScope], from the same
	// epoch.
	Scope Scope
	Epoch Epoch
	// Limit is the number of slots per member in this scope.
	Limit uint32
	// Authorization is the thing to authorise.
	Authorization Authorization
}

// Prover proves for one member.
type Prover interface {
	// Prove takes an unused slot, durably, before it proves, and returns a
	// presentation that verifies. It must return an error, and no
	// presentation, if no slot is left or if it cannot tell.
	Prove(ctx context.Context, c Claim) (*Presentation, error)
}

// Decision is a verifier's yes.
type Decision struct {
	// Statement is the statement as the verifier recomputed it.
	Statement Statement
	// Epoch is the epoch the nullifier counts in.
	Epoch Epoch
	// Spent says that this call recorded the nullifier as spent. It is false
	// only for a verifier that was told not to spend.
	Spent bool
}

// Verifier decides about presentations.
type Verifier interface {
	// Verify decides whether p proves what the verifier's policy demands and
	// authorises a, and spends its nullifier in the same call. A nil error is
	// the only yes. It must return an error wrapping [ErrRejected] for a no;
	// any other error means that it could not decide, and is no yes either.
	Verify(ctx context.Context, p *Presentation, a Authorization) (*Decision, error)
}
