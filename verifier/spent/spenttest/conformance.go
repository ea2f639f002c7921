// Package spenttest is the conformance suite of stores of spent nullifiers.
package spenttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex/verifier/spent"
)

// Run tests a store. Every call of open must return an empty store.
func Run(t *testing.T, open func(t *testing.T) spent.Store) {
	for name, test := range map[string]func(*testing.T, spent.Store){
		"once":                 once,
		"scopes are apart":     scopesAreApart,
		"one winner":           oneWinner,
		"prune closes":         pruneCloses,
		"prune keeps":          pruneKeeps,
		"prune while spending": pruneWhileSpending,
		"cancelled":            cancelled,
		"epoch end":            epochEnd,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Entry returns the n-th entry of a scope's epoch, made of a label.
func Entry(label string, n int, end time.Time) spent.Entry {
	nullifier := sha256.Sum256(fmt.Appendf(nil, "nullifier %d", n))
	nullifier[0] = 0 // below the order
	return spent.Entry{
		Scope:        sha256.Sum256([]byte(label)),
		Nullifier:    nullifier,
		EpochEnd:     end,
		Presentation: sha256.Sum256(fmt.Appendf(nil, "presentation %d", n)),
	}
}

func end() time.Time { return time.Unix(1_800_000_000, 0) }

func once(t *testing.T, s spent.Store) {
	ctx := context.Background()
	e := Entry("scope", 1, end())
	if err := s.Lookup(ctx, e); err != nil {
		t.Fatalf("Lookup before: %v", err)
	}
	if err := s.Spend(ctx, e); err != nil {
		t.Fatal(err)
	}
	again := e
	again.Presentation = [32]byte{1}
	for name, err := range map[string]error{
		"the same again":          s.Spend(ctx, e),
		"with another digest":     s.Spend(ctx, again),
		"looked up":               s.Lookup(ctx, e),
		"looked up by the second": s.Lookup(ctx, again),
	} {
		var spentErr *spent.SpentError
		if !errors.As(err, &spentErr) {
			t.Fatalf("%s: %v, want *SpentError", name, err)
		}
		if spentErr.Presentation != e.Presentation || spentErr.Nullifier != e.Nullifier {
			t.Errorf("%s: %v, want the first entry", name, spentErr)
		}
	}
	if err := s.Spend(ctx, Entry("scope", 2, end())); err != nil {
		t.Errorf("another nullifier: %v", err)
	}
}

func scopesAreApart(t *testing.T, s spent.Store) {
	for _, scope := range []string{"one", "two"} {
		if err := s.Spend(context.Background(), Entry(scope, 1, end())); err != nil {
			t.Fatalf("scope %s: %v", scope, err)
		}
	}
}

func oneWinner(t *testing.T, s spent.Store) {
	const nullifiers, racers = 20, 8
	var won [nullifiers]atomic.Int32
	var wg sync.WaitGroup
	for r := range racers {
		wg.Go(func() {
			for n := range nullifiers {
				e := Entry("scope", n, end())
				e.Presentation[0] = byte(r)
				var spentErr *spent.SpentError
				switch err := s.Spend(context.Background(), e); {
				case err == nil:
					won[n].Add(1)
				case !errors.As(err, &spentErr):
					t.Errorf("racer %d: %v", r, err)
				}
			}
		})
	}
	wg.Wait()
	for n := range won {
		if got := won[n].Load(); got != 1 {
			t.Errorf("nullifier %d was won %d times, expected once", n, got)
		}
	}
}

func pruneCloses(t *testing.T, s spent.Store) {
	ctx := context.Background()
	for n := range 3 {
		if err := s.Spend(ctx, Entry("scope", n, end())); err != nil {
			t.Fatal(err)
		}
	}
	for round, want := range []int{3, 0} {
		if got, err := s.Prune(ctx, end()); err != nil || got != want {
			t.Fatalf("round %d: pruned %d, %v; want %d", round, got, err, want)
		}
	}
	for n := range 4 {
		e := Entry("scope", n, end())
		if err := s.Spend(ctx, e); !errors.Is(err, spent.ErrClosed) {
			t.Errorf("entry %d after pruning: %v, want %v", n, err, spent.ErrClosed)
		}
		if err := s.Lookup(ctx, e); !errors.Is(err, spent.ErrClosed) {
			t.Errorf("entry %d looked up after pruning: %v, want %v", n, err, spent.ErrClosed)
		}
	}
}

func pruneKeeps(t *testing.T, s spent.Store) {
	ctx := context.Background()
	e := Entry("scope", 1, end())
	if err := s.Spend(ctx, e); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Prune(ctx, end().Add(-time.Second)); err != nil || got != 0 {
		t.Fatalf("pruned %d, %v; want nothing", got, err)
	}
	var spentErr *spent.SpentError
	if err := s.Spend(ctx, e); !errors.As(err, &spentErr) {
		t.Fatalf("%v, want *SpentError", err)
	}
}

// pruneWhileSpending spends the same nullifiers again and again while the epoch
// is pruned: none is ever spent twice.
func pruneWhileSpending(t *testing.T, s spent.Store) {
	const nullifiers, spenders = 30, 4
	var won [nullifiers]atomic.Int32
	var wg sync.WaitGroup
	started := make(chan struct{})
	var begin sync.Once
	for range spenders {
		wg.Go(func() {
			for round := range 3 {
				for n := range nullifiers {
					if err := s.Spend(context.Background(), Entry("scope", n, end())); err == nil {
						won[n].Add(1)
					}
					if round == 0 && n == nullifiers/2 {
						begin.Do(func() { close(started) })
					}
				}
			}
		})
	}
	wg.Go(func() {
		<-started
		if _, err := s.Prune(context.Background(), end()); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	for n := range won {
		if got := won[n].Load(); got > 1 {
			t.Errorf("nullifier %d was spent %d times", n, got)
		}
	}
}

func cancelled(t *testing.T, s spent.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := Entry("scope", 1, end())
	if err := s.Spend(ctx, e); !errors.Is(err, context.Canceled) {
		t.Errorf("Spend: %v, want %v", err, context.Canceled)
	}
	if err := s.Lookup(ctx, e); !errors.Is(err, context.Canceled) {
		t.Errorf("Lookup: %v, want %v", err, context.Canceled)
	}
	if err := s.Spend(context.Background(), e); err != nil {
		t.Errorf("after the cancelled call: %v", err)
	}
}

func epochEnd(t *testing.T, s spent.Store) {
	ctx := context.Background()
	if err := s.Spend(ctx, Entry("scope", 1, end())); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]time.Time{
		"another than before": end().Add(time.Second),
		"a fraction":          end().Add(time.Millisecond),
		"none":                {},
	} {
		if err := s.Spend(ctx, Entry("scope", 1, at)); err == nil {
			t.Errorf("%s: spent a second time", name)
		}
		if err := s.Spend(ctx, Entry("scope", 2, at)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
