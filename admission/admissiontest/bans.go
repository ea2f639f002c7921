package admissiontest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/admission"
)

// banner returns the store as one that keeps bans, which every store must.
func banner(t *testing.T, s admission.Store) admission.Banner {
	t.Helper()
	b, ok := s.(admission.Banner)
	if !ok {
		t.Fatalf("%T keeps no bans: it must implement admission.Banner", s)
	}
	return b
}

func pseudonym(number uint64, n int) admission.Pseudonym {
	return admission.PseudonymOf(number, nullifier(n))
}

// checkBans expects the bans of an epoch, whatever their order was.
func checkBans(t *testing.T, b admission.Banner, number uint64, want ...admission.Pseudonym) {
	t.Helper()
	slices.SortFunc(want, func(a, b admission.Pseudonym) int { return bytes.Compare(a[:], b[:]) })
	got, err := b.Bans(context.Background(), shardOf(t, number))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("bans of epoch %d: %x, %v; want %x", number, got, err, want)
	}
}

func bans(t *testing.T, s admission.Store) {
	ctx, b := context.Background(), banner(t, s)
	checkBans(t, b, epoch)
	var want []admission.Pseudonym
	for n := range 20 {
		for range 2 { // again changes nothing
			if err := b.Ban(ctx, shardOf(t, epoch), pseudonym(epoch, n)); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, pseudonym(epoch, n))
	}
	checkBans(t, b, epoch, want...)
	checkBans(t, b, epoch+1)
	// They are apart from what is admitted and opened.
	admit(t, s, Record(t, epoch, 1, 1))
	if err := s.Spend(ctx, shardOf(t, epoch), nullifier(1), 0, true); err != nil {
		t.Fatal(err)
	}
	checkBans(t, b, epoch, want...)
	shard := shardOf(t, epoch)
	shard.End = shard.End.Local()
	if got, err := b.Bans(ctx, shard); err != nil || len(got) != len(want) {
		t.Errorf("by the same end in another time zone: %d bans, %v; want %d", len(got), err, len(want))
	}
}

func bansAtOnce(t *testing.T, s admission.Store) {
	b := banner(t, s)
	var want []admission.Pseudonym
	for n := range 20 {
		want = append(want, pseudonym(epoch, n))
	}
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() {
			for _, p := range want {
				if err := b.Ban(context.Background(), shardOf(t, epoch), p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	checkBans(t, b, epoch, want...)
}

// bansEnd has bans pruned with their epoch, also of one in which nothing else was
// recorded, and never taken for those of a closed one.
func bansEnd(t *testing.T, s admission.Store) {
	ctx, b := context.Background(), banner(t, s)
	for _, number := range []uint64{epoch, epoch + 1} {
		if err := b.Ban(ctx, shardOf(t, number), pseudonym(number, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Prune(ctx, shardOf(t, epoch).End); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Bans(ctx, shardOf(t, epoch)); !errors.Is(err, admission.ErrClosed) {
		t.Errorf("bans of a pruned epoch: %x, %v; want %v", got, err, admission.ErrClosed)
	}
	if err := b.Ban(ctx, shardOf(t, epoch), pseudonym(epoch, 2)); !errors.Is(err, admission.ErrClosed) {
		t.Errorf("a ban in a pruned epoch: %v, want %v", err, admission.ErrClosed)
	}
	checkBans(t, b, epoch+1, pseudonym(epoch+1, 1))
}

func bansRefused(t *testing.T, s admission.Store) {
	b := banner(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, listed := b.Bans(ctx, shardOf(t, epoch))
	for name, err := range map[string]error{"Bans": listed, "Ban": b.Ban(ctx, shardOf(t, epoch), pseudonym(epoch, 1))} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want %v", name, err, context.Canceled)
		}
	}
	shard := shardOf(t, epoch)
	shard.End = shard.End.Add(time.Millisecond)
	if err := b.Ban(context.Background(), shard, pseudonym(epoch, 1)); err == nil {
		t.Error("banned in an epoch that ends at a fraction of a second")
	}
	checkBans(t, b, epoch)
}
