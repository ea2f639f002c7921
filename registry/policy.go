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
	// at time now.
	Accept(sequence uint64, root zkkex.Root, now time.Time) (*Checkpoint, error)
}

// Newest returns the policy that accepts the root of the newest checkpoint and
// nothing else. Every admission invalidates the proofs made before it.
func (r *Roots) Newest() RootPolicy { return gracePolicy{r, 0} }

// Grace returns the policy that accepts the newest root, and one that was
// superseded no longer ago than d. The time counts from the supersession, the
// time of the first later checkpoint with another root: a root does not age
// while it is current, and a revoked member lives on for d at most after the
// checkpoint that left it out.
func (r *Roots) Grace(d time.Duration) RootPolicy { return gracePolicy{r, max(d, 0)} }

type gracePolicy struct {
	roots *Roots
	grace time.Duration
}

// Registry returns the registry whose roots the policy knows.
func (g gracePolicy) Registry() zkkex.RegistryID { return g.roots.Registry() }

func (g gracePolicy) Accept(sequence uint64, root zkkex.Root, now time.Time) (*Checkpoint, error) {
	g.roots.mu.RLock()
	defer g.roots.mu.RUnlock()
	c := g.roots.at(sequence)
	if c == nil {
		return nil, g.unknown(sequence)
	}
	if c.Root != root {
		return nil, zkkex.Reject(zkkex.UnknownRoot, "root %v, but checkpoint %d has %v", root, sequence, c.Root)
	}
	since, superseded := g.roots.superseded(c)
	if !superseded {
		return &c.Checkpoint, nil
	}
	newest := g.roots.latest().Sequence
	if g.grace == 0 {
		return nil, zkkex.Reject(zkkex.StaleRoot, "root of checkpoint %d was superseded at %s and only the newest, of checkpoint %d, is accepted",
			sequence, since.Format(time.RFC3339), newest)
	}
	if age := now.Sub(since); age > g.grace {
		return nil, zkkex.Reject(zkkex.StaleRoot, "root of checkpoint %d was superseded %s ago, at %s, expected at most %s; the newest is checkpoint %d",
			sequence, age.Round(time.Second), since.Format(time.RFC3339), g.grace, newest)
	}
	return &c.Checkpoint, nil
}

func (g gracePolicy) unknown(sequence uint64) error {
	newest := g.roots.latest()
	if newest == nil {
		return zkkex.Reject(zkkex.UnknownRoot, "no checkpoint is known yet; sync first")
	}
	if sequence > newest.Sequence {
		return zkkex.Reject(zkkex.UnknownRoot, "root of sequence %d, but the newest checkpoint known is %d; sync first", sequence, newest.Sequence)
	}
	return zkkex.Reject(zkkex.UnknownRoot, "no checkpoint of sequence %d is known; the newest is %d", sequence, newest.Sequence)
}

// Pinned returns the policy that accepts one root only: a venue's epoch root,
// or the one of a checkpoint that a verifier was given.
func Pinned(c *Checkpoint) RootPolicy { return pinnedPolicy{c} }

type pinnedPolicy struct{ checkpoint *Checkpoint }

func (p pinnedPolicy) Accept(sequence uint64, root zkkex.Root, _ time.Time) (*Checkpoint, error) {
	c := p.checkpoint
	if sequence != c.Sequence || root != c.Root {
		return nil, zkkex.Reject(zkkex.UnknownRoot, "root %v of sequence %d, expected %v of sequence %d", root, sequence, c.Root, c.Sequence)
	}
	return c, nil
}
