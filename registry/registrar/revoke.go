package registrar

import (
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// RevokeIndex takes back the leaf at an index, and if it is a device's, that of
// its delegate with it. A device whose delegate alone is revoked can delegate
// again. The errors are [ErrNoMember], [ErrNotRecorded], [ErrUndecided] and
// [ErrClosed].
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
	id := identityOf(p)
	return r.revoke(now, func() (*record, error) {
		live, err := r.findLive(id)
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
		return r.planRevocation(b, req, live)
	}}
	r.submit(now, req)
	return req.result, req.err
}

// planRevocation revokes a member, and before it its delegate: an interrupted
// write leaves a device without a delegate, never the other way round.
func (r *Registrar) planRevocation(b *batch, req *request, live *record) error {
	delegate, err := r.delegateOf(live.op.Index)
	if err != nil {
		return err
	}
	if b.touches(live.identity()) || !b.hasRoom(2) {
		return errNextBatch
	}
	if delegate != nil {
		if b.touches(delegate.identity()) {
			return errNextBatch
		}
		b.add(req, nil, delegate.revocation(req.now), delegate.identity())
	}
	b.add(req, &req.result, live.revocation(req.now), live.identity())
	return nil
}

// revocation returns the record that takes an admission back.
func (rec *record) revocation(unix int64) *record {
	op := rec.op
	op.Kind = registry.Revoke
	return &record{op: op, unix: unix, admission: rec}
}

// delegateOf returns the admission of the live delegate of the device at an
// index, or nil.
func (r *Registrar) delegateOf(device uint64) (*record, error) {
	index, found := r.links.delegateOf(device)
	if !found {
		return nil, nil
	}
	return r.liveRecord(index)
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
		b.add(req, &req.result, &record{op: op, unix: req.now}, identity{})
		return nil
	}}
	r.submit(now, req)
	return req.result, req.err
}
