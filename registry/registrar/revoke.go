package registrar

import (
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// RevokeIndex takes back the leaf at an index. The errors are [ErrNoMember],
// [ErrNotRecorded], [ErrUndecided] and [ErrClosed].
func (r *Registrar) RevokeIndex(index uint64, now time.Time) (Receipt, error) {
	return r.revoke(now, func() (*record, error) { return r.liveRecord(index) })
}

// RevokeLeaf is [Registrar.RevokeIndex] for a leaf, which it searches: some
// milliseconds for a million members.
func (r *Registrar) RevokeLeaf(leaf zkkex.Commitment, now time.Time) (Receipt, error) {
	return r.revoke(now, func() (*record, error) {
		index, ok := r.tree.Find(leaf)
		if !ok {
			return nil, fmt.Errorf("%w: no index holds leaf %v", ErrNoMember, leaf)
		}
		return r.liveRecord(index)
	})
}

// RevokeKey is [Registrar.RevokeIndex] for a public key or its negative,
// whatever the nullifier key.
func (r *Registrar) RevokeKey(p *keys.Public, now time.Time) (Receipt, error) {
	c := newCandidate(p)
	return r.revoke(now, func() (*record, error) {
		live, err := r.findLive(newIdentity(c.keyType, c.key))
		if err == nil && live == nil {
			err = fmt.Errorf("%w: no live leaf has this public key", ErrNoMember)
		}
		return live, err
	})
}

func (r *Registrar) revoke(now time.Time, find func() (*record, error)) (Receipt, error) {
	req := &request{plan: func(r *Registrar, b *batch, req *request) error {
		live, err := find()
		if err != nil {
			return err
		}
		id := live.identity()
		if b.touches(id) {
			return errNextBatch
		}
		op := live.op
		op.Kind = registry.Revoke
		b.add(req, &record{op: op, unix: req.now, admission: live}, id)
		return nil
	}}
	r.submit(now, req)
	return req.result, req.err
}

// Grow raises the capacity from 2^20 to 2^32. Members prove with the circuits
// of the new capacity from the next checkpoint on. It returns an error wrapping
// [registry.ErrOperation] if the capacity is 2^32 already, [ErrNotRecorded],
// [ErrUndecided] or [ErrClosed].
func (r *Registrar) Grow(now time.Time) (Receipt, error) {
	req := &request{plan: func(r *Registrar, b *batch, req *request) error {
		if len(b.records) > 0 {
			return errNextBatch
		}
		op := registry.Operation{Kind: registry.Grow}
		if r.tree.CapacityBits() == registry.LargeCapacityBits {
			return fmt.Errorf("%w: the capacity is 2^%d already", registry.ErrOperation, registry.LargeCapacityBits)
		}
		b.closed = true
		b.add(req, &record{op: op, unix: req.now}, identity{})
		return nil
	}}
	r.submit(now, req)
	return req.result, req.err
}
