package descriptor

import "errors"

// ErrFork is matched by every [ForkError].
var ErrFork = errors.New("venue fork")

// Rule names the one rule of succession that two descriptors break.
type Rule string

// Rules of succession. docs/spec/descriptor.md says why each is there.
const (
	// OneNumber: there is one descriptor under a number.
	OneNumber Rule = "one_number"
	// NamesPrevious: a descriptor has the digest of the one before.
	NamesPrevious Rule = "names_previous"
	// SameSchedule: origin and length of epochs never change.
	SameSchedule Rule = "same_schedule"
	// SameRegistry: the registry never changes.
	SameRegistry Rule = "same_registry"
	// SameChain: the EVM chain never changes.
	SameChain Rule = "same_chain"
	// GenerationGrows: the generation never goes back.
	GenerationGrows Rule = "generation_grows"
	// OneRoot: an epoch has one root per generation.
	OneRoot Rule = "one_root"
	// RootsGrow: roots of later epochs and generations are no older ones.
	RootsGrow Rule = "roots_grow"
	// OneLimit: an epoch has one limit.
	OneLimit Rule = "one_limit"
	// InOrder: a descriptor begins after the one before; one that raises the
	// generation, after the one before that.
	InOrder Rule = "in_order"
	// TwoAtATime: at most two descriptors are valid at a time.
	TwoAtATime Rule = "two_at_a_time"
	// OneLog: checkpoints of the venue's log with one size have one root.
	OneLog Rule = "one_log"
)

// ForkError reports two texts, both signed by the venue's identity, that
// contradict one another. It proves the venue's fault to everyone who has the
// identity; the two notes are the evidence to publish.
type ForkError struct {
	// Rule is the rule they break.
	Rule Rule
	// Older and Newer are the signed notes: the one known, and the one refused.
	Older, Newer []byte
	// Detail says how the two contradict one another.
	Detail string
}

// Error returns the detail and what to do.
func (e *ForkError) Error() string {
	return "venue fork: " + e.Detail + "; the venue signed both: keep the two notes as evidence and do not use this venue"
}

// Is reports whether target is [ErrFork].
func (e *ForkError) Is(target error) bool { return target == ErrFork }

// violation is a broken rule, and the older of the descriptors that break it.
type violation struct {
	rule   Rule
	older  *Signed
	detail string
}

func (v *violation) fork(newer *Signed) *ForkError {
	return &ForkError{Rule: v.rule, Older: v.older.Note(), Newer: newer.Note(), Detail: v.detail}
}
