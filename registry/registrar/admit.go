package registrar

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// Receipt is the acknowledgement of an operation: it is durable.
type Receipt struct {
	// Operation is what stands in the public log.
	Operation registry.Operation
	// Sequence is its place there, counted from 0. Checkpoints of a higher
	// sequence number cover it.
	Sequence uint64
	// New is false if the operation had been recorded before, and this call
	// only found it.
	New bool
}

// Admit gives a member a leaf, which it recomputes itself, at the lowest free
// index. The caller has verified a proof of possession.
//
// A public key has one live leaf, and counts as one with its negative. The same
// key with the same nullifier key again gets the same receipt. The errors are
// [ErrKeyLive], [ErrDelegateKey], [ErrReadmission], [ErrFull], [ErrNotRecorded],
// [ErrUndecided] and [ErrClosed].
func (r *Registrar) Admit(p *keys.Public, now time.Time) (Receipt, error) {
	req := admission(newCandidate(p))
	r.submit(now, req)
	return req.result, req.err
}

// AdmitAll is [Registrar.Admit] for many members, with one sync for thousands.
// Receipts are in the order of the members. If some members are refused, the
// others are admitted all the same: the error joins an [*AdmitError] for each,
// up to the first that is no refusal, which ends the call. Calling again with
// the same members is safe.
func (r *Registrar) AdmitAll(members []*keys.Public, now time.Time) ([]Receipt, error) {
	return r.admitAll(len(members), func(i int) *candidate { return newCandidate(members[i]) }, now)
}

// AdmitError is the refusal of one of many members.
type AdmitError struct {
	// Member is the position in the call's list.
	Member int
	// Err is the error that [Registrar.Admit] would have returned.
	Err error
}

// Error names the member and the reason.
func (e *AdmitError) Error() string { return fmt.Sprintf("member %d: %v", e.Member, e.Err) }

// Unwrap returns the reason.
func (e *AdmitError) Unwrap() error { return e.Err }

func (r *Registrar) admitAll(n int, candidateAt func(int) *candidate, now time.Time) ([]Receipt, error) {
	receipts := make([]Receipt, n)
	var refused []error
	for first := 0; first < n; first += maxBatch {
		reqs := admissions(first, min(maxBatch, n-first), candidateAt)
		r.submit(now, reqs...)
		for i, req := range reqs {
			receipts[first+i] = req.result
			if req.err == nil {
				continue
			}
			refused = append(refused, &AdmitError{Member: first + i, Err: req.err})
			if !isRefusal(req.err) {
				return receipts, errors.Join(refused...)
			}
		}
	}
	return receipts, errors.Join(refused...)
}

// admissions prepares requests, on all cores: computing a leaf takes longer
// than anything else but the sync.
func admissions(first, n int, candidateAt func(int) *candidate) []*request {
	reqs := make([]*request, n)
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i
	}
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(positions, (n+workers-1)/workers) {
		wg.Go(func() {
			for _, i := range part {
				reqs[i] = admission(candidateAt(first + i))
			}
		})
	}
	wg.Wait()
	return reqs
}

func isRefusal(err error) bool {
	return errors.Is(err, ErrKeyLive) || errors.Is(err, ErrDelegateKey) || errors.Is(err, ErrReadmission)
}

func admission(c *candidate) *request {
	return &request{plan: func(r *Registrar, b *batch, req *request) error {
		return r.planAdmission(b, req, c)
	}}
}

func (r *Registrar) planAdmission(b *batch, req *request, c *candidate) error {
	live, err := r.liveAs(b, req, c)
	if err != nil {
		return err
	}
	if live != nil {
		req.result, req.done = receiptOf(live), true
		return nil
	}
	if err := r.checkRoom(1); err != nil {
		return err
	}
	b.add(req, &req.result, r.newRecord(b, req, c), c.identity())
	return nil
}

// liveAs returns the live admission of a candidate, or nil if it can be admitted.
func (r *Registrar) liveAs(b *batch, req *request, c *candidate) (*record, error) {
	id := c.identity()
	if b.touches(id) {
		return nil, errNextBatch
	}
	live, err := r.findLive(id)
	switch {
	case err != nil:
		return nil, err
	case live == nil:
		return nil, r.checkReadmission(req, c)
	case live.isDelegate():
		return nil, fmt.Errorf("%w: this one is the live delegate's at index %d; take another key", ErrDelegateKey, live.op.Index)
	case live.nullifierHash != c.nullifierHash:
		return nil, fmt.Errorf("%w, at index %d; revoke that one first", ErrKeyLive, live.op.Index)
	case live.op.KeyType != c.keyType:
		return nil, fmt.Errorf("%w or as a key of another type: as one of type %v at index %d; revoke that one first",
			ErrKeyLive, live.op.KeyType, live.op.Index)
	}
	return live, nil
}

func receiptOf(live *record) Receipt { return Receipt{Operation: live.op, Sequence: live.sequence} }

// checkReadmission returns a [ReadmissionError] if a candidate has to wait.
func (r *Registrar) checkReadmission(req *request, c *candidate) error {
	if from := r.revoked.waitsUntil(c.identity(), c.nullifierHash); from > r.timeOf(req) {
		return &ReadmissionError{NotBefore: time.Unix(from, 0).UTC()}
	}
	return nil
}

// timeOf returns when a request is decided, in Unix seconds: time never goes back
// here.
func (r *Registrar) timeOf(req *request) int64 { return max(req.now, r.lastTime) }

// checkRoom returns [ErrFull] if there are not as many free indexes.
func (r *Registrar) checkRoom(indexes uint64) error {
	capacity := uint64(1) << r.tree.CapacityBits()
	if r.free.left(capacity) < indexes {
		return fmt.Errorf("%w: all of its %d indexes are taken; grow it to 2^%d, or revoke members", ErrFull, capacity, registry.LargeCapacityBits)
	}
	return nil
}

// newRecord returns the admission of a candidate at the lowest free index. There
// is one: see checkRoom.
func (r *Registrar) newRecord(b *batch, req *request, c *candidate) *record {
	index, ok := r.free.take(uint64(1) << r.tree.CapacityBits())
	if !ok {
		panic("zkkex: internal error: no index is free")
	}
	b.taken = append(b.taken, index)
	return c.record(index, req.now)
}
