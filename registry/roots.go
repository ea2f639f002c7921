package registry

import (
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
)

// MaxRoots is the number of checkpoints [Roots] keeps. Roots of older ones are
// unknown again, so that memory and files stay bounded.
const MaxRoots = 4096

// Roots is a verifier's history of a registry's checkpoints, in order. It is
// safe for concurrent use.
type Roots struct {
	verifierKey string
	registrar   note.Verifier
	id          zkkex.RegistryID

	mu      sync.RWMutex
	history []*SignedCheckpoint // ascending sequence and time
}

// NewRoots returns an empty history for the registry that the verifier key
// belongs to. It returns an error wrapping [zkkex.ErrMalformed] if
// [NewVerifier] refuses the key.
func NewRoots(verifierKey string) (*Roots, error) {
	registrar, err := NewVerifier(verifierKey)
	if err != nil {
		return nil, err
	}
	id, err := ID(verifierKey)
	if err != nil {
		return nil, err
	}
	return &Roots{verifierKey: verifierKey, registrar: registrar, id: id}, nil
}

// Registry returns the identifier of the registry.
func (r *Roots) Registry() zkkex.RegistryID { return r.id }

// VerifierKey returns the registry's verifier key.
func (r *Roots) VerifierKey() string { return r.verifierKey }

// Latest returns the newest checkpoint, or nil if there is none yet.
func (r *Roots) Latest() *SignedCheckpoint {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.latest()
}

// Add records a signed checkpoint. The signature is checked here. The proof
// shows that its log extends the one of the newest checkpoint known
// ([tlog.ProveTree]); it is not needed for the first checkpoint, nor for one of
// the same sequence.
//
// A checkpoint that is known, or that only repeats the newest one with another
// time, is no error. The errors are a [*ForkError], [ErrOlder], and those of
// [Open]; the history is then unchanged.
func (r *Roots) Add(signed []byte, proof tlog.TreeProof) (*SignedCheckpoint, error) {
	next, err := Open(signed, r.registrar)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.add(next, proof)
}

func (r *Roots) add(next *SignedCheckpoint, proof tlog.TreeProof) (*SignedCheckpoint, error) {
	newest := r.latest()
	if newest == nil {
		r.history = append(r.history, next)
		return next, nil
	}
	if next.Sequence > newest.Sequence {
		if err := extends(newest, next, proof); err != nil {
			return nil, err
		}
		r.history = append(r.history, next)
		r.history = slices.Delete(r.history, 0, max(0, len(r.history)-MaxRoots))
		return next, nil
	}
	known := r.at(next.Sequence)
	if known == nil {
		return nil, fmt.Errorf("%w: it has %d operations, expected at least %d", ErrOlder, next.Sequence, newest.Sequence)
	}
	if !known.sameState(&next.Checkpoint) {
		return nil, &ForkError{Older: known.Note, Newer: next.Note, Conclusive: true,
			Detail: fmt.Sprintf("two different checkpoints of sequence %d", next.Sequence)}
	}
	return r.repeat(known, newest, next), nil
}

// repeat takes in a checkpoint of a known state. One that renews the newest
// takes its place in Latest: the root is known to be current since the first
// and until the last.
func (r *Roots) repeat(known, newest, next *SignedCheckpoint) *SignedCheckpoint {
	if known != newest || !next.Time.After(newest.Time) {
		return known
	}
	r.history = append(r.history, next)
	if n := len(r.history); n > 2 && r.history[n-3].Sequence == next.Sequence {
		r.history = slices.Delete(r.history, n-2, n-1) // keep the first and the last of a state
	}
	r.history = slices.Delete(r.history, 0, max(0, len(r.history)-MaxRoots))
	return next
}

// follows checks, on the two notes alone, that next can come after newest in a
// history. Every error but that of order is the registrar's fault, proven.
func follows(newest, next *SignedCheckpoint) error {
	fork := &ForkError{Older: newest.Note, Newer: next.Note, Conclusive: true}
	switch {
	case next.Sequence < newest.Sequence:
		return fmt.Errorf("%w: it has %d operations, expected at least %d", ErrOlder, next.Sequence, newest.Sequence)
	case next.Sequence == newest.Sequence && !newest.sameState(&next.Checkpoint):
		fork.Detail = fmt.Sprintf("two different checkpoints of sequence %d", next.Sequence)
	case next.Time.Before(newest.Time):
		fork.Detail = fmt.Sprintf("checkpoint %d is of %s, before checkpoint %d of %s", next.Sequence,
			next.Time.Format(time.RFC3339), newest.Sequence, newest.Time.Format(time.RFC3339))
	case next.CapacityBits < newest.CapacityBits:
		fork.Detail = fmt.Sprintf("the capacity shrank from 2^%d to 2^%d", newest.CapacityBits, next.CapacityBits)
	default:
		return nil
	}
	return fork
}

// extends checks that next can follow newest in one append-only log.
func extends(newest, next *SignedCheckpoint, proof tlog.TreeProof) error {
	if err := follows(newest, next); err != nil {
		return err
	}
	if newest.Sequence == 0 {
		return nil // every log extends the empty one
	}
	if err := tlog.CheckTree(proof, int64(next.Sequence), next.LogRoot, int64(newest.Sequence), newest.LogRoot); err != nil {
		return &ForkError{Older: newest.Note, Newer: next.Note,
			Detail: fmt.Sprintf("checkpoint %d was not shown to extend checkpoint %d: %v", next.Sequence, newest.Sequence, err)}
	}
	return nil
}

func (r *Roots) latest() *SignedCheckpoint {
	if len(r.history) == 0 {
		return nil
	}
	return r.history[len(r.history)-1]
}

// at returns the last known checkpoint of a sequence number, or nil.
func (r *Roots) at(sequence uint64) *SignedCheckpoint {
	i := sort.Search(len(r.history), func(i int) bool { return r.history[i].Sequence > sequence })
	if i == 0 || r.history[i-1].Sequence != sequence {
		return nil
	}
	return r.history[i-1]
}

// Find returns the last known checkpoint of a sequence number, which must have
// the root. It says nothing about whether the root is still current. It returns
// an error wrapping [zkkex.ErrRejected] with the reason [zkkex.UnknownRoot] if
// there is none.
func (r *Roots) Find(sequence uint64, root zkkex.Root) (*Checkpoint, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.find(sequence, root)
}

func (r *Roots) find(sequence uint64, root zkkex.Root) (*Checkpoint, error) {
	newest, c := r.latest(), r.at(sequence)
	switch {
	case newest == nil:
		return nil, zkkex.Reject(zkkex.UnknownRoot, "no checkpoint is known yet; sync first")
	case sequence > newest.Sequence:
		return nil, zkkex.Reject(zkkex.UnknownRoot, "root of sequence %d, but the newest checkpoint known is %d; sync first", sequence, newest.Sequence)
	case c == nil:
		return nil, zkkex.Reject(zkkex.UnknownRoot, "no checkpoint of sequence %d is known; the newest is %d", sequence, newest.Sequence)
	case c.Root != root:
		return nil, zkkex.Reject(zkkex.UnknownRoot, "root %v, but checkpoint %d has %v", root, sequence, c.Root)
	default:
		return &c.Checkpoint, nil
	}
}

// lastCurrent returns the time of the last checkpoint known with a root. When
// the root was superseded after that, nobody but the registrar knows: between
// two checkpoints of a history there may be others.
func (r *Roots) lastCurrent(root zkkex.Root) time.Time {
	for _, c := range slices.Backward(r.history) {
		if c.Root == root {
			return c.Time
		}
	}
	return time.Time{}
}
