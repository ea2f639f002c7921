package mirror

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/zkkex/zkkex/registry"
)

// TestScale measures a mirror of many members: 20,000, or a million with
// ZKKEX_DEEP=1.
func TestScale(t *testing.T) {
	n := uint64(20_000)
	if os.Getenv("ZKKEX_DEEP") == "1" {
		n = 1_000_000
	}
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, n)
	s := newTestServer(t, l)
	dir := t.TempDir()
	m := mustMirror(t, dir, s.config())
	took := func(what string, f func()) {
		t.Helper()
		begin := time.Now()
		f()
		t.Logf("%d members: %s: %v", n, what, time.Since(begin))
	}
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	took("first sync, from loopback", func() {
		r := mustSync(t, m)
		t.Logf("%d requests, %d bytes", r.Requests, r.Bytes)
	})
	before := heap()
	var again *Mirror
	took("open", func() { again = mustMirror(t, dir, s.config()) })
	t.Logf("%d bytes of memory per member", (heap()-before)/n)
	took("path", func() { checkPath(t, again, leaf(n-1), l.tree.Root()) })

	l.revoke(t, 5)
	l.apply(t, registry.Operation{Kind: registry.Admit, KeyType: 1, Index: 5, Leaf: leaf(n)})
	s.serve(t, l, testTime.Add(time.Second))
	took("sync of two more operations", func() { mustSync(t, again) })
	took("path of before them", func() {
		path, c, err := again.PathAt(leaf(5), n)
		if err != nil {
			t.Fatal(err)
		}
		if root, err := path.Root(leaf(5)); err != nil || root != c.Root {
			t.Fatalf("path leads to %v (%v); want %v", root, err, c.Root)
		}
	})
}
