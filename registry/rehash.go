package registry

import (
	"runtime"
	"slices"
	"sync"

	"github.com/zkkex/zkkex/internal/field"
)

// parallelFrom is the number of nodes from which a level is hashed on several
// cores; a goroutine costs less than one hash.
const parallelFrom = 8

// rehash brings every node above the leaves that ops touched up to date. Each
// node is hashed once.
func (t *Tree) rehash(ops []Operation) {
	dirty := make([]uint64, 0, len(ops))
	for _, op := range ops {
		// A grow operation has index 0, and the nodes above leaf 0 are all
		// that changes when levels are added.
		dirty = append(dirty, op.Index/arity)
	}
	slices.Sort(dirty)
	for level := 1; level < len(t.levels); level++ {
		dirty = slices.Compact(dirty)
		t.rehashLevel(level, dirty)
		for i := range dirty {
			dirty[i] /= arity
		}
	}
	var top [topSize]field.Element
	for i := range top {
		top[i] = t.levels[len(t.levels)-1].at(uint64(i))
	}
	t.root = field.Compress4(top)
}

// rehashLevel recomputes the nodes at indexes, which are sorted.
func (t *Tree) rehashLevel(level int, indexes []uint64) {
	if len(indexes) == 0 {
		return
	}
	above, below := &t.levels[level], &t.levels[level-1]
	above.reach(indexes[len(indexes)-1])
	hash := func(part []uint64) {
		for _, i := range part {
			above.set(i, field.Compress8(below.group(i)))
		}
	}
	if len(indexes) < parallelFrom {
		hash(indexes)
		return
	}
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(indexes, (len(indexes)+workers-1)/workers) {
		wg.Go(func() { hash(part) })
	}
	wg.Wait()
}
