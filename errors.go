package zkkex

import (
	"errors"
	"fmt"
)

// Classes of errors. Every error of the module's packages wraps at most one of
// them, and callers branch with [errors.Is]:
//
//   - nil: the answer is yes;
//   - [ErrRejected]: the answer is no;
//   - anything else: undecided, and the message says what to do.
var (
	// ErrRejected reports that a verifier understood what it was given and
	// said no. The reason is in a [RejectError].
	ErrRejected = errors.New("rejected")
	// ErrMalformed reports bytes that are not in one of our formats. The
	// format is named by a [ParseError].
	ErrMalformed = errors.New("malformed")
	// ErrUnsupported reports an unknown version, circuit or key type.
	ErrUnsupported = errors.New("unsupported")
	// ErrParamsMismatch reports parameters that are not the expected ones: a
	// file's digest differs from its manifest, or a proof was made with other
	// parameters.
	ErrParamsMismatch = errors.New("parameters do not match")
)

// Reason says why a verifier said no. Reasons are for the verifier's own log
// and for a caller that holds the statement already; a stranger learns less.
type Reason string

// Reasons for a rejection.
const (
	// BadProof: the proof does not verify for the recomputed statement.
	BadProof Reason = "bad_proof"
	// UnknownRoot: no checkpoint of the registry has this root under this
	// sequence number.
	UnknownRoot Reason = "unknown_root"
	// StaleRoot: the root was superseded longer ago than the policy's grace.
	StaleRoot Reason = "stale_root"
	// SlotUsed: the nullifier was spent before.
	SlotUsed Reason = "slot_used"
	// WrongLimit: the statement's limit is not the verifier's.
	WrongLimit Reason = "limit"
	// WrongScope: the statement's scope is not the one the verifier computed.
	WrongScope Reason = "wrong_scope"
	// WrongEpoch: the epoch is over, or has not begun.
	WrongEpoch Reason = "wrong_epoch"
	// WrongBinding: the proof authorises something else than what was shown.
	WrongBinding Reason = "wrong_binding"
	// WrongRegistry: the statement is about another registry.
	WrongRegistry Reason = "wrong_registry"
	// WrongCircuit: the verifier does not accept this circuit.
	WrongCircuit Reason = "wrong_circuit"
	// WrongParams: the proof was made with parameters the verifier does not
	// accept.
	WrongParams Reason = "wrong_params"
	// TooFewMembers: the anonymity set is smaller than the policy demands.
	TooFewMembers Reason = "too_few_members"
	// Busy: the verifier has more proofs waiting than it keeps. Nothing was
	// decided and nothing is spent: the same presentation may be shown again.
	Busy Reason = "busy"
)

// RejectError is a verifier's no. It matches [ErrRejected].
type RejectError struct {
	// Reason is the single reason, the first check that failed.
	Reason Reason
	// Detail says what was expected and what was found. It holds public
	// values only.
	Detail string
}

// Error returns the reason and the detail.
func (e *RejectError) Error() string {
	if e.Detail == "" {
		return "rejected: " + string(e.Reason)
	}
	return fmt.Sprintf("rejected: %s: %s", e.Reason, e.Detail)
}

// Is reports whether target is [ErrRejected].
func (e *RejectError) Is(target error) bool { return target == ErrRejected }

// Reject returns a [RejectError] with a formatted detail.
func Reject(reason Reason, detail string, args ...any) error {
	return &RejectError{Reason: reason, Detail: fmt.Sprintf(detail, args...)}
}

// ParseError reports bytes that are not in the format they were read as. It
// matches [ErrMalformed] and unwraps to the cause.
type ParseError struct {
	// Format names the format, such as "statement" or "key file".
	Format string
	// Err is what was expected and what was found.
	Err error
}

// Error returns the format and the cause.
func (e *ParseError) Error() string { return "malformed " + e.Format + ": " + e.Err.Error() }

// Is reports whether target is [ErrMalformed].
func (e *ParseError) Is(target error) bool { return target == ErrMalformed }

// Unwrap returns the cause.
func (e *ParseError) Unwrap() error { return e.Err }
