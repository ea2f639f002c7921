package registrar

import (
	"runtime"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/race"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
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

// TestScaleOfDelegates measures a registry of 5,000 devices, and of a million with
// ZKKEX_DEEP=1, of which each delegates, renews, and delegates no more.
func TestScaleOfDelegates(t *testing.T) {
	devices := race.Share(5000)
	if deep() {
		devices = 1_000_000
	}
	dir, r := newRegistrar(t)
	if err := growFor(r, devices); err != nil {
		t.Fatal(err)
	}
	delegate := func(first uint64, until time.Duration) {
		for n := 0; n < devices; n += maxBatch / 2 {
			reqs := make([]*request, min(maxBatch/2, devices-n))
			for i := range reqs {
				device := *makeFakeCandidate(uint64(n + i))
				device.keyType = zkkex.KeyP256
				copy(device.key[1:], device.key[:keys.PointSize])
				device.key[0] = 2
				reqs[i] = fakeDelegation(&device, first+uint64(n+i), until)
			}
			r.submit(testTime, reqs...)
			for _, req := range reqs {
				if req.err != nil {
					t.Fatal(req.err)
				}
			}
		}
	}
	elapsed := stopwatch()
	delegate(0, day)
	t.Logf("admission of %d devices with delegates: %v", devices, elapsed())
	elapsed = stopwatch()
	delegate(0, 2*day)
	t.Logf("renewal: %v", elapsed())
	if len(r.revoked.byKey) != 0 {
		t.Errorf("%d revoked keys are remembered, of keys that are live", len(r.revoked.byKey))
	}

	mustClose(t, r)
	r = nil
	before := heap()
	elapsed = stopwatch()
	r = mustOpen(t, dir)
	t.Logf("open: %v", elapsed())
	if r.Delegates() != devices || r.Members(zkkex.KeyP256) != uint64(devices) || r.Members(zkkex.KeyBabyJubjub) != uint64(devices) {
		t.Fatalf("%d delegates of %d devices", r.Delegates(), r.Members(zkkex.KeyP256))
	}
	perLeaf := float64(heap()-before) / float64(2*devices)
	t.Logf("memory: %.1f bytes per leaf", perLeaf)
	if !race.Enabled && perLeaf > maxBytesPerMember {
		t.Errorf("memory: %.1f bytes per leaf, expected at most %d", perLeaf, maxBytesPerMember)
	}
	elapsed = stopwatch()
	if n, err := r.RevokeEnded(testTime.Add(day)); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	t.Logf("looking for delegations that ended: %v", elapsed())
	elapsed = stopwatch()
	if n, err := r.RevokeEnded(testTime.Add(2 * day)); n != devices || err != nil {
		t.Fatalf("%d ended, %v; expected all", n, err)
	}
	t.Logf("end of all delegations: %v, and %.1f bytes remembered of each", elapsed(), float64(heap()-before)/float64(devices)-2*perLeaf)
}

// growFor makes room for devices and their delegates.
func growFor(r *Registrar, devices int) error {
	if 2*devices <= 1<<registry.SmallCapacityBits {
		return nil
	}
	_, err := r.Grow(testTime)
	return err
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
