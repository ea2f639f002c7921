package spent

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestPrunedBetweenCheckAndRecord spends a nullifier, and then again in a call
// that found the epoch open and goes on after another has pruned it: the entry is
// gone, and the call must not say that it was the first.
func TestPrunedBetweenCheckAndRecord(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	if err := Init(dir); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	e := Entry{EpochEnd: time.Unix(1_800_000_000, 0)}
	if err := d.Spend(ctx, e); err != nil {
		t.Fatal(err)
	}
	shard := d.shard(e.Scope)
	if err := checkOpen(shard); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Prune(ctx, e.EpochEnd); n != 1 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	if err := record(shard, e); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want %v", err, ErrClosed)
	}
}
