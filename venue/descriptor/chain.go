package descriptor

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Errors of a chain, beside those of [Open].
var (
	// ErrGap reports a descriptor whose predecessor is not known. Add those in
	// between first.
	ErrGap = errors.New("descriptors are missing in between")
	// ErrOlder reports a descriptor older than all that are kept.
	ErrOlder = errors.New("descriptor is older than those kept")
	// ErrExpired reports that no descriptor is valid now, or that the first one
	// given is not any more: fetch the newest.
	ErrExpired = errors.New("descriptor is not valid any more")
	// ErrNotYet reports that all descriptors known begin later.
	ErrNotYet = errors.New("descriptor is not valid yet")
)

// ChainConfig says whose descriptors a chain takes in.
type ChainConfig struct {
	// Identity is the venue's, pinned.
	Identity *Identity
	// Witnesses are the cosignature keys of the witnesses that the client
	// trusts, and Quorum is how many of them must have cosigned the log that a
	// descriptor is in.
	Witnesses []string
	Quorum    int
}

// Chain is a client's view of one venue's descriptors: consecutive ones, each
// of which follows those before. It is safe for concurrent use.
type Chain struct {
	identity *Identity
	log      *witnessPolicy

	mu      sync.RWMutex
	history history
	newest  *loggedAt // the largest checkpoint of the log seen; not saved
	fork    *ForkError
}

// NewChain returns an empty chain. It returns an error if a witness's key is
// malformed or there are not as many as the quorum.
func NewChain(c ChainConfig) (*Chain, error) {
	p, err := newWitnessPolicy(c.Identity, c.Witnesses, c.Quorum)
	if err != nil {
		return nil, err
	}
	return &Chain{identity: c.Identity, log: p}, nil
}

// Identity returns the venue's identity.
func (c *Chain) Identity() *Identity { return c.identity }

// Add takes in a signed descriptor, with the proof that it is in the venue's
// log (c2sp.org/tlog-proof), which may be nil if no witnesses are demanded. The
// first may have any number, but must not have ended by now; from then on, every
// number is needed. One that is known already is no error.
//
// The errors are a [*ForkError], whose evidence the chain keeps, [ErrGap],
// [ErrOlder], [ErrExpired], [ErrWitnesses], [ErrNotLogged] and those of [Open].
// What the chain holds is then unchanged.
func (c *Chain) Add(signed, proof []byte, now time.Time) (*Signed, error) {
	next, err := Open(signed, c.identity)
	if err != nil {
		return nil, err
	}
	checkpoint, err := c.log.check(next, proof)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	added, err := c.add(next, checkpoint, now)
	var fork *ForkError
	if errors.As(err, &fork) && c.fork == nil {
		c.fork = fork
	}
	return added, err
}

func (c *Chain) add(next *Signed, checkpoint *loggedAt, now time.Time) (*Signed, error) {
	if err := c.sameLog(checkpoint); err != nil {
		return nil, err
	}
	latest := c.history.latest()
	switch {
	case latest == nil && !now.Before(next.NotAfter):
		return nil, fmt.Errorf("%w: descriptor %d ended at %s", ErrExpired, next.Number, stamp(next.NotAfter))
	case latest == nil:
		c.history = c.history.add(next)
	case next.Number < c.history[0].Number:
		return nil, fmt.Errorf("%w: it has the number %d, expected at least %d", ErrOlder, next.Number, c.history[0].Number)
	case next.Number > latest.Number+1:
		return nil, fmt.Errorf("%w: it has the number %d, expected %d", ErrGap, next.Number, latest.Number+1)
	case next.Number == latest.Number+1:
		if v := c.history.follow(next); v != nil {
			return nil, v.fork(next)
		}
		c.history = c.history.add(next)
	default:
		known := c.history.byNumber(next.Number)
		if v := known.same(next); v != nil {
			return nil, v.fork(next)
		}
		next = known
	}
	if checkpoint != nil && (c.newest == nil || checkpoint.N > c.newest.N) {
		c.newest = checkpoint
	}
	return next, nil
}

// same checks two descriptors of one number.
func (s *Signed) same(other *Signed) *violation {
	if s.digest == other.digest {
		return nil
	}
	return &violation{OneNumber, s, fmt.Sprintf("two different descriptors %d, of digests %v and %v", s.Number, s.digest, other.digest)}
}

// sameLog compares a checkpoint with the newest one seen.
func (c *Chain) sameLog(checkpoint *loggedAt) error {
	if checkpoint == nil || c.newest == nil || checkpoint.N != c.newest.N || checkpoint.Hash == c.newest.Hash {
		return nil
	}
	return &ForkError{Rule: OneLog, Older: slices.Clone(c.newest.note), Newer: slices.Clone(checkpoint.note),
		Detail: fmt.Sprintf("two different logs of %d descriptors", checkpoint.N)}
}

// Current returns the descriptor that a client uses at a time: of those valid,
// the one with the greatest number, so that everybody switches at once. It
// returns a [*ForkError] if the venue ever contradicted itself here, and
// otherwise an error wrapping [ErrNotYet] or [ErrExpired] if none is valid.
func (c *Chain) Current(now time.Time) (*Signed, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.fork != nil {
		return nil, c.fork
	}
	if valid := c.history.valid(now); len(valid) > 0 {
		return valid[len(valid)-1], nil
	}
	latest := c.history.latest()
	switch {
	case latest == nil:
		return nil, fmt.Errorf("%w: no descriptor of %s is known; fetch the newest", ErrExpired, c.identity.Name())
	case now.Before(latest.NotBefore):
		return nil, fmt.Errorf("%w: descriptor %d of %s begins at %s, and it is %s", ErrNotYet, latest.Number, c.identity.Name(), stamp(latest.NotBefore), stamp(now))
	default:
		return nil, fmt.Errorf("%w: the last one known of %s, %d, ended at %s; fetch the newest", ErrExpired, c.identity.Name(), latest.Number, stamp(latest.NotAfter))
	}
}

// Valid returns the descriptors valid at a time, at most two, the newest last.
func (c *Chain) Valid(now time.Time) []*Signed {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.history.valid(now)
}

// ByNumber returns a descriptor by its number, or nil if it is not kept.
func (c *Chain) ByNumber(n uint64) *Signed {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.history.byNumber(n)
}

// Latest returns the descriptor with the greatest number, or nil if there is
// none. It may begin later.
func (c *Chain) Latest() *Signed {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.history.latest()
}

// Fork returns the first evidence against the venue, or nil.
func (c *Chain) Fork() *ForkError {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.fork
}
