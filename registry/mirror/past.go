package mirror

import (
	"maps"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/registry"
)

// arity is that of the member tree below its top, and topBits the base-2
// logarithm of the number of the root's children.
const (
	arityBits = 3
	arity     = 1 << arityBits
	topBits   = 2
)

// past is the member tree as it was before its latest operations: the present
// tree, and the nodes that were different.
type past struct {
	tree    *registry.Tree
	types   map[uint64]zkkex.KeyType // of the leaves that changed, 0 if there was none
	changed []map[uint64]registry.Node
	counts  map[zkkex.KeyType]uint64 // of live members
	bits    int                      // base-2 logarithm of the capacity
}

// newPast undoes the tree's latest operations. The tree stays as it is, and
// must stay as it is.
func newPast(tree *registry.Tree, undone []registry.Operation) (*past, error) {
	bits := tree.CapacityBits()
	p := &past{tree: tree, types: make(map[uint64]zkkex.KeyType), counts: tree.Counts()}
	leaves := make(map[uint64]registry.Node)
	for _, op := range slices.Backward(undone) {
		switch op.Kind {
		case registry.Admit:
			leaves[op.Index], p.types[op.Index] = registry.Node{}, 0
			p.counts[op.KeyType]--
		case registry.Revoke:
			leaves[op.Index], p.types[op.Index] = registry.Node(op.Leaf), op.KeyType
			p.counts[op.KeyType]++
		case registry.Grow:
			bits = registry.SmallCapacityBits
		}
	}
	maps.DeleteFunc(p.counts, func(_ zkkex.KeyType, n uint64) bool { return n == 0 })
	p.bits = bits
	p.changed = []map[uint64]registry.Node{leaves}
	for level := range (bits - topBits) / arityBits {
		above, err := p.rehash(level)
		if err != nil {
			return nil, err
		}
		p.changed = append(p.changed, above)
	}
	return p, nil
}

// rehash returns the nodes above those of a level that changed.
func (p *past) rehash(level int) (map[uint64]registry.Node, error) {
	above := make(map[uint64]registry.Node)
	for i := range p.changed[level] {
		parent := i / arity
		if _, done := above[parent]; done {
			continue
		}
		group, err := p.group(level, parent)
		if err != nil {
			return nil, err
		}
		var children [arity]field.Element
		for j, node := range group {
			if children[j], err = field.Parse(node); err != nil {
				return nil, err
			}
		}
		above[parent] = field.Bytes(field.Compress8(children))
	}
	return above, nil
}

// group returns the children, at a level, of a node of the next one.
func (p *past) group(level int, parent uint64) ([arity]registry.Node, error) {
	present, err := p.tree.Path(parent << (arityBits * (level + 1)))
	if err != nil {
		return [arity]registry.Node{}, err
	}
	group := present.Groups[level]
	for j := range group {
		if node, ok := p.changed[level][parent*arity+uint64(j)]; ok {
			group[j] = node
		}
	}
	return group, nil
}

// top returns the children of the root.
func (p *past) top() (top [1 << topBits]registry.Node, err error) {
	levels := len(p.changed) - 1
	present, err := p.tree.Path(0)
	if err != nil {
		return top, err
	}
	children := present.Top[:]
	if levels < len(present.Groups) {
		children = present.Groups[levels][:len(top)] // the capacity has grown since
	}
	copy(top[:], children)
	for i := range top {
		if node, ok := p.changed[levels][uint64(i)]; ok {
			top[i] = node
		}
	}
	return top, nil
}

func (p *past) root() (zkkex.Root, error) {
	top, err := p.top()
	if err != nil {
		return zkkex.Root{}, err
	}
	var children [1 << topBits]field.Element
	for i, node := range top {
		if children[i], err = field.Parse(node); err != nil {
			return zkkex.Root{}, err
		}
	}
	return field.Bytes(field.Compress4(children)), nil
}

// find returns the index of a leaf that was live, and its key type.
func (p *past) find(leaf zkkex.Commitment) (uint64, zkkex.KeyType, bool) {
	if leaf.IsEmpty() {
		return 0, 0, false
	}
	for index, node := range p.changed[0] {
		if node == registry.Node(leaf) {
			return index, p.types[index], true
		}
	}
	index, ok := p.tree.Find(leaf)
	if !ok {
		return 0, 0, false
	}
	if _, differs := p.changed[0][index]; differs {
		return 0, 0, false
	}
	return index, p.tree.KeyType(index), true
}

// path returns the way from a leaf to the root of then.
func (p *past) path(index uint64) (registry.Path, error) {
	levels := len(p.changed) - 1
	out := registry.Path{Index: index, Groups: make([][arity]registry.Node, levels)}
	var err error
	for level := range levels {
		if out.Groups[level], err = p.group(level, index>>(arityBits*(level+1))); err != nil {
			return registry.Path{}, err
		}
	}
	out.Top, err = p.top()
	return out, err
}
