package registrar

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zkkex/zkkex/registry"
)

// TestKeyIndexEqualsMap does random insertions, removals and look-ups on the
// index and on a map.
func TestKeyIndexEqualsMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	x, model := newKeyIndex(), make(map[identity]uint64)
	byIndex := make(map[uint64]identity)
	read := func(index uint64) (*record, error) {
		id := byIndex[index]
		return &record{op: registry.Operation{KeyType: id.curve, Index: index}, key: id.key}, nil
	}
	most := 0
	for step := range 60_000 {
		c := fakeCandidate(uint64(rng.IntN(3000)))
		id := newIdentity(c.keyType, c.key)
		rec, err := x.find(id, read)
		if err != nil {
			t.Fatal(err)
		}
		index, live := model[id]
		if (rec != nil) != live || live && rec.op.Index != index {
			t.Fatalf("step %d: found %v, expected %d, %v", step, rec, index, live)
		}
		switch {
		case live && rng.IntN(3) > 0:
			x.remove(id, index)
			delete(model, id)
		case !live:
			byIndex[uint64(step)] = id
			x.insert(id, uint64(step))
			model[id] = uint64(step)
		}
		most = max(most, len(model))
		if x.used != len(model) {
			t.Fatalf("step %d: %d used, expected %d", step, x.used, len(model))
		}
	}
	if most < 1000 || len(x.slots) == minSlots {
		t.Fatalf("at most %d keys in %d slots; the test shows nothing", most, len(x.slots))
	}
	for id, index := range model {
		x.remove(id, index)
	}
	if i := slices.IndexFunc(x.slots, func(s uint64) bool { return s != 0 }); i >= 0 {
		t.Errorf("slot %d is used after everything was removed", i)
	}
}

// TestKeyIndexSurvivesCollisions gives every key the same fingerprint, which a
// keyed hash makes unlikely and not impossible.
func TestKeyIndexSurvivesCollisions(t *testing.T) {
	x := newKeyIndex()
	records := make(map[uint64]*record)
	for n := range uint64(40) {
		c := fakeCandidate(n)
		records[n] = &record{op: c.operation(n), key: c.key}
		x.used++
		x.place(uint64(x.fingerprint(records[0].identity()))<<32 | n)
	}
	reads := 0
	read := func(index uint64) (*record, error) { reads++; return records[index], nil }
	got, err := x.find(records[0].identity(), read)
	if err != nil || got == nil || got.op.Index != 0 {
		t.Fatalf("found %v, %v", got, err)
	}
	broken := errors.New("disk")
	if _, err := x.find(records[0].identity(), func(uint64) (*record, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("with a broken disk: %v", err)
	}
}

func TestFreeIndexes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var f freeIndexes
	taken := make(map[uint64]bool)
	for range 5000 {
		if rng.IntN(5) < 2 && len(taken) > 0 {
			for index := range taken {
				delete(taken, index)
				f.give(index)
				break
			}
			continue
		}
		var want uint64
		for taken[want] {
			want++
		}
		got, ok := f.take(1 << 20)
		if !ok || got != want {
			t.Fatalf("took %d, %v; expected %d", got, ok, want)
		}
		if rng.IntN(4) == 0 {
			f.untake(got)
			continue
		}
		taken[got] = true
	}
	full := freeIndexes{next: 8}
	if got, ok := full.take(8); ok {
		t.Errorf("took %d of 8", got)
	}
	full.give(3)
	if got, ok := full.take(8); !ok || got != 3 {
		t.Errorf("took %d, %v; expected 3", got, ok)
	}
}

func TestRevocationsForget(t *testing.T) {
	var r revocations
	a, b := identity{curve: 1}, identity{curve: 2}
	waits := func(id identity, hash byte, want int64) {
		t.Helper()
		if got := r.waitsUntil(id, [32]byte{hash}); got != want {
			t.Errorf("%v waits until %d, want %d", id, got, want)
		}
	}
	r.add(a, [32]byte{1}, 10, 0)
	r.add(b, [32]byte{1}, 90, 0)
	waits(a, 2, 10)
	waits(a, 1, 0)
	waits(b, 1, 0)
	// Revoked with two nullifier keys, as earlier journals have it: it waits with
	// either, and with a third.
	r.add(b, [32]byte{2}, 80, 9)
	waits(a, 2, 10)
	waits(b, 1, 90)
	waits(b, 2, 90)
	waits(b, 3, 90)
	r.add(b, [32]byte{1}, 120, 10)
	waits(b, 2, 120)
	waits(b, 1, 120)
	waits(a, 2, 0)
	if len(r.byKey) != 1 {
		t.Errorf("%v is left, expected b", r.byKey)
	}
	r.add(a, [32]byte{1}, 200, 95)
	if len(r.byKey) != 2 || r.earliest != 120 {
		t.Errorf("%v is left, expected one of each", r.byKey)
	}
	// One that comes back with its nullifier key is forgotten, with another is not.
	r.readmit(a, [32]byte{2})
	waits(a, 2, 200)
	r.readmit(a, [32]byte{1})
	waits(a, 2, 0)
	r.readmit(b, [32]byte{1})
	waits(b, 1, 120)
	var none revocations
	none.readmit(a, [32]byte{1})
	if got := none.waitsUntil(a, [32]byte{1}); got != 0 {
		t.Errorf("nothing was revoked, and it waits until %d", got)
	}
}
