package admission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
)

// Store keeps admissions and opens. Implementations must be safe for concurrent
// use, by as many processes as they say.
//
// The errors [*TakenError], [*SpentError] and [ErrClosed] are answers. Every
// other error means that the store could not tell; the same call may be tried
// again.
type Store interface {
	// Admit records r, durably and atomically, and returns it; fresh says that
	// this call recorded it. If the same certificate is recorded, by nullifier
	// and by key, it returns that record and false. It returns a [*TakenError]
	// if the nullifier or the key is another certificate's, and an error
	// wrapping [ErrClosed] if the epoch was pruned. What it returned without an
	// error survives a crash.
	Admit(ctx context.Context, r *Record) (stored *Record, fresh bool, err error)
	// ByKey returns the record of a session key, or nil if there is none.
	ByKey(ctx context.Context, s Shard, key [32]byte) (*Record, error)
	// ByNullifier returns the record of a nullifier, or nil if there is none.
	ByNullifier(ctx context.Context, s Shard, n zkkex.Nullifier) (*Record, error)
	// Spend records an open, atomically: of several calls with the same
	// arguments, at most one returns nil, and the others a [*SpentError] or an
	// error of a store that cannot tell. With durable set, the open is on disk
	// before Spend returns; otherwise a crash can lose it. It returns an error
	// wrapping [ErrClosed] if the epoch was pruned.
	Spend(ctx context.Context, s Shard, n zkkex.Nullifier, counter uint32, durable bool) error
	// Prune removes all of the epochs that ended at cutoff or before, and
	// closes the epochs up to the last of these for good: a clock that goes
	// back uses no nullifier twice.
	Prune(ctx context.Context, cutoff time.Time) error
}

// TakenError reports a nullifier or a session key under which another
// certificate is recorded.
type TakenError struct {
	// By is the certificate that is recorded, Refused the one that is not.
	By, Refused session.Digest
	// What is "nullifier" or "session key".
	What string
}

// Error names both certificates.
func (e *TakenError) Error() string {
	return fmt.Sprintf("the %s of certificate %v is recorded for certificate %v", e.What, e.Refused, e.By)
}

// SpentError reports an open that was recorded before.
type SpentError struct {
	// Nullifier and Counter are the open.
	Nullifier zkkex.Nullifier
	Counter   uint32
}

// Error names the open.
func (e *SpentError) Error() string {
	return fmt.Sprintf("open %d of nullifier %v was used before", e.Counter, e.Nullifier)
}

// ErrClosed reports an epoch that was pruned: what was admitted and opened in it
// cannot be told any more.
var ErrClosed = errors.New("the epoch was pruned from the store of admissions")

const (
	takenNullifier = "nullifier"
	takenKey       = "session key"
)

// decide compares a record that is about to be made with those that stand under
// its nullifier and under its key, either of which may be nil. It returns the
// one that stands if it is the same, and nil if there is none.
func decide(r, byNullifier, byKey *Record) (*Record, error) {
	if byNullifier != nil && *byNullifier != *r {
		return nil, &TakenError{By: byNullifier.Certificate, Refused: r.Certificate, What: takenNullifier}
	}
	if byKey != nil && *byKey != *r {
		return nil, &TakenError{By: byKey.Certificate, Refused: r.Certificate, What: takenKey}
	}
	return byNullifier, nil
}
