package admission

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/zkkex/zkkex"
)

// Admit implements [Store], for one process.
func (d *Dir) Admit(ctx context.Context, r *Record) (stored *Record, fresh bool, err error) {
	if err := r.check(); err != nil {
		return nil, false, err
	}
	shard, err := r.Shard()
	if err != nil {
		return nil, false, err
	}
	err = d.with(ctx, shard, func(s shardKey) error {
		stored, fresh, err = d.admit(ctx, s, r)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return stored, fresh, nil
}

func (d *Dir) admit(ctx context.Context, s shardKey, r *Record) (*Record, bool, error) {
	release := d.write.hold(r.Statement.Nullifier, &r.Key)
	stands, err := d.standing(s, r)
	if err != nil {
		release()
		return nil, false, err
	}
	p := pendingKey{s, r.Statement.Nullifier}
	if stands != nil {
		release()
		// It must not be acknowledged before it is durable, by whoever wrote it.
		if err := d.pending.wait(ctx, p); err != nil {
			return nil, false, err
		}
		return stands, false, d.failed()
	}
	done := d.pending.add(p)
	b := d.db.NewBatch()
	value, _ := r.AppendBinary(nil)
	err = errors.Join(
		b.Set(s.nullifier(r.Statement.Nullifier), value, nil),
		b.Set(s.sessionKey(r.Key), r.Statement.Nullifier[:], nil),
		d.apply(b),
	)
	release()
	if err == nil {
		err = d.sync(b)
	}
	done(err == nil)
	return clone(r), err == nil, err
}

// standing returns the same record if it stands already, or a [*TakenError].
func (d *Dir) standing(s shardKey, r *Record) (*Record, error) {
	if err := d.checkOpen(s); err != nil {
		return nil, err
	}
	byNullifier, err := d.byNullifier(s, r.Statement.Nullifier)
	if err != nil {
		return nil, err
	}
	byKey, err := d.byKey(s, r.Key)
	if err != nil {
		return nil, err
	}
	return decide(r, byNullifier, byKey)
}

// ByKey implements [Store].
func (d *Dir) ByKey(ctx context.Context, s Shard, key [32]byte) (r *Record, err error) {
	err = d.with(ctx, s, func(s shardKey) error {
		r, err = d.byKey(s, key)
		return err
	})
	return d.durable(s, r, err)
}

// ByNullifier implements [Store].
func (d *Dir) ByNullifier(ctx context.Context, s Shard, n zkkex.Nullifier) (r *Record, err error) {
	err = d.with(ctx, s, func(s shardKey) error {
		r, err = d.byNullifier(s, n)
		return err
	})
	return d.durable(s, r, err)
}

// durable leaves out a record that is not on disk yet: to whoever looks it up, it
// is not there.
func (d *Dir) durable(s Shard, r *Record, err error) (*Record, error) {
	if err != nil || r == nil {
		return nil, err
	}
	key, err := s.key()
	if err != nil || d.pending.has(pendingKey{key, r.Statement.Nullifier}) {
		return nil, err
	}
	return r, d.failed()
}

func (d *Dir) byNullifier(s shardKey, n zkkex.Nullifier) (*Record, error) {
	b, err := d.get(s.nullifier(n))
	if err != nil || b == nil {
		return nil, err
	}
	return parseStored(s, n, b)
}

func (d *Dir) byKey(s shardKey, key [32]byte) (*Record, error) {
	b, err := d.get(s.sessionKey(key))
	if err != nil || b == nil {
		return nil, err
	}
	n, err := zkkex.ParseNullifier(b)
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	r, err := d.byNullifier(s, n)
	if err != nil {
		return nil, err
	}
	if r == nil || r.Key != key {
		// Pruning may have come between the two look-ups.
		if err := d.checkOpen(s); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: a session key leads to no record of it", ErrDamaged)
	}
	return r, nil
}

// Spend implements [Store], for one process.
func (d *Dir) Spend(ctx context.Context, s Shard, n zkkex.Nullifier, counter uint32, durable bool) error {
	return d.with(ctx, s, func(s shardKey) error {
		b, err := d.spend(s, n, counter, durable)
		if err != nil || !durable {
			return err
		}
		return d.sync(b)
	})
}

func (d *Dir) spend(s shardKey, n zkkex.Nullifier, counter uint32, durable bool) (*pebble.Batch, error) {
	defer d.write.hold(n, nil)()
	if err := d.checkOpen(s); err != nil {
		return nil, err
	}
	key := s.open(n, counter)
	known, err := d.get(key)
	if err != nil {
		return nil, err
	}
	if known != nil {
		return nil, &SpentError{Nullifier: n, Counter: counter}
	}
	b := d.db.NewBatch()
	if err := b.Set(key, nil, nil); err != nil {
		return nil, err
	}
	if durable {
		return b, d.apply(b)
	}
	return nil, d.guard(func() error { return d.db.Apply(b, pebble.NoSync) })
}

// Prune implements [Store].
func (d *Dir) Prune(ctx context.Context, cutoff time.Time) error {
	return d.alive(ctx, func() error {
		b, err := d.prune(cutoff.Unix())
		if err != nil || b == nil {
			return err
		}
		return d.sync(b)
	})
}

func (d *Dir) prune(cutoff int64) (*pebble.Batch, error) {
	d.write.all.Lock()
	defer d.write.all.Unlock()
	last, err := d.lastEnd(cutoff)
	if err != nil || last <= d.closed.Load() {
		return nil, err
	}
	// Whoever looks something up asks what is closed after that: what it did
	// not find may have been removed.
	d.closed.Store(last)
	b := d.db.NewBatch()
	end := endKey(last)[1:]
	if err := errors.Join(b.DeleteRange(endKey(0), endKey(last+1), nil), b.Set(closedKey, end, nil)); err != nil {
		return nil, err
	}
	return b, d.apply(b)
}

// lastEnd returns the last end of an epoch in the store that is not after the
// cutoff, or one that is before all.
func (d *Dir) lastEnd(cutoff int64) (last int64, err error) {
	if cutoff < 0 {
		return neverClosed, nil
	}
	it, err := d.db.NewIter(&pebble.IterOptions{LowerBound: endKey(0), UpperBound: endKey(min(cutoff, latestUnix) + 1)})
	if err != nil {
		return 0, explain(err)
	}
	defer func() { err = errors.Join(err, explain(it.Close())) }()
	if !it.Last() {
		return neverClosed, explain(it.Error())
	}
	return endOf(it.Key())
}

// with calls f with the key of a shard, while the store is open, and then makes
// sure that the shard was: what f did not find may have been pruned.
func (d *Dir) with(ctx context.Context, s Shard, f func(shardKey) error) error {
	key, err := s.key()
	if err != nil {
		return err
	}
	return d.alive(ctx, func() error {
		if err := d.checkOpen(key); err != nil {
			return err
		}
		if err := f(key); err != nil {
			return err
		}
		return d.checkOpen(key)
	})
}

// alive calls f while the store is open and whole.
func (d *Dir) alive(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.life.RLock()
	defer d.life.RUnlock()
	if d.done {
		return ErrNotOpen
	}
	if err := d.failed(); err != nil {
		return err
	}
	return f()
}

func (d *Dir) checkOpen(s shardKey) error {
	if s.end <= d.closed.Load() {
		return ErrClosed
	}
	return nil
}

// get returns a copy of a value, or nil if there is none.
func (d *Dir) get(key []byte) ([]byte, error) {
	value, closer, err := d.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err)
	}
	defer closer.Close()
	out := make([]byte, len(value))
	copy(out, value)
	return out, nil
}

// apply makes a batch visible and puts it in the queue of those that the next
// sync makes durable. The caller syncs it after letting go of d.write, so that
// many share one.
func (d *Dir) apply(b *pebble.Batch) error {
	return d.guard(func() error { return d.db.ApplyNoSyncWait(b, pebble.Sync) })
}

// sync waits until an applied batch is durable.
func (d *Dir) sync(b *pebble.Batch) error {
	if err := b.SyncWait(); err != nil {
		d.fail(err)
	}
	if err := d.failed(); err != nil {
		return err
	}
	return b.Close()
}

// guard calls f, which writes. A failed write is the store's last.
func (d *Dir) guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			d.broken.CompareAndSwap(nil, &failure{err: fmt.Errorf("writing: %v", v), stuck: true})
			err = d.failed()
		}
	}()
	if err := f(); err != nil {
		d.fail(err)
	}
	return d.failed()
}

// pendingKey names a record that is not durable yet.
type pendingKey struct {
	shard     shardKey
	nullifier zkkex.Nullifier
}

// pending are the records that are visible, and not durable yet.
type pending struct {
	mu   sync.Mutex
	keys map[pendingKey]chan struct{}
}

// add takes in a record. The caller calls done once it knows whether it is
// durable; one that is not stays pending for good.
func (p *pending) add(k pendingKey) (done func(durable bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keys == nil {
		p.keys = make(map[pendingKey]chan struct{})
	}
	settled := make(chan struct{})
	p.keys[k] = settled
	return func(durable bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if durable {
			delete(p.keys, k)
		}
		close(settled)
	}
}

func (p *pending) has(k pendingKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[k] != nil
}

// wait returns when the record is pending no more.
func (p *pending) wait(ctx context.Context, k pendingKey) error {
	p.mu.Lock()
	settled := p.keys[k]
	p.mu.Unlock()
	if settled == nil {
		return nil
	}
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
