package registry

import "errors"

// ErrFork is matched by every [ForkError].
var ErrFork = errors.New("registry fork")

// ErrOlder reports a checkpoint older than the newest one known, and not among
// those known. A server that sends one is behind, or holds operations back.
var ErrOlder = errors.New("checkpoint is older than the newest one known")

// ForkError reports two checkpoints, both signed by the registrar, that cannot
// belong to one append-only log, or that were not shown to. Whoever gets one
// must not use the newer checkpoint; the two notes are the evidence to publish.
type ForkError struct {
	// Older and Newer are the signed notes: the one known, and the one refused.
	Older, Newer []byte
	// Conclusive says that the two notes alone prove the registrar's fault. If
	// it is false, the consistency proof that came with them failed, which a
	// broken server could cause as well; try another one.
	Conclusive bool
	// Detail says how the two contradict one another.
	Detail string
}

// Error returns the detail and what to do.
func (e *ForkError) Error() string {
	if e.Conclusive {
		return "registry fork: " + e.Detail + "; the registrar signed both: keep the two notes as evidence and do not use this registry"
	}
	return "registry fork: " + e.Detail + "; sync again from another server or mirror, and do not use the newer checkpoint"
}

// Is reports whether target is [ErrFork].
func (e *ForkError) Is(target error) bool { return target == ErrFork }
