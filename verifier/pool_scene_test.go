package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/verifier"
	"github.com/zkkex/zkkex/verifier/spent"
)

func newPool(t *testing.T, c verifier.PoolConfig) *verifier.Pool {
	t.Helper()
	pool, err := verifier.NewPool(c)
	must(t, err)
	t.Cleanup(func() { must(t, pool.Close()) })
	return pool
}

// TestPoolDecidesAlike shows two verifiers of one pool many presentations at
// once, good and bad, of three circuits: the bad ones are refused alone, for their
// own reason, and nothing that is refused is spent.
func TestPoolDecidesAlike(t *testing.T) {
	pool := newPool(t, verifier.PoolConfig{Workers: 1})
	var wg sync.WaitGroup
	for id := range scenes {
		s := load(t, id)
		store := &recording{Store: spent.NewMemory()}
		once := s.verifier(t, func(c *verifier.Config) { c.Pool, c.Spent = pool, store })
		often := s.verifier(t, func(c *verifier.Config) { c.Pool, c.Spent = pool, verifier.NoSpend })
		swapped := copyOf(s.first)
		swapped.Proof = load(t, zkkex.BabyJubjub20).first.Proof
		if id == zkkex.BabyJubjub20 {
			swapped.Proof = s.second.Proof
		}
		short := copyOf(s.first)
		short.Proof = short.Proof[1:]
		for i := range 6 {
			ctx := verifier.WithSource(t.Context(), fmt.Sprint(i))
			wg.Go(func() {
				decision, err := often.Verify(ctx, s.first, s.authorized)
				if err != nil || decision.Statement != s.first.Statement {
					t.Errorf("good: %+v, %v", decision, err)
				}
			})
			bad := []*zkkex.Presentation{swapped, short}[i%2]
			wg.Go(func() {
				_, err := once.Verify(ctx, bad, s.authorized)
				wantReject(t, "bad", err, zkkex.BadProof)
			})
		}
		wg.Wait()
		if store.spends != 0 {
			t.Errorf("%d entries spent", store.spends)
		}
		if _, err := once.Verify(t.Context(), s.first, s.authorized); err != nil {
			t.Errorf("the good one afterwards: %v", err)
		}
		_, err := once.Verify(t.Context(), s.first, s.authorized)
		wantReject(t, "the same again", err, zkkex.SlotUsed)
	}
	if stats := pool.Stats(); stats.Queued != 39 || stats.Refused != 18 || stats.Batched == 0 || stats.Waiting != 0 {
		t.Errorf("%+v", stats)
	}
}

// TestPoolSpendsOnce checks many copies of one presentation in one batch: each
// is spent by itself, and one wins.
func TestPoolSpendsOnce(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	pool := newPool(t, verifier.PoolConfig{Workers: 2})
	v := s.verifier(t, func(c *verifier.Config) { c.Pool = pool })
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for i := range 16 {
		wg.Go(func() {
			_, err := v.Verify(verifier.WithSource(t.Context(), fmt.Sprint(i)), s.first, s.authorized)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				accepted++
				return
			}
			wantReject(t, "loser", err, zkkex.SlotUsed)
		})
	}
	wg.Wait()
	if accepted != 1 {
		t.Errorf("accepted %d times, expected once", accepted)
	}
}

// TestPoolIsAskedLast has cheap checks refuse before anything is queued, and a
// closed pool decide nothing.
func TestPoolIsAskedLast(t *testing.T) {
	s := load(t, zkkex.BabyJubjub20)
	pool := newPool(t, verifier.PoolConfig{Workers: 1})
	store := &recording{Store: spent.NewMemory()}
	v := s.verifier(t, func(c *verifier.Config) { c.Pool, c.Spent = pool, store })
	other := copyOf(s.first)
	other.Statement.Limit++
	_, err := v.Verify(t.Context(), other, s.authorized)
	wantReject(t, "another limit", err, zkkex.WrongLimit)
	if stats := pool.Stats(); stats != (verifier.PoolStats{}) {
		t.Errorf("%+v", stats)
	}
	must(t, pool.Close())
	decision, err := v.Verify(context.Background(), s.first, s.authorized)
	if decision != nil || !errors.Is(err, verifier.ErrPoolClosed) || errors.Is(err, zkkex.ErrRejected) || store.spends != 0 {
		t.Errorf("a closed pool: %+v, %v, %d spent", decision, err, store.spends)
	}
}
