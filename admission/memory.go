package admission

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
)

// Memory is a store that lives as long as its process: after a restart, every
// slot of the epoch can be used again. It is for tests, and for venues that
// raise their generation whenever they start.
type Memory struct {
	mu     sync.Mutex
	closed int64 // epochs that ended then, in Unix seconds, or before are closed
	shards map[shardKey]*memoryShard
}

type memoryShard struct {
	byNullifier map[zkkex.Nullifier]*Record
	byKey       map[[32]byte]*Record
	opens       map[open]struct{}
	bans        map[Pseudonym]struct{}
}

type open struct {
	nullifier zkkex.Nullifier
	counter   uint32
}

var (
	_ Store  = (*Memory)(nil)
	_ Banner = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{closed: neverClosed, shards: make(map[shardKey]*memoryShard)}
}

// Admit implements [Store], for one process and without durability.
func (m *Memory) Admit(ctx context.Context, r *Record) (stored *Record, fresh bool, err error) {
	if err := r.check(); err != nil {
		return nil, false, err
	}
	shard, err := r.Shard()
	if err != nil {
		return nil, false, err
	}
	err = m.with(ctx, shard, func(s *memoryShard) error {
		stored, err = decide(r, s.byNullifier[r.Statement.Nullifier], s.byKey[r.Key])
		if stored != nil || err != nil {
			stored = clone(stored)
			return err
		}
		stored, fresh = clone(r), true
		s.byNullifier[r.Statement.Nullifier], s.byKey[r.Key] = clone(r), clone(r)
		return nil
	})
	return stored, fresh, err
}

// ByKey implements [Store].
func (m *Memory) ByKey(ctx context.Context, s Shard, key [32]byte) (r *Record, err error) {
	err = m.with(ctx, s, func(s *memoryShard) error {
		r = clone(s.byKey[key])
		return nil
	})
	return r, err
}

// ByNullifier implements [Store].
func (m *Memory) ByNullifier(ctx context.Context, s Shard, n zkkex.Nullifier) (r *Record, err error) {
	err = m.with(ctx, s, func(s *memoryShard) error {
		r = clone(s.byNullifier[n])
		return nil
	})
	return r, err
}

// Spend implements [Store], for one process and without durability.
func (m *Memory) Spend(ctx context.Context, s Shard, n zkkex.Nullifier, counter uint32, _ bool) error {
	return m.with(ctx, s, func(s *memoryShard) error {
		o := open{n, counter}
		if _, ok := s.opens[o]; ok {
			return &SpentError{Nullifier: n, Counter: counter}
		}
		s.opens[o] = struct{}{}
		return nil
	})
}

// Ban implements [Banner], for one process and without durability.
func (m *Memory) Ban(ctx context.Context, s Shard, p Pseudonym) error {
	return m.with(ctx, s, func(s *memoryShard) error {
		s.bans[p] = struct{}{}
		return nil
	})
}

// Bans implements [Banner].
func (m *Memory) Bans(ctx context.Context, s Shard) (out []Pseudonym, err error) {
	err = m.with(ctx, s, func(s *memoryShard) error {
		out = slices.SortedFunc(maps.Keys(s.bans), func(a, b Pseudonym) int { return bytes.Compare(a[:], b[:]) })
		return nil
	})
	return out, err
}

// Prune implements [Store].
func (m *Memory) Prune(ctx context.Context, cutoff time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.shards {
		if key.end <= cutoff.Unix() {
			m.closed = max(m.closed, key.end)
			delete(m.shards, key)
		}
	}
	return nil
}

// with calls f with an open shard, while nobody else uses it. A shard that stays
// empty is forgotten.
func (m *Memory) with(ctx context.Context, s Shard, f func(*memoryShard) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key, err := s.key()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if key.end <= m.closed {
		return ErrClosed
	}
	shard := m.shards[key]
	if shard == nil {
		shard = &memoryShard{
			byNullifier: make(map[zkkex.Nullifier]*Record),
			byKey:       make(map[[32]byte]*Record),
			opens:       make(map[open]struct{}),
			bans:        make(map[Pseudonym]struct{}),
		}
	}
	err = f(shard)
	if len(shard.byNullifier)+len(shard.opens)+len(shard.bans) > 0 {
		m.shards[key] = shard
	}
	return err
}

func clone(r *Record) *Record {
	if r == nil {
		return nil
	}
	out := *r
	return &out
}
