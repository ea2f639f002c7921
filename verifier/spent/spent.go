// Package spent records nullifiers, each once.
//
// A [Store] outlives the window in which a verifier accepts an epoch: entries
// are kept per epoch and scope, and removed only when the whole epoch is pruned.
// An epoch that was pruned is closed for good, so that a clock that goes back
// cannot spend a nullifier twice.
//
// Every store fails closed: an error other than [*SpentError] means that it
// could not tell, and no verifier may accept then. Trying the same nullifier
// again is always safe.
package spent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
)

// Entry is one spent nullifier.
type Entry struct {
	// Scope and Nullifier are the key: one nullifier is spent once in a scope.
	Scope     zkkex.Scope
	Nullifier zkkex.Nullifier
	// EpochEnd is the first instant after the epoch that the scope covers, in
	// whole seconds. A scope has one epoch, so it must be the same in every
	// entry of a scope.
	EpochEnd time.Time
	// Presentation is the digest of the presentation that spends it: for the
	// log, never for the decision, because proofs can be re-randomised.
	Presentation [32]byte
}

// Store records spent nullifiers. Implementations must be safe for concurrent
// use, by as many processes as they say.
type Store interface {
	// Spend records the entry, durably and atomically: of several calls with
	// one key, in any number of goroutines or processes, exactly one returns
	// nil. It returns a [*SpentError] if the nullifier was spent before, an
	// error wrapping [ErrClosed] if the epoch was pruned, and any other error
	// if it cannot tell.
	Spend(ctx context.Context, e Entry) error
	// Lookup returns a [*SpentError] if the nullifier was spent, and nil if it
	// was not when it looked. It decides nothing: only Spend does.
	Lookup(ctx context.Context, e Entry) error
	// Prune closes every epoch that ended at cutoff or before and removes its
	// entries. It returns the number of removed entries.
	Prune(ctx context.Context, cutoff time.Time) (int, error)
}

// SpentError reports a nullifier that was spent before.
type SpentError struct {
	// Nullifier is the nullifier.
	Nullifier zkkex.Nullifier
	// Presentation is the digest of the presentation that spent it.
	Presentation [32]byte
}

// Error names the nullifier and the presentation that spent it.
func (e *SpentError) Error() string {
	return fmt.Sprintf("nullifier %v was spent, by the presentation with digest %x", e.Nullifier, e.Presentation)
}

// ErrClosed reports an epoch whose entries were pruned: whether a nullifier was
// spent in it cannot be told any more.
var ErrClosed = errors.New("the epoch was pruned from the store of spent nullifiers")

// checkEntry refuses what no store can key by.
func checkEntry(e Entry) error {
	if e.EpochEnd.IsZero() || e.EpochEnd.Nanosecond() != 0 || e.EpochEnd.Unix() > latestUnix || e.EpochEnd.Unix() < -latestUnix {
		return fmt.Errorf("spent: the end of the epoch is %v, expected a whole second in the years to 9999", e.EpochEnd)
	}
	return nil
}

// latestUnix is the last second of the year 9999.
const latestUnix = 253402300799
