package frost

import (
	"errors"
	"fmt"
)

// Reasons for which something is refused.
var (
	// ErrIdentifier reports an identifier that is 0, above the number of
	// participants, or in a list twice or out of order.
	ErrIdentifier = errors.New("expected identifiers of participants, ascending, each once")
	// ErrThreshold reports a threshold, a number of participants or a number of
	// signers out of range.
	ErrThreshold = errors.New("expected 2 <= threshold <= participants <= 64, and as many signers as the threshold at least")
	// ErrNonces reports nonces that have signed already, or are not those of the
	// commitment in the list.
	ErrNonces = errors.New("nonces sign once, and only with their own commitment in the list: begin a new session")
	// ErrIdentity reports a sum of elements that is the group's identity.
	ErrIdentity = errors.New("the sum is the identity element")
	// ErrShare reports a share that is not what its commitments say.
	ErrShare = errors.New("the share does not fit the commitments")
	// ErrProof reports a proof of knowledge that does not verify.
	ErrProof = errors.New("the proof of knowledge of the constant term does not verify")
	// ErrCommitments reports a list of commitments of another length than the
	// threshold says: a polynomial of another degree.
	ErrCommitments = errors.New("expected one commitment for each coefficient")
	// ErrSignature reports a signature that does not verify.
	ErrSignature = errors.New("the signature does not verify")
)

// Culprit is an error that somebody else made, or lied about.
type Culprit struct {
	// ID is the participant.
	ID Identifier
	// Err is what is wrong.
	Err error
}

// Error returns who and what.
func (c *Culprit) Error() string { return fmt.Sprintf("participant %d: %v", c.ID, c.Err) }

// Unwrap returns what is wrong.
func (c *Culprit) Unwrap() error { return c.Err }
