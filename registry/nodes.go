package registry

import (
	"sync"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

const (
	// arityBits is the base-2 logarithm of the arity of nodes below the top.
	arityBits = 3
	arity     = 1 << arityBits
	// topBits is the base-2 logarithm of the number of the root's children.
	topBits = 2
	topSize = 1 << topBits
	// chunkSize is the number of nodes allocated together: a multiple of the
	// arity, so that no group of siblings is split, and small, so that small
	// registries stay small.
	chunkSize = 512
)

// levelsOf returns the number of 8-ary levels of a tree: 6 or 10.
func levelsOf(capacityBits int) int { return (capacityBits - topBits) / arityBits }

const maxLevels = (LargeCapacityBits - topBits) / arityBits

// emptyNodes returns, for each level, the node of a subtree without members:
// zero for leaves, f_8 of eight of the level below for the others.
var emptyNodes = sync.OnceValue(func() *[maxLevels + 1]field.Element {
	var nodes [maxLevels + 1]field.Element
	for level := 1; level <= maxLevels; level++ {
		var children [arity]field.Element
		for i := range children {
			children[i] = nodes[level-1]
		}
		nodes[level] = field.Compress8(children)
	}
	return &nodes
})

// nodes is one level of the tree, as far as it was ever used. Nodes are kept
// as field elements, not as bytes, to save a conversion per child and hash.
type nodes struct {
	empty  field.Element
	chunks []*[chunkSize]field.Element
}

// at returns node i.
func (n *nodes) at(i uint64) field.Element {
	if i/chunkSize >= uint64(len(n.chunks)) {
		return n.empty
	}
	return n.chunks[i/chunkSize][i%chunkSize]
}

// set stores node i. The chunk must exist: see reach.
func (n *nodes) set(i uint64, v field.Element) { n.chunks[i/chunkSize][i%chunkSize] = v }

// reach allocates chunks up to the one of node i.
func (n *nodes) reach(i uint64) {
	for i/chunkSize >= uint64(len(n.chunks)) {
		chunk := new([chunkSize]field.Element)
		if !n.empty.IsZero() {
			for j := range chunk {
				chunk[j] = n.empty
			}
		}
		n.chunks = append(n.chunks, chunk)
	}
}

// group returns the eight siblings that start at node 8*g.
func (n *nodes) group(g uint64) (out [arity]field.Element) {
	first := g * arity
	if first/chunkSize >= uint64(len(n.chunks)) {
		for i := range out {
			out[i] = n.empty
		}
		return out
	}
	copy(out[:], n.chunks[first/chunkSize][first%chunkSize:])
	return out
}

// keyTypes is the key type of every leaf, 0 where there is none.
type keyTypes struct {
	chunks []*[chunkSize]zkkex.KeyType
}

func (k *keyTypes) at(i uint64) zkkex.KeyType {
	if i/chunkSize >= uint64(len(k.chunks)) {
		return 0
	}
	return k.chunks[i/chunkSize][i%chunkSize]
}

// set stores the key type of leaf i. The chunk must exist: see reach.
func (k *keyTypes) set(i uint64, t zkkex.KeyType) { k.chunks[i/chunkSize][i%chunkSize] = t }

func (k *keyTypes) reach(i uint64) {
	for i/chunkSize >= uint64(len(k.chunks)) {
		k.chunks = append(k.chunks, new([chunkSize]zkkex.KeyType))
	}
}
