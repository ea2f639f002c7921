package bench

import (
	"context"
	"fmt"
	"runtime"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// memoryLimit is the memory of a tree, in bytes per member.
const memoryLimit = 100

// Numbers of operations of a sample.
const (
	changeBatch = 50
	pathBatch   = 1000
)

func (r *runner) tree(ctx context.Context) error {
	for _, members := range r.options.treeSizes() {
		r.progress(Tree, "%d members", members)
		if err := r.treeOf(ctx, members); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) treeOf(ctx context.Context, members int) error {
	ops := admissions(0, members)
	if _, err := r.measure(ctx, Tree, members, r.few(), task{name: "admit all at once", run: func() error {
		_, err := newTree(ops)
		return err
	}}); err != nil {
		return err
	}
	tree, size, err := weigh(ops)
	if err != nil {
		return err
	}
	if members >= large {
		r.report.target(fmt.Sprintf("memory of a tree of %d, per member", members), float64(size)/float64(members), "bytes", memoryLimit)
	}
	c := &changes{tree: tree, live: members}
	_, err = r.measure(ctx, Tree, members, min(r.options.rounds(), 10),
		task{name: "admit one", batch: changeBatch, run: c.admit},
		task{name: "revoke one", batch: changeBatch, run: c.revoke},
		task{name: "path", batch: pathBatch, run: c.path},
	)
	return err
}

func newTree(ops []registry.Operation) (*registry.Tree, error) {
	tree, err := registry.NewTree(registry.SmallCapacityBits)
	if err != nil {
		return nil, err
	}
	return tree, tree.ApplyAll(ops)
}

// weigh returns the tree and the bytes of heap it takes.
func weigh(ops []registry.Operation) (*registry.Tree, int64, error) {
	before := heap()
	tree, err := newTree(ops)
	if err != nil {
		return nil, 0, err
	}
	size := heap() - before
	runtime.KeepAlive(ops) // it was there before, and must not be missing now
	return tree, size, nil
}

// heap returns the bytes that are in use on the heap.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // the second one empties what pools have kept
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// changes makes single changes to a tree: admissions behind the last member,
// revocations of the first ones, and paths from anywhere.
type changes struct {
	tree    *registry.Tree
	live    int
	revoked uint64
	asked   uint64
}

func (c *changes) admit() error {
	return c.tree.Apply(admissions(int(c.tree.Next()), 1)[0])
}

func (c *changes) revoke() error {
	index := c.revoked
	c.revoked++
	return c.tree.Apply(registry.Operation{
		Kind:    registry.Revoke,
		KeyType: zkkex.KeyBabyJubjub,
		Index:   index,
		Leaf:    c.tree.Leaf(index),
	})
}

func (c *changes) path() error {
	const stride = 7919 // a prime, to hop about
	c.asked += stride
	_, err := c.tree.Path(c.asked % uint64(c.live))
	return err
}
