package registrar

import (
	"runtime"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/race"
)

// maxBytesPerMember is the memory a registrar may take, everything included.
const maxBytesPerMember = 100

// TestScale measures a registry of 20,000 members, and of a million with
// ZKKEX_DEEP=1: bulk admission, opening, one admission, one revocation, one
// path, and memory.
func TestScale(t *testing.T) {
	members := uint64(race.Share(20_000))
	if deep() {
		members = 1_000_000
	}
	dir, r := newRegistrar(t)

	elapsed := stopwatch()
	if _, err := r.admitAll(int(members), func(i int) *candidate { return makeFakeCandidate(uint64(i)) }, testTime); err != nil {
		t.Fatal(err)
	}
	t.Logf("bulk admission of %d members: %v", members, elapsed())
	elapsed = stopwatch()
	checkpoint(t, r, testTime)
	t.Logf("checkpoint: %v", elapsed())
	root := r.Root()

	mustClose(t, r)
	r = nil
	before := heap()
	elapsed = stopwatch()
	r = mustOpen(t, dir)
	t.Logf("open: %v", elapsed())
	perMember := float64(heap()-before) / float64(members)
	t.Logf("memory: %.1f bytes per member", perMember)
	if !race.Enabled && perMember > maxBytesPerMember {
		t.Errorf("memory: %.1f bytes per member, expected at most %d", perMember, maxBytesPerMember)
	}
	if r.Root() != root || r.Members(zkkex.KeyBabyJubjub) != members {
		t.Fatalf("after opening: root %v of %d members, expected %v of %d", r.Root(), r.Members(zkkex.KeyBabyJubjub), root, members)
	}

	const rounds = 100
	elapsed = stopwatch()
	for i := range uint64(rounds) {
		fakeAdmit(t, r, members+i)
	}
	each := elapsed() / rounds
	t.Logf("one admission: %v", each)

	elapsed = stopwatch()
	for i := range uint64(rounds) {
		if _, err := r.RevokeIndex(i*members/rounds, testTime); err != nil {
			t.Fatal(err)
		}
	}
	each = elapsed() / rounds
	t.Logf("one revocation: %v", each)

	elapsed = stopwatch()
	for i := range uint64(rounds) {
		if _, err := r.tree.Path(i); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("one path: %v", elapsed()/rounds)
	leaf := fakeCandidate(members - 1).leaf
	elapsed = stopwatch()
	if _, err := r.RevokeLeaf(leaf, testTime); err != nil {
		t.Fatal(err)
	}
	t.Logf("one revocation by leaf: %v", elapsed())
}

func stopwatch() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start).Round(time.Microsecond) }
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
