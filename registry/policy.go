package registry

import (
	"time"

	"github.com/zkkex/zkkex"
)

// RootPolicy decides which roots a verifier accepts.
type RootPolicy interface {
	// Accept returns the checkpoint that the root belongs to. It must return
	// an error wrapping [zkkex.ErrRejected], with the reason
	// [zkkex.UnknownRoot] or [zkkex.StaleRoot], if the root is not acceptable
	// at time now, and another error, such as an [*AgeError], if it cannot
	// tell.
	Accept(sequence uint64, root zkkex.Root, now time.Time) (*Checkpoint, error)
}

// Newest returns the policy that accepts the root of the newest checkpoint and
// nothing else. Every admission invalidates the proofs made before it.
//
// Nothing is decided, with an [*AgeError], while the newest checkpoint known is
// older than maxAge, such as [DefaultMaxAge], or from the future: whoever could
// hold back newer checkpoints would undo revocations. So a revoked member lives
// on for maxAge at most, and not beyond the next sync of an honest copy.
func (r *Roots) Newest(maxAge time.Duration) RootPolicy { return gracePolicy{r, 0, maxAge} }

// Grace returns the policy that accepts the newest root, and one that was the
// newest no longer ago than d. The rule about maxAge is that of
// [Roots.Newest].
//
// The time counts from the last checkpoint known that has the root, be it a
// renewal: the last time at which it is known to have been current. A root does
// not age while checkpoints say that it is current, and what a verifier missed
// counts against the prover. So a verifier that takes in every checkpoint gives
// d, less at most the registrar's interval between signatures, which d should
// exceed; one that syncs rarely gives less, never more. A revoked member lives
// on for less than d or maxAge, whichever is longer, after the first checkpoint
// that left it out.
func (r *Roots) Grace(d, maxAge time.Duration) RootPolicy {
	return gracePolicy{r, max(d, 0), maxAge}
}

type gracePolicy struct {
	roots         *Roots
	grace, maxAge time.Duration
}

// Registry returns the registry whose roots the policy knows.
func (g gracePolicy) Registry() zkkex.RegistryID { return g.roots.Registry() }

func (g gracePolicy) Accept(sequence uint64, root zkkex.Root, now time.Time) (*Checkpoint, error) {
	g.roots.mu.RLock()
	defer g.roots.mu.RUnlock()
	newest := g.roots.latest()
	if newest != nil {
		if err := newest.CheckAge(now, g.maxAge); err != nil {
			return nil, err
		}
	}
	c, err := g.roots.find(sequence, root)
	if err != nil || root == newest.Root {
		return c, err
	}
	current := g.roots.lastCurrent(root)
	if g.grace == 0 {
		return nil, zkkex.Reject(zkkex.StaleRoot, "root of checkpoint %d was superseded after %s and only the newest, of checkpoint %d, is accepted",
			sequence, current.Format(time.RFC3339), newest.Sequence)
	}
	if age := now.Sub(current); age > g.grace {
		return nil, zkkex.Reject(zkkex.StaleRoot, "root of checkpoint %d was last known to be current %s ago, at %s, expected at most %s; the newest is checkpoint %d",
			sequence, age.Round(time.Second), current.Format(time.RFC3339), g.grace, newest.Sequence)
	}
	return c, nil
}

// Pinned returns the policy that accepts one root only, and for ever: a venue's
// epoch root. Whoever pins a checkpoint bounds its age otherwise, as an epoch
// does, or with [Checkpoint.CheckAge].
func Pinned(c *Checkpoint) RootPolicy { return pinnedPolicy{c} }

type pinnedPolicy struct{ checkpoint *Checkpoint }

func (p pinnedPolicy) Accept(sequence uint64, root zkkex.Root, _ time.Time) (*Checkpoint, error) {
	c := p.checkpoint
	if sequence != c.Sequence || root != c.Root {
		return nil, zkkex.Reject(zkkex.UnknownRoot, "root %v of sequence %d, expected %v of sequence %d", root, sequence, c.Root, c.Sequence)
	}
	return c, nil
}
